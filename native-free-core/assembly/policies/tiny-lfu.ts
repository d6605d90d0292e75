// W-TinyLFU (G. Einziger, O. Eytan, R. Friedman, B. Manes: "Adaptive Software Cache Management",
// Middleware 2018). New items enter the window, an LRU. What falls out of it is a candidate for the
// main part, a segmented LRU of probation and protected items: it stays if the sketch says that it
// was asked for more often than the oldest item on probation. The size of the window is chosen by
// simulations (window.ts); lists follow it by at most two moves an access, so nothing is moved in
// bulk. A window as large as the cache makes it an exact LRU.
//
// Sizes refer to the shard when the count of items is what is short, to the class of the item when
// memory is.

import {
  ITEM_CLASS,
  ITEM_FLAGS,
  ITEM_HASH,
  ITEM_POLICY_MASK,
  SHARD_BY_CLASS,
  SHARD_ITEMS,
  SHARD_ITEMS_MAX,
  SHARD_RANDOM,
  SHARD_SKETCH_ADDITIONS,
} from "../layout";
import { OWN_ACCESSES, sketchAdd, sketchEstimate, sketchKey } from "../frequency-sketch";
import { ALL_CLASSES, queueItems, queueOf, queueTail, requeue } from "../queues";
import { put32 } from "../store";
import { windowAccess, windowReset, windowShare } from "./window";

const WINDOW: u32 = 0;
const PROBATION: u32 = 1;
const PROTECTED: u32 = 2;
/** Moves from one queue to the next in one access: more than one, so that a queue can shrink. */
const MOVES_MAX: u32 = 2;
/**
 * A candidate of at least this frequency is admitted by chance, one in 128 times, although its
 * victim has no smaller one: else keys that collide with the victim's counters could shut the
 * cache against all others.
 */
const WARM_FREQUENCY: u32 = 6;
const CHANCE_SHIFT: u32 = 25;
const RANDOM_SEED: u32 = 0x9e3779b9;

/** Entries that the cache is to hold, as far as that is known. */
function entriesOfCache(shard: usize): u32 {
  const itemsMax = load<u32>(shard + SHARD_ITEMS_MAX);
  if (itemsMax != 0 && load<u32>(shard + SHARD_BY_CLASS) == 0) return itemsMax;
  return max<u32>(1, load<u32>(shard + SHARD_ITEMS));
}

/** What sizes refer to for an item of a class. */
@inline
function scopeOf(shard: usize, sizeClass: u32): u32 {
  if (load<u32>(shard + SHARD_ITEMS_MAX) == 0) return sizeClass;
  return load<u32>(shard + SHARD_BY_CLASS) == 0 ? ALL_CLASSES : sizeClass;
}

/** Entries of a scope: of a class those that it holds. */
function entriesOf(shard: usize, scope: u32): u32 {
  if (scope == ALL_CLASSES) return entriesOfCache(shard);
  const main = queueItems(shard, PROBATION, scope) + queueItems(shard, PROTECTED, scope);
  return max<u32>(1, queueItems(shard, WINDOW, scope) + main);
}

/** Moves the oldest protected items on while there are too many. */
function demote(shard: usize, scope: u32): void {
  const entries = entriesOf(shard, scope);
  const protectedMax = <u32>((<u64>(entries - windowShare(shard, entries)) * 4) / 5);
  for (let move: u32 = 0; move < MOVES_MAX; move++) {
    if (queueItems(shard, PROTECTED, scope) <= protectedMax) return;
    requeue(shard, queueTail(shard, PROTECTED, scope), PROBATION);
  }
}

/** Makes room in the window for one more; what it let go last, 0 = nothing. */
function overflow(shard: usize, scope: u32): usize {
  const windowMax = windowShare(shard, entriesOf(shard, scope));
  let candidate: usize = 0;
  for (let move: u32 = 0; move < MOVES_MAX; move++) {
    if (queueItems(shard, WINDOW, scope) < windowMax) break;
    const oldest = queueTail(shard, WINDOW, scope);
    if (oldest == 0) break;
    requeue(shard, oldest, PROBATION);
    candidate = oldest;
  }
  return candidate;
}

/** Queue of an item after a hit. */
function queueAfterHit(shard: usize, queue: u32, scope: u32): u32 {
  if (queue == WINDOW) return WINDOW;
  const windowMax = windowShare(shard, entriesOf(shard, scope));
  return queueItems(shard, WINDOW, scope) < windowMax ? WINDOW : PROTECTED;
}

function countAccess(shard: usize, hash: u64): void {
  const key = sketchKey(hash);
  const entries = entriesOfCache(shard);
  sketchAdd(shard, key, entries);
  windowAccess(shard, key, entries);
}

export function lfuHit(shard: usize, item: usize): void {
  countAccess(shard, load<u64>(item + ITEM_HASH));
  const scope = scopeOf(shard, load<u8>(item + ITEM_CLASS));
  const queue = queueAfterHit(shard, queueOf(item), scope);
  requeue(shard, item, queue);
  if (queue == PROTECTED) demote(shard, scope);
}

/** Policy bits of an item that takes the place of `old`, or of a new key (0). */
export function lfuArrive(shard: usize, hash: u64, old: usize): u32 {
  countAccess(shard, hash);
  if (old == 0) return WINDOW;
  return queueAfterHit(shard, queueOf(old), scopeOf(shard, load<u8>(old + ITEM_CLASS)));
}

/** Makes room for a new item that nobody had to leave for. */
export function lfuAdmit(shard: usize, item: usize): void {
  const scope = scopeOf(shard, load<u8>(item + ITEM_CLASS));
  overflow(shard, scope);
  demote(shard, scope);
}

function isLucky(shard: usize): bool {
  let state = load<u32>(shard + SHARD_RANDOM);
  if (state == 0) state = RANDOM_SEED;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  put32(shard + SHARD_RANDOM, state);
  return state >> CHANCE_SHIFT == 0;
}

function admits(shard: usize, candidate: usize, victim: usize): bool {
  const wanted = sketchEstimate(shard, sketchKey(load<u64>(candidate + ITEM_HASH)));
  const kept = sketchEstimate(shard, sketchKey(load<u64>(victim + ITEM_HASH)));
  return wanted > kept + OWN_ACCESSES || (wanted >= WARM_FREQUENCY && isLucky(shard));
}

/** Next item to leave a class, or the shard. */
export function lfuVictim(shard: usize, sizeClass: u32): usize {
  const isByClass: u32 = sizeClass != ALL_CLASSES ? 1 : 0;
  if (load<u32>(shard + SHARD_BY_CLASS) != isByClass) put32(shard + SHARD_BY_CLASS, isByClass);
  const candidate = overflow(shard, sizeClass);
  demote(shard, sizeClass);
  let victim = queueTail(shard, PROBATION, sizeClass);
  if (victim == 0) victim = queueTail(shard, PROTECTED, sizeClass);
  if (victim == 0) return queueTail(shard, WINDOW, sizeClass);
  if (candidate == 0 || candidate == victim) return victim;
  return admits(shard, candidate, victim) ? victim : candidate;
}

export function lfuReset(shard: usize): void {
  put32(shard + SHARD_SKETCH_ADDITIONS, 0);
  put32(shard + SHARD_BY_CLASS, 0);
  windowReset(shard);
}
