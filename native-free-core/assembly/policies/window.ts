// The adaptive window of W-TinyLFU, by miniature simulation (C. Waldspurger, T. Saemundsson, I.
// Ahmad, N. Park: "Cache Modeling and Optimization using Miniature Simulations", USENIX ATC 2017):
// shadows of the cache with a window of 1 %, of 25 % and of everything, which is LRU, see an even
// sample of the keys and are as much smaller as the sample is. At the end of each period the cache
// takes the window of the shadow that had the most hits lately. Holder only.

import { filterOffset, filterPagesMax, pageBytes, shadowEntries } from "../arena";
import {
  PAGE_NEXT,
  PAGE_SKETCH,
  SHADOWS,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  SHARD_SAMPLE_BOUND,
  SHARD_SAMPLED,
  SHARD_SCORED,
  SHARD_SCORES,
  SHARD_SHADOW_ENTRIES,
  SHARD_SHADOW_PAGES,
  SHARD_WINDOW,
} from "../layout";
import { markPage, pageAddress, pageEntry, pageKind } from "../pages";
import { shadowAccess, shadowBytes, shadowNarrow, shadowReset, takeShadowHits } from "../shadow";
import { put32, putF64 } from "../store";

/** Size of the window until a shadow stands out: 10 %. The shadows' own are 1, 2, 3. */
const WINDOW_FIRST: u32 = 0;
const WINDOW_SMALL: u32 = 1;
const WINDOW_LARGE: u32 = 2;

const DECAY: f64 = 0.9;
/** Another window has to be better by this share of all accesses. */
const MARGIN: f64 = 0.015;
const PERIOD_MIN: u32 = 64;

/** Entries of a window of such a size in a cache of so many entries, at least one. */
function entriesOfWindow(size: u32, entries: u32): u32 {
  if (size == WINDOW_FIRST) return max<u32>(1, (entries + 5) / 10);
  if (size == WINDOW_SMALL) return max<u32>(1, entries - <u32>((<u64>entries * 99) / 100));
  if (size == WINDOW_LARGE) return max<u32>(1, (entries + 2) / 4);
  return max<u32>(1, entries);
}

/** Entries that the window is to have in a cache of so many. */
export function windowShare(shard: usize, entries: u32): u32 {
  return entriesOfWindow(load<u32>(shard + SHARD_WINDOW), entries);
}

@inline
function shadowsPerPage(): u32 {
  return min<u32>(SHADOWS, pageBytes / shadowBytes());
}

@inline
function pagesWanted(): u32 {
  return (SHADOWS + shadowsPerPage() - 1) / shadowsPerPage();
}

@inline
function pageSlot(shard: usize, number: u32): usize {
  return shard + filterOffset + (filterPagesMax + number) * 4;
}

function shadowAt(shard: usize, number: u32): usize {
  const page = <usize>load<u32>(pageSlot(shard, number / shadowsPerPage()));
  return page + (number % shadowsPerPage()) * shadowBytes();
}

export function windowWantsPage(shard: usize): bool {
  return load<u32>(shard + SHARD_SHADOW_PAGES) < pagesWanted();
}

/** Gives the shadows a page that was taken from the free list; with the last one they begin. */
export function windowAddPage(shard: usize, page: u32): void {
  const number = load<u32>(shard + SHARD_SHADOW_PAGES);
  put32(pageEntry(page) + PAGE_NEXT, filterPagesMax + number);
  markPage(shard, page, PAGE_SKETCH, 0, 0);
  put32(pageSlot(shard, number), <u32>pageAddress(page));
  put32(shard + SHARD_SHADOW_PAGES, number + 1);
  if (!windowWantsPage(shard)) emptyShadows(shard);
}

function emptyShadows(shard: usize): void {
  for (let number: u32 = 0; number < SHADOWS; number++) {
    shadowReset(shadowAt(shard, number));
    putF64(shard + SHARD_SCORES + number * 8, 0);
  }
  putF64(shard + SHARD_SCORED, 0);
  put32(shard + SHARD_SAMPLED, 0);
  put32(shard + SHARD_SHADOW_ENTRIES, 0);
}

/** Sizes the shadows for a cache of so many entries. */
function sizeSample(shard: usize, entries: u32): void {
  const simulated = min<u32>(entries, shadowEntries);
  const bound = simulated == entries ? 0xffffffff : ((<u64>simulated << 32) / entries) as u32;
  if (bound < load<u32>(shard + SHARD_SAMPLE_BOUND)) {
    for (let number: u32 = 0; number < SHADOWS; number++) {
      shadowNarrow(shadowAt(shard, number), bound);
    }
  }
  put32(shard + SHARD_SHADOW_ENTRIES, simulated);
  put32(shard + SHARD_SAMPLE_BOUND, bound);
}

/** Lets the shadows see an access to the cache, whose entries are so many. */
export function windowAccess(shard: usize, key: u32, entries: u32): void {
  if (windowWantsPage(shard)) return;
  if (load<u32>(shard + SHARD_SHADOW_ENTRIES) == 0) sizeSample(shard, entries);
  if (key > load<u32>(shard + SHARD_SAMPLE_BOUND)) return;
  const capacity = load<u32>(shard + SHARD_SHADOW_ENTRIES);
  for (let number: u32 = 0; number < SHADOWS; number++) {
    const windowMax = entriesOfWindow(WINDOW_SMALL + number, capacity);
    shadowAccess(shard, shadowAt(shard, number), key, capacity, windowMax);
  }
  const sampled = load<u32>(shard + SHARD_SAMPLED) + 1;
  put32(shard + SHARD_SAMPLED, sampled);
  if (sampled < max<u32>(PERIOD_MIN, 3 * capacity)) return;
  endPeriod(shard, sampled);
  sizeSample(shard, entries);
}

function endPeriod(shard: usize, sampled: u32): void {
  const scored = load<f64>(shard + SHARD_SCORED) * DECAY + <f64>sampled;
  let best: u32 = 0;
  let bestScore: f64 = -1;
  let leastScore: f64 = Infinity;
  for (let number: u32 = 0; number < SHADOWS; number++) {
    const at = shard + SHARD_SCORES + number * 8;
    const score = load<f64>(at) * DECAY + <f64>takeShadowHits(shadowAt(shard, number));
    putF64(at, score);
    leastScore = min<f64>(leastScore, score);
    if (score <= bestScore) continue;
    best = number;
    bestScore = score;
  }
  putF64(shard + SHARD_SCORED, scored);
  put32(shard + SHARD_SAMPLED, 0);
  const size = load<u32>(shard + SHARD_WINDOW);
  const at = shard + SHARD_SCORES + (size - WINDOW_SMALL) * 8;
  const present = size == WINDOW_FIRST ? leastScore : load<f64>(at);
  if (bestScore > present + MARGIN * scored) put32(shard + SHARD_WINDOW, WINDOW_SMALL + best);
}

/** Finds the pages by the directory and begins anew, with the window as it was. */
export function windowReset(shard: usize): void {
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const end = first + load<u32>(shard + SHARD_PAGE_COUNT);
  let found: u32 = 0;
  for (let page = first; page < end; page++) {
    const entry = pageEntry(page);
    const number = load<u32>(entry + PAGE_NEXT) - filterPagesMax;
    if (pageKind(entry) != PAGE_SKETCH || number >= SHADOWS) continue;
    put32(pageSlot(shard, number), <u32>pageAddress(page));
    found += 1;
  }
  put32(shard + SHARD_SHADOW_PAGES, found);
  if (load<u32>(shard + SHARD_WINDOW) > SHADOWS) put32(shard + SHARD_WINDOW, WINDOW_FIRST);
  if (!windowWantsPage(shard)) emptyShadows(shard);
}
