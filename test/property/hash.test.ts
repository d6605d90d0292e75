import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import { THREAD_VALUE } from '../../native-free-core/assembly/layout.js';
import { CoreArena } from '../support/core-arena.js';
import { createPrng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';

const LENGTH_MAX = 300;
const ALIGNMENTS = 16;
const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/property/hash.test.ts');

const arena = new CoreArena();
const thread = arena.attach();
const seedAddress = thread.slot + THREAD_VALUE;
const targetAddress = seedAddress + 8;
const firstAddress = seedAddress + 16;

/** XXH64 by the core, of bytes that begin `offset` bytes behind an aligned address. */
function coreHash(bytes: Uint8Array, hashSeed: bigint, offset: number): bigint {
  arena.view.setBigUint64(seedAddress, hashSeed, true);
  arena.bytes.set(bytes, firstAddress + offset);
  thread.core.selfHash(firstAddress + offset, bytes.length, seedAddress, targetAddress);
  return arena.view.getBigUint64(targetAddress, true);
}

describe('XXH64 of the core', () => {
  it('equals the reference on every length from 0 to 300 and every alignment', async () => {
    const { h64Raw } = await xxhash();
    const prng = createPrng(seed);
    for (let length = 0; length <= LENGTH_MAX; length++) {
      const bytes = Uint8Array.from({ length }, () => prng.nextBelow(256));
      const hashSeed = (BigInt(prng.nextUint32()) << 32n) | BigInt(prng.nextUint32());
      const expected = h64Raw(bytes, hashSeed);
      const offset = length % ALIGNMENTS;
      expect(coreHash(bytes, hashSeed, offset), `length ${length}; ${replay}`).toBe(expected);
      expect(coreHash(bytes, hashSeed, 0), `length ${length}; ${replay}`).toBe(expected);
    }
  });

  it('equals the reference on random bytes, seeds and alignments', async () => {
    const { h64Raw } = await xxhash();
    const bytes = fc.uint8Array({ maxLength: LENGTH_MAX });
    const hashSeed = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const offset = fc.integer({ min: 0, max: ALIGNMENTS - 1 });
    const equal = (input: Uint8Array, anySeed: bigint, at: number): boolean =>
      coreHash(input, anySeed, at) === h64Raw(input, anySeed);
    fc.assert(fc.property(bytes, hashSeed, offset, equal), { seed, numRuns: scaled(2_000) });
  });

  it('gives keys of different namespaces different hashes', () => {
    const hashes = new Set<bigint>();
    for (let namespaceId = 0; namespaceId < 4_096; namespaceId++) {
      hashes.add(thread.hashOf('one key', namespaceId));
    }
    expect(hashes.size).toBe(4_096);
  });

  it('names the shard of a key as the index does', () => {
    const sharded = new CoreArena({ shardCount: 4, limitBytes: 1 << 20 });
    const caller = sharded.attach();
    for (let i = 0; i < 200; i++) {
      const key = `key ${i}`;
      const slot = Number(caller.hashOf(key) >> 52n);
      expect(caller.shardOf(key)).toBe(slot % 4);
    }
  });
});
