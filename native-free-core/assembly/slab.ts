// Slab allocator: pages cut into chunks of one size class. After J. Bonwick, "The Slab
// Allocator" (1994), with the free list kept per page as mimalloc does, so that a page that has
// become empty is known and goes back, and a page can be taken from its class whole.
//
// A class keeps its pages with free chunks on a list (the partial list). A page with none is on
// no list: its last freed chunk brings it back.

import { classLookup, inPages, pageCount, toAddress, toReference } from "./arena";
import {
  CLASS_BYTES,
  CLASS_FREE_CHUNKS,
  CLASS_MAX,
  CLASS_PAGES,
  CLASS_PARTIAL,
  HEADER_CLASS_CHUNKS,
  HEADER_CLASS_STRIDES,
  ITEM_LRU_NEXT,
  ITEM_STATE,
  PAGE_CARVED,
  PAGE_DRAINING,
  PAGE_FREE_COUNT,
  PAGE_FREE_HEAD,
  PAGE_LARGE_HEAD,
  PAGE_LISTED,
  PAGE_NEXT,
  PAGE_PREV,
  PAGE_SLAB,
  SHARD_CLASSES,
  SHARD_ID,
} from "./layout";
import {
  givePage,
  markPage,
  offsetInPage,
  pageAddress,
  pageClass,
  pageEntry,
  pageKind,
  pageOf,
  pageShard,
} from "./pages";
import { put32 } from "./store";

@inline
export function classOfBytes(bytes: u32): u32 {
  return load<u8>(classLookup + ((bytes + 7) >> 3));
}

@inline
export function strideOf(sizeClass: u32): u32 {
  return load<u32>(HEADER_CLASS_STRIDES + sizeClass * 4);
}

@inline
export function chunksPerPage(sizeClass: u32): u32 {
  return load<u32>(HEADER_CLASS_CHUNKS + sizeClass * 4);
}

@inline
export function classAddress(shard: usize, sizeClass: u32): usize {
  return shard + SHARD_CLASSES + sizeClass * CLASS_BYTES;
}

@inline
export function freeChunks(shard: usize, sizeClass: u32): u32 {
  return load<u32>(classAddress(shard, sizeClass) + CLASS_FREE_CHUNKS);
}

/**
 * True when the page directory says that an item of this shard may start at a reference: a chunk
 * of a slab page, or the first page of a large item.
 */
export function startsChunk(shard: usize, reference: u32): bool {
  if (!inPages(reference)) return false;
  const address = toAddress(reference);
  const page = pageOf(address);
  if (page >= pageCount) return false;
  const entry = pageEntry(page);
  if (pageShard(entry) != load<u32>(shard + SHARD_ID)) return false;
  const kind = pageKind(entry);
  const offset = offsetInPage(address);
  if (kind == PAGE_LARGE_HEAD) return offset == 0;
  if (kind != PAGE_SLAB && kind != PAGE_DRAINING) return false;
  const sizeClass = pageClass(entry);
  const chunk = offset / strideOf(sizeClass);
  return chunk * strideOf(sizeClass) == offset && chunk < chunksPerPage(sizeClass);
}

function listPage(classRecord: usize, page: u32): void {
  const entry = pageEntry(page);
  const first = load<u32>(classRecord + CLASS_PARTIAL);
  put32(entry + PAGE_NEXT, first);
  put32(entry + PAGE_PREV, 0);
  if (first != 0) put32(pageEntry(first - 1) + PAGE_PREV, page + 1);
  put32(classRecord + CLASS_PARTIAL, page + 1);
  put32(entry + PAGE_LISTED, 1);
}

function unlistPage(classRecord: usize, page: u32): void {
  const entry = pageEntry(page);
  const next = load<u32>(entry + PAGE_NEXT);
  const previous = load<u32>(entry + PAGE_PREV);
  if (previous != 0) put32(pageEntry(previous - 1) + PAGE_NEXT, next);
  else put32(classRecord + CLASS_PARTIAL, next);
  if (next != 0) put32(pageEntry(next - 1) + PAGE_PREV, previous);
  put32(entry + PAGE_LISTED, 0);
}

/** Makes a page that was taken from the free list part of a class. */
export function addPage(shard: usize, page: u32, sizeClass: u32): void {
  const stride = strideOf(sizeClass);
  const chunks = chunksPerPage(sizeClass);
  const start = pageAddress(page);
  // States first, class second: nobody ever takes old bytes of this page for items.
  for (let i: u32 = 0; i < chunks; i++) put32(start + i * stride + ITEM_STATE, 0);
  markPage(shard, page, PAGE_SLAB, sizeClass, 0);
  const entry = pageEntry(page);
  put32(entry + PAGE_FREE_HEAD, 0);
  put32(entry + PAGE_FREE_COUNT, chunks);
  put32(entry + PAGE_CARVED, 0);
  const record = classAddress(shard, sizeClass);
  put32(record + CLASS_FREE_CHUNKS, load<u32>(record + CLASS_FREE_CHUNKS) + chunks);
  put32(record + CLASS_PAGES, load<u32>(record + CLASS_PAGES) + 1);
  listPage(record, page);
}

/** Takes a chunk of the class; 0 when it has none free. */
export function allocateChunk(shard: usize, sizeClass: u32): usize {
  const record = classAddress(shard, sizeClass);
  const first = load<u32>(record + CLASS_PARTIAL);
  if (first == 0) return 0;
  const page = first - 1;
  const entry = pageEntry(page);
  const head = load<u32>(entry + PAGE_FREE_HEAD);
  let chunk: usize;
  if (head != 0) {
    chunk = toAddress(head);
    put32(entry + PAGE_FREE_HEAD, load<u32>(chunk + ITEM_LRU_NEXT));
  } else {
    const carved = load<u32>(entry + PAGE_CARVED);
    chunk = pageAddress(page) + carved * strideOf(sizeClass);
    put32(entry + PAGE_CARVED, carved + 1);
  }
  const left = load<u32>(entry + PAGE_FREE_COUNT) - 1;
  put32(entry + PAGE_FREE_COUNT, left);
  put32(record + CLASS_FREE_CHUNKS, load<u32>(record + CLASS_FREE_CHUNKS) - 1);
  if (left == 0) unlistPage(record, page);
  return chunk;
}

/** Frees a chunk whose state was cleared. A page that is empty now goes back to the shard. */
export function freeChunk(shard: usize, chunk: usize): void {
  const page = pageOf(chunk);
  const entry = pageEntry(page);
  put32(chunk + ITEM_LRU_NEXT, load<u32>(entry + PAGE_FREE_HEAD));
  put32(entry + PAGE_FREE_HEAD, toReference(chunk));
  const free = load<u32>(entry + PAGE_FREE_COUNT) + 1;
  put32(entry + PAGE_FREE_COUNT, free);
  // A page that is being emptied gives its chunks to nobody.
  if (pageKind(entry) == PAGE_DRAINING) return;
  const sizeClass = pageClass(entry);
  const record = classAddress(shard, sizeClass);
  const classFree = load<u32>(record + CLASS_FREE_CHUNKS) + 1;
  put32(record + CLASS_FREE_CHUNKS, classFree);
  if (load<u32>(entry + PAGE_LISTED) == 0) listPage(record, page);
  // One chunk of the class stays in reserve elsewhere, or the page stays.
  const chunks = chunksPerPage(sizeClass);
  if (free == chunks && classFree > chunks) {
    unlistPage(record, page);
    dropPage(shard, record, page, classFree - chunks);
  }
}

function dropPage(shard: usize, record: usize, page: u32, classFree: u32): void {
  put32(record + CLASS_FREE_CHUNKS, classFree);
  put32(record + CLASS_PAGES, load<u32>(record + CLASS_PAGES) - 1);
  givePage(shard, page);
}

/** Begins to empty a slab page: its free chunks are nobody's from now on. */
export function beginDrain(shard: usize, page: u32): void {
  const entry = pageEntry(page);
  const sizeClass = pageClass(entry);
  const record = classAddress(shard, sizeClass);
  if (load<u32>(entry + PAGE_LISTED)) unlistPage(record, page);
  const classFree = load<u32>(record + CLASS_FREE_CHUNKS) - load<u32>(entry + PAGE_FREE_COUNT);
  put32(record + CLASS_FREE_CHUNKS, classFree);
  markPage(shard, page, PAGE_DRAINING, sizeClass, 0);
}

/** Ends the emptying: an empty page goes back to the shard (true), another to its class. */
export function endDrain(shard: usize, page: u32): bool {
  const entry = pageEntry(page);
  const sizeClass = pageClass(entry);
  const record = classAddress(shard, sizeClass);
  const free = load<u32>(entry + PAGE_FREE_COUNT);
  const classFree = load<u32>(record + CLASS_FREE_CHUNKS);
  if (free == chunksPerPage(sizeClass)) {
    dropPage(shard, record, page, classFree);
    return true;
  }
  markPage(shard, page, PAGE_SLAB, sizeClass, 0);
  put32(record + CLASS_FREE_CHUNKS, classFree + free);
  if (free != 0) listPage(record, page);
  return false;
}

/** Forgets which pages the classes have; `adoptPage` follows for each of them. */
export function slabReset(shard: usize): void {
  for (let sizeClass: u32 = 0; sizeClass < CLASS_MAX; sizeClass++) {
    const record = classAddress(shard, sizeClass);
    put32(record + CLASS_PARTIAL, 0);
    put32(record + CLASS_FREE_CHUNKS, 0);
    put32(record + CLASS_PAGES, 0);
  }
}

/**
 * Takes a page in whose chunks were counted anew: `free` of them, `carved` up to the last one that
 * is in use, the free ones before that in a list from `freeHead` on. An empty page goes back to
 * the shard when its class has another free chunk.
 */
export function adoptPage(shard: usize, page: u32, freeHead: u32, free: u32, carved: u32): void {
  const entry = pageEntry(page);
  const sizeClass = pageClass(entry);
  const record = classAddress(shard, sizeClass);
  const classFree = load<u32>(record + CLASS_FREE_CHUNKS);
  if (carved == 0 && classFree != 0) {
    givePage(shard, page);
    return;
  }
  if (pageKind(entry) != PAGE_SLAB) markPage(shard, page, PAGE_SLAB, sizeClass, 0);
  put32(entry + PAGE_FREE_HEAD, freeHead);
  put32(entry + PAGE_FREE_COUNT, free);
  put32(entry + PAGE_CARVED, carved);
  put32(entry + PAGE_LISTED, 0);
  put32(record + CLASS_FREE_CHUNKS, classFree + free);
  put32(record + CLASS_PAGES, load<u32>(record + CLASS_PAGES) + 1);
  if (free != 0) listPage(record, page);
}
