/** More writes than are applied at once: they wait, in order; at some point they are refused. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine, type WriteFailedEvent } from '../../src/index.js';
import { runChild } from '../support/child-run.js';
import { startContention } from '../support/contention.js';
import { holdShards, verifyEngine } from '../support/held-shards.js';
import { settles } from '../support/until.js';

const TINY = { memory: '8mb', workers: 1 } as const;
const MIB = 1_024 ** 2;

describe.each(['ring', 'inplace'] as const)('50,000 writes at once, %s', (kind) => {
  let engine: Engine;

  beforeEach(async () => {
    engine = await createEngine({ ...TINY, writes: { kind } });
  });

  afterEach(() => engine.close());

  test('are all applied, each once and in the order of its key', async () => {
    const keys = 100;
    const count = 50_000;
    const stopContention = await startContention(engine);
    const answers: Promise<number | undefined>[] = [];
    for (let index = 0; index < count; index++) {
      answers.push(engine.getAndSet<number>(`k${index % keys}`, index));
    }
    expect(engine.getMany(['k0', 'k99'])).toEqual([count - keys, count - 1]);
    const olds = await settles('all writes', Promise.all(answers));
    await stopContention();
    // Each write gives back the one before it: none was lost, doubled, or overtaken.
    expect(olds).toEqual(
      Array.from({ length: count }, (_, index) => (index < keys ? undefined : index - keys)),
    );
    expect(engine.stats()).toMatchObject({ pendingWrites: 0, failedWrites: 0, evictions: 0 });
    expect(verifyEngine(engine)).toEqual([]);
  });

  test('leave the event loop its turns while they wait', async () => {
    const letGo = holdShards(engine);
    let settledCount = 0;
    const answers = Array.from({ length: 50_000 }, (_, index) =>
      engine.set(`k${index % 100}`, index).then(() => {
        settledCount += 1;
      }),
    );
    let turnCount = 0;
    const turn = (): void => {
      turnCount += 1;
      if (settledCount < answers.length) setImmediate(turn);
    };
    setImmediate(turn);
    letGo();
    await settles('all writes', Promise.all(answers));
    expect(turnCount).toBeGreaterThan(20);
  });
});

describe('more than the queue holds', () => {
  const failures: WriteFailedEvent[] = [];
  const note = (event: unknown): void => {
    failures.push(event as WriteFailedEvent);
  };
  let engine: Engine;

  beforeEach(async () => {
    failures.length = 0;
    subscribe('hotshard:write-failed', note);
    engine = await createEngine({ ...TINY, writes: { kind: 'ring' } });
  });

  afterEach(async () => {
    unsubscribe('hotshard:write-failed', note);
    await engine.close();
  });

  test('is refused at once, and nothing that was accepted is lost', async () => {
    const keys = 50;
    const last = new Map<string, number>();
    const letGo = holdShards(engine);
    const filler = 'x'.repeat(3_000);
    const outcomes = Array.from({ length: 20_000 }, (_, index) =>
      engine.set(`k${index % keys}`, `${index}:${filler}`).then(
        () => last.set(`k${index % keys}`, index) && 'stored',
        (error) => `${error.code} ${error.retryable}`,
      ),
    );
    // Refusals come before anything is applied.
    const pending = engine.stats().pendingWrites;
    expect(pending).toBe(keys);
    letGo();
    const answers = await settles('all writes', Promise.all(outcomes));
    const storedCount = answers.filter((answer) => answer === 'stored').length;
    const refusedCount = answers.filter((answer) => answer === 'ERR_CACHE_OVERLOADED true').length;
    expect(storedCount + refusedCount).toBe(answers.length);
    // The queue's bound is 64 MiB of this thread's heap; text takes two bytes a character there.
    expect(storedCount).toBeGreaterThan((64 * MIB) / 7_000);
    expect(storedCount).toBeLessThan((66 * MIB) / 3_000);
    for (const [key, index] of last)
      expect(engine.get<string>(key)?.startsWith(`${index}:`)).toBe(true);
    expect(engine.stats()).toMatchObject({ failedWrites: refusedCount, pendingWrites: 0 });
    expect(failures).toHaveLength(refusedCount);
    expect(failures.every(({ key, error }) => key.startsWith('k') && error.retryable)).toBe(true);
  });

  test('keeps old values of getAndSet from leaking when their release has to queue', async () => {
    const large = Buffer.alloc(100_000);
    const filler = Buffer.alloc(60_000);
    for (let round = 0; round < 4; round++) {
      const letGo = holdShards(engine);
      const swaps = Array.from({ length: 20 }, () => engine.getAndSet('swap', large));
      const fillers = Array.from({ length: 1_200 }, (_, index) =>
        engine.set(`f${index % 5}`, filler).catch(() => false),
      );
      letGo();
      await settles('all writes', Promise.all([...swaps, ...fillers]));
    }
    expect(engine.stats().evictions).toBe(0);
    expect(await engine.deleteMany(['swap', 'f0', 'f1', 'f2', 'f3', 'f4'])).toBe(6);
    expect(engine.stats()).toMatchObject({ items: 0, bytes: 0 });
    expect(verifyEngine(engine)).toEqual([]);
  });

  test('is let in again as soon as there is room', async () => {
    const letGo = holdShards(engine);
    const value = Buffer.alloc(1_000_000);
    const first = Array.from({ length: 80 }, (_, index) =>
      engine.set(`k${index % 2}`, value).then(
        () => true,
        () => false,
      ),
    );
    await expect(engine.set('k2', value)).rejects.toMatchObject({ code: 'ERR_CACHE_OVERLOADED' });
    letGo();
    await settles('the first writes', Promise.all(first));
    expect(await engine.set('k2', 'small')).toBe(true);
    expect(engine.get('k2')).toBe('small');
  });
});

test('a write that fails while nobody awaits it is counted and published, harming nobody', async () => {
  const child = await runChild('unawaited-writes.mjs', []);
  expect(child).toMatchObject({ code: 0, signal: null, stderr: '' });
  const report = JSON.parse(child.stdout);
  expect(report.overloaded).toBeGreaterThan(0);
  expect(report.tooLarge).toBe(2);
  expect(report.failedWrites).toBe(report.overloaded + report.tooLarge);
  expect(report.rejections).toBe(0);
});
