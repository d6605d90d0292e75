/** R27: a clear beside writers of several threads and many shards. */
import { describe, expect, test } from 'vitest';
import { createEngine, type EngineOptions } from '../../src/index.js';
import { endOf, messageOf, startFixture } from '../support/attached-thread.js';
import { verifyEngine } from '../support/held-shards.js';
import { scaled } from '../support/scale.js';
import { settles, until } from '../support/until.js';

const THREADS = 3;
const KEYS = 500;
const ROUNDS = 40;
const FIRST_ACKNOWLEDGEMENT = 2;

const kinds: readonly (readonly [string, EngineOptions])[] = [
  ['in place, no worker', { workers: 0 }],
  ['in place, a worker', { workers: 1 }],
  ['rings, a worker', { workers: 1, writes: { kind: 'ring' } }],
  ['rings, two workers', { workers: 2, writes: { kind: 'ring' } }],
];

describe('R27: a clear that races writers', () => {
  test.each(kinds)('%s: nothing from before it is read after its answer', async (_, options) => {
    const engine = await createEngine({ memory: '32mb', shards: 8, ...options });
    const words = new Int32Array(new SharedArrayBuffer(4 * (FIRST_ACKNOWLEDGEMENT + THREADS)));
    const threads = Array.from({ length: THREADS }, (__, threadIndex) =>
      startFixture('generation-writer.mjs', {
        handle: engine.handle(),
        words,
        threadIndex,
        keyCount: KEYS,
      }),
    );
    const ends = Promise.all(threads.map(endOf));
    const reports = Promise.all(threads.map((thread) => messageOf<object>(thread)));
    await until('all threads are ready', () => Atomics.load(words, 0) === THREADS);
    for (let generation = 1; generation <= scaled(ROUNDS); generation++) {
      Atomics.store(words, 1, generation);
      // From here on every set of an older generation has been called.
      await until('every thread has seen the generation', () =>
        threads.every(
          (__, index) => Atomics.load(words, FIRST_ACKNOWLEDGEMENT + index) >= generation,
        ),
      );
      await engine.clear();
      for (let key = 0; key < KEYS; key++) {
        const value = engine.get<number>(`key ${key}`);
        if (value === undefined) continue;
        expect(value, `key ${key} after clear ${generation}`).toBeGreaterThanOrEqual(generation);
      }
      for await (const key of engine.keys({ prefix: 'key ' })) {
        const value = engine.get<number>(key) ?? generation;
        expect(value, key).toBeGreaterThanOrEqual(generation);
      }
      await until('writes come in again', () =>
        Array.from({ length: KEYS }, (__, key) => `key ${key}`).some((key) => engine.has(key)),
      );
    }
    Atomics.store(words, 1, -1);
    const answers = await settles('the threads', reports, scaled(50_000));
    await settles('their ends', ends);
    expect(answers).toEqual(answers.map(() => ({ failures: 0 })));
    expect(verifyEngine(engine)).toEqual([]);
    await engine.close();
  });
});
