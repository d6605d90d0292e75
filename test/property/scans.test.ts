/** Scans and soft expiry of an engine against a plain model: a map of lives. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEngine, type Engine, type EngineOptions } from '../../src/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { matchesNaively } from '../support/glob-model.js';
import { verifyEngine } from '../support/held-shards.js';
import { seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';

interface Entry {
  readonly value: number;
  readonly expiryMs: number;
  isStale: boolean;
}

const letters = ['a', 'b', 'é', ':'];
const keys = fc
  .array(fc.constantFrom(...letters), { minLength: 1, maxLength: 4 })
  .map((all) => all.join(''));
const globs = fc
  .array(fc.constantFrom('*', '?', 'a', ':', '[ab]', '[^b]', 'é'), { minLength: 1, maxLength: 4 })
  .map((all) => all.join(''));
const prefixes = keys;
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      key: keys,
      ttlMs: fc.constantFrom(50, 100, Number.POSITIVE_INFINITY),
    }),
  },
  fc.record({
    kind: fc.constantFrom('delete' as const, 'add' as const, 'swap' as const),
    key: keys,
  }),
  fc.record({ kind: fc.constant('touch' as const), key: keys }),
  fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1, 49, 50) }),
  fc.record({ kind: fc.constant('clear' as const) }),
  fc.record({
    kind: fc.constantFrom('expirePrefix' as const, 'invalidatePrefix' as const),
    text: prefixes,
  }),
  fc.record({
    kind: fc.constantFrom('expireGlob' as const, 'invalidateGlob' as const),
    text: globs,
  }),
  fc.record({ kind: fc.constant('list' as const), text: globs }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

class Model {
  readonly clock = new FakeClock();
  readonly entries = new Map<string, Entry>();
  serial = 0;

  find(key: string): Entry | undefined {
    const entry = this.entries.get(key);
    return entry !== undefined && this.clock.nowMs() < entry.expiryMs ? entry : undefined;
  }

  isFresh(key: string): boolean {
    return this.find(key)?.isStale === false;
  }

  set(key: string, ttlMs: number): number {
    this.serial += 1;
    const expiryMs = this.clock.nowMs() + ttlMs;
    this.entries.set(key, { value: this.serial, expiryMs, isStale: false });
    return this.serial;
  }

  live(matches: (key: string) => boolean): string[] {
    return [...this.entries.keys()].filter((key) => this.find(key) !== undefined && matches(key));
  }

  invalidate(matches: (key: string) => boolean): { deleted: number; scanned: number } {
    const scanned = this.live(() => true).length;
    const gone = this.live(matches);
    for (const key of gone) this.entries.delete(key);
    return { deleted: gone.length, scanned };
  }

  expire(matches: (key: string) => boolean): { expired: number; scanned: number } {
    const fresh = this.live((key) => this.isFresh(key));
    const over = fresh.filter(matches);
    for (const key of over) (this.entries.get(key) as Entry).isStale = true;
    return { expired: over.length, scanned: fresh.length };
  }
}

async function listed(engine: Engine, glob: string): Promise<string[]> {
  const all: string[] = [];
  for await (const key of engine.keys({ glob })) all.push(key);
  return all.sort();
}

async function runWrite(engine: Engine, model: Model, step: Step): Promise<void> {
  if (step.kind === 'set') {
    const ttl = step.ttlMs === Number.POSITIVE_INFINITY ? 'never' : step.ttlMs;
    expect(await engine.set(step.key, model.set(step.key, step.ttlMs), { ttl })).toBe(true);
  } else if (step.kind === 'add') {
    const wasFresh = model.isFresh(step.key);
    const value = wasFresh ? 0 : model.set(step.key, Number.POSITIVE_INFINITY);
    expect(await engine.set(step.key, value, { only: 'absent' })).toBe(!wasFresh);
  } else if (step.kind === 'swap') {
    const old = model.isFresh(step.key) ? model.find(step.key)?.value : undefined;
    const value = model.set(step.key, Number.POSITIVE_INFINITY);
    expect(await engine.getAndSet(step.key, value)).toBe(old);
  } else if (step.kind === 'delete') {
    expect(await engine.delete(step.key)).toBe(model.find(step.key) !== undefined);
    model.entries.delete(step.key);
  } else if (step.kind === 'touch') {
    const isFresh = model.isFresh(step.key);
    expect(await engine.touch(step.key, 100)).toBe(isFresh);
    if (!isFresh) return;
    const { value } = model.find(step.key) as Entry;
    const expiryMs = model.clock.nowMs() + 100;
    model.entries.set(step.key, { value, expiryMs, isStale: false });
  } else if (step.kind === 'clear') {
    await engine.clear();
    model.entries.clear();
  }
}

async function run(engine: Engine, model: Model, step: Step): Promise<void> {
  if (step.kind === 'advance') model.clock.advance(step.ms);
  else if (step.kind === 'list') {
    const expected = model.live((key) => model.isFresh(key) && matchesNaively(key, step.text));
    expect(await listed(engine, step.text)).toEqual(expected.sort());
  } else if (step.kind === 'expirePrefix' || step.kind === 'invalidatePrefix') {
    const matches = (key: string): boolean => key.startsWith(step.text);
    const isSoft = step.kind === 'expirePrefix';
    const expected = isSoft ? model.expire(matches) : model.invalidate(matches);
    expect(await engine[step.kind](step.text)).toEqual(expected);
  } else if (step.kind === 'expireGlob' || step.kind === 'invalidateGlob') {
    const matches = (key: string): boolean => matchesNaively(key, step.text);
    const isSoft = step.kind === 'expireGlob';
    const expected = isSoft ? model.expire(matches) : model.invalidate(matches);
    expect(await engine[step.kind](step.text)).toEqual(expected);
  } else await runWrite(engine, model, step);
}

function check(engine: Engine, model: Model): void {
  for (const key of model.entries.keys()) {
    const entry = model.find(key);
    const state = entry === undefined ? 'miss' : entry.isStale ? 'stale' : 'hit';
    const meta = engine.getWithMeta(key);
    expect([key, meta.state, meta.value]).toEqual([key, state, entry?.value]);
    expect(engine.get(key)).toBe(state === 'hit' ? entry?.value : undefined);
    expect(engine.has(key)).toBe(state === 'hit');
  }
}

test.each<readonly [string, EngineOptions]>([
  ['one shard', { shards: 1 }],
  ['several shards', { memory: '16mb', shards: 4 }],
  ['rings', { shards: 1, writes: { kind: 'ring' } }],
])('%s: scans do what the model says', async (_, options) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const model = new Model();
      const { clock } = model;
      const engine = await createEngine({ memory: '8mb', workers: 0, ...options, clock });
      try {
        for (const one of steps) {
          await run(engine, model, one);
          check(engine, model);
        }
        expect(verifyEngine(engine)).toEqual([]);
      } finally {
        await engine.close();
      }
    }),
    { seed: seedFromEnvironment(), numRuns: scaled(40) },
  );
});
