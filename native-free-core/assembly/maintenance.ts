// Work of a home worker, in bounded slices: commands of the rings and upkeep of its shards.

import { shardAddress } from "./arena";
import { judgeBy } from "./clock";
import { drainWork, release } from "./commands";
import {
  HEADER_CLEARS,
  HEADER_SHARD_COUNT,
  SHARD_HOME,
  SHARD_LIMBO,
  SHARD_RECENT_STAMP,
  SHARD_REFUSED_SINCE,
  SHARD_STAMP,
  SHARD_STAMP_TIME,
  SHARD_SWEPT_CLEARS,
  SHARD_WANTED,
  SHARD_WHEEL_COUNT,
} from "./layout";
import { tryHold, workOf } from "./owner";
import { RECENT_MS } from "./recency";
import { put32, putF64 } from "./store";
import { upkeep } from "./upkeep";
import { wheelDueMs } from "./wheel";

/** Bound of one slice: what takes about 200 µs, in counts, since a slice reads no clock. */
const UNITS_PER_SLICE: u32 = 256;

/** A home worker that was refused a shard for so long asks callers to use their rings. */
const REFUSED_MS_MAX: f64 = 1;

/** Answer of `serveShard` when another thread holds the shard. */
export const HELD_ELSEWHERE: i32 = -1;

/** One slice of a shard's work: what was done, or HELD_ELSEWHERE. */
export function serveShard(index: u32, nowMs: f64): i32 {
  const shard = shardAddress(index);
  judgeBy(nowMs);
  if (!tryHold(shard)) return HELD_ELSEWHERE;
  // Either may be left behind alone by the home worker that had the shard before.
  if (load<f64>(shard + SHARD_REFUSED_SINCE) != 0 || load<u32>(shard + SHARD_WANTED) != 0) {
    putF64(shard + SHARD_REFUSED_SINCE, 0);
    put32(shard + SHARD_WANTED, 0);
  }
  const did = drainWork(shard, UNITS_PER_SLICE) + upkeep(shard, nowMs);
  release(shard);
  return <i32>did;
}

/** True when a slice of this shard would find something to do. */
function isDue(shard: usize, nowMs: f64): bool {
  if (workOf(shard) != 0) return true;
  if (load<u32>(shard + SHARD_WHEEL_COUNT) != 0 && wheelDueMs(shard) <= nowMs) return true;
  if (load<u32>(shard + SHARD_SWEPT_CLEARS) != load<u32>(HEADER_CLEARS)) return true;
  return nowMs - load<f64>(shard + SHARD_STAMP_TIME) >= RECENT_MS && isUnsettled(shard);
}

/** What is looked at every 100 ms: stamps that moved on, pinned items in limbo. */
function isUnsettled(shard: usize): bool {
  if (load<u32>(shard + SHARD_LIMBO) != 0) return true;
  return load<u32>(shard + SHARD_RECENT_STAMP) != load<u32>(shard + SHARD_STAMP);
}

/**
 * One slice for each due shard of a home worker. The work done. A shard that is held elsewhere
 * for 1 ms is wanted: callers then use their rings until the worker had it.
 */
export function serveHome(home: u32, nowMs: f64): u32 {
  const count = load<u32>(HEADER_SHARD_COUNT);
  let did: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const shard = shardAddress(index);
    if (load<u32>(shard + SHARD_HOME) != home + 1) continue;
    // A shard that was refused is tried until it was had: callers may be waiting for that.
    if (load<f64>(shard + SHARD_REFUSED_SINCE) == 0 && !isDue(shard, nowMs)) continue;
    const slice = serveShard(index, nowMs);
    if (slice == HELD_ELSEWHERE) noteRefusal(shard, nowMs);
    else did += <u32>slice;
  }
  return did;
}

function noteRefusal(shard: usize, nowMs: f64): void {
  const since = load<f64>(shard + SHARD_REFUSED_SINCE);
  if (since == 0) putF64(shard + SHARD_REFUSED_SINCE, nowMs);
  else if (nowMs - since >= REFUSED_MS_MAX) put32(shard + SHARD_WANTED, 1);
}

/** True when some shard of this home worker has commands waiting. */
export function hasWork(home: u32): bool {
  const count = load<u32>(HEADER_SHARD_COUNT);
  for (let index: u32 = 0; index < count; index++) {
    const shard = shardAddress(index);
    if (workOf(shard) != 0 && load<u32>(shard + SHARD_HOME) == home + 1) return true;
  }
  return false;
}

/** When the next shard of this home worker has to be served; +infinity = never. */
export function nextDueMs(home: u32, nowMs: f64): f64 {
  const count = load<u32>(HEADER_SHARD_COUNT);
  let due: f64 = Infinity;
  for (let index: u32 = 0; index < count; index++) {
    const shard = shardAddress(index);
    if (load<u32>(shard + SHARD_HOME) != home + 1) continue;
    // Read without the shard: at worst the worker wakes for nothing.
    if (load<f64>(shard + SHARD_REFUSED_SINCE) != 0 || isDue(shard, nowMs)) return nowMs;
    if (load<u32>(shard + SHARD_WHEEL_COUNT) != 0) due = min<f64>(due, wheelDueMs(shard));
    if (isUnsettled(shard)) due = min<f64>(due, load<f64>(shard + SHARD_STAMP_TIME) + RECENT_MS);
  }
  return due;
}
