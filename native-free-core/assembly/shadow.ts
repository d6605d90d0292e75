// A shadow: a small W-TinyLFU cache of keys without items, which tells how a certain window would
// do. Three lists (window, probation, protected) and a hash table with chains, all of 16-bit links,
// in one piece of memory. Its rules are those of policies/tiny-lfu.ts. Holder only.
//
//   0    lists: head u16, tail u16, entries u16, unused u16, × 3
//   24   entries in use u16; unused; hits u32
//   64   entries: key u32, newer u16, older u16, chain u16, list u8, unused u8
//   then buckets: u16 × room; links are numbers of entries from 1, 0 = none

import { shadowEntries } from "./arena";
import { OWN_ACCESSES, sketchEstimate } from "./frequency-sketch";
import { SHADOW_ENTRY_BYTES } from "./layout";
import { put16, put32, put8, zero } from "./store";

const LIST_BYTES: u32 = 8;
const LIST_TAIL: u32 = 2;
const LIST_ENTRIES: u32 = 4;
const USED: u32 = 24;
const HITS: u32 = 28;
const ENTRIES: u32 = 64;
const ENTRY_BYTES: u32 = 12;
const ENTRY_NEWER: u32 = 4;
const ENTRY_OLDER: u32 = 6;
const ENTRY_CHAIN: u32 = 8;
const ENTRY_LIST: u32 = 10;

const WINDOW: u32 = 0;
const PROBATION: u32 = 1;
const PROTECTED: u32 = 2;
const MOVES_MAX: u32 = 2;

/** Bytes of one shadow. */
@inline
export function shadowBytes(): u32 {
  return shadowEntries * SHADOW_ENTRY_BYTES;
}

@inline
function entryAt(shadow: usize, number: u32): usize {
  return shadow + ENTRIES + (number - 1) * ENTRY_BYTES;
}

/** Address of the first link of a key's chain: as many buckets as there is room for entries. */
@inline
function bucketAt(shadow: usize, key: u32): usize {
  const bucket = key & (shadowEntries - 1);
  return shadow + ENTRIES + shadowEntries * ENTRY_BYTES + bucket * 2;
}

@inline
function entriesOf(shadow: usize, list: u32): u32 {
  return load<u16>(shadow + list * LIST_BYTES + LIST_ENTRIES);
}

@inline
function oldestOf(shadow: usize, list: u32): u32 {
  return load<u16>(shadow + list * LIST_BYTES + LIST_TAIL);
}

function unlink(shadow: usize, number: u32): void {
  const entry = entryAt(shadow, number);
  const list = shadow + load<u8>(entry + ENTRY_LIST) * LIST_BYTES;
  const newer = load<u16>(entry + ENTRY_NEWER);
  const older = load<u16>(entry + ENTRY_OLDER);
  if (newer != 0) put16(entryAt(shadow, newer) + ENTRY_OLDER, older);
  else put16(list, older);
  if (older != 0) put16(entryAt(shadow, older) + ENTRY_NEWER, newer);
  else put16(list + LIST_TAIL, newer);
  put16(list + LIST_ENTRIES, load<u16>(list + LIST_ENTRIES) - 1);
}

function link(shadow: usize, number: u32, listNumber: u32): void {
  const entry = entryAt(shadow, number);
  const list = shadow + listNumber * LIST_BYTES;
  const head = load<u16>(list);
  put8(entry + ENTRY_LIST, listNumber);
  put16(entry + ENTRY_NEWER, 0);
  put16(entry + ENTRY_OLDER, head);
  if (head != 0) put16(entryAt(shadow, head) + ENTRY_NEWER, number);
  else put16(list + LIST_TAIL, number);
  put16(list, number);
  put16(list + LIST_ENTRIES, load<u16>(list + LIST_ENTRIES) + 1);
}

function relink(shadow: usize, number: u32, list: u32): void {
  unlink(shadow, number);
  link(shadow, number, list);
}

/** Moves the oldest of PROTECTED on while there are too many. */
function demote(shadow: usize, protectedMax: u32): void {
  for (let move: u32 = 0; move < MOVES_MAX; move++) {
    if (entriesOf(shadow, PROTECTED) <= protectedMax) return;
    relink(shadow, oldestOf(shadow, PROTECTED), PROBATION);
  }
}

function find(shadow: usize, key: u32): u32 {
  let number: u32 = load<u16>(bucketAt(shadow, key));
  while (number != 0) {
    const entry = entryAt(shadow, number);
    if (load<u32>(entry) == key) return number;
    number = load<u16>(entry + ENTRY_CHAIN);
  }
  return 0;
}

/** Takes an entry off its list and its chain; it is the last of the entries in use afterwards. */
function drop(shadow: usize, number: u32): void {
  unlink(shadow, number);
  unchain(shadow, number);
  const last: u32 = load<u16>(shadow + USED);
  if (number != last) moveEntry(shadow, last, number);
  put16(shadow + USED, last - 1);
}

function unchain(shadow: usize, number: u32): void {
  const entry = entryAt(shadow, number);
  let at = bucketAt(shadow, load<u32>(entry));
  while (load<u16>(at) != number) at = entryAt(shadow, load<u16>(at)) + ENTRY_CHAIN;
  put16(at, load<u16>(entry + ENTRY_CHAIN));
}

/** Puts an entry in the place of a dropped one. */
function moveEntry(shadow: usize, from: u32, to: u32): void {
  const source = entryAt(shadow, from);
  const target = entryAt(shadow, to);
  const key = load<u32>(source);
  unchain(shadow, from);
  put32(target, key);
  const bucket = bucketAt(shadow, key);
  put16(target + ENTRY_CHAIN, load<u16>(bucket));
  put16(bucket, to);
  const list = shadow + load<u8>(source + ENTRY_LIST) * LIST_BYTES;
  const newer = load<u16>(source + ENTRY_NEWER);
  const older = load<u16>(source + ENTRY_OLDER);
  put8(target + ENTRY_LIST, load<u8>(source + ENTRY_LIST));
  put16(target + ENTRY_NEWER, newer);
  put16(target + ENTRY_OLDER, older);
  if (newer != 0) put16(entryAt(shadow, newer) + ENTRY_OLDER, to);
  else put16(list, to);
  if (older != 0) put16(entryAt(shadow, older) + ENTRY_NEWER, to);
  else put16(list + LIST_TAIL, to);
}

/** Evicts one entry; `candidate` is what the window let go for the new one, 0 = nothing. */
function evictEntry(shard: usize, shadow: usize, candidate: u32): void {
  let victim = oldestOf(shadow, PROBATION);
  if (victim == 0) victim = oldestOf(shadow, PROTECTED);
  if (victim == 0) victim = oldestOf(shadow, WINDOW);
  if (candidate != 0 && candidate != victim) {
    const wanted = sketchEstimate(shard, load<u32>(entryAt(shadow, candidate)));
    const kept = sketchEstimate(shard, load<u32>(entryAt(shadow, victim)));
    if (wanted <= kept + OWN_ACCESSES) victim = candidate;
  }
  drop(shadow, victim);
}

function insert(shard: usize, shadow: usize, key: u32, capacity: u32, windowMax: u32): void {
  let candidate: u32 = 0;
  for (let move: u32 = 0; move < MOVES_MAX; move++) {
    if (entriesOf(shadow, WINDOW) + 1 <= windowMax || oldestOf(shadow, WINDOW) == 0) break;
    candidate = oldestOf(shadow, WINDOW);
    relink(shadow, candidate, PROBATION);
  }
  demote(shadow, ((capacity - windowMax) * 4) / 5);
  // Two at most: a shadow whose capacity fell shrinks with each insertion.
  if (load<u16>(shadow + USED) >= capacity) evictEntry(shard, shadow, candidate);
  if (load<u16>(shadow + USED) >= capacity) evictEntry(shard, shadow, 0);
  const number: u32 = load<u16>(shadow + USED) + 1;
  put16(shadow + USED, number);
  const entry = entryAt(shadow, number);
  const bucket = bucketAt(shadow, key);
  put32(entry, key);
  put16(entry + ENTRY_CHAIN, load<u16>(bucket));
  put16(bucket, number);
  link(shadow, number, WINDOW);
}

function hit(shadow: usize, number: u32, capacity: u32, windowMax: u32): void {
  const list: u32 = load<u8>(entryAt(shadow, number) + ENTRY_LIST);
  if (list == WINDOW || entriesOf(shadow, WINDOW) < windowMax) {
    relink(shadow, number, WINDOW);
    return;
  }
  relink(shadow, number, PROTECTED);
  demote(shadow, ((capacity - windowMax) * 4) / 5);
}

/**
 * One access to a shadow of so many entries (at most its room) with such a window; counts a hit,
 * or takes the key in.
 */
export function shadowAccess(
  shard: usize,
  shadow: usize,
  key: u32,
  capacity: u32,
  windowMax: u32,
): void {
  const number = find(shadow, key);
  if (number == 0) {
    insert(shard, shadow, key, capacity, windowMax);
    return;
  }
  put32(shadow + HITS, load<u32>(shadow + HITS) + 1);
  hit(shadow, number, capacity, windowMax);
}

/** Hits since this was last asked. */
export function takeShadowHits(shadow: usize): u32 {
  const hits = load<u32>(shadow + HITS);
  put32(shadow + HITS, 0);
  return hits;
}

/** Drops the keys above a bound: nobody asks for them here any more, but the sketch counts them. */
export function shadowNarrow(shadow: usize, bound: u32): void {
  // Backwards: a dropped entry's place is taken by the last one, which was looked at.
  for (let number: u32 = load<u16>(shadow + USED); number != 0; number--) {
    if (load<u32>(entryAt(shadow, number)) > bound) drop(shadow, number);
  }
}

/** Empties a shadow. */
export function shadowReset(shadow: usize): void {
  zero(shadow, shadowBytes());
}
