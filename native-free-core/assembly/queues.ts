// Queues of the eviction policy: each is one doubly linked list for every size class, threaded
// through the item heads. An item carries the stamp of the moment when it took its place, so that
// lists of different classes can be compared: stamps fall strictly from head to tail, and all lists
// of a queue, merged by stamp, are the queue.
//
// An item's queue stands in its flags. `lru` has queue 0 alone and asks for no flags.

import { toAddress, toReference } from "./arena";
import {
  CLASS_ITEMS,
  CLASS_LRU_HEAD,
  CLASS_LRU_TAIL,
  CLASS_MAX,
  ITEM_CLASS,
  ITEM_FLAGS,
  ITEM_LRU_NEXT,
  ITEM_LRU_PREV,
  ITEM_POLICY_MASK,
  ITEM_QUEUE_MASK,
  ITEM_STAMP,
  QUEUE_CLASS_BYTES,
  QUEUE_RECORD_BYTES,
  SHARD_CLASS_USED,
  SHARD_QUEUE_ITEMS,
  SHARD_QUEUES,
  SHARD_STAMP,
} from "./layout";
import { classAddress } from "./slab";
import { put32, put8 } from "./store";

/** Stands for all size classes where one is asked for. */
export const ALL_CLASSES: u32 = CLASS_MAX;

// ── One list, by its record ──

/** Links an item as the newest one. */
export function listPush(record: usize, item: usize): void {
  const head = load<u32>(record + CLASS_LRU_HEAD);
  const reference = toReference(item);
  put32(item + ITEM_LRU_PREV, 0);
  put32(item + ITEM_LRU_NEXT, head);
  if (head != 0) put32(toAddress(head) + ITEM_LRU_PREV, reference);
  else put32(record + CLASS_LRU_TAIL, reference);
  put32(record + CLASS_LRU_HEAD, reference);
  put32(record + CLASS_ITEMS, load<u32>(record + CLASS_ITEMS) + 1);
}

/** Takes an item off its list. */
export function listUnlink(record: usize, item: usize): void {
  const previous = load<u32>(item + ITEM_LRU_PREV);
  const next = load<u32>(item + ITEM_LRU_NEXT);
  if (previous != 0) put32(toAddress(previous) + ITEM_LRU_NEXT, next);
  else put32(record + CLASS_LRU_HEAD, next);
  if (next != 0) put32(toAddress(next) + ITEM_LRU_PREV, previous);
  else put32(record + CLASS_LRU_TAIL, previous);
  put32(record + CLASS_ITEMS, load<u32>(record + CLASS_ITEMS) - 1);
}

/** Makes a linked item the newest one. */
export function listMoveToFront(record: usize, item: usize): void {
  const previous = load<u32>(item + ITEM_LRU_PREV);
  if (previous == 0) return;
  const next = load<u32>(item + ITEM_LRU_NEXT);
  put32(toAddress(previous) + ITEM_LRU_NEXT, next);
  if (next != 0) put32(toAddress(next) + ITEM_LRU_PREV, previous);
  else put32(record + CLASS_LRU_TAIL, previous);
  const head = load<u32>(record + CLASS_LRU_HEAD);
  const reference = toReference(item);
  put32(item + ITEM_LRU_PREV, 0);
  put32(item + ITEM_LRU_NEXT, head);
  put32(toAddress(head) + ITEM_LRU_PREV, reference);
  put32(record + CLASS_LRU_HEAD, reference);
}

/** Puts `to` in the place of `from`, which stays as it is but for its neighbours. */
export function listReplace(record: usize, from: usize, to: usize): void {
  const previous = load<u32>(from + ITEM_LRU_PREV);
  const next = load<u32>(from + ITEM_LRU_NEXT);
  const reference = toReference(to);
  put32(to + ITEM_LRU_PREV, previous);
  put32(to + ITEM_LRU_NEXT, next);
  if (previous != 0) put32(toAddress(previous) + ITEM_LRU_NEXT, reference);
  else put32(record + CLASS_LRU_HEAD, reference);
  if (next != 0) put32(toAddress(next) + ITEM_LRU_PREV, reference);
  else put32(record + CLASS_LRU_TAIL, reference);
}

/** Oldest item of the list, 0 when it has none. */
@inline
export function listTail(record: usize): usize {
  return toAddress(load<u32>(record + CLASS_LRU_TAIL));
}

// ── Queues ──

/** Record of the list of a queue and a class. */
@inline
export function listOf(shard: usize, queue: u32, sizeClass: u32): usize {
  if (queue == 0) return classAddress(shard, sizeClass);
  return (
    shard + SHARD_QUEUES + sizeClass * QUEUE_CLASS_BYTES + (queue - 1) * QUEUE_RECORD_BYTES
  );
}

@inline
export function queueOf(item: usize): u32 {
  return load<u8>(item + ITEM_FLAGS) & ITEM_QUEUE_MASK;
}

/** Record of the list that an item is on, by its class and flags. */
@inline
export function listOfItem(shard: usize, item: usize): usize {
  return listOf(shard, queueOf(item), load<u8>(item + ITEM_CLASS));
}

/** Age of an item's place: touches and writes of the shard since it took it. */
@inline
export function ageOf(shard: usize, item: usize): u32 {
  return load<u32>(shard + SHARD_STAMP) - load<u32>(item + ITEM_STAMP);
}

function addQueueItems(shard: usize, queue: u32, count: u32): void {
  const at = shard + SHARD_QUEUE_ITEMS + queue * 4;
  put32(at, load<u32>(at) + count);
}

/** Links an item as the newest of the queue that its flags name. Its stamp must be new. */
export function enqueue(shard: usize, item: usize): void {
  listPush(listOfItem(shard, item), item);
  addQueueItems(shard, queueOf(item), 1);
}

/** Takes an item off its queue. */
export function dequeue(shard: usize, item: usize): void {
  listUnlink(listOfItem(shard, item), item);
  addQueueItems(shard, queueOf(item), 0xffffffff);
}

/** Makes an item the newest of the queue that its new policy bits name. */
export function requeue(shard: usize, item: usize, bits: u32): void {
  dequeue(shard, item);
  put8(item + ITEM_FLAGS, (load<u8>(item + ITEM_FLAGS) & ~ITEM_POLICY_MASK) | bits);
  const stamp = load<u32>(shard + SHARD_STAMP) + 1;
  put32(shard + SHARD_STAMP, stamp);
  put32(item + ITEM_STAMP, stamp);
  enqueue(shard, item);
}

/** Items of a queue, of one class or of all. */
export function queueItems(shard: usize, queue: u32, sizeClass: u32): u32 {
  if (sizeClass == ALL_CLASSES) return load<u32>(shard + SHARD_QUEUE_ITEMS + queue * 4);
  return load<u32>(listOf(shard, queue, sizeClass) + CLASS_ITEMS);
}

/** Oldest item of a queue, of one class or of all; 0 when there is none. */
export function queueTail(shard: usize, queue: u32, sizeClass: u32): usize {
  if (sizeClass != ALL_CLASSES) return listTail(listOf(shard, queue, sizeClass));
  let used = load<u64>(shard + SHARD_CLASS_USED);
  let oldest: usize = 0;
  let oldestAge: u32 = 0;
  while (used != 0) {
    const tail = listTail(listOf(shard, queue, <u32>ctz<u64>(used)));
    used &= used - 1;
    if (tail == 0) continue;
    const age = ageOf(shard, tail);
    if (oldest != 0 && age <= oldestAge) continue;
    oldest = tail;
    oldestAge = age;
  }
  return oldest;
}
