// One slice of a scan over the entries of a namespace: lists keys, removes entries, or makes them
// stale. A command of the ring like any other, so it sees what its caller wrote before. The record
// says where to begin and takes the answer: counts, keys, and where the next slice begins.
//
// No entry is missed that is there all the time, whatever happens between two slices:
// - Buckets are visited in the order of their numbers, up to the number that there are at the end.
//   A bucket only ever splits into itself and a new last one (table.ts), so an entry moves to
//   higher numbers alone: out of a bucket that is still to come it moves to one that is still to
//   come. Out of one that was visited it may be met again.
// - Within a chain entries are visited in the order of their sequence, whatever slot they are in.
//   A rewrite gives the key a higher sequence: what is still to come stays to come. Moves of an
//   item to another chunk, and of a reference within its chain, leave the sequence alone.
// What is removed or made stale is not met again, so its count is exact.
//
// A scan that changes entries spares those written after its first slice: LIMIT is the sequence of
// the shard at that moment, and every later write has a higher one.

import { toAddress } from "./arena";
import { copyBytes, equalBytes } from "./bytes";
import { unlinkItem } from "./eviction";
import { globSteps, matchesGlob } from "./glob";
import { dispose } from "./items";
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
  LOW_48_BITS,
  RECORD_ENCODING,
  RECORD_FLAGS,
  RECORD_KEY,
  RECORD_KEY_BYTES,
  RECORD_NAMESPACE,
  RECORD_VALUE_BYTES,
  SCAN_AFTER,
  SCAN_BUCKET,
  SCAN_BUCKETS,
  SCAN_DELETE,
  SCAN_GLOB,
  SCAN_LIMIT,
  SCAN_LIST,
  SCAN_MATCHED,
  SCAN_PATTERN,
  SCAN_SCANNED,
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

/**
 * Bound of one slice: what takes about 100 µs, in units of a few nanoseconds, since a slice reads
 * no clock. One match is never cut: the longest key against the worst pattern takes as long again.
 */
const SLICE_UNITS_MAX: u32 = 32_768;
/** Looking through a chain once, with its lines in the cache. */
const LOOK_UNITS: u32 = 16;
/** An item whose head and key come from memory. */
const ITEM_UNITS: u32 = 32;
/** Taking an item out of the index and all lists. */
const DELETE_UNITS: u32 = 128;

/** Answer of `visit`: the entry is of no concern, was dealt with, or its key has no room. */
const PASSED_OVER: u32 = 0;
const MATCHED: u32 = 1;
const NO_ROOM: u32 = 2;

let scanned: u32 = 0;
let written: u32 = 0;

@inline
function sequenceOf(item: usize): u64 {
  return load<u64>(item + ITEM_SEQUENCE) & LOW_48_BITS;
}

/** The item of a chain with the lowest sequence above `after`; 0 when there is none. */
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

/** Whether a key matches the pattern of a scan's record. */
export function matchesScan(record: usize, key: usize, keyBytes: u32): bool {
  const pattern = record + RECORD_KEY + SCAN_PATTERN;
  const patternBytes = load<u16>(record + RECORD_KEY_BYTES);
  if (load<u8>(record + RECORD_FLAGS) & SCAN_GLOB) {
    return matchesGlob(key, keyBytes, pattern, patternBytes);
  }
  return keyBytes >= patternBytes && equalBytes(key, pattern, patternBytes);
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

function visit(shard: usize, record: usize, item: usize): u32 {
  if (load<u16>(item + ITEM_NAMESPACE) != load<u16>(record + RECORD_NAMESPACE)) return PASSED_OVER;
  if (load<u32>(item + ITEM_STATE) != ITEM_LIVE || !isCurrent(item)) return PASSED_OVER;
  const mode = load<u8>(record + RECORD_ENCODING);
  // Deletion takes stale entries too; for the other two they are gone already.
  if (mode != SCAN_DELETE && isStale(item)) return PASSED_OVER;
  const keyBytes = load<u16>(item + ITEM_KEY_BYTES);
  if (!matchesScan(record, item + ITEM_KEY, keyBytes)) {
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

/**
 * The first slice of a scan in a shard: sets its LIMIT.
 *
 * LEASES: a lease whose key matches (`matchesScan`) is to be voided here, before the first entry
 * goes, unless the mode is SCAN_LIST: a fill that read its value before must not come after.
 */
function beginShard(shard: usize, record: usize): void {
  const sequence = load<u64>(shard + SHARD_SEQUENCE) & LOW_48_BITS;
  putF64(record + RECORD_KEY + SCAN_LIMIT, <f64><i64>sequence);
}

/**
 * Runs one slice. OK with counts and cursor in the record; the scan of the shard is over when the
 * next bucket is none of its buckets. TOO_LARGE when a single key has no room in the record.
 */
export function applyScan(shard: usize, record: usize): i32 {
  const fields = record + RECORD_KEY;
  if (load<f64>(fields + SCAN_LIMIT) < 0) beginShard(shard, record);
  const limit = load<f64>(fields + SCAN_LIMIT);
  const last = limit < <f64><i64>LOW_48_BITS ? <u64><i64>limit : LOW_48_BITS;
  const unitsMax = min<u32>(load<u32>(fields + SCAN_UNITS), SLICE_UNITS_MAX);
  const count = load<u32>(shard + SHARD_BUCKET_COUNT);
  let bucket = load<u32>(fields + SCAN_BUCKET);
  let after = <u64><i64>load<f64>(fields + SCAN_AFTER);
  let status = STATUS_OK;
  let matched: u32 = 0;
  scanned = 0;
  written = 0;
  for (let units: u32 = 0; bucket < count && units < unitsMax; ) {
    units += LOOK_UNITS;
    const item = nextItem(shard, bucket, after);
    const sequence = item == 0 ? last + 1 : sequenceOf(item);
    // In order of their sequence: the first one that is too young ends the chain.
    if (sequence > last) {
      bucket += 1;
      after = 0;
      continue;
    }
    const steps = globSteps;
    const found = visit(shard, record, item);
    if (found == NO_ROOM) {
      if (written == 0) status = STATUS_TOO_LARGE;
      break;
    }
    matched += found;
    units += ITEM_UNITS + (globSteps - steps) + (found == MATCHED ? DELETE_UNITS : 0);
    after = sequence;
  }
  put32(fields + SCAN_BUCKET, bucket);
  put32(fields + SCAN_BUCKETS, count);
  putF64(fields + SCAN_AFTER, <f64><i64>after);
  put32(fields + SCAN_SCANNED, scanned);
  put32(fields + SCAN_MATCHED, matched);
  put32(fields + SCAN_WRITTEN, written);
  return status;
}
