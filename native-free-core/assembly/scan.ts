// One slice of a scan over the entries of a namespace: lists keys, removes entries, or makes them
// stale. A command of the ring like any other, so it sees what its caller wrote before. The record
// says where to begin and takes the answer: counts, keys, and where the next slice begins.
//
// No entry is missed that is there all the time, whatever happens between two slices:
// - Entries are visited in the order of their hashes with the bits reversed (the idea of Redis'
//   SCAN, P. Noordhuis). A bucket holds the hashes that agree in some low bits, so in that order
//   one run of places; a split cuts the run in half. The cursor is a place: it moves to the end of
//   a bucket's run when the bucket was visited. An entry never changes its place, whatever becomes
//   of the table, and a scan ends however fast the table grows.
// - Within a bucket and its chain entries are visited in the order of their sequence, whatever
//   slot they are in. A rewrite gives the key a higher sequence: what is still to come stays to
//   come. Moves of an item to another chunk, and of a reference within its chain, change neither.
// An entry is met again when it was rewritten, when its bucket was cut between two slices of it, or
// when recovery has made a smaller table.
// What is removed or made stale is not met again, so its count is exact.
//
// A scan that changes entries spares those written after its first slice: LIMIT is the sequence of
// the shard at that moment, and every later write has a higher one.

import { toAddress } from "./arena";
import { copyBytes, equalBytes } from "./bytes";
import { unlinkItem } from "./eviction";
import { GLOB_DIFFERS, GLOB_MATCHES, GLOB_PAUSED, globState, globSteps, matchGlob } from "./glob";
import { dispose } from "./items";
import { beginWalk, nextGranted } from "./lease-walks";
import { endLease } from "./leases";
import {
  BUCKET_ENTRIES,
  BUCKET_NEXT,
  BUCKET_REFERENCES,
  CHAIN_BUCKETS_MAX,
  ITEM_KEY,
  ITEM_KEY_BYTES,
  ITEM_LIVE,
  ITEM_NAMESPACE,
  ITEM_SEQUENCE,
  ITEM_STATE,
  LEASE_NAMESPACE,
  LEASE_TEXT,
  LEASE_TEXT_BYTES,
  LEASE_TEXT_BYTES_MAX,
  LEASE_VOIDED,
  LOW_48_BITS,
  RECORD_ENCODING,
  RECORD_FLAGS,
  RECORD_KEY,
  RECORD_KEY_BYTES,
  RECORD_NAMESPACE,
  RECORD_VALUE_BYTES,
  SCAN_AFTER,
  SCAN_DELETE,
  SCAN_GLOB,
  SCAN_LIMIT,
  SCAN_LIST,
  SCAN_MATCHED,
  SCAN_PATTERN,
  SCAN_PAUSED,
  SCAN_PLACE,
  SCAN_SCANNED,
  SCAN_STATE,
  SCAN_UNITS,
  SCAN_WRITTEN,
  SHARD_BUCKET_COUNT,
  SHARD_DELETES,
  SHARD_SEQUENCE,
} from "./layout";
import { bucketAddress } from "./segments";
import { isCurrent } from "./shard";
import { isStale, markStale } from "./staleness";
import { STATUS_OK, STATUS_TOO_LARGE } from "./status";
import { put16, put32, put64, putF64 } from "./store";
import { bucketNumber } from "./table";

/**
 * Bound of one slice: what takes about 100 µs, in units of a few nanoseconds, since a slice reads
 * no clock. The longest key against the worst pattern takes several slices.
 */
const SLICE_UNITS_MAX: u32 = 32_768;
/** Looking through a chain once, with its lines in the cache. */
const LOOK_UNITS: u32 = 16;
/** An item whose head and key come from memory. */
const ITEM_UNITS: u32 = 32;
/** Taking an item out of the index and all lists. */
const DELETE_UNITS: u32 = 64;

/**
 * Answer of `visit`: the entry is of no concern, was dealt with, its key has no room, or comparing
 * it was not finished.
 */
const PASSED_OVER: u32 = 0;
const MATCHED: u32 = 1;
const NO_ROOM: u32 = 2;
const UNFINISHED: u32 = 3;

/** Places of the order in which entries are visited. */
const PLACES: u64 = 1 << 32;
/** Steps after which a lease is taken to match. */
const LEASE_STEPS_MAX: u32 = 128;

let scanned: u32 = 0;
let written: u32 = 0;

@inline
function sequenceOf(item: usize): u64 {
  return load<u64>(item + ITEM_SEQUENCE) & LOW_48_BITS;
}

/** The bits of a word in the reverse order. */
function reverse(word: u32): u32 {
  let bits = ((word >>> 1) & 0x55555555) | ((word & 0x55555555) << 1);
  bits = ((bits >>> 2) & 0x33333333) | ((bits & 0x33333333) << 2);
  bits = ((bits >>> 4) & 0x0f0f0f0f) | ((bits & 0x0f0f0f0f) << 4);
  bits = ((bits >>> 8) & 0x00ff00ff) | ((bits & 0x00ff00ff) << 8);
  return rotl<u32>(bits, 16);
}

/** Places in the run of a bucket, a power of two. */
@inline
function runOf(number: u32, count: u32): u64 {
  const bits = 32 - clz<u32>(count - 1);
  const half: u32 = 1 << (bits - 1);
  // Below the split pointer, and above half of the table, buckets are named by one bit more.
  const isSplit = number >= half || number + half < count;
  return (<u64>1) << <u64>(32 - (isSplit ? bits : bits - 1));
}

/** The item of a bucket and its chain with the lowest sequence above `after`, or 0. */
function nextItem(shard: usize, number: u32, after: u64): usize {
  let bucket = bucketAddress(shard, number);
  let next: usize = 0;
  let lowest: u64 = LOW_48_BITS + 1;
  for (let i: u32 = 0; i < CHAIN_BUCKETS_MAX; i++) {
    for (let slot: u32 = 0; slot < BUCKET_ENTRIES; slot++) {
      const reference = load<u32>(bucket + BUCKET_REFERENCES + (slot << 2));
      if (reference == 0) continue;
      const sequence = sequenceOf(toAddress(reference));
      if (sequence <= after || sequence >= lowest) continue;
      lowest = sequence;
      next = toAddress(reference);
    }
    const following = load<u32>(bucket + BUCKET_NEXT);
    if (following == 0) break;
    bucket = toAddress(following);
  }
  return next;
}

/** Compares a key with the pattern of a scan's record: an answer of `matchGlob`. */
function compare(record: usize, key: usize, keyBytes: u32, state: u64, stepsMax: u32): u32 {
  const pattern = record + RECORD_KEY + SCAN_PATTERN;
  const patternBytes = load<u16>(record + RECORD_KEY_BYTES);
  if (load<u8>(record + RECORD_FLAGS) & SCAN_GLOB) {
    return matchGlob(key, keyBytes, pattern, patternBytes, state, stepsMax);
  }
  return keyBytes >= patternBytes && equalBytes(key, pattern, patternBytes)
    ? GLOB_MATCHES
    : GLOB_DIFFERS;
}

/**
 * False when a key is known after a few steps not to match the pattern of a scan's record. For
 * leases, which may be voided without need: a thousand of them are looked at in one slice.
 */
function mayMatchScan(record: usize, key: usize, keyBytes: u32): bool {
  return compare(record, key, keyBytes, 0, LEASE_STEPS_MAX) != GLOB_DIFFERS;
}

/** `compare` for an item; goes on where the slice before left it. */
function compareItem(record: usize, item: usize, keyBytes: u32, stepsMax: u32): u32 {
  const fields = record + RECORD_KEY;
  const sequence = <f64><i64>sequenceOf(item);
  // An item keeps its key for life, and another one never has its sequence.
  const isLeft = load<f64>(fields + SCAN_PAUSED) == sequence;
  const state = isLeft ? load<u64>(fields + SCAN_STATE) : 0;
  const answer = compare(record, item + ITEM_KEY, keyBytes, state, stepsMax);
  if (answer == GLOB_PAUSED) {
    put64(fields + SCAN_STATE, globState);
    putF64(fields + SCAN_PAUSED, sequence);
  }
  return answer;
}

/** Writes a key behind those that the slice found before; false when there is no room. */
function writeKey(record: usize, item: usize, keyBytes: u32): bool {
  if (written + 2 + keyBytes > load<u32>(record + RECORD_VALUE_BYTES)) return false;
  const patternBytes = load<u16>(record + RECORD_KEY_BYTES);
  const target = record + RECORD_KEY + SCAN_PATTERN + patternBytes + written;
  put16(target, keyBytes);
  copyBytes(target + 2, item + ITEM_KEY, keyBytes);
  written += 2 + keyBytes;
  return true;
}

function visit(shard: usize, record: usize, item: usize, stepsMax: u32): u32 {
  if (load<u16>(item + ITEM_NAMESPACE) != load<u16>(record + RECORD_NAMESPACE)) return PASSED_OVER;
  if (load<u32>(item + ITEM_STATE) != ITEM_LIVE || !isCurrent(item)) return PASSED_OVER;
  const mode = load<u8>(record + RECORD_ENCODING);
  // Deletion takes stale entries too; for the other two they are gone already.
  if (mode != SCAN_DELETE && isStale(item)) return PASSED_OVER;
  const keyBytes = load<u16>(item + ITEM_KEY_BYTES);
  const answer = compareItem(record, item, keyBytes, stepsMax);
  if (answer == GLOB_PAUSED) return UNFINISHED;
  if (answer != GLOB_MATCHES) {
    scanned += 1;
    return PASSED_OVER;
  }
  if (mode == SCAN_LIST) {
    if (!writeKey(record, item, keyBytes)) return NO_ROOM;
  } else if (mode == SCAN_DELETE) {
    unlinkItem(shard, item);
    dispose(shard, item);
    put64(shard + SHARD_DELETES, load<u64>(shard + SHARD_DELETES) + 1);
  } else {
    markStale(shard, item);
  }
  scanned += 1;
  return MATCHED;
}

/** Whether the key of a lease may match; of one that is not known whole it is taken to. */
function matchesLease(record: usize, lease: usize): bool {
  const keyBytes = load<u16>(lease + LEASE_TEXT_BYTES);
  return keyBytes > LEASE_TEXT_BYTES_MAX || mayMatchScan(record, lease + LEASE_TEXT, keyBytes);
}

/**
 * Voids the leases of keys that a scan is for: a fill whose value was read before must not come
 * after.
 */
function voidLeases(shard: usize, record: usize): void {
  beginWalk();
  for (let lease = nextGranted(shard); lease != 0; lease = nextGranted(shard)) {
    if (load<u16>(lease + LEASE_NAMESPACE) != load<u16>(record + RECORD_NAMESPACE)) continue;
    if (matchesLease(record, lease)) endLease(shard, lease, LEASE_VOIDED);
  }
}

/** The first slice of a scan in a shard: sets its LIMIT, and voids leases unless it only lists. */
function beginShard(shard: usize, record: usize): void {
  if (load<u8>(record + RECORD_ENCODING) != SCAN_LIST) voidLeases(shard, record);
  const sequence = load<u64>(shard + SHARD_SEQUENCE) & LOW_48_BITS;
  putF64(record + RECORD_KEY + SCAN_LIMIT, <f64><i64>sequence);
}

/**
 * Runs one slice. OK with counts and cursor in the record. TOO_LARGE when a single key has no room
 * in the record.
 */
export function applyScan(shard: usize, record: usize): i32 {
  const fields = record + RECORD_KEY;
  if (load<f64>(fields + SCAN_LIMIT) < 0) beginShard(shard, record);
  const limit = load<f64>(fields + SCAN_LIMIT);
  const last = limit < <f64><i64>LOW_48_BITS ? <u64><i64>limit : LOW_48_BITS;
  const unitsMax = min<u32>(load<u32>(fields + SCAN_UNITS), SLICE_UNITS_MAX);
  const count = load<u32>(shard + SHARD_BUCKET_COUNT);
  let place = <u64><i64>load<f64>(fields + SCAN_PLACE);
  let after = <u64><i64>load<f64>(fields + SCAN_AFTER);
  let status = STATUS_OK;
  let matched: u32 = 0;
  scanned = 0;
  written = 0;
  for (let units: u32 = 0; place < PLACES && units < unitsMax; ) {
    units += LOOK_UNITS;
    const number = bucketNumber(reverse(<u32>place), count);
    const item = nextItem(shard, number, after);
    const sequence = item == 0 ? last + 1 : sequenceOf(item);
    // In order of their sequence: the first one that is too young ends the bucket.
    if (sequence > last) {
      const run = runOf(number, count);
      place = (place & ~(run - 1)) + run;
      after = 0;
      continue;
    }
    const steps = globSteps;
    const found = visit(shard, record, item, unitsMax);
    if (found == NO_ROOM && written == 0) status = STATUS_TOO_LARGE;
    if (found == NO_ROOM || found == UNFINISHED) break;
    matched += found;
    units += ITEM_UNITS + (globSteps - steps) + (found == MATCHED ? DELETE_UNITS : 0);
    after = sequence;
  }
  putF64(fields + SCAN_PLACE, <f64><i64>place);
  putF64(fields + SCAN_AFTER, <f64><i64>after);
  put32(fields + SCAN_SCANNED, scanned);
  put32(fields + SCAN_MATCHED, matched);
  put32(fields + SCAN_WRITTEN, written);
  return status;
}
