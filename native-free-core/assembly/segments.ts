// Memory of the index: segments of buckets (one page each, never given back) and overflow
// buckets, which come from pages of their own and return to a free list.

import { pageBytes, pageShift, segmentsOf, toAddress, toReference } from "./arena";
import {
  BUCKET_BYTES,
  BUCKET_NEXT,
  PAGE_INDEX,
  PAGE_OVERFLOW,
  SHARD_BUCKET_COUNT,
  SHARD_OVERFLOW_END,
  SHARD_OVERFLOW_FREE,
  SHARD_OVERFLOW_NEXT,
  SHARD_OVERFLOWS,
  SHARD_PAGE_COUNT,
} from "./layout";
import { markPage, pageAddress } from "./pages";
import { put32, zero } from "./store";

const BUCKET_SHIFT: u32 = 6;

/** Address of a bucket of the table proper. */
@inline
export function bucketAddress(shard: usize, bucket: u32): usize {
  const shift = pageShift - BUCKET_SHIFT;
  const segment = <usize>load<u32>(segmentsOf(shard) + ((bucket >> shift) << 2));
  return segment + ((bucket & ((1 << shift) - 1)) << BUCKET_SHIFT);
}

/** True when the table has memory for one more bucket. */
export function hasRoomForBucket(shard: usize): bool {
  const segment = load<u32>(shard + SHARD_BUCKET_COUNT) >> (pageShift - BUCKET_SHIFT);
  if (segment >= load<u32>(shard + SHARD_PAGE_COUNT)) return false;
  return load<u32>(segmentsOf(shard) + (segment << 2)) != 0;
}

/** Gives the table a page for its next buckets, each of which is cleared when its turn comes. */
export function addSegment(shard: usize, page: u32): void {
  const address = pageAddress(page);
  markPage(shard, page, PAGE_INDEX, 0, 0);
  const segment = load<u32>(shard + SHARD_BUCKET_COUNT) >> (pageShift - BUCKET_SHIFT);
  put32(segmentsOf(shard) + (segment << 2), <u32>address);
}

/** Gives the chains a page of overflow buckets, cut off one by one; all older ones are in use. */
export function addOverflowPage(shard: usize, page: u32): void {
  markPage(shard, page, PAGE_OVERFLOW, 0, 0);
  const start = <u32>pageAddress(page);
  put32(shard + SHARD_OVERFLOW_NEXT, start);
  put32(shard + SHARD_OVERFLOW_END, start + pageBytes);
}

/** Puts a bucket that no chain names on the free list. */
export function releaseBucket(shard: usize, bucket: usize): void {
  put32(bucket + BUCKET_NEXT, load<u32>(shard + SHARD_OVERFLOW_FREE));
  put32(shard + SHARD_OVERFLOW_FREE, toReference(bucket));
}

/** True when an overflow bucket is to be had. */
export function hasOverflow(shard: usize): bool {
  if (load<u32>(shard + SHARD_OVERFLOW_FREE) != 0) return true;
  return load<u32>(shard + SHARD_OVERFLOW_NEXT) != load<u32>(shard + SHARD_OVERFLOW_END);
}

/** Takes an overflow bucket, all zero. There must be one. */
export function takeOverflow(shard: usize): usize {
  let bucket = toAddress(load<u32>(shard + SHARD_OVERFLOW_FREE));
  if (bucket != 0) {
    put32(shard + SHARD_OVERFLOW_FREE, load<u32>(bucket + BUCKET_NEXT));
  } else {
    bucket = <usize>load<u32>(shard + SHARD_OVERFLOW_NEXT);
    put32(shard + SHARD_OVERFLOW_NEXT, <u32>bucket + BUCKET_BYTES);
  }
  put32(shard + SHARD_OVERFLOWS, load<u32>(shard + SHARD_OVERFLOWS) + 1);
  zero(bucket, BUCKET_BYTES);
  return bucket;
}

/** Gives back an overflow bucket that no chain names any more. */
export function freeOverflow(shard: usize, bucket: usize): void {
  put32(shard + SHARD_OVERFLOWS, load<u32>(shard + SHARD_OVERFLOWS) - 1);
  releaseBucket(shard, bucket);
}

/** Forgets all overflow buckets; `releaseBucket` follows for each free one. */
export function overflowReset(shard: usize): void {
  put32(shard + SHARD_OVERFLOW_FREE, 0);
  put32(shard + SHARD_OVERFLOW_NEXT, 0);
  put32(shard + SHARD_OVERFLOW_END, 0);
  put32(shard + SHARD_OVERFLOWS, 0);
}
