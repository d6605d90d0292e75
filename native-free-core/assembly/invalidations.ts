// Invalidation of tags in flight. A value that is being loaded while one of its tags is
// invalidated may be older than the invalidation, and no entry tells: there is none yet. So each
// invalidation of a tag takes the next number of the arena and leaves it in a stamp, one of 4,096,
// by the hash of the tag; who begins to load notes the number, and stores nothing under a tag whose
// stamp is newer. Tags that share a stamp cost a load in vain now and then, never a stale value.
//
// Any thread, without a shard. The order that counts: the stamp first, then entries are removed. A
// fill that looked before the stamp was stored is linked while its holder has the shard, so the
// removal, which comes after the stamp and needs the shard, finds it.

import { HEADER_INVALIDATIONS, HEADER_STAMPS, STAMP_COUNT } from "./layout";
import { add64, replace64 } from "./store";

@inline
function stampOf(tagHash: u64): usize {
  return <usize>load<u32>(HEADER_STAMPS) + <usize>(tagHash & <u64>(STAMP_COUNT - 1)) * 8;
}

/** Number of the latest invalidation of any tag; 0 = none yet. */
@inline
export function invalidationNumber(): u64 {
  return atomic.load<u64>(HEADER_INVALIDATIONS);
}

/** Notes that a tag is being invalidated; before its entries are removed or made stale. */
export function stampTag(tagHash: u64): void {
  const number = add64(HEADER_INVALIDATIONS, 1) + 1;
  const stamp = stampOf(tagHash);
  // Another thread may have taken a later number and stored it already: the later one stays.
  while (true) {
    const seen = atomic.load<u64>(stamp);
    if (seen >= number || replace64(stamp, seen, number)) return;
  }
}

/** True when the tag, or one that shares its stamp, was invalidated after `number`. */
@inline
export function isTagNewer(tagHash: u64, number: u64): bool {
  return atomic.load<u64>(stampOf(tagHash)) > number;
}
