// Small entry points of the binding: answered records, the clock's tick, homes of shards, and the
// hash, the frequency sketch and the ghosts for tests.

import { hashSeed, shardAddress, shardOf, thread } from "./arena";
import { ringOf } from "./commands";
import { sketchAdd, sketchEstimate } from "./frequency-sketch";
import { ghostAdd, ghostTake } from "./ghost";
import { hashBytes, namespaceSeed } from "./hash";
import { SHARD_HOME, THREAD_KEY } from "./layout";
import { answeredRecord, reapRecord, waitingBytes } from "./ring";
import { publish32, put64 } from "./store";

/** Record of this thread's oldest answered command of a shard, 0 when none is there. */
export function answered(shardIndex: u32): usize {
  return answeredRecord(ringOf(thread, shardIndex));
}

/** Gives the room of an answered record back to the ring. */
export function reap(shardIndex: u32, record: usize): void {
  reapRecord(ringOf(thread, shardIndex), record);
}

/** Bytes of this thread's commands to a shard that wait for a holder. */
export function waiting(shardIndex: u32): u32 {
  return waitingBytes(ringOf(thread, shardIndex));
}

/** Names the home worker of a shard (thread slot + 1), 0 for none. */
export function setHome(shardIndex: u32, home: u32): void {
  publish32(shardAddress(shardIndex) + SHARD_HOME, home);
}

/** Shard of the key in the key scratch area. */
export function shardOfKey(keyBytes: u32, namespaceId: u32): u32 {
  return shardOf(hashBytes(thread + THREAD_KEY, keyBytes, namespaceSeed(hashSeed, namespaceId)));
}

/** XXH64 of a run of bytes with a 64-bit seed, stored at `target`. */
export function selfHash(address: usize, bytes: u32, seedAddress: usize, target: usize): void {
  put64(target, hashBytes(address, bytes, load<u64>(seedAddress)));
}

/** Counts an access to a key of the frequency sketch. */
export function selfSketchAdd(shardIndex: u32, key: u32, entries: u32): void {
  sketchAdd(shardAddress(shardIndex), key, entries);
}

/** How often the sketch thinks that a key was added. */
export function selfSketchEstimate(shardIndex: u32, key: u32): u32 {
  return sketchEstimate(shardAddress(shardIndex), key);
}

/** Makes a ghost of the hash at an address. */
export function selfGhostAdd(shardIndex: u32, hashAddress: usize, most: u32): void {
  ghostAdd(shardAddress(shardIndex), load<u64>(hashAddress), most);
}

/** Takes the ghost of the hash at an address out; true when there was one. */
export function selfGhostTake(shardIndex: u32, hashAddress: usize): bool {
  return ghostTake(shardAddress(shardIndex), load<u64>(hashAddress));
}
