// From limits to bytes: where each part of an arena lies (assembly/layout.ts draws it). Pure.

import {
  BUCKET_BYTES,
  FILTER_BLOCK_BYTES,
  FILTER_BLOCK_ENTRIES,
  HEADER_BYTES,
  ITEM_HEAD_BYTES,
  LINE_BYTES,
  NAMESPACE_BYTES,
  NAMESPACE_MAX,
  NAMESPACE_NAME_BYTES_MAX,
  PAGE_ENTRY_BYTES,
  POLICY_LFU,
  POLICY_LRU,
  POLICY_S3FIFO,
  SHADOW_ENTRIES_MAX,
  SHADOW_ENTRY_BYTES,
  SHADOWS,
  SHARD_FIXED_BYTES,
  SLOT_TABLE_SLOTS,
  STAMP_COUNT,
  THREAD_VALUE,
} from './assembly/layout.js';

const KIB = 1_024;
const MIB = KIB * KIB;
const PAGE_BYTES_MIN = 16 * KIB;
const PAGE_BYTES_MAX = 256 * KIB;
const PAGES_PER_SHARD = 256;
const SCRATCH_BYTES = 16 * KIB;
const STRIPES_MAX = 16 * KIB;
/** The largest value, whatever the arena's size. */
const VALUE_BYTES_MAX = 64 * MIB;
/** Readers load heads and keys, in wide steps, before they know that an item is there. */
const TAIL_BYTES = 4 * KIB;
/** The change count of a page. */
const CHANGE_BYTES = 4;
const SCRATCH_SLACK_BYTES = 64;
const STAMP_BYTES = 8;
/** Of a shard's pages at most: what 8 bytes for each of the smallest items come to, and some. */
const FILTER_PAGES_SHARE = 8;
/** A filter of fewer blocks would mistake too many keys for each other. */
const FILTER_BLOCKS_MIN = 8;
/** Blocks for each that is needed, within the first page. */
const FILTER_PLENTY = 2;
/** Below, the head of a shadow would not fit its share. */
const SHADOW_ENTRIES_MIN = 32;
/** WebAssembly memory comes in pages of this size. */
export const WASM_PAGE_BYTES: number = 64 * KIB;

/** Which entries leave when there is no room. */
export type EvictionKind = 'lru' | 'lfu' | 's3fifo';

const POLICIES: Readonly<Record<EvictionKind, number>> = {
  lru: POLICY_LRU,
  lfu: POLICY_LFU,
  s3fifo: POLICY_S3FIFO,
};

/** What an arena is bounded by. */
export interface ArenaLimits {
  /** Bytes of the whole arena, a multiple of 64 KiB below 4 GiB. */
  readonly limitBytes: number;
  readonly shardCount: number;
  readonly threadSlotCount: number;
  /** Most entries; Infinity = bounded by bytes alone. */
  readonly entryCountMax: number;
  /** Default `'lru'`. */
  readonly eviction?: EvictionKind;
  /** Whether changes of pages are counted, so that a file of them can be kept. Default: no. */
  readonly countsChanges?: boolean;
  /** Tests make tiny pages; by default a 256th of a shard's share, 16 to 256 KiB. */
  readonly pageBytes?: number;
}

/** Where everything lies; offsets and sizes in bytes. */
export interface ArenaPlan {
  readonly limitBytes: number;
  readonly shardCount: number;
  readonly threadSlotCount: number;
  readonly entryCountMax: number;
  /** POLICY_LRU and so on. */
  readonly policy: number;
  /** Most pages of one shard's filter (frequency sketch or ghosts), 0 for `lru`. */
  readonly filterPageCountMax: number;
  /** Blocks of a filter in use in each of its pages, a power of two. */
  readonly filterBlockCount: number;
  /** Room of each simulation of the cache, a power of two; 0 but for `lfu`. */
  readonly shadowEntryCount: number;
  readonly pageBytes: number;
  readonly pageShift: number;
  readonly pageCount: number;
  readonly scratchBytes: number;
  readonly inlineBytes: number;
  readonly valueBytesMax: number;
  readonly stripeCount: number;
  readonly routingOffset: number;
  readonly classLookupOffset: number;
  readonly namespacesOffset: number;
  readonly namesOffset: number;
  readonly namesBytes: number;
  readonly stampsOffset: number;
  readonly threadsOffset: number;
  readonly threadBytes: number;
  readonly shardsOffset: number;
  readonly shardBytes: number;
  readonly directoryOffset: number;
  readonly changesOffset: number;
  readonly pagesOffset: number;
}

function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

function floorPowerOfTwo(value: number): number {
  return 2 ** Math.floor(Math.log2(value));
}

function pageBytesFor(limits: ArenaLimits): number {
  if (limits.pageBytes !== undefined) return limits.pageBytes;
  const share = limits.limitBytes / limits.shardCount;
  const wanted = floorPowerOfTwo(share / PAGES_PER_SHARD);
  return Math.min(PAGE_BYTES_MAX, Math.max(PAGE_BYTES_MIN, wanted));
}

/**
 * A small bound by count needs less than a page, which is taken whole: there it gets more blocks
 * than it must have, so that fewer keys are mistaken for each other, yet no more than caches hold.
 */
function filterBlockCountFor(limits: ArenaLimits, pageBytes: number): number {
  const blocksPerPage = pageBytes / FILTER_BLOCK_BYTES;
  const entries = Math.ceil(limits.entryCountMax / limits.shardCount);
  const needed = 2 ** Math.ceil(Math.log2(entries / FILTER_BLOCK_ENTRIES));
  return Math.min(blocksPerPage, Math.max(FILTER_BLOCKS_MIN, FILTER_PLENTY * needed));
}

/** A shadow fits a page, and needs no more entries than the cache may have. */
function shadowEntryCountFor(limits: ArenaLimits, pageBytes: number): number {
  const entries = Math.ceil(limits.entryCountMax / limits.shardCount);
  const wanted = Math.max(SHADOW_ENTRIES_MIN, 2 ** Math.ceil(Math.log2(entries)));
  return Math.min(SHADOW_ENTRIES_MAX, pageBytes / SHADOW_ENTRY_BYTES, wanted);
}

/** Bytes of one shard header with the tables behind its fixed part. */
function shardBytesFor(segments: number, filterNames: number, stripeCount: number): number {
  return (
    alignUp(SHARD_FIXED_BYTES + segments * 4, LINE_BYTES) +
    alignUp(filterNames * 4, LINE_BYTES) +
    alignUp(stripeCount * 4, LINE_BYTES)
  );
}

/**
 * Lays an arena out. Throws a RangeError when the limits leave fewer than 16 pages to a shard:
 * callers check their options first.
 */
export function planArena(limits: ArenaLimits): ArenaPlan {
  const pageBytes = pageBytesFor(limits);
  // With its head an item fills a quarter page at most, and so does its record (64 bytes of head).
  const inlineBytes = pageBytes / 4 - ITEM_HEAD_BYTES;
  const scratchBytes = Math.min(SCRATCH_BYTES, pageBytes);
  const stripeCount = Math.min(STRIPES_MAX, pageBytes / BUCKET_BYTES);
  const pagesPerShardMax = Math.ceil(limits.limitBytes / pageBytes / limits.shardCount) + 1;

  const eviction = limits.eviction ?? 'lru';
  const filterShare = eviction === 'lru' ? 0 : 1 / FILTER_PAGES_SHARE;
  const filterPageCountMax = Math.ceil(pagesPerShardMax * filterShare);

  const routingOffset = HEADER_BYTES;
  const classLookupOffset = routingOffset + SLOT_TABLE_SLOTS;
  const lookupBytes = (ITEM_HEAD_BYTES + inlineBytes) / 8 + 8;
  const namespacesOffset = alignUp(classLookupOffset + lookupBytes, LINE_BYTES);
  const namesOffset = namespacesOffset + NAMESPACE_MAX * NAMESPACE_BYTES;
  const namesBytes = Math.min(
    NAMESPACE_MAX * (NAMESPACE_NAME_BYTES_MAX + 1),
    floorPowerOfTwo(limits.limitBytes / 128),
  );
  const stampsOffset = alignUp(namesOffset + namesBytes, LINE_BYTES);
  const threadsOffset = alignUp(stampsOffset + STAMP_COUNT * STAMP_BYTES, LINE_BYTES);
  const threadBytes = alignUp(THREAD_VALUE + scratchBytes + SCRATCH_SLACK_BYTES, LINE_BYTES);
  const shardsOffset = threadsOffset + limits.threadSlotCount * threadBytes;
  const filterNames = eviction === 'lru' ? 0 : filterPageCountMax + SHADOWS;
  const shardBytes = shardBytesFor(pagesPerShardMax, filterNames, stripeCount);
  const directoryOffset = shardsOffset + limits.shardCount * shardBytes;

  const room = limits.limitBytes - TAIL_BYTES - directoryOffset - pageBytes;
  const pageCount = Math.floor(room / (pageBytes + PAGE_ENTRY_BYTES + CHANGE_BYTES));
  if (pageCount < limits.shardCount * 16) {
    throw new RangeError(
      `${limits.limitBytes} bytes leave ${pageCount} pages of ${pageBytes} bytes to ${limits.shardCount} shards`,
    );
  }
  const behindDirectory = directoryOffset + pageCount * PAGE_ENTRY_BYTES;
  const changesOffset = limits.countsChanges === true ? behindDirectory : 0;
  const pagesOffset = alignUp(behindDirectory + pageCount * CHANGE_BYTES, pageBytes);
  const shareBytes = Math.floor(pageCount / limits.shardCount) * pageBytes;
  return {
    limitBytes: limits.limitBytes,
    shardCount: limits.shardCount,
    threadSlotCount: limits.threadSlotCount,
    entryCountMax: limits.entryCountMax,
    policy: POLICIES[eviction],
    filterPageCountMax,
    filterBlockCount: filterBlockCountFor(limits, pageBytes),
    shadowEntryCount: eviction === 'lfu' ? shadowEntryCountFor(limits, pageBytes) : 0,
    pageBytes,
    pageShift: Math.log2(pageBytes),
    pageCount,
    scratchBytes,
    inlineBytes,
    valueBytesMax: Math.min(VALUE_BYTES_MAX, shareBytes / 2),
    stripeCount,
    routingOffset,
    classLookupOffset,
    namespacesOffset,
    namesOffset,
    namesBytes,
    stampsOffset,
    threadsOffset,
    threadBytes,
    shardsOffset,
    shardBytes,
    directoryOffset,
    changesOffset,
    pagesOffset,
  };
}
