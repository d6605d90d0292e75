// Where the parts of this arena lie: constants of the header, loaded once per instance. Every
// thread has its own instance of the module and so its own copy of these globals.

import {
  HEADER_CLASS_LOOKUP,
  HEADER_DIRECTORY,
  HEADER_FILTER_BLOCKS,
  HEADER_FILTER_PAGES,
  HEADER_HASH_SEED,
  HEADER_INLINE_BYTES,
  HEADER_LIMIT_BYTES,
  HEADER_NAMESPACES,
  HEADER_PAGE_BYTES,
  HEADER_PAGE_CHANGES,
  HEADER_PAGE_COUNT,
  HEADER_PAGE_SHIFT,
  HEADER_PAGES,
  HEADER_POLICY,
  HEADER_ROUTING,
  HEADER_SCRATCH_BYTES,
  HEADER_SHADOW_ENTRIES,
  HEADER_SHARD_BYTES,
  HEADER_SHARD_COUNT,
  HEADER_SHARDS,
  HEADER_STRIPES,
  HEADER_THREAD_BYTES,
  HEADER_THREADS,
  LINE_BYTES,
  POLICY_LRU,
  SHADOWS,
  SHARD_FIXED_BYTES,
  SLOT_HASH_SHIFT,
} from "./layout";

export let routing: usize = 0;
export let namespaces: usize = 0;
export let threads: usize = 0;
export let threadBytes: u32 = 0;
export let directory: usize = 0;
export let changes: usize = 0;
export let shards: usize = 0;
export let shardBytes: u32 = 0;
export let pages: usize = 0;
export let pageBytes: u32 = 0;
export let pageShift: u32 = 0;
export let pageCount: u32 = 0;
export let stripeMask: u32 = 0;
export let stripesOffset: u32 = 0;
export let scratchBytes: u32 = 0;
export let inlineBytes: u32 = 0;
export let classLookup: usize = 0;
export let hashSeed: u64 = 0;
/** Most buckets that the segment list of a shard can name. */
export let bucketsMax: u32 = 0;
/** POLICY_LRU and the following. */
export let evictionPolicy: u32 = 0;
/** `lru` with several shards: items in the younger half of their list keep their place. */
export let skipsYoung: bool = false;
/** Where a shard header names the pages of its filter, then those of its shadows. */
export let filterOffset: u32 = 0;
export let filterPagesMax: u32 = 0;
/** Blocks of a filter in use in each of its pages. */
export let filterBlocks: u32 = 0;
/** Room of a shadow. */
export let shadowEntries: u32 = 0;
/** References below this one, or `referenceSpan` above it, do not point into the pages. */
export let referenceFirst: u32 = 0;
export let referenceSpan: u32 = 0;
/** Addresses from here on lie behind the arena. */
export let arenaEnd: u32 = 0;

/** The slot of this thread; 0 until it is attached. */
export let thread: usize = 0;
export let threadId: u32 = 0;

/** Loads the header's constants. The header must be complete. */
export function bindArena(): void {
  routing = load<u32>(HEADER_ROUTING);
  namespaces = load<u32>(HEADER_NAMESPACES);
  threads = load<u32>(HEADER_THREADS);
  threadBytes = load<u32>(HEADER_THREAD_BYTES);
  directory = load<u32>(HEADER_DIRECTORY);
  changes = load<u32>(HEADER_PAGE_CHANGES);
  shards = load<u32>(HEADER_SHARDS);
  shardBytes = load<u32>(HEADER_SHARD_BYTES);
  pages = load<u32>(HEADER_PAGES);
  pageBytes = load<u32>(HEADER_PAGE_BYTES);
  pageShift = load<u32>(HEADER_PAGE_SHIFT);
  pageCount = load<u32>(HEADER_PAGE_COUNT);
  stripeMask = load<u32>(HEADER_STRIPES) - 1;
  scratchBytes = load<u32>(HEADER_SCRATCH_BYTES);
  inlineBytes = load<u32>(HEADER_INLINE_BYTES);
  classLookup = load<u32>(HEADER_CLASS_LOOKUP);
  hashSeed = load<u64>(HEADER_HASH_SEED);
  evictionPolicy = load<u32>(HEADER_POLICY);
  skipsYoung = evictionPolicy == POLICY_LRU && load<u32>(HEADER_SHARD_COUNT) != 1;
  filterPagesMax = load<u32>(HEADER_FILTER_PAGES);
  filterBlocks = load<u32>(HEADER_FILTER_BLOCKS);
  shadowEntries = load<u32>(HEADER_SHADOW_ENTRIES);
  arenaEnd = load<u32>(HEADER_LIMIT_BYTES);
  referenceFirst = <u32>(pages >> 3);
  referenceSpan = <u32>((<u64>pageCount << pageShift) >> 3);
  // Stripes are the last part of a shard header.
  stripesOffset = shardBytes - (stripeMask + 1) * 4;
  const policyPages = evictionPolicy == POLICY_LRU ? 0 : filterPagesMax + SHADOWS;
  filterOffset = stripesOffset - ((policyPages * 4 + LINE_BYTES - 1) & ~(LINE_BYTES - 1));
  bucketsMax = ((filterOffset - SHARD_FIXED_BYTES) >> 2) << (pageShift - 6);
}

/** Makes a slot this thread's own. */
export function bindThread(id: u32): void {
  threadId = id;
  thread = threads + id * threadBytes;
}

@inline
export function threadAddress(id: u32): usize {
  return threads + id * threadBytes;
}

@inline
export function shardAddress(index: u32): usize {
  return shards + index * shardBytes;
}

/** Index of the shard that holds a hash: one load. */
@inline
export function shardOf(hash: u64): u32 {
  return load<u8>(routing + <u32>(hash >> SLOT_HASH_SHIFT));
}

@inline
export function segmentsOf(shard: usize): usize {
  return shard + SHARD_FIXED_BYTES;
}

@inline
export function stripeOf(shard: usize, hash: u64): usize {
  return shard + stripesOffset + ((<u32>hash & stripeMask) << 2);
}

@inline
export function toReference(address: usize): u32 {
  return <u32>(address >> 3);
}

@inline
export function toAddress(reference: u32): usize {
  return <usize>reference << 3;
}

/** True when a reference points into the pages; what lies there is another question. */
@inline
export function inPages(reference: u32): bool {
  return reference - referenceFirst < referenceSpan;
}
