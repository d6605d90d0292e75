/** Scans over real threads that write meanwhile: nothing that stays is missed, counts are exact. */
import { expect, test } from 'vitest';
import { createEngine, type EngineOptions } from '../../src/index.js';
import { endOf, messageOf, startFixture } from '../support/attached-thread.js';
import { verifyEngine } from '../support/held-shards.js';
import { scaled } from '../support/scale.js';
import { settles, until } from '../support/until.js';

const THREADS = 2;
const STAYING = 1_500;
const ROUNDS = 12;
/** New keys of each thread: well within the memory, so that nothing is evicted. */
const NEW_MAX = 40_000;

test.each<readonly [string, EngineOptions]>([
  ['in place, no worker', { workers: 0 }],
  ['in place, one worker', { workers: 1 }],
  ['rings, one worker', { workers: 1, writes: { kind: 'ring' } }],
  ['rings, two workers', { workers: 2, writes: { kind: 'ring' } }],
])('%s: scans beside writers of other threads', async (_, options) => {
  const engine = await createEngine({ memory: '64mb', shards: 4, ...options });
  const staying = Array.from({ length: STAYING }, (__, index) => `stay:${index}`);
  await Promise.all(staying.map((key) => engine.set(key, key)));
  const words = new Int32Array(new SharedArrayBuffer(12));
  const threads = Array.from({ length: THREADS }, (__, threadIndex) =>
    startFixture('scan-disturber.mjs', {
      handle: engine.handle(),
      words,
      threadIndex,
      stayingCount: STAYING,
      newMax: NEW_MAX,
    }),
  );
  const ends = Promise.all(threads.map(endOf));
  const reports = Promise.all(threads.map((thread) => messageOf<object>(thread)));
  await until('all threads are ready', () => Atomics.load(words, 0) === THREADS);
  for (let round = 0; round < scaled(ROUNDS); round++) {
    const listed = new Set<string>();
    for await (const key of engine.keys({ prefix: 'stay:' })) listed.add(key);
    expect(staying.filter((key) => !listed.has(key))).toEqual([]);
    const own = Array.from({ length: 200 }, (__, index) => `own:${round}:${index}`);
    await Promise.all(own.map((key) => engine.set(key, round)));
    const [soft, odd] = await Promise.all([
      engine.expireGlob(`own:${round}:*[02468]`),
      engine.invalidateGlob(`own:${round}:*[13579]`),
    ]);
    expect([soft.expired, odd.deleted]).toEqual([100, 100]);
    expect(own.map((key) => engine.getWithMeta(key).state)).toEqual(
      own.map((__, index) => (index % 2 === 0 ? 'stale' : 'miss')),
    );
    expect((await engine.invalidatePrefix(`own:${round}:`)).deleted).toBe(100);
  }
  Atomics.store(words, 1, 1);
  await settles('the threads', reports, scaled(50_000));
  await settles('their ends', ends);
  expect(engine.stats().evictions).toBe(0);
  expect(Atomics.load(words, 2)).toBeGreaterThan(0);
  expect(verifyEngine(engine)).toEqual([]);
  await engine.close();
});
