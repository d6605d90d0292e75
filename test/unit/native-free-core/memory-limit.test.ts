import { describe, expect, it } from 'vitest';
import {
  PAGE_FREE,
  PAGE_INDEX,
  PAGE_OVERFLOW,
  PAGE_RING,
  SHARD_BYTES_USED,
  SHARD_EVICTIONS,
} from '../../../native-free-core/assembly/layout.js';
import { STATUS_OK, STATUS_OUT_OF_MEMORY } from '../../../native-free-core/status.js';
import { CoreArena } from '../../support/core-arena.js';
import { createPrng, type Prng, seedFromEnvironment } from '../../support/prng.js';

const KIB = 1_024;
const seed = seedFromEnvironment();

const SIZES: readonly (readonly [string, (prng: Prng, max: number) => number])[] = [
  ['tiny values', (prng) => prng.nextBelow(20)],
  ['values of one size', () => 700],
  ['mixed values', (prng) => prng.nextBelow(2 ** (1 + prng.nextBelow(14)))],
  ['values up to the largest', (prng, max) => prng.nextBelow(max)],
];

/** Bytes of pages that hold entries, whatever the counters say. */
function bytesOfEntryPages(arena: CoreArena): number {
  const other = [PAGE_FREE, PAGE_INDEX, PAGE_OVERFLOW, PAGE_RING];
  const pages = other.reduce((sum, kind) => sum + arena.countPages(kind), 0);
  return (arena.plan.pageCount - pages) * arena.plan.pageBytes;
}

describe('the memory limit', () => {
  it.each(SIZES)('holds under ten times as much: %s', (_name, draw) => {
    const arena = new CoreArena({ limitBytes: 512 * KIB, shardCount: 2 });
    const thread = arena.attach();
    const prng = createPrng(seed);
    const max = arena.plan.valueBytesMax - KIB;
    let offered = 0;
    for (let i = 0; offered < 10 * arena.plan.limitBytes; i++) {
      const valueBytes = draw(prng, max);
      expect(thread.set(`key-${i}`, new Uint8Array(valueBytes)).status).toBe(STATUS_OK);
      offered += valueBytes + 80;
      if (i % 100 !== 0) continue;
      expect(arena.total(SHARD_BYTES_USED)).toBeLessThanOrEqual(bytesOfEntryPages(arena));
      expect(arena.verify()).toEqual([]);
    }
    expect(arena.total(SHARD_EVICTIONS)).toBeGreaterThan(0);
    expect(arena.total(SHARD_BYTES_USED)).toBeLessThanOrEqual(arena.plan.limitBytes);
    expect(arena.verify()).toEqual([]);
  });

  it('leaves what is not a page of the arena as it is', () => {
    const arena = new CoreArena({ limitBytes: 512 * KIB });
    const thread = arena.attach();
    const { plan } = arena;
    const fixed = (): Buffer =>
      Buffer.concat([
        arena.bytes.slice(plan.routingOffset, plan.threadsOffset),
        arena.bytes.slice(plan.pagesOffset + plan.pageCount * plan.pageBytes),
      ]);
    const before = fixed();
    const prng = createPrng(seed);
    for (let i = 0; i < 3_000; i++) thread.set(`key-${i}`, new Uint8Array(prng.nextBelow(3_000)));
    expect(Buffer.compare(before, fixed())).toBe(0);
  });

  it('is refused pages that it does not have, and recovers', () => {
    const arena = new CoreArena({ limitBytes: 256 * KIB });
    const thread = arena.attach();
    for (let i = 0; i < 100; i++) thread.set(`key-${i}`, new Uint8Array(500));
    expect(thread.stage(0, 2 * arena.plan.limitBytes)).toBe(STATUS_OUT_OF_MEMORY);
    expect(arena.verify()).toEqual([]);
    expect(thread.set('key', new Uint8Array(500)).status).toBe(STATUS_OK);
  });

  it.each([4, 7, 10, 64])('counts entries where it is told to: at most %i', (entryCountMax) => {
    const arena = new CoreArena({ limitBytes: 1_024 * KIB, shardCount: 4, entryCountMax });
    const thread = arena.attach();
    let most = 0;
    for (let i = 0; i < 500; i++) {
      thread.set(`key-${i}`, new Uint8Array(i % 7 === 0 ? 3_000 : 30));
      let items = 0;
      for (let shard = 0; shard < 4; shard++) items += arena.items(shard);
      most = Math.max(most, items);
    }
    expect(most).toBe(entryCountMax);
    expect(arena.verify()).toEqual([]);
  });
});
