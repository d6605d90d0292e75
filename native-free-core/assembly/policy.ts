// The contract of the eviction policies, and its dispatch: one branch on a constant of the arena.
// `lru` comes first everywhere and costs that branch alone.
//
// A policy keeps items in queues (queues.ts) by the bits of ITEM_FLAGS that are its own, and names
// victims. All it keeps besides those bits is derived: `policyReset` forgets it, and linking the
// items again, oldest first, puts each where it was.
//
// The bound by count asks for the victim of the whole shard: its classes, merged, then are one
// cache under the pure policy. A class that lacks memory asks for a victim of its own: it then is
// a cache of its own, of as many entries as it holds, and pages move between classes by the age of
// their oldest items (eviction.ts). Holder only.

import { evictionPolicy, toAddress } from "./arena";
import { filterAddPage, filterReset, filterWantsPage } from "./filter";
import {
  CLASS_ITEMS,
  CLASS_LRU_HEAD,
  CLASS_LRU_TAIL,
  CLASS_MAX,
  CLASS_TOUCHED,
  ITEM_CLASS,
  ITEM_FLAGS,
  ITEM_POLICY_MASK,
  ITEM_STAMP,
  POLICY_LFU,
  POLICY_LRU,
  POLICY_S3FIFO,
  QUEUES,
  SHARD_CLASS_USED,
  SHARD_ITEMS,
  SHARD_QUEUE_ITEMS,
  SHARD_STAMP,
} from "./layout";
import { s3Arrive, s3Evicted, s3Hit, s3IsSaturated, s3Reset, s3Victim } from "./policies/s3-fifo";
import { lfuAdmit, lfuArrive, lfuHit, lfuReset, lfuVictim } from "./policies/tiny-lfu";
import { windowAddPage, windowWantsPage } from "./policies/window";
import {
  ageOf,
  ALL_CLASSES,
  dequeue,
  enqueue,
  listOf,
  listOfItem,
  listPush,
  listReplace,
  listTail,
  listUnlink,
} from "./queues";
import { classAddress } from "./slab";
import { put32, put8 } from "./store";

/** Links a live item as the newest of the queue that its flags name. */
@inline
export function policyLink(shard: usize, item: usize): void {
  if (evictionPolicy == POLICY_LRU) {
    listPush(classAddress(shard, load<u8>(item + ITEM_CLASS)), item);
  } else {
    enqueue(shard, item);
    noteTouch(shard, item);
  }
}

@inline
function noteTouch(shard: usize, item: usize): void {
  const record = classAddress(shard, load<u8>(item + ITEM_CLASS));
  put32(record + CLASS_TOUCHED, load<u32>(shard + SHARD_STAMP));
}

/** The reverse of `policyLink`. */
@inline
export function policyUnlink(shard: usize, item: usize): void {
  if (evictionPolicy == POLICY_LRU) {
    listUnlink(classAddress(shard, load<u8>(item + ITEM_CLASS)), item);
  } else {
    dequeue(shard, item);
  }
}

/** Puts a copy of an item, of its class, in its place. */
export function policyMove(shard: usize, from: usize, to: usize): void {
  listReplace(listOfItem(shard, from), from, to);
}

/** Notes a hit on a linked item. `lru` does that in recency.ts, where it knows the stamp. */
export function policyHit(shard: usize, item: usize): void {
  if (evictionPolicy == POLICY_LFU) lfuHit(shard, item);
  else s3Hit(item);
  noteTouch(shard, item);
}

/** True when a hit on the item would change nothing. For readers: a hint, the item may be gone. */
@inline
export function policyIgnoresHit(item: usize): bool {
  return evictionPolicy == POLICY_S3FIFO && s3IsSaturated(item);
}

/** Items that one command gives another round, all evictions together: about 100 µs. */
const ROUNDS_PER_COMMAND_MAX: u32 = 1024;

let arrival: u32 = 0;
let isMadeRoomFor: bool = true;
let roundsLeft: u32 = 0;

/**
 * Announces an item before there is room for it: its key's hash and the current item that it
 * replaces, 0 = none. Not for `lru`.
 */
export function policyArrive(shard: usize, hash: u64, old: usize): void {
  roundsLeft = ROUNDS_PER_COMMAND_MAX;
  isMadeRoomFor = old != 0;
  arrival =
    evictionPolicy == POLICY_LFU ? lfuArrive(shard, hash, old) : s3Arrive(shard, hash, old);
}

/**
 * Gives the announced item its policy bits, before anybody sees it, and the newest stamp: making
 * room may have given later ones than its own.
 */
export function policyAdmit(shard: usize, item: usize): void {
  if (evictionPolicy == POLICY_LFU && !isMadeRoomFor) lfuAdmit(shard, item);
  put8(item + ITEM_FLAGS, (load<u8>(item + ITEM_FLAGS) & ~ITEM_POLICY_MASK) | arrival);
  const stamp = load<u32>(shard + SHARD_STAMP) + 1;
  put32(shard + SHARD_STAMP, stamp);
  put32(item + ITEM_STAMP, stamp);
}

/** Notes that a linked item is about to be evicted: it made room for another. */
@inline
export function policyEvicted(shard: usize, item: usize): void {
  if (evictionPolicy == POLICY_S3FIFO) s3Evicted(shard, item);
}

/** Item with the oldest place in any queue of a class, 0 when the class has no items. */
@inline
export function oldestOfClass(shard: usize, sizeClass: u32): usize {
  if (evictionPolicy == POLICY_LRU) return listTail(classAddress(shard, sizeClass));
  return oldestOfQueues(shard, sizeClass);
}

function oldestOfQueues(shard: usize, sizeClass: u32): usize {
  let oldest: usize = 0;
  for (let queue: u32 = 0; queue < QUEUES; queue++) {
    const tail = listTail(listOf(shard, queue, sizeClass));
    if (tail == 0) continue;
    if (oldest == 0 || ageOf(shard, tail) > ageOf(shard, oldest)) oldest = tail;
  }
  return oldest;
}

/** Class with the oldest place of the shard; CLASS_MAX = no items. */
export function oldestClass(shard: usize): u32 {
  let used = load<u64>(shard + SHARD_CLASS_USED);
  let oldest: u32 = CLASS_MAX;
  let oldestAge: u32 = 0;
  while (used != 0) {
    const sizeClass = <u32>ctz<u64>(used);
    used &= used - 1;
    const age = ageOf(shard, oldestOfClass(shard, sizeClass));
    if (oldest == CLASS_MAX || age > oldestAge) {
      oldest = sizeClass;
      oldestAge = age;
    }
  }
  return oldest;
}

/** Touches and writes of the shard since the last one in a class that has items. */
function idleTime(shard: usize, sizeClass: u32): u32 {
  const record = classAddress(shard, sizeClass);
  if (evictionPolicy == POLICY_LRU) {
    return ageOf(shard, toAddress(load<u32>(record + CLASS_LRU_HEAD)));
  }
  return load<u32>(shard + SHARD_STAMP) - load<u32>(record + CLASS_TOUCHED);
}

/**
 * Class that has seen nothing for the longest time, and for as many touches and writes as the
 * shard has items: nobody wants its values any more. CLASS_MAX = none.
 */
export function forsakenClass(shard: usize): u32 {
  let used = load<u64>(shard + SHARD_CLASS_USED);
  let forsaken: u32 = CLASS_MAX;
  let longest = load<u32>(shard + SHARD_ITEMS);
  while (used != 0) {
    const sizeClass = <u32>ctz<u64>(used);
    used &= used - 1;
    const time = idleTime(shard, sizeClass);
    if (time <= longest) continue;
    forsaken = sizeClass;
    longest = time;
  }
  return forsaken;
}

/** Next item to leave a class, or the shard (ALL_CLASSES); 0 when there is none. */
export function policyVictim(shard: usize, sizeClass: u32): usize {
  if (evictionPolicy == POLICY_LFU) {
    isMadeRoomFor = true;
    return lfuVictim(shard, sizeClass);
  }
  if (evictionPolicy == POLICY_S3FIFO) {
    const before = load<u32>(shard + SHARD_STAMP);
    const victim = s3Victim(shard, sizeClass, roundsLeft);
    // Each round took a stamp.
    roundsLeft -= load<u32>(shard + SHARD_STAMP) - before;
    return victim;
  }
  if (sizeClass != ALL_CLASSES) return listTail(classAddress(shard, sizeClass));
  const oldest = oldestClass(shard);
  return oldest == CLASS_MAX ? 0 : listTail(classAddress(shard, oldest));
}

/** True when the policy would put a page of the shard to use. */
@inline
export function policyWantsPage(shard: usize): bool {
  if (evictionPolicy == POLICY_LRU) return false;
  return filterWantsPage(shard) || (evictionPolicy == POLICY_LFU && windowWantsPage(shard));
}

/** Gives the policy a page that was taken from the free list. */
export function policyAddPage(shard: usize, page: u32): void {
  // To have got the page, items may have left: the filter takes it although it needs it no more.
  if (evictionPolicy == POLICY_LFU && windowWantsPage(shard)) windowAddPage(shard, page);
  else filterAddPage(shard, page);
}

/**
 * Forgets what is derived: afterwards no item is linked. Pages of kind PAGE_SKETCH stay the
 * policy's; it finds them by the directory.
 */
export function policyReset(shard: usize): void {
  for (let sizeClass: u32 = 0; sizeClass < CLASS_MAX; sizeClass++) {
    for (let queue: u32 = 0; queue < QUEUES; queue++) {
      const record = listOf(shard, queue, sizeClass);
      put32(record + CLASS_LRU_HEAD, 0);
      put32(record + CLASS_LRU_TAIL, 0);
      put32(record + CLASS_ITEMS, 0);
    }
  }
  for (let queue: u32 = 0; queue < QUEUES; queue++) {
    put32(shard + SHARD_QUEUE_ITEMS + queue * 4, 0);
  }
  if (evictionPolicy == POLICY_LRU) return;
  filterReset(shard);
  if (evictionPolicy == POLICY_S3FIFO) s3Reset(shard);
  else lfuReset(shard);
}
