// The rounds of step 2 of a recovery (recovery.ts): what is rebuilt, in which order, in slices.

import {
  SHARD_BUCKET_COUNT,
  SHARD_ITEMS,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  SHARD_RECOVERY_AGE_MAX,
  SHARD_RECOVERY_COUNT,
  SHARD_RECOVERY_CURSOR,
  SHARD_RECOVERY_KEPT,
  SHARD_RECOVERY_PHASE,
  SHARD_RECOVERY_ROUND,
  SHARD_RECOVERY_SLICE,
} from "./layout";
import { segmentsOf } from "./arena";
import { pageOf } from "./pages";
import { checkChain } from "./recovery-index";
import {
  beginEnlisting,
  beginOrder,
  endOrder,
  enlistSome,
  loadOldestAge,
  storeOldestAge,
} from "./recovery-order";
import { claimLarge, markInUse, markOfRound, scanPage } from "./recovery-pages";
import { finishDerived, resetDerived, resetFromPages } from "./recovery-structures";
import { publish32, put32 } from "./store";

/** Every chain is checked, and every item that the index names is marked. */
const PHASE_INDEX: u32 = 1;
/** Large items that stay mark their pages. */
const PHASE_CLAIM: u32 = 2;
/** Every page is looked at: free chunks and pages are listed, live items are put into cells. */
const PHASE_SCAN: u32 = 3;
/** Items are enlisted, the oldest first. */
const PHASE_ENLIST: u32 = 4;

/** Bound of one slice: what takes about 200 µs, in items, since a slice reads no clock. */
const UNITS_PER_SLICE: u32 = 2048;
let unitsPerSlice: u32 = 2048;

/** Makes slices shorter, for tests; 0 = as they are. */
export function boundSlices(units: u32): void {
  unitsPerSlice = units != 0 ? units : UNITS_PER_SLICE;
}

function enter(shard: usize, phase: u32): void {
  put32(shard + SHARD_RECOVERY_CURSOR, 0);
  put32(shard + SHARD_RECOVERY_PHASE, phase);
}

/** Begins from the start; what a round before this one did is done again. */
export function beginRound(shard: usize): void {
  publish32(shard + SHARD_RECOVERY_SLICE, 1);
  put32(shard + SHARD_RECOVERY_ROUND, load<u32>(shard + SHARD_RECOVERY_ROUND) + 1);
  put32(shard + SHARD_RECOVERY_AGE_MAX, 0);
  enter(shard, PHASE_INDEX);
  publish32(shard + SHARD_RECOVERY_SLICE, 0);
}

/** One slice; true when everything was rebuilt. */
export function rebuildSome(shard: usize): bool {
  let left: i32 = unitsPerSlice;
  while (left > 0) {
    const phase = load<u32>(shard + SHARD_RECOVERY_PHASE);
    if (phase == PHASE_INDEX) {
      left = checkChains(shard, left);
    } else if (phase == PHASE_CLAIM) {
      left = claimPages(shard, left);
    } else if (phase == PHASE_SCAN) {
      left = scanPages(shard, left);
    } else {
      if (!enlistSome(shard, <u32>left)) return false;
      endOrder(shard);
      finishDerived(shard);
      put32(shard + SHARD_RECOVERY_KEPT, load<u32>(shard + SHARD_ITEMS));
      put32(shard + SHARD_RECOVERY_COUNT, load<u32>(shard + SHARD_RECOVERY_COUNT) + 1);
      return true;
    }
  }
  return false;
}

function checkChains(shard: usize, units: i32): i32 {
  const count = load<u32>(shard + SHARD_BUCKET_COUNT);
  const mark = markOfRound(shard);
  let number = load<u32>(shard + SHARD_RECOVERY_CURSOR);
  let left = units;
  loadOldestAge(shard);
  while (left > 0 && number < count) {
    left -= 1 + checkChain(shard, number, mark, false);
    number += 1;
  }
  storeOldestAge(shard);
  put32(shard + SHARD_RECOVERY_CURSOR, number);
  if (number == count) {
    claimSegments(shard);
    enter(shard, PHASE_CLAIM);
  }
  return left;
}

/** Segments that the table has, used or not yet, stay. */
function claimSegments(shard: usize): void {
  const count = load<u32>(shard + SHARD_PAGE_COUNT);
  for (let segment: u32 = 0; segment < count; segment++) {
    const address = load<u32>(segmentsOf(shard) + (segment << 2));
    if (address != 0) markInUse(shard, pageOf(address));
  }
}

function claimPages(shard: usize, units: i32): i32 {
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const count = load<u32>(shard + SHARD_PAGE_COUNT);
  let at = load<u32>(shard + SHARD_RECOVERY_CURSOR);
  let left = units;
  while (left > 0 && at < count) {
    claimLarge(shard, first + at);
    at += 1;
    left -= 1;
  }
  put32(shard + SHARD_RECOVERY_CURSOR, at);
  if (at == count) {
    resetDerived(shard);
    beginOrder(shard);
    enter(shard, PHASE_SCAN);
  }
  return left;
}

function scanPages(shard: usize, units: i32): i32 {
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const count = load<u32>(shard + SHARD_PAGE_COUNT);
  let at = load<u32>(shard + SHARD_RECOVERY_CURSOR);
  let left = units;
  while (left > 0 && at < count) {
    // Backwards, so that free pages are taken in rising order.
    left -= scanPage(shard, first + count - 1 - at);
    at += 1;
  }
  put32(shard + SHARD_RECOVERY_CURSOR, at);
  if (at == count) {
    resetFromPages(shard);
    enter(shard, PHASE_ENLIST);
    beginEnlisting(shard);
  }
  return left;
}
