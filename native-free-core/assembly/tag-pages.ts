// Memory of tags: pages cut into chunks of one of four sizes, each with its free list, as slab
// pages are (slab.ts). A tag never moves, so no such page is emptied for another use; one that has
// become empty goes back to the shard at once. Holder only.

import { pageBytes, toAddress, toReference } from "./arena";
import {
  PAGE_CARVED,
  PAGE_FREE_COUNT,
  PAGE_FREE_HEAD,
  PAGE_LISTED,
  PAGE_NEXT,
  PAGE_PREV,
  PAGE_TAG,
  SHARD_TAG_PAGES,
  SHARD_TAG_PARTIAL,
  TAG_HEAD_BYTES,
  TAG_LIVE,
  TAG_NEXT,
  TAG_STATE,
} from "./layout";
import { givePage, markPage, pageAddress, pageClass, pageEntry, pageOf } from "./pages";
import { put32 } from "./store";

/** Bytes of a chunk: for names of 36, 68, 132 and 260 bytes. */
export function tagStride(sizeClass: u32): u32 {
  if (sizeClass < 2) return sizeClass == 0 ? 64 : 96;
  return sizeClass == 2 ? 160 : 288;
}

/** The smallest size that takes a name. */
export function tagClassOf(nameBytes: u32): u32 {
  let sizeClass: u32 = 0;
  while (tagStride(sizeClass) < TAG_HEAD_BYTES + nameBytes) sizeClass += 1;
  return sizeClass;
}

@inline
export function tagsPerPage(sizeClass: u32): u32 {
  return pageBytes / tagStride(sizeClass);
}

@inline
function partialOf(shard: usize, sizeClass: u32): usize {
  return shard + SHARD_TAG_PARTIAL + sizeClass * 4;
}

function listPage(list: usize, page: u32): void {
  const entry = pageEntry(page);
  const first = load<u32>(list);
  put32(entry + PAGE_NEXT, first);
  put32(entry + PAGE_PREV, 0);
  if (first != 0) put32(pageEntry(first - 1) + PAGE_PREV, page + 1);
  put32(list, page + 1);
  put32(entry + PAGE_LISTED, 1);
}

function unlistPage(list: usize, page: u32): void {
  const entry = pageEntry(page);
  const next = load<u32>(entry + PAGE_NEXT);
  const previous = load<u32>(entry + PAGE_PREV);
  if (previous != 0) put32(pageEntry(previous - 1) + PAGE_NEXT, next);
  else put32(list, next);
  if (next != 0) put32(pageEntry(next - 1) + PAGE_PREV, previous);
  put32(entry + PAGE_LISTED, 0);
}

/** Counts pages of tags and of their table. */
export function countTagPages(shard: usize, change: i32): void {
  put32(shard + SHARD_TAG_PAGES, load<u32>(shard + SHARD_TAG_PAGES) + <u32>change);
}

/** Makes a page that was taken from the free list one of tags. */
export function addTagPage(shard: usize, page: u32, sizeClass: u32): void {
  const stride = tagStride(sizeClass);
  const chunks = tagsPerPage(sizeClass);
  const start = pageAddress(page);
  // States first, kind second: nobody ever takes old bytes of this page for tags.
  for (let i: u32 = 0; i < chunks; i++) put32(start + i * stride + TAG_STATE, 0);
  markPage(shard, page, PAGE_TAG, sizeClass, 0);
  const entry = pageEntry(page);
  put32(entry + PAGE_FREE_HEAD, 0);
  put32(entry + PAGE_FREE_COUNT, chunks);
  put32(entry + PAGE_CARVED, 0);
  countTagPages(shard, 1);
  listPage(partialOf(shard, sizeClass), page);
}

/** Takes a chunk; 0 when none of this size is free. */
export function takeTagChunk(shard: usize, sizeClass: u32): usize {
  const list = partialOf(shard, sizeClass);
  const first = load<u32>(list);
  if (first == 0) return 0;
  const page = first - 1;
  const entry = pageEntry(page);
  const head = load<u32>(entry + PAGE_FREE_HEAD);
  let chunk: usize;
  if (head != 0) {
    chunk = toAddress(head);
    put32(entry + PAGE_FREE_HEAD, load<u32>(chunk + TAG_NEXT));
  } else {
    const carved = load<u32>(entry + PAGE_CARVED);
    chunk = pageAddress(page) + carved * tagStride(sizeClass);
    put32(entry + PAGE_CARVED, carved + 1);
  }
  const left = load<u32>(entry + PAGE_FREE_COUNT) - 1;
  put32(entry + PAGE_FREE_COUNT, left);
  if (left == 0) unlistPage(list, page);
  return chunk;
}

/** Frees a chunk whose state was cleared; a page that is empty now goes back to the shard. */
export function freeTagChunk(shard: usize, chunk: usize): void {
  const page = pageOf(chunk);
  const entry = pageEntry(page);
  const sizeClass = pageClass(entry);
  const list = partialOf(shard, sizeClass);
  put32(chunk + TAG_NEXT, load<u32>(entry + PAGE_FREE_HEAD));
  put32(entry + PAGE_FREE_HEAD, toReference(chunk));
  const free = load<u32>(entry + PAGE_FREE_COUNT) + 1;
  put32(entry + PAGE_FREE_COUNT, free);
  if (load<u32>(entry + PAGE_LISTED) == 0) listPage(list, page);
  if (free == tagsPerPage(sizeClass)) giveTagPage(shard, list, page);
}

function giveTagPage(shard: usize, list: usize, page: u32): void {
  unlistPage(list, page);
  countTagPages(shard, -1);
  givePage(shard, page);
}

/** Recovery: forgets which pages have free chunks; `rebuildTagPage` finds out again. */
export function forgetTagPages(shard: usize): void {
  put32(shard + SHARD_TAG_PAGES, 0);
  for (let i: u32 = 0; i < 4; i++) put32(partialOf(shard, i), 0);
}

/** Recovery: builds a page's free list from the states of its chunks; all are, unless `keeps`. */
export function rebuildTagPage(shard: usize, page: u32, keeps: bool): void {
  const entry = pageEntry(page);
  const sizeClass = pageClass(entry);
  const stride = tagStride(sizeClass);
  const chunks = tagsPerPage(sizeClass);
  const start = pageAddress(page);
  let free: u32 = 0;
  let head: u32 = 0;
  for (let i = chunks; i != 0; i--) {
    const chunk = start + (i - 1) * stride;
    if (keeps && load<u32>(chunk + TAG_STATE) == TAG_LIVE) continue;
    put32(chunk + TAG_STATE, 0);
    put32(chunk + TAG_NEXT, head);
    head = toReference(chunk);
    free += 1;
  }
  put32(entry + PAGE_FREE_HEAD, head);
  put32(entry + PAGE_FREE_COUNT, free);
  put32(entry + PAGE_CARVED, chunks);
  put32(entry + PAGE_LISTED, 0);
  countTagPages(shard, 1);
  if (free != 0) listPage(partialOf(shard, sizeClass), page);
}

/** Recovery: gives a page without tags back to the shard; true when it did. */
export function giveIfEmpty(shard: usize, page: u32): bool {
  const entry = pageEntry(page);
  const sizeClass = pageClass(entry);
  if (load<u32>(entry + PAGE_FREE_COUNT) != tagsPerPage(sizeClass)) return false;
  giveTagPage(shard, partialOf(shard, sizeClass), page);
  return true;
}
