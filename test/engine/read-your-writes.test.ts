/**
 * Read-your-writes: random writes that nobody awaits, while another thread keeps the shards busy.
 * Every read of the thread's own keys agrees with a model at once, every promise resolves to what
 * the model says, and at the end shared memory holds what the model holds.
 */
import { describe, expect, test } from 'vitest';
import { attachEngine, createEngine, type Engine, type Keyspace } from '../../src/index.js';
import { startContention } from '../support/contention.js';
import { verifyEngine } from '../support/held-shards.js';
import { createPrng, type Prng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { settles, turns } from '../support/until.js';
import { isSame, shown, valueFor, WriteModel } from './write-model.js';

const KEYS = 12;
const STEPS = 3_000;
const HISTORY_LINES = 12;
const TEST_PATH = 'test/engine/read-your-writes.test.ts';

/** One run of random steps against one namespace of an engine. */
class Run {
  readonly space: Keyspace;
  readonly random: Prng;
  readonly model = new WriteModel();
  readonly problems: string[] = [];
  private readonly open = new Set<Promise<void>>();
  private step = 0;
  /** What was done to each key lately, for the report of a problem. */
  private readonly history = new Map<string, string[]>();

  constructor(space: Keyspace, random: Prng) {
    this.space = space;
    this.random = random;
  }

  async steps(count: number): Promise<void> {
    for (let index = 0; index < count && this.problems.length === 0; index++) {
      this.step += 1;
      this.act(`own ${this.random.nextBelow(KEYS)}`);
      await this.maybeWait();
    }
    await settles('all writes', Promise.all(this.open));
    this.readAll();
  }

  private act(key: string): void {
    const choice = this.random.nextBelow(100);
    if (choice < 40) this.read(key);
    else if (choice < 70) this.set(key);
    else if (choice < 80) this.remove(key);
    else if (choice < 88) this.setIf(key);
    else if (choice < 98) this.swap(key);
    else if (choice < 99 && this.random.nextBelow(4) === 0) this.clear();
    else this.readAll();
  }

  /** Mostly goes on at once; sometimes lets answers come, sometimes waits for all of them. */
  private async maybeWait(): Promise<void> {
    const choice = this.random.nextBelow(200);
    if (choice === 0) await settles('all writes', Promise.all(this.open));
    else if (choice < 4) await turns(1);
    else if (choice < 12) await Promise.resolve();
  }

  private note(key: string, what: string): void {
    const lines = this.history.get(key) ?? [];
    lines.push(`${this.step}: ${what}`);
    this.history.set(key, lines.slice(-HISTORY_LINES));
  }

  private set(key: string): void {
    const value = valueFor(this.step, this.random);
    this.model.write(key, value);
    this.expectAnswer(key, 'set', this.space.set(key, value), true);
  }

  private remove(key: string): void {
    const old = this.model.write(key, undefined);
    this.expectAnswer(key, 'delete', this.space.delete(key), old !== undefined);
  }

  private setIf(key: string): void {
    const value = valueFor(this.step, this.random);
    const only = this.random.pick(['absent', 'present'] as const);
    const [holds, settled] = this.model.writeIf(key, value, only);
    const answer = this.space.set(key, value, { only }).finally(settled);
    this.expectAnswer(key, `set if ${only}`, answer, holds);
  }

  private swap(key: string): void {
    const value = valueFor(this.step, this.random);
    const old = this.model.write(key, value);
    this.expectAnswer(key, 'getAndSet', this.space.getAndSet(key, value), old);
    // Refused before it is sent; must not disturb the others on their way.
    if (this.step % 10 === 0) {
      const tooLarge = this.space.getAndSet(key, Buffer.alloc(9_000_000));
      this.expectAnswer(
        key,
        'getAndSet too large',
        tooLarge.catch((error) => error.code),
        'ERR_CACHE_VALUE_TOO_LARGE',
      );
    }
  }

  private clear(): void {
    this.model.clear();
    this.expectAnswer('', 'clear', this.space.clear(), undefined);
  }

  private expectAnswer(
    key: string,
    what: string,
    answer: Promise<unknown>,
    expected: unknown,
  ): void {
    const { step } = this;
    this.note(key, `${what}, expecting ${shown(expected)}`);
    const judge = this.model.expectAnswer(expected);
    const judged = answer
      .then(judge, (error: Error) => `was refused: ${error.message}`)
      .then((problem) => {
        if (problem !== undefined) this.report(key, `step ${step}: ${what} ${key} ${problem}`);
        else this.note(key, `answer of step ${step}`);
        this.open.delete(judged);
      });
    this.open.add(judged);
  }

  private readAll(): void {
    for (const key of this.model.keys.keys()) this.read(key);
  }

  /** One of the ways to read; all must agree with the model. */
  private read(key: string): void {
    if (!this.model.isCertain(key)) return;
    const expected = this.model.keyOf(key).value;
    const [way, answer] = this.readBy(this.random.nextBelow(6), key, expected);
    if (isSame(answer, expected)) return;
    this.report(
      key,
      `step ${this.step}: ${way} ${key} gave ${shown(answer)}, not ${shown(expected)}`,
    );
  }

  private report(key: string, problem: string): void {
    this.problems.push([problem, ...(this.history.get(key) ?? [])].join('\n    '));
  }

  private readBy(way: number, key: string, expected: Buffer | undefined): [string, unknown] {
    const { space } = this;
    switch (way) {
      case 0:
        return ['has', space.has(key) === (expected !== undefined) ? expected : 'the opposite'];
      case 1:
        return ['getBytes', space.getBytes(key)];
      case 2: {
        const view = space.getView(key);
        return ['getView', view === undefined ? view : Buffer.concat([...view.chunks])];
      }
      case 3:
        return ['getWithMeta', space.getWithMeta(key).value];
      case 4: {
        const target = Buffer.alloc(60_000);
        const bytes = space.readInto(key, target);
        return ['readInto', bytes < 0 ? undefined : target.subarray(0, bytes)];
      }
      default:
        return ['get', space.get(key)];
    }
  }
}

async function runBeside(engine: Engine, acting: Engine, seed: number): Promise<string[]> {
  const stopContention = await startContention(engine);
  const run = new Run(acting.namespace('own'), createPrng(seed));
  try {
    await run.steps(scaled(STEPS));
  } finally {
    await stopContention();
  }
  return run.problems;
}

describe.each([
  ['ring', 1],
  ['ring', 2],
  ['inplace', 1],
  ['inplace', 2],
  ['inplace', 0],
] as const)('writes %s with %i workers', (writes, workers) => {
  test.each(['the creator', 'an attached engine'])('%s reads its own writes', async (who) => {
    const seed = seedFromEnvironment();
    const engine = await createEngine({
      memory: '16mb',
      workers,
      shards: Math.max(1, workers),
      writes: { kind: writes },
    });
    const acting = who === 'the creator' ? engine : attachEngine(engine.handle());
    const problems = await runBeside(engine, acting, seed);
    expect(problems, replayCommand(seed, TEST_PATH)).toEqual([]);
    // Evictions would be misses that the model does not know.
    expect(engine.stats().evictions).toBe(0);
    expect(verifyEngine(engine)).toEqual([]);
    if (acting !== engine) await acting.close();
    await engine.close();
  });
});
