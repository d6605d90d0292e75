/** Home workers that hang: found by their heartbeat, terminated, replaced; nobody else is. */
import { afterEach, describe, expect, test } from 'vitest';
import type { EngineOptions } from '../../src/index.js';
import { FAULTS, type Fault, FaultyEngine } from '../support/faulty-workers.js';
import { verifyEngine } from '../support/held-shards.js';
import { settles, until } from '../support/until.js';

const HUNG_MS = 400;
/** Longer than the entry lives that a stuck clock might keep alive. */
const PATIENT_MS = 4_000;
const LOOPS = Object.keys(FAULTS) as Fault[];
const opened: FaultyEngine[] = [];

async function open(options: EngineOptions, hungMs = HUNG_MS): Promise<FaultyEngine> {
  const faulty = await FaultyEngine.create(options, { hungMs });
  opened.push(faulty);
  return faulty;
}

afterEach(async () => {
  for (const { watched } of opened.splice(0)) await settles('close', watched.close());
});

describe.each(LOOPS)('a home worker %s', (fault) => {
  test.each(['inplace', 'ring'] as const)('is terminated and replaced, writes %s', async (kind) => {
    const options: EngineOptions = { memory: '16mb', shards: 2, workers: 2, writes: { kind } };
    const faulty = await open(options);
    const { watched } = faulty;
    const { engine } = watched;
    const entries = Array.from({ length: 500 }, (_, index) => [`k${index}`, index] as const);
    await engine.setMany(entries);
    faulty.fail(fault);
    await until('a worker fails', async () => {
      void engine.set('wake', 1);
      return faulty.hasFailed;
    });
    const answers = Array.from({ length: 300 }, (_, index) => engine.set(`after ${index}`, index));
    expect(await settles('writes', Promise.all(answers))).not.toContain(false);
    await until('the loss is known', () => watched.losses.length > 0);
    expect(watched.losses).toEqual([
      {
        workerIndex: watched.hangs[0]?.workerIndex,
        shardsReset: expect.any(Array),
        wasHung: true,
        restarted: true,
        error: undefined,
      },
    ]);
    expect(watched.hangs).toHaveLength(1);
    expect(watched.hangs[0]?.silentMs).toBeGreaterThanOrEqual(HUNG_MS);
    expect(watched.homes.every((home) => home >= 0)).toBe(true);
    expect(engine.stats().threads).toHaveLength(3);
    expect(engine.getMany(['after 0', 'after 299'])).toEqual([0, 299]);
    if (fault !== 'in an endless loop with a shard held') {
      expect(engine.getMany(entries.map(([key]) => key))).toEqual(entries.map((each) => each[1]));
      expect(watched.recoveries).toEqual([]);
    } else {
      expect(watched.recoveries).toMatchObject([{ shard: 0, reason: 'worker-hung' }]);
    }
    expect(verifyEngine(engine)).toEqual([]);
  });

  test('does not keep an engine from closing', async () => {
    const faulty = await open({ memory: '8mb', workers: 1 });
    faulty.fail(fault);
    await until('the worker fails', async () => {
      void faulty.watched.engine.set('wake', 1);
      return faulty.hasFailed;
    });
    await settles('close', faulty.watched.close());
    expect(faulty.watched.workers.every(({ threadId }) => threadId < 0)).toBe(true);
  });
});

test('a worker that ticks the clock and hangs keeps no entry alive', async () => {
  const faulty = await open({ memory: '16mb', shards: 2, workers: 2 }, PATIENT_MS);
  const { engine } = faulty.watched;
  await engine.set('short', 1, { ttl: 300 });
  // The first worker is the one that ticks.
  faulty.fail('in an endless loop of JavaScript', engine.stats().shards[0]?.homeThreadId);
  await until('the worker fails', () => {
    engine.get('short');
    return faulty.hasFailed;
  });
  // Readers move the clock on, however slowly they read.
  await until('the entry has expired', () => engine.get('short') === undefined);
  expect(faulty.watched.hangs).toEqual([]);
});

test('a retired worker that hangs is terminated, and resize comes back', async () => {
  const faulty = await open({ memory: '16mb', shards: 2, workers: 2 });
  const { watched } = faulty;
  const before = new Set(watched.homes);
  expect(before.size).toBe(2);
  const last = watched.homes.find((home) => home !== watched.homes[0]) ?? 0;
  faulty.fail('in an endless loop of WebAssembly', last);
  await until('the worker fails', async () => {
    void watched.engine.setMany([0, 1, 2, 3].map((index) => [`wake ${index}`, index]));
    return faulty.hasFailed;
  });
  const resized = watched.engine.resize({ workers: 1 });
  expect(await settles('resize', resized)).toMatchObject({ workers: 1 });
  expect(new Set(watched.homes).size).toBe(1);
  await until('the slots are free', () => watched.engine.stats().threads.length === 2);
});
