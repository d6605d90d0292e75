import { describe, expect, it } from 'vitest';
import {
  BUCKET_BYTES,
  HEADER_BYTES,
  ITEM_HEAD_BYTES,
  ITEM_KEY,
  KEY_BYTES_MAX,
  NAMESPACE_BYTES,
  NAMESPACE_MAX,
  PAGE_ENTRY_BYTES,
  SLOT_TABLE_SLOTS,
  STAMP_COUNT,
} from '../../../native-free-core/assembly/layout.js';
import { type ArenaPlan, planArena } from '../../../native-free-core/plan.js';
import { resolveOptions } from '../../../src/options.js';

const KIB = 1_024;
const MIB = KIB * KIB;
const GIB = KIB * MIB;

/** The plan of an engine with this memory and else default options. */
function defaultPlan(memory: number): ArenaPlan {
  const { memoryBytes, shardCount, threadCountMax } = resolveOptions(
    { memory },
    { availableParallelism: 2 },
  );
  return planArena({
    limitBytes: memoryBytes,
    shardCount,
    threadSlotCount: threadCountMax,
    entryCountMax: Number.POSITIVE_INFINITY,
  });
}

const SIZES: readonly (readonly [string, number])[] = [
  ['8 MiB', 8 * MIB],
  ['12 MiB', 12 * MIB],
  ['16 MiB', 16 * MIB],
  ['32 MiB', 32 * MIB],
  ['63 MiB', 63 * MIB],
  ['64 MiB', 64 * MIB],
  ['100 MiB', 100 * MIB],
  ['128 MiB', 128 * MIB],
  ['256 MiB', 256 * MIB],
  ['1 GiB', GIB],
  ['4 GiB less 64 KiB', 4 * GIB - 64 * KIB],
];

describe('the plan of an arena', () => {
  it.each(SIZES)('spends at most a sixteenth on fixed parts: %s', (_name, memory) => {
    const plan = defaultPlan(memory);
    expect(plan.pagesOffset).toBeLessThanOrEqual(memory / 16);
  });

  it.each(SIZES)('overlaps nowhere and ends within the limit: %s', (_name, memory) => {
    const plan = defaultPlan(memory);
    const pagesPerShardMax = Math.ceil(plan.pageCount / plan.shardCount) + 1;
    const parts: readonly (readonly [number, number])[] = [
      [0, HEADER_BYTES],
      [plan.routingOffset, SLOT_TABLE_SLOTS],
      [plan.classLookupOffset, (ITEM_HEAD_BYTES + plan.inlineBytes) / 8 + 1],
      [plan.namespacesOffset, NAMESPACE_MAX * NAMESPACE_BYTES],
      [plan.namesOffset, plan.namesBytes],
      [plan.stampsOffset, STAMP_COUNT * 8],
      [plan.threadsOffset, plan.threadSlotCount * plan.threadBytes],
      [plan.shardsOffset, plan.shardCount * plan.shardBytes],
      [plan.directoryOffset, plan.pageCount * PAGE_ENTRY_BYTES],
      [plan.pagesOffset, plan.pageCount * plan.pageBytes],
    ];
    let end = 0;
    for (const [offset, bytes] of parts) {
      expect(offset).toBeGreaterThanOrEqual(end);
      end = offset + bytes;
    }
    // Readers may load past the last item: a head, a key, and one wide load.
    expect(end + ITEM_KEY + KEY_BYTES_MAX + 64).toBeLessThanOrEqual(memory);
    expect(plan.pagesOffset % plan.pageBytes).toBe(0);
    expect(pagesPerShardMax * plan.shardCount).toBeGreaterThanOrEqual(plan.pageCount);
  });

  it.each(SIZES)('has pages of 16 to 256 KiB, 256 to a shard where it can: %s', (_name, memory) => {
    const plan = defaultPlan(memory);
    expect(plan.pageBytes).toBeGreaterThanOrEqual(16 * KIB);
    expect(plan.pageBytes).toBeLessThanOrEqual(256 * KIB);
    expect(Math.log2(plan.pageBytes)).toBe(plan.pageShift);
    expect(Number.isInteger(plan.pageShift)).toBe(true);
    const share = memory / plan.shardCount / 256;
    if (plan.pageBytes > 16 * KIB) expect(plan.pageBytes).toBeLessThanOrEqual(share);
    if (plan.pageBytes < 256 * KIB) expect(plan.pageBytes * 2).toBeGreaterThan(share);
  });

  it.each(SIZES)('stores values of half a share, 64 MiB at most: %s', (_name, memory) => {
    const plan = defaultPlan(memory);
    const share = Math.floor(plan.pageCount / plan.shardCount) * plan.pageBytes;
    expect(plan.valueBytesMax).toBe(Math.min(64 * MIB, share / 2));
    // Key, content type and value of one chunk with its head: a quarter page at most.
    expect(plan.inlineBytes + ITEM_HEAD_BYTES).toBeLessThanOrEqual(plan.pageBytes / 4);
    expect(plan.scratchBytes).toBe(16 * KIB);
  });

  it.each(SIZES)('has no more stripes than the smallest table has buckets: %s', (_name, memory) => {
    const plan = defaultPlan(memory);
    expect(Number.isInteger(Math.log2(plan.stripeCount))).toBe(true);
    expect(plan.stripeCount).toBeLessThanOrEqual(plan.pageBytes / BUCKET_BYTES);
    expect(plan.stripeCount).toBeLessThanOrEqual(16 * KIB);
  });

  it('refuses limits that leave fewer than 16 pages to a shard', () => {
    const limits = { shardCount: 4, threadSlotCount: 8, entryCountMax: Number.POSITIVE_INFINITY };
    const make = (): ArenaPlan => planArena({ ...limits, limitBytes: MIB });
    expect(make).toThrow(RangeError);
    expect(make).toThrow(/pages of 16384 bytes to 4 shards/);
    expect(() => planArena({ ...limits, limitBytes: 2 * MIB })).not.toThrow();
  });
});
