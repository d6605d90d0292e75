// The page directory: what each page is and whose. With the items it is the truth from which
// everything else can be rebuilt; each change of a page is one store of its state word.

import { changes, directory, pageBytes, pageShift, pages } from "./arena";
import {
  PAGE_ENTRY_BYTES,
  PAGE_FREE,
  PAGE_NEXT,
  PAGE_STATE,
  SHARD_FREE_PAGE_HEAD,
  SHARD_FREE_PAGES,
  SHARD_ID,
} from "./layout";
import { publish32, put32, release32 } from "./store";

export const NO_PAGE: u32 = 0xffffffff;

@inline
export function pageEntry(page: u32): usize {
  return directory + page * PAGE_ENTRY_BYTES;
}

@inline
export function pageAddress(page: u32): usize {
  return pages + (<usize>page << pageShift);
}

@inline
export function pageOf(address: usize): u32 {
  return <u32>((address - pages) >> pageShift);
}

@inline
export function offsetInPage(address: usize): u32 {
  return <u32>((address - pages) & (pageBytes - 1));
}

@inline
export function pageKind(entry: usize): u32 {
  return load<u32>(entry + PAGE_STATE) >> 24;
}

@inline
export function pageClass(entry: usize): u32 {
  return (load<u32>(entry + PAGE_STATE) >> 16) & 0xff;
}

@inline
export function pageShard(entry: usize): u32 {
  return (load<u32>(entry + PAGE_STATE) >> 8) & 0xff;
}

@inline
export function pageThread(entry: usize): u32 {
  return load<u32>(entry + PAGE_STATE) & 0xff;
}

/**
 * Counts a change of what a copy of the page is for: kind, state or expiry of an item. After the
 * change itself: who reads the count, copies the page and finds the count unchanged while the shard
 * is held has copied nothing half-done. Links, stamps and free chunks are not counted.
 */
@inline
export function noteChange(page: u32): void {
  // An engine without a file counts nothing.
  if (changes == 0) return;
  const count = changes + (page << 2);
  release32(count, load<u32>(count) + 1);
}

/** Gives a page its kind, class and thread by one store. */
export function markPage(
  shard: usize,
  page: u32,
  kind: u32,
  sizeClass: u32,
  thread: u32,
): void {
  const shardId = load<u32>(shard + SHARD_ID);
  publish32(
    pageEntry(page) + PAGE_STATE,
    (kind << 24) | (sizeClass << 16) | (shardId << 8) | thread,
  );
  noteChange(page);
}

/** Takes a free page of the shard off the list; NO_PAGE when there is none. */
export function takePage(shard: usize): u32 {
  const head = load<u32>(shard + SHARD_FREE_PAGE_HEAD);
  if (head == 0) return NO_PAGE;
  const page = head - 1;
  put32(shard + SHARD_FREE_PAGE_HEAD, load<u32>(pageEntry(page) + PAGE_NEXT));
  put32(shard + SHARD_FREE_PAGES, load<u32>(shard + SHARD_FREE_PAGES) - 1);
  return page;
}

/** Gives a page back to the shard's free list. */
export function givePage(shard: usize, page: u32): void {
  markPage(shard, page, PAGE_FREE, 0, 0);
  put32(pageEntry(page) + PAGE_NEXT, load<u32>(shard + SHARD_FREE_PAGE_HEAD));
  put32(shard + SHARD_FREE_PAGE_HEAD, page + 1);
  put32(shard + SHARD_FREE_PAGES, load<u32>(shard + SHARD_FREE_PAGES) + 1);
}

/** Forgets the free pages; `givePage` follows for each of them. */
export function pagesReset(shard: usize): void {
  put32(shard + SHARD_FREE_PAGES, 0);
  put32(shard + SHARD_FREE_PAGE_HEAD, 0);
}
