/**
 * Threads that live on after they were cut off inside a call: by a stack overflow, by a `vm`
 * time-out. Their shard is recovered with all its entries, and they go on.
 */
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine, type EngineOptions } from '../../src/index.js';
import { AttachedThread } from '../support/attached-thread.js';
import { holdShard, openStripes, ownerMark, verifyEngine } from '../support/held-shards.js';
import { scaled } from '../support/scale.js';
import { settles } from '../support/until.js';

const SETTLE_MS_MAX = 10_000;
const engines: Engine[] = [];

async function open(options: EngineOptions): Promise<Engine> {
  const engine = await createEngine(options);
  engines.push(engine);
  return engine;
}

afterEach(async () => {
  for (const engine of engines.splice(0)) await settles('close', engine.close(), SETTLE_MS_MAX);
});

/** Calls at every depth of the stack, down to where it overflows; how many calls threw. */
function overflow(call: (depth: number) => void): number {
  let thrown = 0;
  const descend = (depth: number): void => {
    try {
      descend(depth + 1);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      thrown += 1;
    }
    if (thrown > 0 && thrown < 60) {
      thrown += 1;
      call(depth);
    }
  };
  descend(0);
  return thrown;
}

async function fill(engine: Engine, count: number): Promise<void> {
  await engine.setMany(Array.from({ length: count }, (_, index) => [`k${index}`, index] as const));
}

describe.each([
  ['no home worker', { workers: 0 }],
  ['a home worker', { workers: 1 }],
])('with %s', (_, options: EngineOptions) => {
  test('writes and reads at the end of the stack lose nothing and hang nobody', async () => {
    const engine = await open({ ...options, memory: '8mb' });
    await fill(engine, 500);
    const answers: Promise<unknown>[] = [];
    for (let round = 0; round < scaled(5); round++) {
      const value = 'x'.repeat(round * 40);
      overflow((depth) => {
        try {
          answers.push(engine.set(`deep ${depth % 7}`, value));
          engine.get(`k${depth % 500}`);
        } catch (error) {
          // No room for a frame of the binding.
          expect(error).toBeInstanceOf(RangeError);
        }
      });
    }
    const outcomes = await settles('writes', Promise.allSettled(answers), SETTLE_MS_MAX);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      const { code } = outcome.reason as { code?: string };
      const isHonest = code === 'ERR_CACHE_OUTCOME_UNKNOWN' || outcome.reason instanceof RangeError;
      expect(isHonest, String(outcome.reason)).toBe(true);
    }
    expect(await settles('a write', engine.set('after', 1), SETTLE_MS_MAX)).toBe(true);
    for (let index = 0; index < 500; index++) expect(engine.get(`k${index}`)).toBe(index);
    expect(engine.stats().pendingWrites).toBe(0);
    expect(verifyEngine(engine)).toEqual([]);
  });

  test('a vm time-out in the middle of writes loses nothing and hangs nobody', async () => {
    const engine = await open({ ...options, memory: '8mb' });
    await fill(engine, 500);
    for (let round = 0; round < scaled(5); round++) {
      const run = (): unknown =>
        runInNewContext(
          'for (let i = 0; ; i++) { engine.set("vm " + (i % 50), value); engine.get("k1"); }',
          { engine, value: 'y'.repeat(round * 300) },
          { timeout: 5 },
        );
      expect(run).toThrow(/timed out/);
      expect(await settles('a write', engine.set(`after ${round}`, 1), SETTLE_MS_MAX)).toBe(true);
    }
    for (let index = 0; index < 500; index++) expect(engine.get(`k${index}`)).toBe(index);
    expect(verifyEngine(engine)).toEqual([]);
  });

  test('a shard that this thread was cut off with is recovered by its next write', async () => {
    const engine = await open({ ...options, memory: '8mb' });
    await fill(engine, 500);
    const homes = options.workers ?? 0;
    const own = engine.stats().threads.find(({ threadId }) => threadId >= homes)?.threadId ?? 0;
    holdShard(engine.handle(), 0, ownerMark(engine.handle(), own));
    openStripes(engine.handle(), 0);
    expect(await settles('a write', engine.set('after', 1), SETTLE_MS_MAX)).toBe(true);
    for (let index = 0; index < 500; index++) expect(engine.get(`k${index}`)).toBe(index);
    expect(verifyEngine(engine)).toEqual([]);
  });
});

test('a thread that was cut off and calls nothing more is no obstacle to others', async () => {
  const engine = await open({ memory: '8mb', workers: 1 });
  await fill(engine, 500);
  const other = new AttachedThread(engine.handle());
  try {
    const before = engine.stats().threads.map(({ threadId }) => threadId);
    await other.call('attach');
    const ids = engine.stats().threads.map(({ threadId }) => threadId);
    const otherId = ids.find((id) => !before.includes(id)) ?? -1;
    holdShard(engine.handle(), 0, ownerMark(engine.handle(), otherId));
    openStripes(engine.handle(), 0);
    expect(await settles('a write', engine.set('after', 1), SETTLE_MS_MAX)).toBe(true);
    for (let index = 0; index < 500; index++) expect(engine.get(`k${index}`)).toBe(index);
    expect(verifyEngine(engine)).toEqual([]);
  } finally {
    await other.terminate();
  }
});
