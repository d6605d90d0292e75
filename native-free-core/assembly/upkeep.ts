// Upkeep of a held shard, a slice at a time: expiry, the sweep of cleared namespaces, limbo.

import { unlinkItem } from "./eviction";
import { dispose, emptyLimbo } from "./items";
import {
  HEADER_CLEARS,
  ITEM_EPOCH,
  ITEM_LIVE,
  ITEM_NAMESPACE,
  ITEM_STATE,
  PAGE_LARGE_HEAD,
  PAGE_SLAB,
  SHARD_EXPIRATIONS,
  SHARD_LIMBO,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  SHARD_SWEEP_CLEARS,
  SHARD_SWEEP_PAGE,
  SHARD_SWEPT,
  SHARD_SWEPT_CLEARS,
} from "./layout";
import { voidClearedLeases } from "./lease-walks";
import { namespaceEpoch } from "./namespaces";
import { pageAddress, pageClass, pageEntry, pageKind } from "./pages";
import { advanceRecent } from "./recency";
import { chunksPerPage, strideOf } from "./slab";
import { put32, put64 } from "./store";
import { wheelNext, wheelSteps } from "./wheel";

/** Bounds of one slice: what takes about 100 µs, in counts, since a slice reads no clock. */
const EXPIRIES_PER_SLICE: u32 = 64;
const WHEEL_STEPS_PER_SLICE: u32 = 512;

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
  if (removed != 0) {
    put64(shard + SHARD_EXPIRATIONS, load<u64>(shard + SHARD_EXPIRATIONS) + removed);
  }
  return removed == EXPIRIES_PER_SLICE || steps >= WHEEL_STEPS_PER_SLICE ? steps : 0;
}

/** Frees items of cleared namespaces, one page a call; true while pages are left. */
function sweep(shard: usize): bool {
  const clears = load<u32>(HEADER_CLEARS);
  if (load<u32>(shard + SHARD_SWEPT_CLEARS) == clears) return false;
  const at = load<u32>(shard + SHARD_SWEEP_PAGE);
  if (at == 0) {
    put32(shard + SHARD_SWEEP_CLEARS, clears);
    voidClearedLeases(shard);
  }
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

/** One slice; what was done, 0 when nothing is left. */
export function upkeep(shard: usize, nowMs: f64): u32 {
  let did = expire(shard, nowMs);
  if (sweep(shard)) did += 1;
  if (load<u32>(shard + SHARD_LIMBO) != 0) emptyLimbo(shard);
  advanceRecent(shard, nowMs);
  return did;
}
