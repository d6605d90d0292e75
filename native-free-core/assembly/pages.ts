// The page directory: what each page is and whose. With the items it is the truth from which
// everything else can be rebuilt; each change of a page is one store of its state word.

import { directory, pageBytes, pageShift, pages } from "./arena";
import {
  PAGE_ENTRY_BYTES,
  PAGE_FREE,
  PAGE_NEXT,
  PAGE_STATE,
  SHARD_FREE_PAGE_HEAD,
  SHARD_FREE_PAGES,
  SHARD_ID,
} from "./layout";
import { publish32, put32 } from "./store";

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
