// Work of the home worker (or of the calling thread where there is none), in bounded slices:
// commands of the rings, expiry, the sweep of cleared namespaces, limbo.

import { shardAddress } from "./arena";
import { judgeBy } from "./clock";
import { drainWork, release } from "./commands";
import { unlinkItem } from "./eviction";
import { dispose, emptyLimbo } from "./items";
import {
  HEADER_CLEARS,
  HEADER_SHARD_COUNT,
  ITEM_EPOCH,
  ITEM_LIVE,
  ITEM_NAMESPACE,
  ITEM_STATE,
  PAGE_LARGE_HEAD,
  PAGE_SLAB,
  SHARD_EXPIRATIONS,
  SHARD_HOME,
  SHARD_LIMBO,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  SHARD_RECENT_STAMP,
  SHARD_REFUSED_SINCE,
  SHARD_STAMP,
  SHARD_STAMP_TIME,
  SHARD_SWEEP_CLEARS,
  SHARD_SWEEP_PAGE,
  SHARD_SWEPT,
  SHARD_SWEPT_CLEARS,
  SHARD_WANTED,
  SHARD_WHEEL_COUNT,
} from "./layout";
import { namespaceEpoch } from "./namespaces";
import { tryHold, workOf } from "./owner";
import { pageAddress, pageClass, pageEntry, pageKind } from "./pages";
import { advanceRecent, RECENT_MS } from "./recency";
import { chunksPerPage, strideOf } from "./slab";
import { put32, put64, putF64 } from "./store";
import { wheelDueMs, wheelNext, wheelSteps } from "./wheel";

/** Bounds of one slice: what takes about 200 µs, in counts, since a slice reads no clock. */
const UNITS_PER_SLICE: u32 = 256;
const EXPIRIES_PER_SLICE: u32 = 64;
const WHEEL_STEPS_PER_SLICE: u32 = 512;

/** A home worker that was refused a shard for so long asks callers to use their rings. */
const REFUSED_MS_MAX: f64 = 1;

/** Answer of `serveShard` when another thread holds the shard. */
export const HELD_ELSEWHERE: i32 = -1;

/** Removes items whose time has come; the number of steps made, 0 when time has arrived. */
function expire(shard: usize, nowMs: f64): u32 {
  let steps: u32 = 0;
  let removed: u32 = 0;
  while (steps < WHEEL_STEPS_PER_SLICE && removed < EXPIRIES_PER_SLICE) {
    const item = wheelNext(shard, nowMs, WHEEL_STEPS_PER_SLICE - steps);
    steps += wheelSteps;
    if (item == 0) break;
    unlinkItem(shard, item);
    dispose(shard, item);
    removed += 1;
  }
  if (removed != 0) put64(shard + SHARD_EXPIRATIONS, load<u64>(shard + SHARD_EXPIRATIONS) + removed);
  return removed == EXPIRIES_PER_SLICE || steps >= WHEEL_STEPS_PER_SLICE ? steps : 0;
}

/** Frees items of cleared namespaces, one page a call; true while pages are left. */
function sweep(shard: usize): bool {
  const clears = load<u32>(HEADER_CLEARS);
  if (load<u32>(shard + SHARD_SWEPT_CLEARS) == clears) return false;
  const at = load<u32>(shard + SHARD_SWEEP_PAGE);
  if (at == 0) put32(shard + SHARD_SWEEP_CLEARS, clears);
  sweepPage(shard, load<u32>(shard + SHARD_PAGE_FIRST) + at);
  if (at + 1 < load<u32>(shard + SHARD_PAGE_COUNT)) {
    put32(shard + SHARD_SWEEP_PAGE, at + 1);
    return true;
  }
  put32(shard + SHARD_SWEEP_PAGE, 0);
  // Clears that came while the sweep was under way start another.
  put32(shard + SHARD_SWEPT_CLEARS, load<u32>(shard + SHARD_SWEEP_CLEARS));
  return load<u32>(shard + SHARD_SWEPT_CLEARS) != clears;
}

function sweepPage(shard: usize, page: u32): void {
  const entry = pageEntry(page);
  const kind = pageKind(entry);
  const start = pageAddress(page);
  if (kind == PAGE_LARGE_HEAD) {
    sweepItem(shard, start);
    return;
  }
  if (kind != PAGE_SLAB) return;
  const sizeClass = pageClass(entry);
  const stride = strideOf(sizeClass);
  const chunks = chunksPerPage(sizeClass);
  for (let i: u32 = 0; i < chunks; i++) {
    // The page may go back to the shard with its last item.
    if (pageKind(entry) != PAGE_SLAB) return;
    sweepItem(shard, start + i * stride);
  }
}

function sweepItem(shard: usize, item: usize): void {
  if (load<u32>(item + ITEM_STATE) != ITEM_LIVE) return;
  if (load<u32>(item + ITEM_EPOCH) == namespaceEpoch(load<u16>(item + ITEM_NAMESPACE))) return;
  unlinkItem(shard, item);
  dispose(shard, item);
  put64(shard + SHARD_SWEPT, load<u64>(shard + SHARD_SWEPT) + 1);
}

/** One slice of a held shard's work; what was done, 0 when nothing is left. */
export function serveHeld(shard: usize, nowMs: f64): u32 {
  let did = drainWork(shard, UNITS_PER_SLICE);
  did += expire(shard, nowMs);
  if (sweep(shard)) did += 1;
  if (load<u32>(shard + SHARD_LIMBO) != 0) emptyLimbo(shard);
  advanceRecent(shard, nowMs);
  return did;
}

/** One slice of a shard's work: what was done, or HELD_ELSEWHERE. */
export function serveShard(index: u32, nowMs: f64): i32 {
  const shard = shardAddress(index);
  judgeBy(nowMs);
  if (!tryHold(shard)) return HELD_ELSEWHERE;
  if (load<f64>(shard + SHARD_REFUSED_SINCE) != 0) {
    putF64(shard + SHARD_REFUSED_SINCE, 0);
    put32(shard + SHARD_WANTED, 0);
  }
  const did = serveHeld(shard, nowMs);
  release(shard);
  return <i32>did;
}

/** True when a slice of this shard would find something to do. */
function isDue(shard: usize, nowMs: f64): bool {
  if (workOf(shard) != 0) return true;
  if (load<u32>(shard + SHARD_WHEEL_COUNT) != 0 && wheelDueMs(shard) <= nowMs) return true;
  if (load<u32>(shard + SHARD_SWEPT_CLEARS) != load<u32>(HEADER_CLEARS)) return true;
  if (load<u32>(shard + SHARD_LIMBO) != 0) return true;
  return nowMs - load<f64>(shard + SHARD_STAMP_TIME) >= RECENT_MS && isStampStale(shard);
}

function isStampStale(shard: usize): bool {
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
    if (load<u32>(shard + SHARD_HOME) != home + 1 || !isDue(shard, nowMs)) continue;
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
    if (isDue(shard, nowMs)) return nowMs;
    if (load<u32>(shard + SHARD_WHEEL_COUNT) != 0) due = min<f64>(due, wheelDueMs(shard));
    if (isStampStale(shard)) due = min<f64>(due, load<f64>(shard + SHARD_STAMP_TIME) + RECENT_MS);
  }
  return due;
}
