// S3-FIFO (J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi: "FIFO Queues are All You Need for Cache
// Eviction", SOSP 2023). A new item enters a small queue, a tenth of all. What is asked for twice
// there goes on to the main queue, the rest leaves early and leaves a ghost; a key that comes back
// while it has a ghost enters the main queue at once. The main queue gives its oldest item as many
// further rounds as it was hit, at most three. A hit moves nothing.

import { ghostAdd, ghostReset, ghostTake } from "../ghost";
import {
  ITEM_FLAGS,
  ITEM_FREQUENCY_MASK,
  ITEM_FREQUENCY_ONE,
  ITEM_HASH,
  ITEM_POLICY_MASK,
  SHARD_ITEMS,
} from "../layout";
import { queueItems, queueOf, queueTail, requeue } from "../queues";
import { put8 } from "../store";

const SMALL: u32 = 0;
const MAIN: u32 = 1;
/** Hits that take an item from the small queue to the main one. */
const PROMOTING_HITS: u32 = 2 * ITEM_FREQUENCY_ONE;

/** Of so many items, those that the small queue is to have. */
@inline
function smallShare(items: u32): u32 {
  return max<u32>(1, items / 10);
}

@inline
function hitsOf(item: usize): u32 {
  return load<u8>(item + ITEM_FLAGS) & ITEM_FREQUENCY_MASK;
}

/** True when one more hit would change nothing. Readers ask, too. */
@inline
export function s3IsSaturated(item: usize): bool {
  return hitsOf(item) == ITEM_FREQUENCY_MASK;
}

export function s3Hit(item: usize): void {
  const flags = load<u8>(item + ITEM_FLAGS);
  if ((flags & ITEM_FREQUENCY_MASK) == ITEM_FREQUENCY_MASK) return;
  put8(item + ITEM_FLAGS, flags + ITEM_FREQUENCY_ONE);
}

/** Policy bits of an item that takes the place of `old`, or of a new key (0). */
export function s3Arrive(shard: usize, hash: u64, old: usize): u32 {
  if (old == 0) return ghostTake(shard, hash) ? MAIN : SMALL;
  const bits = load<u8>(old + ITEM_FLAGS) & ITEM_POLICY_MASK;
  return hitsOf(old) == ITEM_FREQUENCY_MASK ? bits : bits + ITEM_FREQUENCY_ONE;
}

/** Next item to leave; at most `steps` items get another round before. */
export function s3Victim(shard: usize, sizeClass: u32, steps: u32): usize {
  const items = queueItems(shard, SMALL, sizeClass) + queueItems(shard, MAIN, sizeClass);
  const mainMax = items - smallShare(items);
  let left = steps;
  if (queueItems(shard, MAIN, sizeClass) <= mainMax) {
    while (true) {
      const item = queueTail(shard, SMALL, sizeClass);
      if (item == 0) break;
      if (hitsOf(item) < PROMOTING_HITS || left == 0) return item;
      left -= 1;
      requeue(shard, item, MAIN);
    }
  }
  while (true) {
    const item = queueTail(shard, MAIN, sizeClass);
    if (item == 0) return queueTail(shard, SMALL, sizeClass);
    const hits = hitsOf(item);
    if (hits == 0 || left == 0) return item;
    left -= 1;
    requeue(shard, item, MAIN | (hits - ITEM_FREQUENCY_ONE));
  }
}

/** Notes that an item is about to be evicted. */
export function s3Evicted(shard: usize, item: usize): void {
  if (queueOf(item) != SMALL) return;
  const items = load<u32>(shard + SHARD_ITEMS);
  ghostAdd(shard, load<u64>(item + ITEM_HASH), max<u32>(1, <u32>((<u64>items * 9) / 10)));
}

export function s3Reset(shard: usize): void {
  ghostReset(shard);
}
