/** Attached threads that are cut off anywhere: the engine goes on, nobody waits for the dead. */
import { afterEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine, type EngineOptions } from '../../src/index.js';
import { AttachedThread, startFixture } from '../support/attached-thread.js';
import { ENGINE_KINDS } from '../support/engine-kinds.js';
import { holdShard, ownerMark, verifyEngine } from '../support/held-shards.js';
import { createPrng, type Prng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { settles, turns, until } from '../support/until.js';

const THREADS = 2;
const engines: Engine[] = [];

async function open(options: EngineOptions): Promise<Engine> {
  const engine = await createEngine(options);
  engines.push(engine);
  return engine;
}

afterEach(async () => {
  for (const engine of engines.splice(0)) await settles('close', engine.close(), 5_000);
});

/** Starts threads that do everything at once, and ends them at a random moment. */
async function liveAndDie(engine: Engine, random: Prng): Promise<void> {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const threads = Array.from({ length: THREADS }, (_, index) =>
    startFixture('restless-thread.mjs', {
      handle: engine.handle(),
      words,
      stride: index === 0 ? 7_919 : 104_729,
    }),
  );
  const errors: Error[] = [];
  for (const thread of threads) thread.on('error', (error) => errors.push(error));
  const steps = 300 * (1 + random.nextBelow(60));
  await until(
    'the threads are at work',
    () => Atomics.load(words, 0) >= steps || errors.length > 0,
  );
  await turns(random.nextBelow(4));
  for (const thread of threads) void thread.terminate();
  // Reads and writes go on meanwhile, and none of them hangs.
  await settles('a write beside the dying', engine.set('beside', steps), 10_000);
  expect(engine.get('beside')).toBe(steps);
  await Promise.all(threads.map((thread) => thread.terminate()));
  expect(errors).toEqual([]);
}

describe.each(ENGINE_KINDS)('threads that end under load with %s', (_, options) => {
  test('leave an engine that works, with all its slots and all its memory', async () => {
    const seed = seedFromEnvironment();
    const random = createPrng(seed);
    const replay = replayCommand(seed, 'test/workers/thread-death.test.ts');
    const engine = await open({ ...options, memory: '16mb' });
    for (let round = 0; round < scaled(5); round++) {
      await liveAndDie(engine, random);
      expect(await settles('a write', engine.set(`k${round}`, round), 10_000), replay).toBe(true);
      expect(engine.get(`k${round}`), replay).toBe(round);
      const large = engine.set('large', Buffer.alloc(100_000, round));
      expect(await settles('a large write', large, 10_000), replay).toBe(true);
    }
    const before = engine.stats().threads.length;
    // Supervision looks every second; without home workers the next thread that attaches does.
    if (options.workers !== 0) {
      const own = 1 + (options.workers ?? 0);
      await until('all slots are free', () => engine.stats().threads.length === own);
    }
    expect(before).toBeLessThanOrEqual(engine.stats().threads.length + THREADS * scaled(5));
    expect(verifyEngine(engine), replay).toEqual([]);
    expect(engine.stats().bytes).toBeLessThanOrEqual(engine.stats().memoryBytes);
  });
});

test('threads that died together are cleared away without blocking the event loop', async () => {
  const engine = await open({ memory: '16mb', workers: 1 });
  const threads = Array.from({ length: 4 }, () => new AttachedThread(engine.handle()));
  for (const thread of threads) await thread.call('attach');
  const last = Math.max(...engine.stats().threads.map(({ threadId }) => threadId));
  await Promise.all(threads.map((thread) => thread.terminate()));
  // The one in the highest slot held the shard.
  holdShard(engine.handle(), 0, ownerMark(engine.handle(), last));
  let longestMs = 0;
  let lastMs = performance.now();
  await until('all slots are free', () => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
    return engine.stats().threads.length === 2;
  });
  // One thread's patience with a held shard would be seconds.
  expect(longestMs).toBeLessThan(1_000);
  expect(await engine.set('k', 1)).toBe(true);
});

test('a thread that ended while it held a view does not keep its memory', async () => {
  const engine = await open({ memory: '8mb', workers: 1 });
  await engine.set('large', Buffer.alloc(1_000_000));
  const { bytes } = engine.stats();
  const thread = new AttachedThread(engine.handle());
  await thread.call('attach');
  await thread.call('holdView', 'large');
  await thread.terminate();
  for (let round = 0; round < 20; round++)
    await engine.set('large', Buffer.alloc(1_000_000, round));
  await until('the slot is free', () => engine.stats().threads.length === 2);
  await engine.set('large', Buffer.alloc(1_000_000));
  expect(engine.stats()).toMatchObject({ bytes, evictions: 0 });
  expect(verifyEngine(engine)).toEqual([]);
});
