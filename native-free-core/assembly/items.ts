// Life of an item inside its shard: linked (index, queue, wheel, counts), unlinked, freed.
// Holder only.

import { pageBytes, toAddress, toReference } from "./arena";
import { isPinnable, isPinned } from "./hazard";
import {
  CLASS_LARGE,
  ITEM_CLASS,
  ITEM_EXPIRY_MS,
  ITEM_LIMBO,
  ITEM_LRU_NEXT,
  ITEM_STATE,
  ITEM_WHEEL_PREV,
  PAGE_NEXT,
  SHARD_BYTES_USED,
  SHARD_CLASS_USED,
  SHARD_ITEMS,
  SHARD_LIMBO,
} from "./layout";
import { givePage, noteChange, pageEntry, pageOf } from "./pages";
import { oldestOfClass, policyLink, policyUnlink } from "./policy";
import { freeChunk, strideOf } from "./slab";
import { put32, put64 } from "./store";
import { bytesWithBlock, contentBytes, isTagged } from "./tag-block";
import { tagsCollect, tagsLink, tagsUnlink } from "./tags";
import { wheelInsert, wheelRemove } from "./wheel";

/** Bytes of head, key, content type, value and tag block. */
@inline
export function itemBytes(item: usize): u32 {
  return isTagged(item) ? bytesWithBlock(item) : contentBytes(item);
}

/** Pages that an item of so many bytes takes. */
@inline
export function pagesFor(bytes: u32): u32 {
  return (bytes + pageBytes - 1) / pageBytes;
}

/** Bytes that an item occupies in the arena. */
export function footprintBytes(item: usize): u32 {
  const sizeClass = load<u8>(item + ITEM_CLASS);
  return sizeClass == CLASS_LARGE ? pagesFor(itemBytes(item)) * pageBytes : strideOf(sizeClass);
}

function addBytesUsed(shard: usize, bytes: i64): void {
  put64(shard + SHARD_BYTES_USED, load<u64>(shard + SHARD_BYTES_USED) + bytes);
}

/** Puts an item that the index names on all lists (queue, wheel, tags), and counts it. */
export function enlist(shard: usize, item: usize): void {
  const sizeClass = load<u8>(item + ITEM_CLASS);
  policyLink(shard, item);
  const used = load<u64>(shard + SHARD_CLASS_USED);
  put64(shard + SHARD_CLASS_USED, used | ((<u64>1) << <u64>sizeClass));
  put32(item + ITEM_WHEEL_PREV, 0);
  if (load<f64>(item + ITEM_EXPIRY_MS) < Infinity) wheelInsert(shard, item);
  if (isTagged(item)) tagsLink(shard, item);
  put32(shard + SHARD_ITEMS, load<u32>(shard + SHARD_ITEMS) + 1);
  addBytesUsed(shard, footprintBytes(item));
  noteChange(pageOf(item));
}

/**
 * The reverse of `enlist`; the index does not name the item any more. Tags that have no member now
 * stay until the item's state is changed: see `dispose` and `retire`.
 */
export function delist(shard: usize, item: usize): void {
  const sizeClass = load<u8>(item + ITEM_CLASS);
  policyUnlink(shard, item);
  if (oldestOfClass(shard, sizeClass) == 0) {
    const used = load<u64>(shard + SHARD_CLASS_USED);
    put64(shard + SHARD_CLASS_USED, used & ~((<u64>1) << <u64>sizeClass));
  }
  wheelRemove(shard, item);
  if (isTagged(item)) tagsUnlink(shard, item);
  put32(shard + SHARD_ITEMS, load<u32>(shard + SHARD_ITEMS) - 1);
  addBytesUsed(shard, -(<i64>footprintBytes(item)));
}

/** Frees the pages of a list, from its first page on. */
export function freePageList(shard: usize, firstPage: u32): void {
  let next = firstPage + 1;
  while (next != 0) {
    const page = next - 1;
    next = load<u32>(pageEntry(page) + PAGE_NEXT);
    givePage(shard, page);
  }
}

/** Gives a delisted item another state than live; what only it kept is freed. */
export function retire(shard: usize, item: usize, state: u32): void {
  put32(item + ITEM_STATE, state);
  noteChange(pageOf(item));
  if (isTagged(item)) tagsCollect(shard, item);
}

function freeMemory(shard: usize, item: usize): void {
  const large = load<u8>(item + ITEM_CLASS) == CLASS_LARGE;
  retire(shard, item, 0);
  if (large) freePageList(shard, pageOf(item));
  else freeChunk(shard, item);
}

/**
 * Frees a delisted item. One that readers pin instead of copying stays in limbo while a hazard
 * word names it.
 */
export function dispose(shard: usize, item: usize): void {
  if (isPinnable(item) && isPinned(toReference(item))) {
    retire(shard, item, ITEM_LIMBO);
    put32(item + ITEM_LRU_NEXT, load<u32>(shard + SHARD_LIMBO));
    put32(shard + SHARD_LIMBO, toReference(item));
    return;
  }
  freeMemory(shard, item);
}

/** Frees what is in limbo and pinned no longer; the number of items freed. */
export function emptyLimbo(shard: usize): u32 {
  let previous: usize = 0;
  let reference = load<u32>(shard + SHARD_LIMBO);
  let freed: u32 = 0;
  while (reference != 0) {
    const item = toAddress(reference);
    const next = load<u32>(item + ITEM_LRU_NEXT);
    if (isPinned(reference)) {
      previous = item;
    } else {
      if (previous != 0) put32(previous + ITEM_LRU_NEXT, next);
      else put32(shard + SHARD_LIMBO, next);
      freeMemory(shard, item);
      freed += 1;
    }
    reference = next;
  }
  return freed;
}
