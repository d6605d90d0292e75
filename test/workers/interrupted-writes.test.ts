/**
 * Threads that end in the middle of a write, put together by hand: the owner word names them,
 * stripes are open, a command is taken. What they held is recovered; nobody waits for them.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { attachEngine, createEngine, type Engine, type EngineOptions } from '../../src/index.js';
import { AttachedThread } from '../support/attached-thread.js';
import { deadThread } from '../support/dead-thread.js';
import { ENGINE_KINDS } from '../support/engine-kinds.js';
import {
  holdShard,
  openStripes,
  ownerMark,
  takeCommand,
  verifyEngine,
} from '../support/held-shards.js';
import { WatchedEngine } from '../support/home-workers.js';
import { settles } from '../support/until.js';

const KINDS = ENGINE_KINDS.filter((_, index) => index % 3 !== 1);
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

/** Shard 0 as a thread leaves it that dies in the middle of a change. */
async function cutOff(engine: Engine): Promise<void> {
  const dead = await deadThread(engine);
  holdShard(engine.handle(), 0, ownerMark(engine.handle(), dead));
  openStripes(engine.handle(), 0);
}

describe.each(KINDS)('a shard that a dead thread holds, with %s', (_, options) => {
  test('is recovered: what waited is applied, reads say busy, then go on', async () => {
    const engine = await open(options);
    await engine.set('before', 1);
    await cutOff(engine);
    const answers = Array.from({ length: 300 }, (__, index) => engine.set(`k${index}`, index));
    // Own writes are read at once; of others nothing is known, and that is said in time.
    expect(engine.get('k299')).toBe(299);
    engine.get('before');
    expect(['hit', 'miss', 'busy']).toContain(engine.readState());
    const outcomes = await settles('writes', Promise.all(answers), SETTLE_MS_MAX);
    expect(outcomes).not.toContain(false);
    expect(engine.getMany(['k0', 'k299'])).toEqual([0, 299]);
    expect(engine.get('before')).toBe(1);
    expect(engine.readState()).not.toBe('busy');
    expect(verifyEngine(engine)).toEqual([]);
  });

  test('does not hold up a close', async () => {
    const engine = await open(options);
    await cutOff(engine);
    const startMs = performance.now();
    await settles('close', engine.close(), SETTLE_MS_MAX);
    // Far below the time for which a thread waits for a shard when it attaches.
    expect(performance.now() - startMs).toBeLessThan(3_000);
  });

  test('does not keep others from attaching', async () => {
    const engine = await open(options);
    await cutOff(engine);
    const thread = new AttachedThread(engine.handle());
    expect(await settles('attach', thread.call('attach'), SETTLE_MS_MAX)).toBe(true);
    expect(await settles('a write', thread.call('set', 'k', 1), SETTLE_MS_MAX)).toBe(true);
    expect(engine.get('k')).toBe(1);
    await thread.terminate();
  });

  test('keeps its entries, as all others do', async () => {
    const engine = await open({ ...options, memory: '32mb', shards: 4 });
    const entries = Array.from({ length: 400 }, (__, index) => [`k${index}`, index] as const);
    await engine.setMany(entries);
    const before = engine.stats().shards.map(({ items }) => items);
    await cutOff(engine);
    const touched = entries.map(([key]) => engine.touch(key, 'never'));
    const there = await settles('touches of all shards', Promise.all(touched), SETTLE_MS_MAX);
    expect(there).not.toContain(false);
    expect(entries.filter(([key, value]) => engine.get(key) !== value)).toEqual([]);
    expect(engine.stats().shards.map(({ items }) => items)).toEqual(before);
    expect(verifyEngine(engine)).toEqual([]);
  });
});

describe('a home worker that dies in the middle of a write', () => {
  test('loses no entry; its loss is published', async () => {
    const watched = await WatchedEngine.create({ memory: '32mb', workers: 1, shards: 4 });
    const { engine } = watched;
    const entries = Array.from({ length: 400 }, (_, index) => [`k${index}`, index] as const);
    await engine.setMany(entries);
    const before = engine.stats().shards.map(({ items }) => items);
    const home = watched.homes[2] ?? 0;
    holdShard(engine.handle(), 2, ownerMark(engine.handle(), home));
    openStripes(engine.handle(), 2);
    await watched.lose(watched.workers[0]);
    expect(watched.losses[0]).toMatchObject({ shardsRecovered: [2], restarted: true });
    const after = engine.stats().shards.map(({ items }) => items);
    expect(after).toEqual(before);
    expect(entries.filter(([key, value]) => engine.get(key) !== value)).toEqual([]);
    expect(await settles('writes', engine.setMany(entries))).toBe(400);
    expect(verifyEngine(engine)).toEqual([]);
    await watched.close();
  });

  test('answers the command that it had begun as unknown; those behind it run', async () => {
    const watched = await WatchedEngine.create({ memory: '8mb', workers: 1 });
    const { engine } = watched;
    const [home] = watched.homes;
    const own = engine.stats().threads.find(({ threadId }) => threadId !== home)?.threadId ?? 0;
    holdShard(engine.handle(), 0, ownerMark(engine.handle(), home ?? 0));
    const begun = engine.set('begun', 1);
    const behind = Array.from({ length: 50 }, (_, index) => engine.getAndSet('behind', index));
    takeCommand(engine.handle(), own, 0);
    await watched.lose(watched.workers[0]);
    await expect(settles('the command begun', begun)).rejects.toMatchObject({
      code: 'ERR_CACHE_OUTCOME_UNKNOWN',
      retryable: true,
    });
    const olds = await settles('those behind', Promise.all(behind));
    expect(olds).toEqual([undefined, ...Array.from({ length: 49 }, (_, index) => index)]);
    expect(engine.get('behind')).toBe(49);
    expect(engine.stats()).toMatchObject({ failedWrites: 1, pendingWrites: 0 });
    expect(verifyEngine(engine)).toEqual([]);
    await watched.close();
  });

  test('answers a condition that it had begun as unknown, and not to be repeated', async () => {
    const watched = await WatchedEngine.create({ memory: '8mb', workers: 1 });
    const { engine } = watched;
    const [home] = watched.homes;
    const own = engine.stats().threads.find(({ threadId }) => threadId !== home)?.threadId ?? 0;
    holdShard(engine.handle(), 0, ownerMark(engine.handle(), home ?? 0));
    const begun = engine.set('begun', 1, { only: 'absent' });
    takeCommand(engine.handle(), own, 0);
    await watched.lose(watched.workers[0]);
    await expect(settles('the command begun', begun)).rejects.toMatchObject({
      code: 'ERR_CACHE_OUTCOME_UNKNOWN',
      retryable: false,
    });
    await watched.close();
  });
});

test('a view of a thread stays whole when its shard is recovered', async () => {
  const engine = await open({ memory: '8mb', workers: 1 });
  const reader = attachEngine(engine.handle());
  const value = Buffer.alloc(300_000, 'still held ');
  await engine.set('held', value);
  const chunks = reader.getView('held')?.chunks ?? [];
  await cutOff(engine);
  for (let index = 0; index < 100; index++) {
    const other = engine.set(`other ${index % 10}`, Buffer.alloc(200_000, index));
    expect(await settles('a write', other, SETTLE_MS_MAX)).toBe(true);
  }
  expect(Buffer.compare(Buffer.concat(chunks), value)).toBe(0);
  await reader.close();
  expect(verifyEngine(engine)).toEqual([]);
});
