// Hierarchical timing wheel: G. Varghese and T. Lauck, "Hashed and Hierarchical Timing Wheels"
// (SOSP 1987), scheme 7. Six levels of 64 slots, 8 ms a tick: the levels span 0.5 s, 33 s,
// 35 min, 37 h, 99 days and 17 years; what lies beyond waits in the last slot and is put back.
//
// Time moves in steps of one item: `wheelNext` hands out one due item a call, so that the holder
// stops when its slice is over. Order within a tick is not kept.

import { toAddress, toReference } from "./arena";
import {
  ITEM_EXPIRY_MS,
  ITEM_WHEEL_NEXT,
  ITEM_WHEEL_PREV,
  SHARD_WHEEL,
  SHARD_WHEEL_COUNT,
  SHARD_WHEEL_OCCUPIED,
  SHARD_WHEEL_TICK,
  WHEEL_FIRST,
  WHEEL_LEVELS,
  WHEEL_SLOTS,
  WHEEL_TICK_MS,
} from "./layout";
import { put32, put64, zero } from "./store";

const LEVEL_BITS: u32 = 6;
const SPAN_TICKS: u64 = (<u64>1) << <u64>(WHEEL_LEVELS * LEVEL_BITS);
const TICK_MAX: f64 = 9007199254740992;

/** First tick at which a moment has passed. */
@inline
function tickOf(timeMs: f64): u64 {
  const tick = ceil<f64>(timeMs / WHEEL_TICK_MS);
  return tick < TICK_MAX ? <u64>tick : <u64>TICK_MAX;
}

/** Slot number (level × 64 + slot) for a tick, seen from the wheel's present tick. */
function slotFor(present: u64, tick: u64): u32 {
  let target = tick > present ? tick : present;
  if (target - present >= SPAN_TICKS) target = present + SPAN_TICKS - 1;
  const delta = target - present;
  const level: u32 = delta < 64 ? 0 : (63 - <u32>clz<u64>(delta)) / LEVEL_BITS;
  const slot = <u32>(target >> <u64>(level * LEVEL_BITS)) & (WHEEL_SLOTS - 1);
  return level * WHEEL_SLOTS + slot;
}

/** Puts an item with a finite expiry on the wheel. */
export function wheelInsert(shard: usize, item: usize): void {
  const due = tickOf(load<f64>(item + ITEM_EXPIRY_MS));
  const slot = slotFor(load<u64>(shard + SHARD_WHEEL_TICK), due);
  const head = shard + SHARD_WHEEL + slot * 4;
  const next = load<u32>(head);
  put32(item + ITEM_WHEEL_PREV, WHEEL_FIRST | slot);
  put32(item + ITEM_WHEEL_NEXT, next);
  if (next != 0) put32(toAddress(next) + ITEM_WHEEL_PREV, toReference(item));
  put32(head, toReference(item));
  const occupied = shard + SHARD_WHEEL_OCCUPIED + (slot >> LEVEL_BITS) * 8;
  put64(occupied, load<u64>(occupied) | ((<u64>1) << <u64>(slot & 63)));
  put32(shard + SHARD_WHEEL_COUNT, load<u32>(shard + SHARD_WHEEL_COUNT) + 1);
}

/** Makes the wheel empty; its time stays. */
export function wheelReset(shard: usize): void {
  zero(shard + SHARD_WHEEL_OCCUPIED, WHEEL_LEVELS * 8);
  zero(shard + SHARD_WHEEL, WHEEL_LEVELS * WHEEL_SLOTS * 4);
  put32(shard + SHARD_WHEEL_COUNT, 0);
}

/** Takes an item off the wheel; does nothing when it is not on it. */
export function wheelRemove(shard: usize, item: usize): void {
  const previous = load<u32>(item + ITEM_WHEEL_PREV);
  if (previous == 0) return;
  const next = load<u32>(item + ITEM_WHEEL_NEXT);
  if (next != 0) put32(toAddress(next) + ITEM_WHEEL_PREV, previous);
  if (previous & WHEEL_FIRST) {
    const slot = previous & ~WHEEL_FIRST;
    put32(shard + SHARD_WHEEL + slot * 4, next);
    if (next == 0) {
      const occupied = shard + SHARD_WHEEL_OCCUPIED + (slot >> LEVEL_BITS) * 8;
      put64(occupied, load<u64>(occupied) & ~((<u64>1) << <u64>(slot & 63)));
    }
  } else {
    put32(toAddress(previous) + ITEM_WHEEL_NEXT, next);
  }
  put32(item + ITEM_WHEEL_PREV, 0);
  put32(shard + SHARD_WHEEL_COUNT, load<u32>(shard + SHARD_WHEEL_COUNT) - 1);
}

/** Puts `to` in the place of `from` on the wheel. */
export function wheelReplace(shard: usize, from: usize, to: usize): void {
  const previous = load<u32>(from + ITEM_WHEEL_PREV);
  put32(to + ITEM_WHEEL_PREV, previous);
  if (previous == 0) return;
  const next = load<u32>(from + ITEM_WHEEL_NEXT);
  const reference = toReference(to);
  put32(to + ITEM_WHEEL_NEXT, next);
  if (next != 0) put32(toAddress(next) + ITEM_WHEEL_PREV, reference);
  if (previous & WHEEL_FIRST) put32(shard + SHARD_WHEEL + (previous & ~WHEEL_FIRST) * 4, reference);
  else put32(toAddress(previous) + ITEM_WHEEL_NEXT, reference);
}

/** Head of the highest slot that has to be emptied before `tick` is served; 0 when none has. */
function pendingHead(shard: usize, tick: u64): usize {
  for (let level: u32 = WHEEL_LEVELS - 1; level > 0; level--) {
    const shift = <u64>(level * LEVEL_BITS);
    if (tick & (((<u64>1) << shift) - 1)) continue;
    const slot = level * WHEEL_SLOTS + (<u32>(tick >> shift) & (WHEEL_SLOTS - 1));
    const head = load<u32>(shard + SHARD_WHEEL + slot * 4);
    if (head != 0) return toAddress(head);
  }
  return toAddress(load<u32>(shard + SHARD_WHEEL + (<u32>tick & (WHEEL_SLOTS - 1)) * 4));
}

/** The next tick after `tick` at which a slot of some level has to be emptied, at most `last`. */
function nextTick(shard: usize, tick: u64, last: u64): u64 {
  let due = last;
  for (let level: u32 = 0; level < WHEEL_LEVELS; level++) {
    const occupied = load<u64>(shard + SHARD_WHEEL_OCCUPIED + level * 8);
    if (occupied == 0) continue;
    const shift = <u64>(level * LEVEL_BITS);
    const present = tick >> shift;
    // The present slot was emptied when time came to it: what lies there waits a full turn.
    const ahead = ctz<u64>(rotr<u64>(occupied, (present + 1) & 63));
    const start = (present + 1 + ahead) << shift;
    if (start < due) due = start;
  }
  return due;
}

/**
 * Moves time on towards `nowMs` and returns one item that is due, taken off the wheel, or 0 when
 * time has arrived. `stepsMax` bounds the items put back and the slots passed; the count of
 * steps used is left in `wheelSteps`.
 */
export function wheelNext(shard: usize, nowMs: f64, stepsMax: u32): usize {
  const last = <u64>max<f64>(0, floor<f64>(nowMs / WHEEL_TICK_MS));
  let tick = load<u64>(shard + SHARD_WHEEL_TICK);
  wheelSteps = 0;
  if (last < tick) return 0;
  while (wheelSteps < stepsMax) {
    wheelSteps += 1;
    const item = pendingHead(shard, tick);
    if (item != 0) {
      wheelRemove(shard, item);
      if (load<f64>(item + ITEM_EXPIRY_MS) <= nowMs) return item;
      // Met above level 0: it goes further down. (In level 0 a slot that was reached is due.)
      wheelInsert(shard, item);
      continue;
    }
    if (tick >= last) return 0;
    tick = nextTick(shard, tick, last);
    put64(shard + SHARD_WHEEL_TICK, tick);
  }
  return 0;
}

/** Steps that the last `wheelNext` used. */
export let wheelSteps: u32 = 0;

/** When the wheel has to move next, in milliseconds; +infinity when nothing is on it. */
export function wheelDueMs(shard: usize): f64 {
  if (load<u32>(shard + SHARD_WHEEL_COUNT) == 0) return Infinity;
  const tick = load<u64>(shard + SHARD_WHEEL_TICK);
  if (pendingHead(shard, tick) != 0) return <f64>tick * WHEEL_TICK_MS;
  return <f64>nextTick(shard, tick, tick + SPAN_TICKS) * WHEEL_TICK_MS;
}
