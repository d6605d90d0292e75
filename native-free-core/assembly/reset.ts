// A shard whose holder died starts afresh: its entries are gone, nothing else is. Recovery that
// keeps the entries takes the place of this later.

import {
  pageBytes,
  segmentsOf,
  shardAddress,
  stripeMask,
  stripesOffset,
  thread,
  threadAddress,
  toReference,
} from "./arena";
import { announce, release } from "./commands";
import { fence } from "./fence";
import { isPinned } from "./hazard";
import {
  HEADER_THREAD_SLOTS,
  ITEM_RETURNED,
  ITEM_STAMP,
  ITEM_STATE,
  PAGE_DRAINING,
  PAGE_LARGE_HEAD,
  PAGE_LEASE,
  PAGE_NEXT,
  PAGE_RING,
  PAGE_SLAB,
  PAGE_STAGED,
  RECORD_OLD,
  RECORD_STATUS,
  RING_DONE,
  RING_TAKEN,
  SHARD_BUCKET_COUNT,
  SHARD_BYTES_USED,
  SHARD_CLASS_USED,
  SHARD_CLASSES,
  SHARD_FREE_PAGE_HEAD,
  SHARD_FREE_PAGES,
  SHARD_ID,
  SHARD_ITEMS,
  SHARD_LEASES_ACTIVE,
  SHARD_LIMBO,
  SHARD_OVERFLOW_END,
  SHARD_OVERFLOW_FREE,
  SHARD_OVERFLOW_NEXT,
  SHARD_OVERFLOWS,
  SHARD_OWNER,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  SHARD_WHEEL_COUNT,
  THREAD_HAZARD,
  THREAD_RINGS,
} from "./layout";
import { leasesReset } from "./lease-walks";
import { markWork, ownMark } from "./owner";
import {
  givePage,
  markPage,
  pageAddress,
  pageClass,
  pageEntry,
  pageKind,
  pageThread,
} from "./pages";
import { finishRecord, recordAt, waitingBytes } from "./ring";
import { chunksPerPage, strideOf } from "./slab";
import { STATUS_OUTCOME_UNKNOWN } from "./status";
import { publish32, put32, put64, swap32, zero } from "./store";

/** Thread of pages that a reset set aside; no slot has this id. */
const NOBODY: u32 = 0xff;

/**
 * Starts a shard afresh whose holder died: all its entries are gone, what waits in rings stays.
 * `dead` and `generation` name the holder. True when this call did it; false when the shard is
 * not held by that thread. Two threads may try at once: the owner word lets one through.
 */
export function resetShardOf(index: u32, dead: u32, generation: u32): bool {
  const shard = shardAddress(index);
  const word = (dead + 1) | (generation << 8);
  if (swap32(shard + SHARD_OWNER, word, ownMark()) != word) return false;
  for (let i: u32 = 0; i <= stripeMask; i++) {
    const stripe = shard + stripesOffset + (i << 2);
    publish32(stripe, load<u32>(stripe) | 1);
  }
  fence();
  // The dead read nothing any more.
  publish32(threadAddress(dead) + THREAD_HAZARD, 0);
  emptyShard(shard, dead);
  fence();
  for (let i: u32 = 0; i <= stripeMask; i++) {
    const stripe = shard + stripesOffset + (i << 2);
    publish32(stripe, load<u32>(stripe) + 1);
  }
  answerTaken(shard, index);
  release(shard);
  return true;
}

/** Everything derived goes to its first state; pages but those of rings become free. */
function emptyShard(shard: usize, dead: u32): void {
  const firstSegment = load<u32>(segmentsOf(shard));
  zero(firstSegment, pageBytes);
  put32(shard + SHARD_BUCKET_COUNT, pageBytes >> 6);
  const firstPage = load<u32>(shard + SHARD_PAGE_FIRST);
  const count = load<u32>(shard + SHARD_PAGE_COUNT);
  zero(segmentsOf(shard) + 4, (count - 1) * 4);
  zero(shard + SHARD_CLASSES, SHARD_LEASES_ACTIVE - SHARD_CLASSES);
  put32(shard + SHARD_ITEMS, 0);
  put32(shard + SHARD_FREE_PAGES, 0);
  put32(shard + SHARD_FREE_PAGE_HEAD, 0);
  put32(shard + SHARD_LIMBO, 0);
  put32(shard + SHARD_WHEEL_COUNT, 0);
  put32(shard + SHARD_OVERFLOW_FREE, 0);
  put32(shard + SHARD_OVERFLOW_NEXT, 0);
  put32(shard + SHARD_OVERFLOW_END, 0);
  put32(shard + SHARD_OVERFLOWS, 0);
  put64(shard + SHARD_CLASS_USED, 0);
  put64(shard + SHARD_BYTES_USED, 0);
  for (let page = firstPage; page < firstPage + count; page++) setAside(shard, page, dead);
  for (let page = firstPage + count; page > firstPage; page--) {
    const kind = pageKind(pageEntry(page - 1));
    const isSegment = pageAddress(page - 1) == firstSegment;
    if (isSegment || kind == PAGE_STAGED || kind == PAGE_LEASE) continue;
    if (isRingInUse(shard, page - 1)) continue;
    givePage(shard, page - 1);
  }
  leasesReset(shard);
}

/** True for a ring page that its thread names; one that it was losing or getting is nobody's. */
function isRingInUse(shard: usize, page: u32): bool {
  const entry = pageEntry(page);
  if (pageKind(entry) != PAGE_RING) return false;
  const word = threadAddress(pageThread(entry)) + THREAD_RINGS + load<u32>(shard + SHARD_ID) * 4;
  return load<u32>(word) == <u32>pageAddress(page);
}

/** True when the memory at an item's address may still be read by another thread than the dead. */
function isInUse(item: usize, dead: u32): bool {
  if (isPinned(toReference(item))) return true;
  return load<u32>(item + ITEM_STATE) == ITEM_RETURNED && load<u32>(item + ITEM_STAMP) != dead;
}

/**
 * Sets aside pages with items that live threads may still read, pinned or returned as an old
 * value: they stay out of use as long as the arena lives, which is few pages and safe.
 */
function setAside(shard: usize, page: u32, dead: u32): void {
  const entry = pageEntry(page);
  const kind = pageKind(entry);
  const start = pageAddress(page);
  if (kind == PAGE_LARGE_HEAD && isInUse(start, dead)) {
    let next = page + 1;
    while (next != 0) {
      markPage(shard, next - 1, PAGE_STAGED, 0, NOBODY);
      next = load<u32>(pageEntry(next - 1) + PAGE_NEXT);
    }
  }
  if (kind != PAGE_SLAB && kind != PAGE_DRAINING) return;
  const stride = strideOf(pageClass(entry));
  const chunks = chunksPerPage(pageClass(entry));
  for (let i: u32 = 0; i < chunks; i++) {
    if (!isInUse(start + i * stride, dead)) continue;
    markPage(shard, page, PAGE_STAGED, 0, NOBODY);
    return;
  }
}

/**
 * The command that the dead holder had taken is answered, never run a second time. Rings with
 * commands are marked again: the holder may have cleared their bits before it died.
 */
function answerTaken(shard: usize, index: u32): void {
  const slots = load<u32>(HEADER_THREAD_SLOTS);
  for (let id: u32 = 0; id < slots; id++) {
    const ring = <usize>load<u32>(threadAddress(id) + THREAD_RINGS + index * 4);
    if (ring == 0) continue;
    if (waitingBytes(ring) != 0) markWork(shard, id);
    if (load<u32>(ring + RING_TAKEN) == 0) continue;
    const position = load<u32>(ring + RING_TAKEN) - 1;
    if (position != load<u32>(ring + RING_DONE)) {
      publish32(ring + RING_TAKEN, 0);
      continue;
    }
    const record = recordAt(ring, position);
    put32(record + RECORD_OLD, 0);
    put32(record + RECORD_STATUS, STATUS_OUTCOME_UNKNOWN);
    finishRecord(ring, record);
    announce(threadAddress(id));
  }
}
