// Touch buffers: hits are noted here, one buffer per thread and shard, and take effect when a
// holder drains them. A hit so writes nothing to items, and recency costs no lock.
//
// A touch is a reference and the upper half of the item's hash. By the time it is drained the
// item may be gone and its memory another's: the drain asks the page directory and the head.

import { inPages, pageBytes, pageCount, toAddress } from "./arena";
import {
  ITEM_HASH,
  ITEM_LIVE,
  ITEM_STATE,
  PAGE_DRAINING,
  PAGE_LARGE_HEAD,
  PAGE_SLAB,
  RING_RECORDS,
  RING_TOUCH_HEAD,
  RING_TOUCH_TAIL,
  SHARD_ID,
  TOUCH_BYTES,
  TOUCH_MAX,
} from "./layout";
import { offsetInPage, pageClass, pageEntry, pageKind, pageOf, pageShard } from "./pages";
import { chunksPerPage, strideOf } from "./slab";
import { put32, release32 } from "./store";

/** Touches that one buffer holds: an eighth of a page's bytes, at most TOUCH_MAX. */
@inline
export function touchCapacity(): u32 {
  return min<u32>(TOUCH_MAX, pageBytes >> 5);
}

@inline
function touchAt(ring: usize, position: u32): usize {
  const first = ring + RING_RECORDS + (pageBytes >> 1);
  return first + (position & (touchCapacity() - 1)) * TOUCH_BYTES;
}

/** Notes a hit; false when the buffer is full. */
@inline
export function appendTouch(ring: usize, reference: u32, hash: u64): bool {
  const tail = load<u32>(ring + RING_TOUCH_TAIL);
  if (tail - load<u32>(ring + RING_TOUCH_HEAD) >= touchCapacity()) return false;
  const at = touchAt(ring, tail);
  put32(at, reference);
  put32(at + 4, <u32>(hash >> 32));
  release32(ring + RING_TOUCH_TAIL, tail + 1);
  return true;
}

/** Takes the oldest touch; the item's address, 0 when it is gone. Call while touches wait. */
export function takeTouch(shard: usize, ring: usize): usize {
  const head = load<u32>(ring + RING_TOUCH_HEAD);
  const at = touchAt(ring, head);
  const reference = load<u32>(at);
  const upperHash = load<u32>(at + 4);
  release32(ring + RING_TOUCH_HEAD, head + 1);
  return startsLiveItem(shard, reference, upperHash) ? toAddress(reference) : 0;
}

@inline
export function waitingTouches(ring: usize): u32 {
  return atomic.load<u32>(ring + RING_TOUCH_TAIL) - load<u32>(ring + RING_TOUCH_HEAD);
}

function startsLiveItem(shard: usize, reference: u32, upperHash: u32): bool {
  if (!inPages(reference)) return false;
  const address = toAddress(reference);
  const page = pageOf(address);
  if (page >= pageCount) return false;
  const entry = pageEntry(page);
  if (pageShard(entry) != load<u32>(shard + SHARD_ID)) return false;
  const kind = pageKind(entry);
  const offset = offsetInPage(address);
  if (kind == PAGE_SLAB || kind == PAGE_DRAINING) {
    const sizeClass = pageClass(entry);
    const chunk = offset / strideOf(sizeClass);
    if (chunk * strideOf(sizeClass) != offset || chunk >= chunksPerPage(sizeClass)) return false;
  } else if (kind != PAGE_LARGE_HEAD || offset != 0) {
    return false;
  }
  return (
    load<u32>(address + ITEM_STATE) == ITEM_LIVE && load<u32>(address + ITEM_HASH + 4) == upperHash
  );
}
