/**
 * R1, R13, R26 over threads: values are loaded from a source that changes while threads delete,
 * invalidate, clear, and are killed. What was out of date before a caller asked
 * is never its answer.
 */
import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { createEngine, type Engine, type EngineOptions } from '../../src/index.js';
import { endOf, startFixture } from '../support/attached-thread.js';
import { createPrng, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { settles, until } from '../support/until.js';

const THREADS = 3;
const KEYS = 8;
const READS = 3_000;

const KINDS: readonly (readonly [string, EngineOptions])[] = [
  ['no worker, in place', { memory: '8mb', workers: 0 }],
  ['1 worker, in place', { memory: '8mb', workers: 1 }],
  ['1 worker, ring', { memory: '8mb', workers: 1, writes: { kind: 'ring' } }],
];

describe.each(KINDS)('loads beside invalidations: %s', (_kind, options) => {
  let engine: Engine | undefined;
  let workers: Worker[] = [];

  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.terminate()));
    workers = [];
    await engine?.close();
  });

  it.each([0, 3])('R1 R26: never give what was out of date, %i threads killed', async (kills) => {
    const prng = createPrng(seedFromEnvironment());
    engine = await createEngine(options);
    const source = new Int32Array(new SharedArrayBuffer(4 * KEYS));
    const floor = new Int32Array(new SharedArrayBuffer(4 * KEYS));
    const words = new Int32Array(new SharedArrayBuffer(24));
    const handle = engine.handle();
    const violations: string[] = [];
    const errors: Error[] = [];
    const start = (): Worker => {
      const seed = prng.nextBelow(2 ** 31);
      const worker = startFixture('stale-fill-thread.mjs', { handle, source, floor, words, seed });
      worker.on('message', (text: string) => {
        if (text !== 'done') violations.push(text);
      });
      worker.on('error', (error) => errors.push(error));
      workers.push(worker);
      return worker;
    };
    for (let i = 0; i < THREADS; i++) start();
    const reads = (): number => Atomics.load(words, 1);
    const goal = scaled(READS);
    const mayGoOn = (): boolean => violations.length > 0 || errors.length > 0;
    for (let kill = 0; kill < kills; kill++) {
      const at = (goal * (kill + 1)) / (kills + 1);
      await until(`${at} reads`, () => reads() > at || mayGoOn(), 60_000);
      await workers[kill]?.terminate();
      start();
    }
    await until(`${goal} reads`, () => reads() >= goal || mayGoOn(), 60_000);
    Atomics.store(words, 0, 1);
    const ends = workers.slice(kills).map((worker) => endOf(worker));
    await settles('the threads', Promise.all(ends), 60_000);
    expect(errors).toEqual([]);
    expect(violations).toEqual([]);
    expect(Atomics.load(words, 2)).toBeGreaterThan(0);
    await until('all leases are over', () => engine?.stats().leasesActive === 0);
    expect(engine.stats().fillsRefused).toBeGreaterThan(0);
  });
});
