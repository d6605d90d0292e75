/** Home workers become more or fewer while an engine is used: nothing is lost, stale or moved. */
import { afterEach, describe, expect, test } from 'vitest';
import { attachEngine, createEngine, type EngineOptions } from '../../src/index.js';
import { AttachedThread, endOf, messageOf, startFixture } from '../support/attached-thread.js';
import { verifyEngine } from '../support/held-shards.js';
import { WatchedEngine } from '../support/home-workers.js';
import { createPrng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { settles, turns, until } from '../support/until.js';

const TEST_PATH = 'test/workers/resize.test.ts';
const RESIZES = 60;
const THREADS = 3;
const opened: WatchedEngine[] = [];

async function open(options: EngineOptions): Promise<WatchedEngine> {
  const watched = await WatchedEngine.create(options);
  opened.push(watched);
  return watched;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((watched) => settles('close', watched.close())));
});

function freePages({ engine }: WatchedEngine): number[] {
  return engine.stats().shards.map((shard) => shard.freePages);
}

function living({ workers }: WatchedEngine): number {
  return workers.filter(({ threadId }) => threadId >= 0).length;
}

describe('resize', () => {
  test('starts and ends threads, gives slots and pages back, moves no entry', async () => {
    const watched = await open({ memory: '128mb', workers: 0, shards: 16 });
    const { engine } = watched;
    const entries = Array.from({ length: 1_000 }, (_, index) => [`k${index}`, index] as const);
    await engine.setMany(entries);
    const items = engine.stats().shards.map((shard) => shard.items);
    const pages = freePages(watched);
    for (const workers of [1, 3, 8, 5, 2, 0, 4, 0]) {
      const before = watched.homes;
      const { shardsMoved } = await settles('resize', engine.resize({ workers }));
      expect(living(watched)).toBe(workers);
      expect(engine.stats().threads).toHaveLength(workers + 1);
      expect(freePages(watched)).toEqual(pages.map((count) => count - workers));
      const after = watched.homes;
      expect(new Set(after.filter((home) => home >= 0)).size).toBeLessThanOrEqual(workers);
      expect(after.every((home) => home >= 0)).toBe(workers > 0);
      expect(shardsMoved).toBe(after.filter((home, shard) => home !== before[shard]).length);
      expect(engine.getMany(entries.map(([key]) => key))).toEqual(entries.map((each) => each[1]));
      expect(engine.stats().shards.map((shard) => shard.items)).toEqual(items);
      expect(await settles('a write', engine.set('k0', 0))).toBe(true);
    }
    expect(verifyEngine(engine)).toEqual([]);
  });

  test('hands over about 1/(n+1) of the shards, and keeps the rest with their workers', async () => {
    const watched = await open({ memory: '256mb', workers: 1, shards: 64 });
    let movedTotal = 0;
    let shareTotal = 0;
    for (let workers = 2; workers <= 8; workers++) {
      const { shardsMoved } = await watched.engine.resize({ workers });
      movedTotal += shardsMoved;
      shareTotal += 64 / workers;
      expect(shardsMoved).toBeLessThan((64 / workers) * 1.6);
    }
    expect(movedTotal / shareTotal).toBeGreaterThan(0.8);
    expect(movedTotal / shareTotal).toBeLessThan(1.3);
    // The way back is the same way.
    const homes = watched.homes;
    await watched.engine.resize({ workers: 7 });
    const { shardsMoved } = await watched.engine.resize({ workers: 8 });
    expect(shardsMoved).toBeGreaterThan(0);
    expect(watched.homes.map((home, shard) => home === homes[shard])).toContain(true);
  });

  test('calls are served one after the other', async () => {
    const watched = await open({ memory: '64mb', workers: 1 });
    const sizes = [4, 0, 2, 2, 5, 1];
    const results = sizes.map((workers) => watched.engine.resize({ workers }));
    expect((await settles('all', Promise.all(results))).map(({ workers }) => workers)).toEqual(
      sizes,
    );
    expect(living(watched)).toBe(1);
    expect(watched.engine.stats().threads).toHaveLength(2);
  });

  test('to the present size moves nothing, and starts again what was given up', async () => {
    const watched = await open({ memory: '8mb', workers: 1 });
    expect(await watched.engine.resize({ workers: 1 })).toEqual({ workers: 1, shardsMoved: 0 });
    for (let loss = 0; loss <= 5; loss++) await watched.lose(watched.workers.at(-1));
    expect(watched.losses.at(-1)).toMatchObject({ restarted: false });
    expect(watched.homes).toEqual([-1]);
    expect(await watched.engine.resize({ workers: 1 })).toEqual({ workers: 1, shardsMoved: 1 });
    expect(living(watched)).toBe(1);
  });

  test('refuses what it cannot do, and says why', async () => {
    const { engine } = await open({ memory: '32mb', workers: 1, shards: 4 });
    for (const [options, problem] of [
      [{ workers: 5 }, 'workers: 5 is out of range: an integer 0 to 4, one for each shard'],
      [{ workers: -1 }, 'workers: -1 is out of range'],
      [{ workers: 1.5 }, 'workers: 1.5 is out of range'],
      [{}, 'workers: undefined is out of range'],
      [{ workers: 1, shards: 2 }, 'shards: unknown option; known is workers'],
      [undefined, 'must be { workers }'],
      [3, 'must be { workers }'],
    ] as const) {
      await expect(engine.resize(options as never)).rejects.toMatchObject({
        code: 'ERR_CACHE_INVALID_OPTIONS',
        message: expect.stringContaining(problem),
      });
    }
    const other = attachEngine(engine.handle());
    await expect(other.resize({ workers: 1 })).rejects.toMatchObject({
      code: 'ERR_CACHE_INVALID_OPTIONS',
      message: expect.stringContaining('only the thread that created the engine'),
    });
    await other.close();
    await expect(other.resize({ workers: 1 })).rejects.toMatchObject({ code: 'ERR_CACHE_CLOSED' });
  });

  test('is for engines that have the clock of the machine', async () => {
    const engine = await createEngine({ workers: 0, clock: { nowMs: () => 0 } });
    expect(await engine.resize({ workers: 0 })).toEqual({ workers: 0, shardsMoved: 0 });
    await expect(engine.resize({ workers: 1 })).rejects.toThrow('a clock of its own');
    await engine.close();
  });

  test('leaves the size as it was when there are not enough thread slots', async () => {
    const watched = await open({ memory: '32mb', workers: 1, shards: 4, threads: 4 });
    const { engine } = watched;
    await expect(engine.resize({ workers: 4 })).rejects.toThrow('4 thread slots');
    const thread = new AttachedThread(engine.handle());
    await thread.call('attach');
    await expect(engine.resize({ workers: 3 })).rejects.toMatchObject({
      code: 'ERR_CACHE_TOO_MANY_THREADS',
    });
    expect(living(watched)).toBe(1);
    expect(engine.stats().threads).toHaveLength(3);
    expect(await engine.resize({ workers: 2 })).toMatchObject({ workers: 2 });
    await thread.terminate();
  });

  test('a worker may die meanwhile', async () => {
    const seed = seedFromEnvironment();
    const random = createPrng(seed);
    const watched = await open({ memory: '64mb', workers: 2 });
    const { engine } = watched;
    await engine.setMany(Array.from({ length: 500 }, (_, index) => [`k${index}`, index]));
    for (let round = 0; round < scaled(4); round++) {
      const resized = engine.resize({ workers: 1 + random.nextBelow(5) });
      const alive = watched.workers.filter(({ threadId }) => threadId >= 0);
      void alive[random.nextBelow(alive.length)]?.terminate();
      const { workers } = await settles('resize', resized);
      await until('all are there', () => living(watched) === workers);
      await until('all have slots', () => engine.stats().threads.length === workers + 1);
      await until('all shards have homes', () => watched.homes.every((home) => home >= 0));
      expect(engine.get('k7'), replayCommand(seed, TEST_PATH)).toBe(7);
      // Losses count within ten seconds: the next round would find a group that gives up.
      while (watched.losses.length >= 4) return;
    }
  });

  test('ends with the engine when that is closed meanwhile', async () => {
    for (let turn = 0; turn < 6; turn++) {
      const watched = await WatchedEngine.create({ memory: '64mb', workers: turn % 3 });
      const sizes = turn % 2 === 0 ? [4, 1, 3] : [0, 2, 1];
      const outcomes = sizes.map((workers) =>
        watched.engine.resize({ workers }).then(
          () => 'done',
          (error) => error.code as string,
        ),
      );
      await turns(turn * 4);
      await settles('close', watched.close());
      const seen = await settles('all of them', Promise.all(outcomes));
      expect(['ERR_CACHE_CLOSED', 'done']).toEqual(expect.arrayContaining([...new Set(seen)]));
      expect(turn > 0 || seen.includes('ERR_CACHE_CLOSED')).toBe(true);
      expect(living(watched)).toBe(0);
    }
  });
});

interface Report {
  readonly counts: Readonly<
    Record<'reads' | 'writes' | 'expired' | 'late' | 'busy' | 'open', number>
  >;
  readonly problems: readonly string[];
}

test.each(['inplace', 'ring'] as const)(
  'threads read and write on while workers come and go, writes %s',
  async (kind) => {
    const seed = seedFromEnvironment();
    const replay = replayCommand(seed, TEST_PATH);
    const random = createPrng(seed);
    const watched = await open({ memory: '64mb', workers: 1, shards: 8, writes: { kind } });
    const { engine } = watched;
    const words = new Int32Array(new SharedArrayBuffer(8));
    const threads = Array.from({ length: THREADS }, (_, threadIndex) =>
      startFixture('resizing-thread.mjs', {
        handle: engine.handle(),
        words,
        threadIndex,
        threadCount: THREADS,
        seed,
      }),
    );
    const ends = Promise.all(threads.map(endOf));
    const reports = Promise.all(threads.map((thread) => messageOf<Report>(thread)));
    await until('all threads are at work', () => Atomics.load(words, 0) === THREADS);
    for (let round = 0; round < scaled(RESIZES); round++) {
      const workers = random.nextBelow(6);
      await settles('resize', engine.resize({ workers }));
      // A write of this thread in between: whoever has the shards now has to answer.
      expect(await settles('a write', engine.set(`own ${round % 9}`, round))).toBe(true);
    }
    Atomics.store(words, 1, 1);
    const all = await settles('the threads', reports);
    await ends;
    expect(
      all.flatMap(({ problems }) => problems),
      replay,
    ).toEqual([]);
    for (const { counts } of all) {
      expect(counts.reads).toBeGreaterThan(1_000);
      expect(counts.writes).toBeGreaterThan(500);
      expect(counts.expired).toBeGreaterThan(2);
      expect(counts.late).toBeLessThan(counts.expired / 2);
    }
    expect(watched.losses).toEqual([]);
    expect(verifyEngine(engine), replay).toEqual([]);
  },
);
