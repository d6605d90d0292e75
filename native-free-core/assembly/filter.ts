// Filter: memory that a policy addresses by hash, about keys that need not be in the cache. Blocks
// of one cache line, FILTER_BLOCK_ENTRIES entries of the cache to each; what they hold is the
// sketch's or the ghosts' affair. Its pages come from the shard, are never given back, and stand
// in a table in the shard header.
//
// It grows by linear hashing, a page at a time. A new page begins as a copy of the page whose keys
// it shares, so that nothing is forgotten: either copy knows some keys that are the other's now,
// and both age. Holder only.

import { filterBlocks, filterOffset, filterPagesMax, pageBytes } from "./arena";
import {
  FILTER_BLOCK_BYTES,
  FILTER_BLOCK_ENTRIES,
  PAGE_NEXT,
  PAGE_SKETCH,
  SHARD_FILTER_PAGES,
  SHARD_ITEMS,
  SHARD_ITEMS_MAX,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
} from "./layout";
import { markPage, pageAddress, pageEntry, pageKind } from "./pages";
import { copyBulk, put32, zero } from "./store";

// Bits of a hash: 0 to 11 name the block, 12 to 27 the page; from 28 on they are the content's.
// The upper 12 are much the same all over a shard.
const PAGE_SHIFT: u64 = 12;

/** Lowest bit of a hash that says nothing about its block. */
export const FILTER_FREE_SHIFT: u64 = 28;

/** Half of the smallest power of two that is not below `count`; `count` is at least 2. */
@inline
function halfOf(count: u32): u32 {
  return ((<u32>1) << (32 - clz<u32>(count - 1))) >> 1;
}

/** Blocks of a page that are used: no more than a shard with a bound on its items needs. */
@inline
export function blocksInUse(shard: usize): u32 {
  const itemsMax = load<u32>(shard + SHARD_ITEMS_MAX);
  if (itemsMax <= FILTER_BLOCK_ENTRIES) return itemsMax == 0 ? filterBlocks : 1;
  const needed = (itemsMax - 1) / FILTER_BLOCK_ENTRIES;
  return min<u32>(filterBlocks, (<u32>1) << (32 - clz<u32>(needed)));
}

/** Block of a hash; 0 while the filter has no page. */
export function filterBlock(shard: usize, hash: u64): usize {
  const count = load<u32>(shard + SHARD_FILTER_PAGES);
  let page: u32 = 0;
  if (count > 1) {
    const half = halfOf(count);
    page = <u32>(hash >> PAGE_SHIFT) & (half + half - 1);
    if (page >= count) page &= half - 1;
  } else if (count == 0) return 0;
  const start = <usize>load<u32>(shard + filterOffset + page * 4);
  return start + (<u32>hash & (blocksInUse(shard) - 1)) * FILTER_BLOCK_BYTES;
}

/** True when the shard has more items than the filter is meant for. */
export function filterWantsPage(shard: usize): bool {
  const count = load<u32>(shard + SHARD_FILTER_PAGES);
  if (count >= filterPagesMax) return false;
  return count == 0 || load<u32>(shard + SHARD_ITEMS) > count * filterBlocks * FILTER_BLOCK_ENTRIES;
}

/** Gives the filter a page that was taken from the free list. */
export function filterAddPage(shard: usize, page: u32): void {
  const number = load<u32>(shard + SHARD_FILTER_PAGES);
  const address = pageAddress(page);
  if (number == 0) {
    zero(address, pageBytes);
  } else {
    const parent = number == 1 ? 0 : number - halfOf(number + 1);
    copyBulk(address, load<u32>(shard + filterOffset + parent * 4), pageBytes);
  }
  put32(pageEntry(page) + PAGE_NEXT, number);
  markPage(shard, page, PAGE_SKETCH, 0, 0);
  put32(shard + filterOffset + number * 4, <u32>address);
  put32(shard + SHARD_FILTER_PAGES, number + 1);
}

/** Finds the pages by the directory alone, which says the place of each; what they hold stays. */
export function filterReset(shard: usize): void {
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const end = first + load<u32>(shard + SHARD_PAGE_COUNT);
  let found: u32 = 0;
  for (let page = first; page < end; page++) {
    const entry = pageEntry(page);
    const number = load<u32>(entry + PAGE_NEXT);
    // Further pages of the policy have higher numbers.
    if (pageKind(entry) != PAGE_SKETCH || number >= filterPagesMax) continue;
    put32(shard + filterOffset + number * 4, <u32>pageAddress(page));
    found += 1;
  }
  put32(shard + SHARD_FILTER_PAGES, found);
}
