// What the binding calls to recover shards. The host says the time before anything is done: none of
// its code runs inside a slice.

import { shardAddress } from "./arena";
import { preciseMs } from "./clock";
import { goOnRecovering } from "./commands";
import { isRecoverer } from "./owner";
import { recoverOwn as recoverOwnShards, recoverShard } from "./recovery";

/**
 * Begins to recover a shard that a thread held which is gone, or this one, which was cut off; reads
 * are back when it returns. False when that thread does not hold it.
 */
export function recoverShardOf(index: u32, holder: u32, generation: u32): bool {
  return recoverShard(index, holder, generation, preciseMs());
}

/** Begins to recover what this thread holds although it is in no call; how much it recovers now. */
export function recoverOwn(): u32 {
  return recoverOwnShards(preciseMs());
}

/**
 * A slice of what this thread recovers: 1 when more is left, 0 when the shard is free or was left
 * to its home worker, -1 when this thread does not recover it.
 */
export function recoverSlice(index: u32): i32 {
  const nowMs = preciseMs();
  return isRecoverer(shardAddress(index)) ? goOnRecovering(index, nowMs) : -1;
}
