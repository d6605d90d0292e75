/**
 * Rings over real threads, tiny ones: several callers send more commands than their rings hold.
 * Every command is applied once, in the order of its caller, and every answer reaches its caller.
 */
import { expect, test } from 'vitest';
import { createEngine, type EngineOptions } from '../../src/index.js';
import { endOf, messageOf, startFixture } from '../support/attached-thread.js';
import { verifyEngine } from '../support/held-shards.js';
import { replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { settles, until } from '../support/until.js';

const SHARED_KEYS = 3;
const SWAPS_PER_THREAD = 20_000;
const WAIT_MS_MAX = 55_000;
const TEST_PATH = 'test/stress/ring-order.test.ts';

interface Report {
  readonly problems: readonly string[];
  /** By shared key: the names of the values that this thread's swaps replaced. */
  readonly given: readonly (readonly (string | undefined)[])[];
  readonly ownCounts: readonly number[];
  readonly sharedCounts: readonly number[];
}

/** Every value that was written to a shared key, and every one that was given back or is there. */
function chainOf(reports: readonly Report[], key: number, last: string): readonly string[][] {
  const written = reports.flatMap(({ sharedCounts }, thread) =>
    Array.from({ length: sharedCounts[key] ?? 0 }, (_, index) => `${thread}:${index + 1}`),
  );
  const given = reports.flatMap((report) => report.given[key] ?? []);
  return [
    ['undefined', ...written].sort(),
    [last.slice(0, last.lastIndexOf(':')), ...given.map(String)].sort(),
  ];
}

test.each<readonly [string, number, EngineOptions]>([
  ['three callers, one worker, rings only', 3, { workers: 1, writes: { kind: 'ring' } }],
  [
    'three callers, two workers, rings only',
    3,
    { workers: 2, shards: 2, writes: { kind: 'ring' } },
  ],
  ['three callers, one worker, in place', 3, { workers: 1 }],
  ['two callers, no worker', 2, { workers: 0 }],
])('%s: no swap is lost, doubled or out of order', async (_, threadCount, options) => {
  const seed = seedFromEnvironment();
  const replay = replayCommand(seed, TEST_PATH);
  const engine = await createEngine({ memory: '8mb', ...options });
  const words = new Int32Array(new SharedArrayBuffer(8));
  const threads = Array.from({ length: threadCount }, (__, threadIndex) =>
    startFixture('swapping-thread.mjs', {
      handle: engine.handle(),
      words,
      threadIndex,
      swaps: scaled(SWAPS_PER_THREAD),
      seed,
    }),
  );
  const ends = Promise.all(threads.map(endOf));
  const all = Promise.all(threads.map((thread) => messageOf<Report>(thread)));
  await until('all threads are ready', () => Atomics.load(words, 0) === threadCount);
  Atomics.store(words, 1, 1);
  Atomics.notify(words, 1);
  const reports = await settles('all swaps', all, scaled(WAIT_MS_MAX));
  await settles('the threads', ends);
  expect(
    reports.flatMap(({ problems }) => problems),
    replay,
  ).toEqual([]);
  for (let key = 0; key < SHARED_KEYS; key++) {
    const [written, given] = chainOf(reports, key, engine.get<string>(`shared ${key}`) ?? '');
    expect(given, replay).toEqual(written);
  }
  const count = reports.reduce(
    (sum, { ownCounts, sharedCounts }) =>
      [...ownCounts, ...sharedCounts].reduce((total, one) => total + one, sum),
    0,
  );
  const stats = engine.stats();
  expect(count).toBeGreaterThanOrEqual(threadCount * scaled(SWAPS_PER_THREAD));
  expect(stats).toMatchObject({ sets: count, evictions: 0, failedWrites: 0 });
  // Nothing of the old values is left behind.
  await engine.clear();
  await until('the sweep is over', async () => {
    await engine.delete('nothing');
    return engine.stats().items === 0;
  });
  expect(engine.stats().bytes).toBe(0);
  expect(verifyEngine(engine), replay).toEqual([]);
  await engine.close();
});
