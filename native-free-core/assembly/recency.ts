// From touches to recency: the holder takes noted hits out of a touch buffer and tells the policy
// of them; `lru`, here, moves the items to the front. The place where touch buffers, the eviction
// policy and stamps meet.

import { evictionPolicy } from "./arena";
import {
  ITEM_CLASS,
  ITEM_STAMP,
  POLICY_LRU,
  SHARD_ITEMS,
  SHARD_NEXT_STAMP,
  SHARD_RECENT_STAMP,
  SHARD_STAMP,
  SHARD_STAMP_TIME,
  SHARD_YOUNG_STAMP,
} from "./layout";
import { policyHit } from "./policy";
import { listMoveToFront } from "./queues";
import { classAddress } from "./slab";
import { put32, putF64 } from "./store";
import { takeTouch, waitingTouches } from "./touches";

/** Window in which an item that several threads hit is moved only once. */
export const RECENT_MS: f64 = 100;

/** Applies all touches waiting in one buffer; at most its capacity. */
export function drainTouches(shard: usize, ring: usize): void {
  const waiting = waitingTouches(ring);
  if (waiting == 0) return;
  if (evictionPolicy != POLICY_LRU) {
    for (let i: u32 = 0; i < waiting; i++) {
      const item = takeTouch(shard, ring);
      if (item != 0) policyHit(shard, item);
    }
    return;
  }
  let stamp = load<u32>(shard + SHARD_STAMP);
  for (let i: u32 = 0; i < waiting; i++) {
    const item = takeTouch(shard, ring);
    if (item == 0) continue;
    stamp += 1;
    put32(item + ITEM_STAMP, stamp);
    listMoveToFront(classAddress(shard, load<u8>(item + ITEM_CLASS)), item);
  }
  put32(shard + SHARD_STAMP, stamp);
  // Stamps count moves, so fewer than half of the items are younger than this one.
  put32(shard + SHARD_YOUNG_STAMP, stamp - (load<u32>(shard + SHARD_ITEMS) >> 1));
}

/** Moves the "recent" mark on: stamps above it are younger than 100 to 200 ms. */
export function advanceRecent(shard: usize, nowMs: f64): void {
  if (nowMs - load<f64>(shard + SHARD_STAMP_TIME) < RECENT_MS) return;
  put32(shard + SHARD_RECENT_STAMP, load<u32>(shard + SHARD_NEXT_STAMP));
  const stamp = load<u32>(shard + SHARD_STAMP);
  put32(shard + SHARD_NEXT_STAMP, stamp);
  put32(shard + SHARD_YOUNG_STAMP, stamp - (load<u32>(shard + SHARD_ITEMS) >> 1));
  putF64(shard + SHARD_STAMP_TIME, nowMs);
}
