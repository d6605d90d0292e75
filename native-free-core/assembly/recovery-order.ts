// Recovery of the order: live items in the order of their last access, oldest first, without
// memory of its own. A radix sort over lists: items go to the coarse cell of their age while pages
// are walked; then each coarse cell is spread over fine cells, and those are enlisted. The links
// are ITEM_LRU_NEXT, which mean nothing before an item is enlisted.
//
// With less than RECOVERY_CELLS² stamps between the oldest item and the youngest the order is
// exact; beyond that it is blurred by 1/65536 of the span. Stamps are moved on where they would
// not rise: by as much at most.

import { toAddress, toReference } from "./arena";
import { enlist } from "./items";
import {
  ITEM_LRU_NEXT,
  ITEM_LRU_PREV,
  ITEM_STAMP,
  RECOVERY_CELLS,
  SHARD_ITEMS,
  SHARD_RECOVERY_AGE_MAX,
  SHARD_RECOVERY_CELLS,
  SHARD_RECOVERY_CURSOR,
  SHARD_RECOVERY_STAMP,
  SHARD_RECOVERY_SUB,
  SHARD_STAMP,
  TOUCH_MAX,
} from "./layout";
import { put32, zero } from "./store";

/** A drain stores the counter of stamps after its last touch: items may be so much ahead of it. */
const AHEAD_MAX: u32 = 2 * TOUCH_MAX;

@inline
function newest(shard: usize): u32 {
  return load<u32>(shard + SHARD_STAMP) + AHEAD_MAX;
}

/** Age of an item in stamps. */
@inline
function ageInStamps(shard: usize, item: usize): u32 {
  return newest(shard) - load<u32>(item + ITEM_STAMP);
}

@inline
function coarseWidth(shard: usize): u32 {
  return load<u32>(shard + SHARD_RECOVERY_AGE_MAX) / RECOVERY_CELLS + 1;
}

@inline
function coarseCell(shard: usize, cell: u32): usize {
  return shard + SHARD_RECOVERY_CELLS + (cell << 2);
}

@inline
function fineCell(shard: usize, cell: u32): usize {
  return shard + SHARD_RECOVERY_CELLS + ((RECOVERY_CELLS + cell) << 2);
}

@inline
function push(cell: usize, item: usize): void {
  put32(item + ITEM_LRU_NEXT, load<u32>(cell));
  put32(cell, toReference(item));
}

@inline
function pop(cell: usize): usize {
  const item = toAddress(load<u32>(cell));
  put32(cell, load<u32>(item + ITEM_LRU_NEXT));
  return item;
}

let oldestAge: u32 = 0;

/** Takes note of the age of an item that stays; `storeOldestAge` stores the highest one. */
export function noteAge(shard: usize, item: usize): void {
  oldestAge = max<u32>(oldestAge, ageInStamps(shard, item));
}

/** Before a slice that notes ages. */
export function loadOldestAge(shard: usize): void {
  oldestAge = load<u32>(shard + SHARD_RECOVERY_AGE_MAX);
}

/** After a slice that noted ages. */
export function storeOldestAge(shard: usize): void {
  put32(shard + SHARD_RECOVERY_AGE_MAX, oldestAge);
}

/** Makes all cells empty. */
export function beginOrder(shard: usize): void {
  zero(shard + SHARD_RECOVERY_CELLS, RECOVERY_CELLS * 8);
}

/** Puts a live item into the cell of its age and takes its mark off. */
export function orderItem(shard: usize, item: usize): void {
  put32(item + ITEM_LRU_PREV, 0);
  push(coarseCell(shard, ageInStamps(shard, item) / coarseWidth(shard)), item);
}

/** Before the first `enlistSome`. */
export function beginEnlisting(shard: usize): void {
  put32(shard + SHARD_RECOVERY_CURSOR, RECOVERY_CELLS);
  put32(shard + SHARD_RECOVERY_SUB, 0);
  const oldest = newest(shard) - load<u32>(shard + SHARD_RECOVERY_AGE_MAX);
  put32(shard + SHARD_RECOVERY_STAMP, oldest - 1);
}

/** Enlists about `units` items, the oldest first; true when none is left. */
export function enlistSome(shard: usize, units: u32): bool {
  const width = coarseWidth(shard);
  const fineWidth = (width - 1) / RECOVERY_CELLS + 1;
  let cell = load<u32>(shard + SHARD_RECOVERY_CURSOR);
  let fine = load<u32>(shard + SHARD_RECOVERY_SUB);
  let left = units;
  let isDone = false;
  while (left != 0) {
    left -= 1;
    const coarse = coarseCell(shard, cell);
    if (cell != RECOVERY_CELLS && load<u32>(coarse) != 0) {
      const item = pop(coarse);
      push(fineCell(shard, (ageInStamps(shard, item) % width) / fineWidth), item);
      fine = RECOVERY_CELLS;
    } else if (fine != 0) {
      const list = fineCell(shard, fine - 1);
      if (load<u32>(list) == 0) fine -= 1;
      else enlistNext(shard, pop(list));
    } else if (cell == 0) {
      isDone = true;
      break;
    } else {
      cell -= 1;
    }
  }
  put32(shard + SHARD_RECOVERY_CURSOR, cell);
  put32(shard + SHARD_RECOVERY_SUB, fine);
  return isDone;
}

function enlistNext(shard: usize, item: usize): void {
  const least = load<u32>(shard + SHARD_RECOVERY_STAMP) + 1;
  let stamp = load<u32>(item + ITEM_STAMP);
  if (<i32>(stamp - least) < 0) {
    stamp = least;
    put32(item + ITEM_STAMP, stamp);
  }
  put32(shard + SHARD_RECOVERY_STAMP, stamp);
  enlist(shard, item);
}

/** After the last `enlistSome`: the counter of stamps is behind no item. */
export function endOrder(shard: usize): void {
  if (load<u32>(shard + SHARD_ITEMS) == 0) return;
  const last = load<u32>(shard + SHARD_RECOVERY_STAMP);
  if (<i32>(last - load<u32>(shard + SHARD_STAMP)) > 0) put32(shard + SHARD_STAMP, last);
}
