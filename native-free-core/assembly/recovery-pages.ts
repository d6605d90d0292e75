// Recovery of memory: what each page and each chunk is, by the page directory and the items' own
// states. What is in use stays where it is; everything else is free again.
//
// The directory can be believed at any moment: a page goes free → states of all its chunks cleared
// → class by one store, and back by one store. A large item's pages become members first, then the
// head's state is cleared, then it becomes a head; its state is stored last.

import { pageBytes, threadAddress, toReference } from "./arena";
import { isPinnable, isPinned } from "./hazard";
import { keepInLimbo } from "./items";
import {
  BUCKET_BYTES,
  HEADER_THREAD_SLOTS,
  ITEM_LIMBO,
  ITEM_LIVE,
  ITEM_LRU_NEXT,
  ITEM_LRU_PREV,
  ITEM_RETURNED,
  ITEM_STAMP,
  ITEM_STATE,
  PAGE_DRAINING,
  PAGE_FREE,
  PAGE_INDEX,
  PAGE_LARGE_HEAD,
  PAGE_LARGE_MEMBER,
  PAGE_MARK,
  PAGE_NEXT,
  PAGE_OVERFLOW,
  PAGE_RING,
  PAGE_SLAB,
  PAGE_STAGED,
  SHARD_ID,
  SHARD_OVERFLOWS,
  SHARD_RECOVERY_DROPPED,
  SHARD_RECOVERY_ROUND,
  THREAD_FREE,
  THREAD_RINGS,
  THREAD_STATE,
} from "./layout";
import {
  givePage,
  noteChange,
  pageAddress,
  pageClass,
  pageEntry,
  pageKind,
  pageThread,
} from "./pages";
import { isChained } from "./recovery-index";
import { orderItem } from "./recovery-order";
import { isKeptKind } from "./recovery-structures";
import { releaseBucket } from "./segments";
import { adoptPage, chunksPerPage, strideOf } from "./slab";
import { put32 } from "./store";
import { isTagged } from "./tag-block";
import { tagsForget } from "./tags";

/** Rounds that can be told apart by their marks; no reference is so small. */
const MARKS: u32 = 1000;

/** What this round marks items with that the index names. */
@inline
export function markOfRound(shard: usize): u32 {
  return (load<u32>(shard + SHARD_RECOVERY_ROUND) % MARKS) + 1;
}

/** True for the id of a thread whose slot is in use. */
export function isThread(id: u32): bool {
  if (id >= load<u32>(HEADER_THREAD_SLOTS)) return false;
  return (atomic.load<u32>(threadAddress(id) + THREAD_STATE) & 0xff) != THREAD_FREE;
}

/**
 * Decides about an item: true when its memory stays in use. A live one stays when the index names
 * it; one that was never linked, or that lost its place, is not brought back. What readers have
 * pinned waits in limbo. A returned value stays its thread's: who detaches frees it.
 */
function settle(shard: usize, item: usize): bool {
  const state = load<u32>(item + ITEM_STATE);
  if (state == 0) return false;
  if (state == ITEM_LIVE) {
    if (load<u32>(item + ITEM_LRU_PREV) == markOfRound(shard)) return true;
    put32(shard + SHARD_RECOVERY_DROPPED, load<u32>(shard + SHARD_RECOVERY_DROPPED) + 1);
  } else if (state == ITEM_RETURNED) {
    if (isThread(load<u32>(item + ITEM_STAMP))) {
      if (isTagged(item)) tagsForget(item);
      return true;
    }
  }
  if (isPinnable(item) && isPinned(toReference(item))) {
    if (state != ITEM_LIMBO) put32(item + ITEM_STATE, ITEM_LIMBO);
    if (isTagged(item)) tagsForget(item);
    return true;
  }
  put32(item + ITEM_STATE, 0);
  return false;
}

/** Puts an item that stays where it belongs before it is enlisted. */
function keep(shard: usize, item: usize): void {
  const state = load<u32>(item + ITEM_STATE);
  if (state == ITEM_LIVE) orderItem(shard, item);
  else if (state == ITEM_LIMBO) keepInLimbo(shard, item);
}

/** Marks a page as in use in this round. */
@inline
export function markInUse(shard: usize, page: u32): void {
  put32(pageEntry(page) + PAGE_MARK, load<u32>(shard + SHARD_RECOVERY_ROUND));
}

@inline
function isMarked(shard: usize, entry: usize): bool {
  return load<u32>(entry + PAGE_MARK) == load<u32>(shard + SHARD_RECOVERY_ROUND);
}

/** Marks the pages of a large item that stays; before any page is scanned. */
export function claimLarge(shard: usize, page: u32): void {
  if (pageKind(pageEntry(page)) != PAGE_LARGE_HEAD || !settle(shard, pageAddress(page))) return;
  let next = page + 1;
  while (next != 0) {
    markInUse(shard, next - 1);
    next = load<u32>(pageEntry(next - 1) + PAGE_NEXT);
  }
}

/** Rebuilds what depends on one page. The work done, in chunks. */
export function scanPage(shard: usize, page: u32): u32 {
  const entry = pageEntry(page);
  const kind = pageKind(entry);
  // Also where nothing is changed now: the holder may have been cut off before it counted.
  noteChange(page);
  if (kind == PAGE_SLAB || kind == PAGE_DRAINING) return scanSlab(shard, page);
  if (kind == PAGE_OVERFLOW) return scanOverflow(shard, page);
  if (kind == PAGE_LARGE_HEAD && isMarked(shard, entry)) keep(shard, pageAddress(page));
  else if (!isInUse(shard, page, kind)) givePage(shard, page);
  return 1;
}

/** Whether a page that holds no chunks stays. */
function isInUse(shard: usize, page: u32, kind: u32): bool {
  const entry = pageEntry(page);
  if (kind == PAGE_FREE) return false;
  if (kind == PAGE_LARGE_HEAD || kind == PAGE_LARGE_MEMBER || kind == PAGE_INDEX) {
    return isMarked(shard, entry);
  }
  if (kind == PAGE_RING) return isRingInUse(shard, page);
  if (kind == PAGE_STAGED) return isThread(pageThread(entry));
  return isKeptKind(kind);
}

/** True for a ring page that its thread names; one that it was losing or getting is nobody's. */
export function isRingInUse(shard: usize, page: u32): bool {
  const slot = threadAddress(pageThread(pageEntry(page)));
  const word = slot + THREAD_RINGS + load<u32>(shard + SHARD_ID) * 4;
  return load<u32>(word) == <u32>pageAddress(page);
}

/** Chunks of a slab page: items that stay, and a new free list of the rest. */
function scanSlab(shard: usize, page: u32): u32 {
  const sizeClass = pageClass(pageEntry(page));
  const stride = strideOf(sizeClass);
  const chunks = chunksPerPage(sizeClass);
  let freeHead: u32 = 0;
  let free: u32 = 0;
  let carved: u32 = 0;
  // Backwards: free chunks behind the last item in use need not be listed, they are cut off anew.
  let chunk = pageAddress(page) + chunks * stride;
  for (let i = chunks; i != 0; i--) {
    chunk -= stride;
    if (settle(shard, chunk)) {
      keep(shard, chunk);
      if (carved == 0) carved = i;
      continue;
    }
    free += 1;
    if (carved == 0) continue;
    put32(chunk + ITEM_LRU_NEXT, freeHead);
    freeHead = toReference(chunk);
  }
  adoptPage(shard, page, freeHead, free, carved);
  return chunks;
}

function scanOverflow(shard: usize, page: u32): u32 {
  const start = pageAddress(page);
  let chained: u32 = 0;
  for (let at: u32 = 0; at < pageBytes; at += BUCKET_BYTES) {
    if (isChained(shard, start + at)) chained += 1;
    else releaseBucket(shard, start + at);
  }
  put32(shard + SHARD_OVERFLOWS, load<u32>(shard + SHARD_OVERFLOWS) + chained);
  return pageBytes / BUCKET_BYTES;
}
