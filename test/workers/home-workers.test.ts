/** Home workers: which shards they get, and what happens when one is lost. */
import { afterEach, describe, expect, test } from 'vitest';
import { createEngine, type EngineOptions } from '../../src/index.js';
import { startContention } from '../support/contention.js';
import { holdShards, verifyEngine } from '../support/held-shards.js';
import { WatchedEngine } from '../support/home-workers.js';
import { createPrng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { settles, turns } from '../support/until.js';

const LOSSES_MAX = 5;
const opened: WatchedEngine[] = [];

async function open(options: EngineOptions): Promise<WatchedEngine> {
  const watched = await WatchedEngine.create(options);
  opened.push(watched);
  return watched;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((watched) => settles('close', watched.close())));
});

/** Shards that have the same home, whatever number the home has; in a fixed order. */
function groupsOf(homes: readonly number[]): string[] {
  const groups = new Map<number, number[]>();
  for (const [shard, home] of homes.entries()) {
    groups.set(home, [...(groups.get(home) ?? []), shard]);
  }
  return [...groups.values()].map((shards) => shards.join(' ')).sort();
}

describe('shards', () => {
  test.each([
    [1, 1],
    [2, 8],
    [3, 8],
    [4, 16],
    [8, 8],
  ])(
    'are given to %i workers the same way each time, none has too many',
    async (workers, shards) => {
      const groups: string[][] = [];
      for (let round = 0; round < 2; round++) {
        const engine = await createEngine({ memory: '128mb', workers, shards });
        const homes = engine.stats().shards.map(({ homeThreadId }) => homeThreadId);
        expect(homes.every((home) => home >= 0)).toBe(true);
        groups.push(groupsOf(homes));
        const loadMax = Math.ceil((1.25 * shards) / workers);
        for (const group of groups[round] ?? []) {
          expect(group.split(' ').length).toBeLessThanOrEqual(loadMax);
        }
        await engine.close();
      }
      expect(groups[0]).toEqual(groups[1]);
    },
  );

  test('have no home without workers', async () => {
    const { homes } = await open({ memory: '64mb', workers: 0 });
    expect(homes).toEqual(Array.from({ length: 8 }, () => -1));
  });
});

describe.each(['inplace', 'ring'] as const)('a home worker that ends, writes %s,', (kind) => {
  const options: EngineOptions = { memory: '32mb', workers: 2, shards: 4, writes: { kind } };

  test('is replaced, gets its shards back, and no entry is lost', async () => {
    const watched = await open(options);
    const { engine } = watched;
    const entries = Array.from({ length: 2_000 }, (_, index) => [`k${index}`, index] as const);
    await engine.setMany(entries);
    const before = groupsOf(watched.homes);
    for (const index of [0, 1]) {
      await watched.lose(watched.workers[index]);
      expect(watched.losses[index]).toMatchObject({ restarted: true, shardsRecovered: [] });
      expect(groupsOf(watched.homes)).toEqual(before);
    }
    expect(watched.losses.map(({ workerIndex }) => workerIndex).sort()).toEqual([0, 1]);
    expect(engine.getMany(entries.map(([key]) => key))).toEqual(entries.map(([, value]) => value));
    expect(await settles('a write', engine.set('after', 1))).toBe(true);
    expect(engine.stats().threads).toHaveLength(3);
    expect(verifyEngine(engine)).toEqual([]);
  });

  test('leaves nobody waiting when it is lost under load, again and again', async () => {
    const seed = seedFromEnvironment();
    const random = createPrng(seed);
    const replay = replayCommand(seed, 'test/workers/home-workers.test.ts');
    const watched = await open(options);
    const { engine } = watched;
    await engine.setMany(Array.from({ length: 500 }, (_, index) => [`kept ${index}`, index]));
    const stopContention = await startContention(engine);
    const answers: Promise<string>[] = [];
    const send = (count: number): void => {
      for (let index = 0; index < count; index++) {
        const key = `own ${random.nextBelow(40)}`;
        const bytes = random.nextBelow(20) === 0 ? 30_000 : random.nextBelow(2_000);
        const answer =
          index % 5 === 0 ? engine.delete(key) : engine.set(key, Buffer.alloc(bytes, index));
        answers.push(
          answer.then(
            () => 'done',
            (error) => error.code as string,
          ),
        );
      }
    };
    for (let loss = 0; loss < LOSSES_MAX; loss++) {
      const worker = watched.workers
        .filter(({ threadId }) => threadId >= 0)
        .at(random.nextBelow(2));
      const lost = watched.lose(worker);
      for (let burst = 0; burst < 4; burst++) {
        send(random.nextBelow(400));
        await turns(random.nextBelow(6));
      }
      await settles('the loss', lost);
    }
    send(100);
    const outcomes = new Set(await settles('all writes', Promise.all(answers)));
    await stopContention();
    for (const outcome of outcomes)
      expect(['done', 'ERR_CACHE_OUTCOME_UNKNOWN'], replay).toContain(outcome);
    const resetCount = watched.losses.reduce((sum, loss) => sum + loss.shardsRecovered.length, 0);
    const missing = Array.from({ length: 500 }, (_, index) => index).filter(
      (index) => engine.get(`kept ${index}`) !== index,
    );
    // Only shards whose worker was cut off in the middle of a write are begun anew.
    if (resetCount === 0) expect(missing, replay).toEqual([]);
    expect(verifyEngine(engine), replay).toEqual([]);
  });

  test('that ends while it starts is started again', async () => {
    const watched = await open({ memory: '8mb', workers: 1, writes: { kind } });
    const ended = new Promise<void>((resolve) => {
      process.once('worker', (worker) => {
        void worker.terminate().then(() => resolve());
      });
    });
    await watched.lose(watched.workers[0]);
    await settles('the end of the second worker', ended);
    expect(watched.losses.at(-1)).toMatchObject({ restarted: true });
    expect(await settles('a write', watched.engine.set('k', 1))).toBe(true);
    expect(watched.homes.every((home) => home >= 0)).toBe(true);
  });

  test('six times in a row is not replaced any more, and callers do its work', async () => {
    const watched = await open({ memory: '8mb', workers: 1, writes: { kind } });
    const { engine } = watched;
    await engine.set('before', 1);
    for (let loss = 0; loss < LOSSES_MAX; loss++) {
      await watched.lose(watched.workers.at(-1));
      expect(watched.losses.at(-1)).toMatchObject({ workerIndex: 0, restarted: true });
    }
    const letGo = holdShards(engine);
    const pending = Array.from({ length: 200 }, (_, index) => engine.set(`p${index}`, index));
    await watched.lose(watched.workers.at(-1));
    expect(watched.losses.at(-1)).toMatchObject({ workerIndex: 0, restarted: false });
    expect(watched.losses).toHaveLength(LOSSES_MAX + 1);
    expect(watched.homes).toEqual([-1]);
    letGo();
    expect(await settles('what was on its way', Promise.all(pending))).not.toContain(false);
    expect(await settles('a write', engine.set('after', 1))).toBe(true);
    expect(engine.getMany(['after', 'p199'])).toEqual([1, 199]);
    // A worker that ended while it held the shard took the older entries with it.
    expect([1, undefined]).toContain(engine.get('before'));
    await engine.set('short', 1, { ttl: 20 });
    while (engine.get('short') !== undefined);
    expect(verifyEngine(engine)).toEqual([]);
  });
});

test('an engine may be closed while a worker is being replaced', async () => {
  for (let round = 0; round < scaled(4); round++) {
    const watched = await WatchedEngine.create({ memory: '8mb', workers: 1 });
    const { engine } = watched;
    void watched.workers[0]?.terminate();
    await turns(round * 3);
    const answer = engine.set('k', 1);
    await settles('close', watched.close());
    expect(await answer).toBe(true);
  }
});
