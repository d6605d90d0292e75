/** The hash of a value is XXH64 of all its bytes, wherever they lie and however they got there. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import { createEngine, type Engine, type EngineOptions, type EntryView } from '../../src/index.js';
import { holdShards } from '../support/held-shards.js';
import { createPrng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';

const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/property/value-hash.test.ts');
const KIB = 1_024;
const HASH_DIGITS = 16;
/** Around stripes, the scratch area, and the ends of pages of every kind of plan. */
const EDGES = [0, 1, 31, 32, 33, 63, 64, 65, 1_023, 1_024, 16_383, 16_384, 16_385, 65_535, 200_001];

let h64Raw: (bytes: Uint8Array) => bigint;

beforeAll(async () => {
  h64Raw = (await xxhash()).h64Raw;
});

function digitsOf(view: EntryView | undefined): string {
  const target = Buffer.alloc(HASH_DIGITS + 2, '.');
  view?.writeHash(target, 1);
  expect([target[0], target.at(-1)]).toEqual([0x2e, 0x2e]);
  return target.toString('latin1', 1, HASH_DIGITS + 1);
}

function expectedDigits(bytes: Uint8Array): string {
  return h64Raw(bytes).toString(16).padStart(HASH_DIGITS, '0');
}

const KINDS: readonly (readonly [string, EngineOptions])[] = [
  ['copies', { memory: '16mb', workers: 0 }],
  ['no copies', { memory: '16mb', workers: 0, nearCache: { kind: 'off' } }],
];

describe.each(KINDS)('the hash of a value with %s', (_, options) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine(options);
  });
  afterAll(() => engine.close());

  /** Each read takes another way: from shared memory, while a copy is made, from the copy. */
  async function expectHashes(bytes: Uint8Array): Promise<void> {
    await engine.set('key', bytes);
    const expected = expectedDigits(bytes);
    for (let read = 0; read < 4; read++) {
      expect(digitsOf(engine.getView('key')), `${bytes.length} bytes; ${replay}`).toBe(expected);
    }
    // Asking twice of one view, and for the bytes after it, changes nothing.
    const view = engine.getView('key');
    expect([digitsOf(view), digitsOf(view)]).toEqual([expected, expected]);
    expect(Buffer.compare(view?.bytes ?? Buffer.alloc(1), bytes)).toBe(0);
  }

  it('is that of the reference at every edge', async () => {
    const prng = createPrng(seed);
    for (const length of EDGES) {
      await expectHashes(Uint8Array.from({ length }, () => prng.nextBelow(256)));
    }
  });

  it('is that of the reference for any bytes', async () => {
    const length = fc.oneof(
      fc.nat({ max: 300 }),
      fc.nat({ max: 20 * KIB }),
      fc.nat({ max: 300 * KIB }),
    );
    const property = fc.asyncProperty(length, fc.nat(), async (size, prngSeed) => {
      const prng = createPrng(prngSeed);
      const block = Uint8Array.from({ length: 257 }, () => prng.nextBelow(256));
      await expectHashes(Buffer.alloc(size, block));
    });
    await fc.assert(property, { seed, numRuns: scaled(100) });
  });
});

it('holds for writes that are still on their way', async () => {
  await using engine = await createEngine({ memory: '16mb', writes: { kind: 'ring' } });
  const values = EDGES.map((length) => Buffer.alloc(length, `bytes of ${length} `));
  const letGo = holdShards(engine);
  const pending = values.map((value, index) => engine.set(`k${index}`, value));
  const early = values.map((_, index) => digitsOf(engine.getView(`k${index}`)));
  const version = engine.getView('k1')?.version;
  letGo();
  await Promise.all(pending);
  expect(early).toEqual(values.map(expectedDigits));
  expect(version).toBe(0);
  expect(engine.getView('k1')?.version).toBe(engine.getWithMeta('k1').version);
});

it('follows the value through every kind of write', async () => {
  await using engine = await createEngine({ memory: '16mb', workers: 0 });
  const prng = createPrng(seed);
  for (let round = 0; round < scaled(500); round++) {
    const value = Buffer.alloc(prng.nextBelow(4 * KIB), `${prng.nextUint32()} `);
    const key = `k${prng.nextBelow(4)}`;
    if (prng.nextBelow(4) === 0) await engine.delete(key);
    await engine.set(key, value);
    for (let read = 0; read < 1 + prng.nextBelow(3); read++) {
      expect(digitsOf(engine.getView(key)), replay).toBe(expectedDigits(value));
    }
  }
});
