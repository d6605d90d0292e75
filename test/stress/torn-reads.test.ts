/**
 * Torn reads: threads overwrite keys all the time, with values of every size that show whether
 * they are whole, while all of them read all keys. No value is torn, none belongs to another key,
 * and no reader ever sees an older value of a key after a newer one.
 */
import { expect, test } from 'vitest';
import {
  createEngine,
  type Engine,
  type EngineOptions,
  type EngineStats,
} from '../../src/index.js';
import { endOf, messageOf, startFixture } from '../support/attached-thread.js';
import { verifyEngine } from '../support/held-shards.js';
import { replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scale, scaled } from '../support/scale.js';
import { settles } from '../support/until.js';

const THREADS = 2;
const KEYS_PER_THREAD = 24;
const TEST_PATH = 'test/stress/torn-reads.test.ts';
const WAIT_MS_MAX = 55_000;

interface Report {
  readonly counts: Readonly<
    Record<'reads' | 'hits' | 'writes' | 'deletes' | 'large' | 'busy', number>
  >;
  readonly problems: readonly string[];
}

/** Lets threads write and read until the reads of all of them were made. */
async function stress(engine: Engine, reads: number, seed: number): Promise<readonly Report[]> {
  const words = new Int32Array(new SharedArrayBuffer(12));
  words[1] = reads;
  const threads = Array.from({ length: THREADS }, (_, threadIndex) =>
    startFixture('torn-read-thread.mjs', {
      handle: engine.handle(),
      words,
      threadIndex,
      threadCount: THREADS,
      keysPerThread: KEYS_PER_THREAD,
      seed,
    }),
  );
  const ends = Promise.all(threads.map(endOf));
  try {
    const reports = Promise.all(threads.map((thread) => messageOf<Report>(thread)));
    return await settles('all reads', reports, WAIT_MS_MAX * Math.max(1, scale()));
  } finally {
    Atomics.store(words, 2, 1);
    await ends;
  }
}

/** Over all runs of this file. */
let readsInAll = 0;

function sumOf(reports: readonly Report[], field: keyof Report['counts']): number {
  return reports.reduce((sum, { counts }) => sum + counts[field], 0);
}

test.each<readonly [string, EngineOptions, number]>([
  ['one home worker and one shard', { memory: '8mb', workers: 1, shards: 1 }, 5_000_000],
  ['two home workers and two shards', { memory: '8mb', workers: 2, shards: 2 }, 3_500_000],
  ['no home worker', { memory: '8mb', workers: 0 }, 2_500_000],
  ['writes through rings', { memory: '8mb', workers: 1, writes: { kind: 'ring' } }, 1_000_000],
])('no read is torn or goes back in time with %s', async (_, options, reads) => {
  const seed = seedFromEnvironment();
  const replay = replayCommand(seed, TEST_PATH);
  const engine = await createEngine(options);
  const reports = await stress(engine, scaled(reads), seed);
  const stats: EngineStats = engine.stats();
  expect(
    reports.flatMap(({ problems }) => problems),
    replay,
  ).toEqual([]);
  expect(sumOf(reports, 'reads')).toBeGreaterThanOrEqual(scaled(reads));
  readsInAll += sumOf(reports, 'reads');
  // The run was of the kind that it should be.
  expect(sumOf(reports, 'hits')).toBeGreaterThan(sumOf(reports, 'reads') / 2);
  expect(sumOf(reports, 'writes')).toBeGreaterThan(sumOf(reports, 'reads') / 200);
  for (const field of ['deletes', 'large'] as const)
    expect(sumOf(reports, field)).toBeGreaterThan(0);
  // Through rings fewer writes are made in the same time: too few to fill the memory.
  if (options.writes?.kind !== 'ring') {
    expect(stats.evictions).toBeGreaterThan(0);
    expect(stats.shards.some(({ pagesMoved }) => pagesMoved > 0)).toBe(true);
  }
  expect(stats.busyReads).toBeLessThan(sumOf(reports, 'reads') / 1_000);
  expect(verifyEngine(engine), replay).toEqual([]);
  await engine.close();
});

test('the runs above made ten million reads, times the scale', () => {
  expect(readsInAll).toBeGreaterThanOrEqual(scaled(10_000_000));
});
