// Making room: eviction by the policy, and moving pages between size classes.
//
// A class with memory pressure evicts items of its own. From time to time, and whenever it has
// nothing of its own to evict, it takes a page from the class whose oldest item is the oldest of
// the shard. That page is emptied so that the next victims of its class go and the others move:
// for `lru`, the effect is as if recency were one list over all classes.
//
// One chunk of each class stays in reserve for overwrites: replacing a value at the limit evicts
// nobody. Holder only.

import { toReference } from "./arena";
import { copyBytes } from "./bytes";
import { fence } from "./fence";
import { delist, dispose, emptyLimbo, itemBytes } from "./items";
import {
  CLASS_LARGE,
  CLASS_MAX,
  CLASS_PAGES,
  CLASS_PARTIAL,
  CLASS_PRESSURE,
  ITEM_CLASS,
  ITEM_EPOCH,
  ITEM_HASH,
  ITEM_LIVE,
  ITEM_NAMESPACE,
  ITEM_STATE,
  PAGE_SLAB,
  SHARD_EVICTIONS,
  SHARD_FREE_PAGES,
  SHARD_ITEMS,
  SHARD_LIMBO,
  SHARD_PAGES_MOVED,
} from "./layout";
import { namespaceEpoch } from "./namespaces";
import { NO_PAGE, noteChange, pageAddress, pageEntry, pageKind, pageOf, takePage } from "./pages";
import {
  forsakenClass,
  oldestClass,
  oldestOfClass,
  policyEvicted,
  policyMove,
  policyVictim,
} from "./policy";
import { ageOf, ALL_CLASSES } from "./queues";
import {
  addPage,
  allocateChunk,
  beginDrain,
  chunksPerPage,
  classAddress,
  endDrain,
  freeChunks,
  strideOf,
} from "./slab";
import { put32, put64, release32 } from "./store";
import { findReference, removeEntry, swapReference } from "./table";
import { isTagged } from "./tag-block";
import { tagsMove } from "./tags";
import { wheelReplace } from "./wheel";

/** Counts removals and moves of items: who keeps an entry's address across one looks again. */
export let upheavals: u32 = 0;

const EVICTIONS_PER_COMMAND_MAX: u32 = 64;
const STEALS_PER_COMMAND_MAX: u32 = 8;

/** Takes a linked item out of the index and the lists; its memory stays. */
export function unlinkItem(shard: usize, item: usize): void {
  const hash = load<u64>(item + ITEM_HASH);
  removeEntry(shard, hash, findReference(shard, hash, toReference(item)));
  delist(shard, item);
  upheavals += 1;
}

/** Evicts one item. */
export function evict(shard: usize, item: usize): void {
  policyEvicted(shard, item);
  unlinkItem(shard, item);
  dispose(shard, item);
  put64(shard + SHARD_EVICTIONS, load<u64>(shard + SHARD_EVICTIONS) + 1);
}

/** Evicts the item of the shard whose turn it is; false when it has none. */
export function evictNext(shard: usize): bool {
  const victim = policyVictim(shard, ALL_CLASSES);
  if (victim == 0) return false;
  evict(shard, victim);
  return true;
}

/** Evicts until the shard holds fewer than `itemsMax` items. */
export function holdCount(shard: usize, itemsMax: u32): void {
  for (let i: u32 = 0; i < EVICTIONS_PER_COMMAND_MAX; i++) {
    if (load<u32>(shard + SHARD_ITEMS) < itemsMax) return;
    if (!evictNext(shard)) return;
  }
}

/**
 * A chunk of the class, made free if need be; 0 when no memory is to be had.
 * `reserve` chunks of the class are left alone as long as anything else helps.
 */
export function acquireChunk(shard: usize, sizeClass: u32, reserve: u32): usize {
  if (freeChunks(shard, sizeClass) > reserve) return allocateChunk(shard, sizeClass);
  const page = takePage(shard);
  if (page != NO_PAGE) {
    addPage(shard, page, sizeClass);
    return allocateChunk(shard, sizeClass);
  }
  if (load<u32>(shard + SHARD_LIMBO) != 0) emptyLimbo(shard);
  evictForClass(shard, sizeClass, reserve);
  if (freeChunks(shard, sizeClass) <= reserve) {
    const stolen = stealPage(shard);
    if (stolen != NO_PAGE) addPage(shard, stolen, sizeClass);
  }
  return allocateChunk(shard, sizeClass);
}

function evictForClass(shard: usize, sizeClass: u32, reserve: u32): void {
  for (let i: u32 = 0; i < EVICTIONS_PER_COMMAND_MAX; i++) {
    if (freeChunks(shard, sizeClass) > reserve) return;
    const oldest = oldestOfClass(shard, sizeClass);
    if (oldest == 0) return;
    balance(shard, sizeClass, ageOf(shard, oldest));
    if (freeChunks(shard, sizeClass) > reserve) return;
    evict(shard, policyVictim(shard, sizeClass));
  }
}

/**
 * Takes a page from a class that nobody uses any more. Where there is none, compares this class
 * with the oldest one of the shard: now and then, whether that is twice as old; after a page's
 * worth of evictions, whether it is older by a quarter.
 */
function balance(shard: usize, sizeClass: u32, ownAge: u32): void {
  const record = classAddress(shard, sizeClass);
  const pressure = load<u32>(record + CLASS_PRESSURE);
  const isPageful = pressure >= chunksPerPage(sizeClass);
  put32(record + CLASS_PRESSURE, isPageful ? 0 : pressure + 1);
  if (!isPageful && (pressure & 15) != 0) return;
  let donor = forsakenClass(shard);
  if (donor == CLASS_MAX) {
    donor = oldestClass(shard);
    if (donor == sizeClass || donor == CLASS_MAX) return;
    const donorAge = ageOf(shard, oldestOfClass(shard, donor));
    if (donorAge - ownAge <= (isPageful ? ownAge >> 2 : ownAge)) return;
  }
  const page = stealFrom(shard, donor);
  if (page != NO_PAGE) addPage(shard, page, sizeClass);
}

/** Takes a page from whichever class can best spare one; NO_PAGE when none could be emptied. */
export function stealPage(shard: usize): u32 {
  let page = takePage(shard);
  // An idle class first; one whose chunks are in limbo or returned gives nothing.
  const idle = page == NO_PAGE ? idleClass(shard) : CLASS_MAX;
  if (idle != CLASS_MAX) page = stealFrom(shard, idle);
  for (let i: u32 = 0; page == NO_PAGE && i < STEALS_PER_COMMAND_MAX; i++) {
    const donor = oldestClass(shard);
    if (donor == CLASS_MAX) break;
    page = stealFrom(shard, donor);
  }
  return page;
}

/** A class that holds pages but no item. */
function idleClass(shard: usize): u32 {
  for (let sizeClass: u32 = 0; sizeClass < CLASS_LARGE; sizeClass++) {
    const record = classAddress(shard, sizeClass);
    if (load<u32>(record + CLASS_PAGES) == 0 || load<u32>(record + CLASS_PARTIAL) == 0) continue;
    if (oldestOfClass(shard, sizeClass) == 0) return sizeClass;
  }
  return CLASS_MAX;
}

function stealFrom(shard: usize, donor: u32): u32 {
  spare(shard, donor);
  return takePage(shard);
}

/** Makes the class give up the pages of its oldest item. */
function spare(shard: usize, donor: u32): void {
  if (donor == CLASS_LARGE) {
    evict(shard, policyVictim(shard, donor));
    return;
  }
  const oldest = oldestOfClass(shard, donor);
  const partial = load<u32>(classAddress(shard, donor) + CLASS_PARTIAL);
  emptyPage(shard, oldest != 0 ? pageOf(oldest) : partial - 1, donor);
}

/**
 * Empties a slab page and gives it back to the shard. The oldest items of the class go; younger
 * ones that live in this page move into the chunks that became free.
 */
function emptyPage(shard: usize, page: u32, sizeClass: u32): void {
  if (pageKind(pageEntry(page)) != PAGE_SLAB) return;
  beginDrain(shard, page);
  const stride = strideOf(sizeClass);
  const chunks = chunksPerPage(sizeClass);
  const start = pageAddress(page);
  for (let i: u32 = 0; i < chunks; i++) {
    const item = start + i * stride;
    if (load<u32>(item + ITEM_STATE) == ITEM_LIVE) relocate(shard, item, sizeClass);
  }
  put64(shard + SHARD_PAGES_MOVED, load<u64>(shard + SHARD_PAGES_MOVED) + 1);
  endDrain(shard, page);
}

const RELOCATION_EVICTIONS_MAX: u32 = 8;

/** Takes one live item out of a page that is being emptied: evicts or moves it. */
function relocate(shard: usize, item: usize, sizeClass: u32): void {
  // An item of a cleared namespace must not move to a page that the sweep has passed.
  if (load<u32>(item + ITEM_EPOCH) != namespaceEpoch(load<u16>(item + ITEM_NAMESPACE))) {
    evict(shard, item);
    return;
  }
  // Victims in the same page make no chunk free elsewhere, so one may not be enough.
  for (let i: u32 = 0; i < RELOCATION_EVICTIONS_MAX; i++) {
    if (freeChunks(shard, sizeClass) > 1) break;
    const victim = policyVictim(shard, sizeClass);
    evict(shard, victim);
    if (victim == item) return;
  }
  const target = allocateChunk(shard, sizeClass);
  if (target == 0) evict(shard, item);
  else moveItem(shard, item, target);
}

/** Moves an item to another chunk of its class: complete copy, state last, then one swap. */
function moveItem(shard: usize, item: usize, target: usize): void {
  copyBytes(target + ITEM_CLASS, item + ITEM_CLASS, itemBytes(item) - ITEM_CLASS);
  fence();
  release32(target + ITEM_STATE, ITEM_LIVE);
  policyMove(shard, item, target);
  wheelReplace(shard, item, target);
  if (isTagged(target)) tagsMove(shard, item, target);
  const hash = load<u64>(item + ITEM_HASH);
  const entry = findReference(shard, hash, toReference(item));
  swapReference(shard, hash, entry, toReference(target));
  noteChange(pageOf(target));
  dispose(shard, item);
  upheavals += 1;
}

/** Claims `count` pages for a large value, evicting as needed; false when that many do not come. */
export function makePagesFree(shard: usize, count: u32): bool {
  if (load<u32>(shard + SHARD_LIMBO) != 0) emptyLimbo(shard);
  while (load<u32>(shard + SHARD_FREE_PAGES) < count) {
    const before = load<u32>(shard + SHARD_FREE_PAGES);
    const idle = idleClass(shard);
    if (idle != CLASS_MAX) spare(shard, idle);
    if (load<u32>(shard + SHARD_FREE_PAGES) > before) continue;
    const donor = oldestClass(shard);
    if (donor == CLASS_MAX) return false;
    const items = load<u32>(shard + SHARD_ITEMS);
    spare(shard, donor);
    // A page with a chunk that cannot be freed, because a thread still reads it, only moves items
    // about. Each round evicts at least one, so this ends.
    const isStuck = load<u32>(shard + SHARD_ITEMS) == items;
    if (isStuck && load<u32>(shard + SHARD_FREE_PAGES) <= before) evictNext(shard);
  }
  return true;
}
