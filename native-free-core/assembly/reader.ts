// The lock-free reader. Order: stripe, table root, bucket, item, copy, stripe; every retry starts
// again from the root. What is read is hostile until the stripe has been validated: references
// are range-checked, lengths are compared with the room there is before anything is copied, and a
// chain is followed at most eight buckets. Any failure counts as a torn read.
//
// The reader stores into its own thread slot only.

import {
  arenaEnd,
  bucketsMax,
  evictionPolicy,
  hashSeed,
  inPages,
  pageBytes,
  pageShift,
  scratchBytes,
  segmentsOf,
  shardAddress,
  shardOf,
  skipsYoung,
  stripeOf,
  thread,
  toAddress,
  toReference,
} from "./arena";
import { COPY_STEP_BYTES, copyBytes, copyRoundedUp, equalBytes } from "./bytes";
import {
  countOperation,
  currentMs,
  judgeBy,
  judgeMs,
  refreshMs,
  refreshTicked,
  sharedMs,
} from "./clock";
import { release, ringOf } from "./commands";
import { fence } from "./fence";
import { hashBytes, namespaceSeed } from "./hash";
import { isPinnable, pin, unpin } from "./hazard";
import {
  BUCKET_NEXT,
  BUCKET_REFERENCES,
  CHAIN_BUCKETS_MAX,
  CONTENT_TYPE_BYTES_MAX,
  HEADER_ATTACHED,
  ITEM_CONTENT_TYPE_BYTES,
  ITEM_CREATED_MS,
  ITEM_ENCODING,
  ITEM_EPOCH,
  ITEM_EXPIRY_MS,
  ITEM_HASH,
  ITEM_KEY,
  ITEM_KEY_BYTES,
  ITEM_NAMESPACE,
  ITEM_SEQUENCE,
  ITEM_STAMP,
  ITEM_VALUE_BYTES,
  LOW_48_BITS,
  POLICY_LRU,
  RESULT_CONTENT_TYPE_BYTES,
  RESULT_CREATED_MS,
  RESULT_ENCODING,
  RESULT_EXPIRY_MS,
  RESULT_FIRST,
  RESULT_ITEM,
  RESULT_REFERENCE,
  RESULT_STATUS,
  RESULT_STRIPE,
  RESULT_STRIPE_VERSION,
  RESULT_UPPER_HASH,
  RESULT_VALUE_BYTES,
  RESULT_VERSION,
  SHARD_BUCKET_COUNT,
  SHARD_RECENT_STAMP,
  SHARD_WANTED,
  SHARD_YOUNG_STAMP,
  THREAD_BUSY_READS,
  THREAD_CONTENT_TYPE,
  THREAD_DROPPED_TOUCHES,
  THREAD_HITS,
  THREAD_KEY,
  THREAD_MISSES,
  THREAD_READ_RETRIES,
  THREAD_RESULT,
  THREAD_VALUE,
} from "./layout";
import { namespaceEpoch } from "./namespaces";
import { tryHold } from "./owner";
import { policyIgnoresHit } from "./policy";
import { drainTouches } from "./recency";
import { isStale } from "./staleness";
import { STATUS_BUSY, STATUS_MISS, STATUS_OK, STATUS_STALE } from "./status";
import { put32, put64, putF64 } from "./store";
import { bucketNumber, matchTags, tagOf } from "./table";
import { appendTouch } from "./touches";

/** Copy the value (or pin it); without it the read only answers whether there is a live entry. */
export const READ_VALUE: u32 = 1;
/** A hit counts as an access for the eviction policy and in the counters. */
export const READ_TOUCH: u32 = 2;
/** Also leave creation time and version in the result area. */
export const READ_META: u32 = 4;
/** Also leave what the thread needs to keep a copy of its own. */
export const READ_NEAR: u32 = 16;
/** Answer a stale entry with STALE instead of MISS; it counts as a miss all the same. */
export const READ_STALE: u32 = 8;

const TRIES_MAX: u32 = 128;
const WAIT_STEPS_MAX: u32 = 20;
const WAIT_STEP_NS: i64 = 100_000;
/** Answer of one attempt that did not validate. */
const TORN: i32 = -100;

@inline
function increment(counter: usize): void {
  put64(counter, load<u64>(counter) + 1);
}

/** Looks a key up as a reader does: trusts nothing, ends in eight buckets. 0 = not found. */
@inline
function lookUp(shard: usize, hash: u64, namespaceId: u32, key: usize, keyBytes: u32): usize {
  const count = load<u32>(shard + SHARD_BUCKET_COUNT);
  if (count - 2 >= bucketsMax) return 0;
  const number = bucketNumber(hash, count);
  const shift = pageShift - 6;
  const segment = load<u32>(segmentsOf(shard) + ((number >> shift) << 2));
  if (!inPages(segment >> 3) || (segment & (pageBytes - 1)) != 0) return 0;
  let bucket = <usize>segment + ((number & ((1 << shift) - 1)) << 6);
  const tag = tagOf(hash);
  for (let i: u32 = 0; i < CHAIN_BUCKETS_MAX; i++) {
    let matches = matchTags(bucket, tag);
    while (matches != 0) {
      const reference = load<u32>(bucket + BUCKET_REFERENCES + (ctz<u32>(matches) << 2));
      matches &= matches - 1;
      if (!inPages(reference)) continue;
      const item = toAddress(reference);
      if (load<u64>(item + ITEM_HASH) != hash) continue;
      if (load<u16>(item + ITEM_KEY_BYTES) != keyBytes) continue;
      if (load<u16>(item + ITEM_NAMESPACE) != namespaceId) continue;
      if (equalBytes(item + ITEM_KEY, key, keyBytes)) return item;
    }
    const next = load<u32>(bucket + BUCKET_NEXT);
    if (!inPages(next)) return 0;
    bucket = toAddress(next);
  }
  return 0;
}

/** True when the entry must not be served any more; asks the clock only when it might be. */
@inline
function isOver(item: usize, namespaceId: u32): bool {
  const expiry = load<f64>(item + ITEM_EXPIRY_MS);
  const now = sharedMs();
  if (!(now < expiry) && isPast(expiry)) return true;
  return load<u32>(item + ITEM_EPOCH) != namespaceEpoch(namespaceId);
}

/** The shared time says it is past, or that nobody ticks. */
function isPast(expiry: f64): bool {
  if (expiry == Infinity) return false;
  // No code of the host runs while a shard is held.
  return (isHolding ? judgeMs : refreshMs()) >= expiry;
}

/** True unless the entry is stale and the read does not ask for such. */
@inline
function isWanted(item: usize, flags: u32): bool {
  return !isStale(item) || (flags & READ_STALE) != 0;
}

/** Copies the value to the scratch area, or pins it; false when its lengths cannot be true. */
@inline
function takeValue(item: usize, keyBytes: u32): bool {
  const valueBytes = load<u32>(item + ITEM_VALUE_BYTES);
  const typeBytes = load<u8>(item + ITEM_CONTENT_TYPE_BYTES);
  const first = item + ITEM_KEY + keyBytes + typeBytes;
  const result = thread + THREAD_RESULT;
  put32(result + RESULT_VALUE_BYTES, valueBytes);
  put32(result + RESULT_CONTENT_TYPE_BYTES, typeBytes);
  put32(result + RESULT_ENCODING, load<u8>(item + ITEM_ENCODING));
  putF64(result + RESULT_EXPIRY_MS, load<f64>(item + ITEM_EXPIRY_MS));
  if (typeBytes != 0) {
    if (typeBytes > CONTENT_TYPE_BYTES_MAX) return false;
    copyBytes(thread + THREAD_CONTENT_TYPE, first - typeBytes, typeBytes);
  }
  if (isPinnable(item)) {
    pin(toReference(item));
    put32(result + RESULT_ITEM, toReference(item));
    put32(result + RESULT_FIRST, <u32>first);
    return true;
  }
  // The lengths may be torn: nothing beyond the scratch area or the arena is touched.
  if (valueBytes > scratchBytes) return false;
  if (<u64>first + valueBytes + COPY_STEP_BYTES > <u64>arenaEnd) return false;
  put32(result + RESULT_ITEM, 0);
  copyRoundedUp(thread + THREAD_VALUE, first, valueBytes);
  return true;
}

/** What tells a kept copy whether it still stands. */
function takeNear(item: usize, stripe: usize, version: u32, hash: u64): void {
  const result = thread + THREAD_RESULT;
  put32(result + RESULT_STRIPE, <u32>stripe);
  put32(result + RESULT_STRIPE_VERSION, version);
  put32(result + RESULT_REFERENCE, toReference(item));
  put32(result + RESULT_UPPER_HASH, <u32>(hash >> 32));
  putF64(result + RESULT_EXPIRY_MS, load<f64>(item + ITEM_EXPIRY_MS));
  takeMeta(item);
}

function takeMeta(item: usize): void {
  const result = thread + THREAD_RESULT;
  // Signed: the processor converts those by one instruction.
  putF64(result + RESULT_CREATED_MS, <f64><i64>(load<u64>(item + ITEM_CREATED_MS) & LOW_48_BITS));
  putF64(result + RESULT_VERSION, <f64><i64>(load<u64>(item + ITEM_SEQUENCE) & LOW_48_BITS));
}

let isHolding: bool = false;
let found: usize = 0;
let foundStamp: u32 = 0;

/** One attempt at a read: OK, MISS, STALE, or TORN. */
@inline
function attempt(
  shard: usize,
  stripe: usize,
  hash: u64,
  namespaceId: u32,
  keyBytes: u32,
  flags: u32,
): i32 {
  const version = atomic.load<u32>(stripe);
  if (version & 1) return TORN;
  const item = lookUp(shard, hash, namespaceId, thread + THREAD_KEY, keyBytes);
  let status = STATUS_MISS;
  if (item != 0 && isWanted(item, flags) && !isOver(item, namespaceId)) {
    if (flags & READ_VALUE) {
      if (!takeValue(item, keyBytes)) return TORN;
      if (flags & READ_META) takeMeta(item);
    }
    if (flags & READ_NEAR) takeNear(item, stripe, version, hash);
    foundStamp = load<u32>(item + ITEM_STAMP);
    found = item;
    status = isStale(item) ? STATUS_STALE : STATUS_OK;
  }
  fence();
  if (atomic.load<u32>(stripe) != version) {
    if (load<u32>(thread + THREAD_RESULT + RESULT_ITEM) != 0) unpin();
    return TORN;
  }
  return status;
}

/**
 * Reads the key in the key scratch area. OK with the value in the scratch area (or pinned) and
 * the result filled in, STALE likewise where it is asked for, MISS, or BUSY. Any thread, at any
 * time.
 */
export function read(keyBytes: u32, namespaceId: u32, flags: u32): i32 {
  countOperation();
  unpin();
  const hash = hashBytes(thread + THREAD_KEY, keyBytes, namespaceSeed(hashSeed, namespaceId));
  const index = shardOf(hash);
  const shard = shardAddress(index);
  const stripe = stripeOf(shard, hash);
  let status = attempt(shard, stripe, hash, namespaceId, keyBytes, flags);
  if (status == TORN) status = readAgain(shard, stripe, hash, namespaceId, keyBytes, flags);
  if (status == STATUS_OK) {
    if (flags & READ_TOUCH) {
      increment(thread + THREAD_HITS);
      noteHit(index, shard, hash);
    }
  } else if (flags & READ_TOUCH) {
    increment(thread + (status == STATUS_BUSY ? THREAD_BUSY_READS : THREAD_MISSES));
  }
  put32(thread + THREAD_RESULT + RESULT_STATUS, status);
  return status;
}

/** `attempt` out of line: the first try alone is worth the room. */
function attemptAgain(
  shard: usize,
  stripe: usize,
  hash: u64,
  namespaceId: u32,
  keyBytes: u32,
  flags: u32,
): i32 {
  return attempt(shard, stripe, hash, namespaceId, keyBytes, flags);
}

/** The slow way: try on, then read under the owner word, then give up after about 2 ms. */
function readAgain(
  shard: usize,
  stripe: usize,
  hash: u64,
  namespaceId: u32,
  keyBytes: u32,
  flags: u32,
): i32 {
  for (let i: u32 = 1; i < TRIES_MAX; i++) {
    increment(thread + THREAD_READ_RETRIES);
    const status = attemptAgain(shard, stripe, hash, namespaceId, keyBytes, flags);
    if (status != TORN) return status;
  }
  for (let step: u32 = 0; step < WAIT_STEPS_MAX; step++) {
    judgeBy(currentMs());
    if (tryHold(shard)) {
      isHolding = true;
      const status = attemptAgain(shard, stripe, hash, namespaceId, keyBytes, flags);
      isHolding = false;
      release(shard);
      return status == TORN ? STATUS_BUSY : status;
    }
    // Nobody notifies this word of our own: it is a sleep that ends by itself.
    const word = thread + THREAD_RESULT + RESULT_STATUS;
    atomic.wait<i32>(word, load<i32>(word), WAIT_STEP_NS);
    const status = attemptAgain(shard, stripe, hash, namespaceId, keyBytes, flags);
    if (status != TORN) return status;
  }
  return STATUS_BUSY;
}

/** Counts hits that the thread answered from copies of its own; call it every 64 of them. */
export function countNearHits(hits: u32): void {
  put64(thread + THREAD_HITS, load<u64>(thread + THREAD_HITS) + hits);
  refreshTicked();
}

/** Notes a hit that the thread answered from a copy of its own, whose item still stands. */
export function touchNear(reference: u32, upperHash: u32): void {
  if (!inPages(reference)) return;
  const hash = <u64>upperHash << 32;
  const index = shardOf(hash);
  found = toAddress(reference);
  // The item may be gone by now: whoever drains the touch looks.
  foundStamp = load<u32>(found + ITEM_STAMP);
  noteHit(index, shardAddress(index), hash);
}

/** Notes the hit for the eviction policy. */
@inline
function noteHit(index: u32, shard: usize, hash: u64): void {
  // `lru` with several shards: an item in the younger half of the list keeps its place; with
  // several threads, also one that was touched lately. Its line stays shared, and most hits cost
  // nothing.
  if (skipsYoung && <i32>(foundStamp - load<u32>(shard + SHARD_YOUNG_STAMP)) > 0) return;
  if (evictionPolicy == POLICY_LRU) {
    if (load<u32>(HEADER_ATTACHED) > 1) {
      if (<i32>(foundStamp - load<u32>(shard + SHARD_RECENT_STAMP)) > 0) return;
    }
  } else if (policyIgnoresHit(found)) return;
  const ring = ringOf(thread, index);
  if (!appendTouch(ring, toReference(found), hash)) makeRoomForTouch(shard, ring, hash);
}

function makeRoomForTouch(shard: usize, ring: usize, hash: u64): void {
  if (load<u32>(shard + SHARD_WANTED) == 0 && tryHold(shard)) {
    drainTouches(shard, ring);
    release(shard);
    appendTouch(ring, toReference(found), hash);
  } else {
    increment(thread + THREAD_DROPPED_TOUCHES);
  }
}
