// The index: hash → item. Buckets of 64 bytes with twelve one-byte tags that one SIMD compare
// matches, references of 32 bits, and chains of at most eight buckets. The table grows by linear
// hashing (W. Litwin, VLDB 1980): one bucket splits at a time, so no set ever pays for a rehash.
//
// The bucket of a hash is its low bits, the tag its bits 32 to 39. Stripes are low bits too and
// never more than the smallest table, so a bucket and what it splits into share a stripe.
//
// All functions here are the holder's. Readers have their own walk (reader.ts), which trusts
// nothing that it loads.

import { stripeOf, toAddress, toReference } from "./arena";
import { equalBytes } from "./bytes";
import {
  BUCKET_BYTES,
  BUCKET_ENTRIES,
  BUCKET_ENTRY_MASK,
  BUCKET_LOAD_MAX,
  BUCKET_NEXT,
  BUCKET_REFERENCES,
  CHAIN_BUCKETS_MAX,
  ITEM_HASH,
  ITEM_KEY,
  ITEM_KEY_BYTES,
  ITEM_NAMESPACE,
  SHARD_BUCKET_COUNT,
  SHARD_ITEMS,
} from "./layout";
import {
  bucketAddress,
  freeOverflow,
  hasOverflow,
  hasRoomForBucket,
  takeOverflow,
} from "./segments";
import { put32, put8, release32, zero } from "./store";
import { stripeClose, stripeOpen } from "./stripe";

/** The chain takes one more reference. */
export const HAS_ROOM: u32 = 0;
/** The chain has eight full buckets: something in it has to go first. */
export const CHAIN_FULL: u32 = 1;
/** The chain needs an overflow bucket and there is none. */
export const NO_OVERFLOW: u32 = 2;

@inline
export function tagOf(hash: u64): u32 {
  return <u32>(hash >> 32) & 0xff;
}

/** Number of the bucket of a hash in a table of `count` buckets. */
@inline
export function bucketNumber(hash: u64, count: u32): u32 {
  const mask: u32 = 0xffffffff >>> clz<u32>(count - 1);
  const bucket = <u32>hash & mask;
  return bucket < count ? bucket : bucket & (mask >>> 1);
}

@inline
export function bucketOf(shard: usize, hash: u64): usize {
  return bucketAddress(shard, bucketNumber(hash, load<u32>(shard + SHARD_BUCKET_COUNT)));
}

/** Bit i is set when tag i of the bucket equals `tag`. */
@inline
export function matchTags(bucket: usize, tag: u32): u32 {
  const equal = i8x16.eq(v128.load(bucket), i8x16.splat(<i8>tag));
  return i8x16.bitmask(equal) & BUCKET_ENTRY_MASK;
}

/** Address of the entry that refers to a key's item; 0 when the key is not in the index. */
export function findKey(
  shard: usize,
  hash: u64,
  namespaceId: u32,
  key: usize,
  keyBytes: u32,
): usize {
  const tag = tagOf(hash);
  let bucket = bucketOf(shard, hash);
  for (let i: u32 = 0; i < CHAIN_BUCKETS_MAX; i++) {
    let matches = matchTags(bucket, tag);
    while (matches != 0) {
      const entry = bucket + BUCKET_REFERENCES + (ctz<u32>(matches) << 2);
      matches &= matches - 1;
      const reference = load<u32>(entry);
      if (reference == 0) continue;
      const item = toAddress(reference);
      if (load<u64>(item + ITEM_HASH) != hash) continue;
      if (load<u16>(item + ITEM_KEY_BYTES) != keyBytes) continue;
      if (load<u16>(item + ITEM_NAMESPACE) != namespaceId) continue;
      if (equalBytes(item + ITEM_KEY, key, keyBytes)) return entry;
    }
    const next = load<u32>(bucket + BUCKET_NEXT);
    if (next == 0) return 0;
    bucket = toAddress(next);
  }
  return 0;
}

/** Address of the entry that holds this very reference; 0 when there is none. */
export function findReference(shard: usize, hash: u64, reference: u32): usize {
  let bucket = bucketOf(shard, hash);
  for (let i: u32 = 0; i < CHAIN_BUCKETS_MAX; i++) {
    for (let slot: u32 = 0; slot < BUCKET_ENTRIES; slot++) {
      const entry = bucket + BUCKET_REFERENCES + (slot << 2);
      if (load<u32>(entry) == reference) return entry;
    }
    const next = load<u32>(bucket + BUCKET_NEXT);
    if (next == 0) return 0;
    bucket = toAddress(next);
  }
  return 0;
}

/** Bit i is set when entry i of the bucket is empty. */
export function emptyEntries(bucket: usize): u32 {
  const zeros = i32x4.splat(0);
  const a = i32x4.bitmask(i32x4.eq(v128.load(bucket, BUCKET_REFERENCES), zeros));
  const b = i32x4.bitmask(i32x4.eq(v128.load(bucket, BUCKET_REFERENCES + 16), zeros));
  const c = i32x4.bitmask(i32x4.eq(v128.load(bucket, BUCKET_REFERENCES + 32), zeros));
  return a | (b << 4) | (c << 8);
}

/** Whether `insertReference` would succeed: HAS_ROOM, or why not. */
export function chainRoom(shard: usize, hash: u64): u32 {
  let bucket = bucketOf(shard, hash);
  for (let i: u32 = 0; i < CHAIN_BUCKETS_MAX; i++) {
    if (emptyEntries(bucket) != 0) return HAS_ROOM;
    const next = load<u32>(bucket + BUCKET_NEXT);
    if (next == 0) {
      if (i == CHAIN_BUCKETS_MAX - 1) return CHAIN_FULL;
      return hasOverflow(shard) ? HAS_ROOM : NO_OVERFLOW;
    }
    bucket = toAddress(next);
  }
  return CHAIN_FULL;
}

/** Makes an item visible under its hash. HAS_ROOM when that was done, or why not. */
export function insertReference(shard: usize, hash: u64, reference: u32): u32 {
  const stripe = stripeOf(shard, hash);
  const tag = tagOf(hash);
  let bucket = bucketOf(shard, hash);
  for (let i: u32 = 0; i < CHAIN_BUCKETS_MAX; i++) {
    const empty = emptyEntries(bucket);
    if (empty != 0) {
      const slot = ctz<u32>(empty);
      stripeOpen(stripe);
      put8(bucket + slot, tag);
      put32(bucket + BUCKET_REFERENCES + (slot << 2), reference);
      stripeClose(stripe);
      return HAS_ROOM;
    }
    const next = load<u32>(bucket + BUCKET_NEXT);
    if (next == 0) {
      if (i == CHAIN_BUCKETS_MAX - 1) return CHAIN_FULL;
      if (!hasOverflow(shard)) return NO_OVERFLOW;
      const overflow = takeOverflow(shard);
      put8(overflow, tag);
      put32(overflow + BUCKET_REFERENCES, reference);
      stripeOpen(stripe);
      put32(bucket + BUCKET_NEXT, toReference(overflow));
      stripeClose(stripe);
      return HAS_ROOM;
    }
    bucket = toAddress(next);
  }
  return CHAIN_FULL;
}

/** Points an entry at another item with the same key: one store in the odd window. */
export function swapReference(shard: usize, hash: u64, entry: usize, reference: u32): void {
  // A caller that lost its entry would write to address 0: the header.
  if (entry == 0) unreachable();
  const stripe = stripeOf(shard, hash);
  stripeOpen(stripe);
  put32(entry, reference);
  stripeClose(stripe);
}

/** Takes an entry out of the index; an overflow bucket that becomes empty leaves its chain. */
export function removeEntry(shard: usize, hash: u64, entry: usize): void {
  swapReference(shard, hash, entry, 0);
  let previous = bucketOf(shard, hash);
  if (load<u32>(previous + BUCKET_NEXT) == 0) return;
  pruneChain(shard, hash, previous);
}

/** Unlinks and frees empty overflow buckets of a chain. */
function pruneChain(shard: usize, hash: u64, first: usize): void {
  const stripe = stripeOf(shard, hash);
  let previous = first;
  for (let i: u32 = 1; i < CHAIN_BUCKETS_MAX; i++) {
    const next = load<u32>(previous + BUCKET_NEXT);
    if (next == 0) return;
    const bucket = toAddress(next);
    if (emptyEntries(bucket) != BUCKET_ENTRY_MASK) {
      previous = bucket;
      continue;
    }
    stripeOpen(stripe);
    put32(previous + BUCKET_NEXT, load<u32>(bucket + BUCKET_NEXT));
    stripeClose(stripe);
    freeOverflow(shard, bucket);
  }
}

/** True when the table is loaded enough to grow by a bucket. */
@inline
export function wantsGrowth(shard: usize): bool {
  return load<u32>(shard + SHARD_ITEMS) > load<u32>(shard + SHARD_BUCKET_COUNT) * BUCKET_LOAD_MAX;
}

/**
 * Splits the bucket whose turn it is. False when the table or the new chain lacks memory.
 * The new bucket is complete before it can be seen; the odd window only moves the root. What
 * moved is cleared from the old chain afterwards: no reader looks for it there any more.
 */
export function splitBucket(shard: usize): bool {
  if (!hasRoomForBucket(shard)) return false;
  const count = load<u32>(shard + SHARD_BUCKET_COUNT);
  const half: u32 = 0x80000000 >>> clz<u32>(count);
  const oldNumber = count - half;
  const target = bucketAddress(shard, count);
  const source = bucketAddress(shard, oldNumber);
  zero(target, BUCKET_BYTES);
  if (!copyMoving(shard, source, target, count, half * 2 - 1)) return false;
  const stripe = stripeOf(shard, <u64>oldNumber);
  stripeOpen(stripe);
  release32(shard + SHARD_BUCKET_COUNT, count + 1);
  stripeClose(stripe);
  clearMoved(source, count, half * 2 - 1);
  foldChain(shard, <u64>oldNumber, source);
  return true;
}

/** Copies the entries that belong into bucket `number` there; false when buckets run out. */
function copyMoving(shard: usize, source: usize, target: usize, number: u32, mask: u32): bool {
  let from = source;
  let to = target;
  let filled: u32 = 0;
  for (let i: u32 = 0; i < CHAIN_BUCKETS_MAX; i++) {
    for (let slot: u32 = 0; slot < BUCKET_ENTRIES; slot++) {
      const reference = load<u32>(from + BUCKET_REFERENCES + (slot << 2));
      if (reference == 0) continue;
      const hash = load<u64>(toAddress(reference) + ITEM_HASH);
      if ((<u32>hash & mask) != number) continue;
      if (filled == BUCKET_ENTRIES) {
        if (!hasOverflow(shard)) {
          dropCopy(shard, target);
          return false;
        }
        const overflow = takeOverflow(shard);
        put32(to + BUCKET_NEXT, toReference(overflow));
        to = overflow;
        filled = 0;
      }
      put8(to + filled, tagOf(hash));
      put32(to + BUCKET_REFERENCES + (filled << 2), reference);
      filled += 1;
    }
    const next = load<u32>(from + BUCKET_NEXT);
    if (next == 0) return true;
    from = toAddress(next);
  }
  return true;
}

/** Undoes a copy that could not be completed; the bucket was never visible. */
function dropCopy(shard: usize, target: usize): void {
  let next = load<u32>(target + BUCKET_NEXT);
  for (let slot: u32 = 0; slot < BUCKET_ENTRIES; slot++) {
    put32(target + BUCKET_REFERENCES + (slot << 2), 0);
  }
  put32(target + BUCKET_NEXT, 0);
  while (next != 0) {
    const bucket = toAddress(next);
    next = load<u32>(bucket + BUCKET_NEXT);
    freeOverflow(shard, bucket);
  }
}

/** Clears the entries that live in bucket `number` now from the chain they came from. */
function clearMoved(source: usize, number: u32, mask: u32): void {
  let bucket = source;
  for (let i: u32 = 0; i < CHAIN_BUCKETS_MAX; i++) {
    for (let slot: u32 = 0; slot < BUCKET_ENTRIES; slot++) {
      const entry = bucket + BUCKET_REFERENCES + (slot << 2);
      const reference = load<u32>(entry);
      if (reference == 0) continue;
      const hash = load<u64>(toAddress(reference) + ITEM_HASH);
      if ((<u32>hash & mask) == number) put32(entry, 0);
    }
    const next = load<u32>(bucket + BUCKET_NEXT);
    if (next == 0) return;
    bucket = toAddress(next);
  }
}

/** Moves entries of overflow buckets into holes of the first one, then prunes the chain. */
function foldChain(shard: usize, hash: u64, first: usize): void {
  const next = load<u32>(first + BUCKET_NEXT);
  if (next == 0) return;
  const stripe = stripeOf(shard, hash);
  let bucket = toAddress(next);
  for (let i: u32 = 1; i < CHAIN_BUCKETS_MAX; i++) {
    for (let slot: u32 = 0; slot < BUCKET_ENTRIES; slot++) {
      const entry = bucket + BUCKET_REFERENCES + (slot << 2);
      const reference = load<u32>(entry);
      if (reference == 0) continue;
      const holes = emptyEntries(first);
      if (holes == 0) break;
      const hole = ctz<u32>(holes);
      stripeOpen(stripe);
      put8(first + hole, load<u8>(bucket + slot));
      put32(first + BUCKET_REFERENCES + (hole << 2), reference);
      put32(entry, 0);
      stripeClose(stripe);
    }
    const following = load<u32>(bucket + BUCKET_NEXT);
    if (following == 0) break;
    bucket = toAddress(following);
  }
  pruneChain(shard, hash, first);
}
