// Recency lists: one doubly linked list per size class, threaded through the item heads.
// Each item also carries the stamp of its last access, so that lists of different classes can be
// compared: stamps fall strictly from head to tail.

import { toAddress, toReference } from "./arena";
import {
  CLASS_ITEMS,
  CLASS_LRU_HEAD,
  CLASS_LRU_TAIL,
  ITEM_LRU_NEXT,
  ITEM_LRU_PREV,
} from "./layout";
import { put32 } from "./store";

/** Links an item as the most recently used one. */
export function lruPush(classRecord: usize, item: usize): void {
  const head = load<u32>(classRecord + CLASS_LRU_HEAD);
  const reference = toReference(item);
  put32(item + ITEM_LRU_PREV, 0);
  put32(item + ITEM_LRU_NEXT, head);
  if (head != 0) put32(toAddress(head) + ITEM_LRU_PREV, reference);
  else put32(classRecord + CLASS_LRU_TAIL, reference);
  put32(classRecord + CLASS_LRU_HEAD, reference);
  put32(classRecord + CLASS_ITEMS, load<u32>(classRecord + CLASS_ITEMS) + 1);
}

/** Takes an item off its list. */
export function lruUnlink(classRecord: usize, item: usize): void {
  const previous = load<u32>(item + ITEM_LRU_PREV);
  const next = load<u32>(item + ITEM_LRU_NEXT);
  if (previous != 0) put32(toAddress(previous) + ITEM_LRU_NEXT, next);
  else put32(classRecord + CLASS_LRU_HEAD, next);
  if (next != 0) put32(toAddress(next) + ITEM_LRU_PREV, previous);
  else put32(classRecord + CLASS_LRU_TAIL, previous);
  put32(classRecord + CLASS_ITEMS, load<u32>(classRecord + CLASS_ITEMS) - 1);
}

/** Makes a linked item the most recently used one. */
export function lruMoveToFront(classRecord: usize, item: usize): void {
  const previous = load<u32>(item + ITEM_LRU_PREV);
  if (previous == 0) return;
  const next = load<u32>(item + ITEM_LRU_NEXT);
  put32(toAddress(previous) + ITEM_LRU_NEXT, next);
  if (next != 0) put32(toAddress(next) + ITEM_LRU_PREV, previous);
  else put32(classRecord + CLASS_LRU_TAIL, previous);
  const head = load<u32>(classRecord + CLASS_LRU_HEAD);
  const reference = toReference(item);
  put32(item + ITEM_LRU_PREV, 0);
  put32(item + ITEM_LRU_NEXT, head);
  put32(toAddress(head) + ITEM_LRU_PREV, reference);
  put32(classRecord + CLASS_LRU_HEAD, reference);
}

/** Puts `to` in the place of `from`, which stays as it is but for its neighbours. */
export function lruReplace(classRecord: usize, from: usize, to: usize): void {
  const previous = load<u32>(from + ITEM_LRU_PREV);
  const next = load<u32>(from + ITEM_LRU_NEXT);
  const reference = toReference(to);
  put32(to + ITEM_LRU_PREV, previous);
  put32(to + ITEM_LRU_NEXT, next);
  if (previous != 0) put32(toAddress(previous) + ITEM_LRU_NEXT, reference);
  else put32(classRecord + CLASS_LRU_HEAD, reference);
  if (next != 0) put32(toAddress(next) + ITEM_LRU_PREV, reference);
  else put32(classRecord + CLASS_LRU_TAIL, reference);
}

/** Least recently used item of the class, 0 when it has none. */
@inline
export function lruTail(classRecord: usize): usize {
  return toAddress(load<u32>(classRecord + CLASS_LRU_TAIL));
}

/** Makes the list of a class empty. */
export function lruReset(classRecord: usize): void {
  put32(classRecord + CLASS_LRU_HEAD, 0);
  put32(classRecord + CLASS_LRU_TAIL, 0);
  put32(classRecord + CLASS_ITEMS, 0);
}
