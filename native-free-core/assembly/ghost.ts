// Ghosts: hashes of keys that were evicted, in the order of their eviction, as many as the caller
// wants to remember. A key that comes back while its ghost lives was let go too early.
//
// A ghost is a fingerprint of 16 bits and the number of the unit in which it was made, in a block
// of sixteen that its hash names (filter.ts). A unit is 1/128 of the ghosts; each unit knows how
// many of its ghosts count, so that the oldest go, unit by unit, when there are too many: that is
// first in, first out, exact for up to 128 ghosts and within a unit beyond. A ghost that was taken
// out makes room for an older one. Ghosts of units that no longer count are overwritten. Holder
// only.

import { filterBlock } from "./filter";
import {
  FILTER_BLOCK_BYTES,
  GHOST_UNITS,
  SHARD_GHOST_FILL,
  SHARD_GHOST_OLDEST,
  SHARD_GHOST_UNIT,
  SHARD_GHOST_UNITS,
  SHARD_GHOSTS,
} from "./layout";
import { put32 } from "./store";

const FINGERPRINT_SHIFT: u64 = 32;
const GHOST_BYTES: u32 = 4;
/** Of an empty place: older than any ghost. */
const AGE_OF_NOTHING: u32 = 0x10000;

/** Never 0, so that a ghost is never an empty place. */
@inline
function fingerprintOf(hash: u64): u32 {
  const fingerprint = <u32>(hash >> FINGERPRINT_SHIFT) & 0xffff;
  return fingerprint != 0 ? fingerprint : 1;
}

@inline
function unitCount(shard: usize, unit: u32): usize {
  return shard + SHARD_GHOST_UNITS + (unit & (GHOST_UNITS - 1)) * 4;
}

/** Units that count, beside the newest. */
@inline
function ageMax(shard: usize): u32 {
  return load<u32>(shard + SHARD_GHOST_UNIT) - load<u32>(shard + SHARD_GHOST_OLDEST);
}

@inline
function ageOfGhost(shard: usize, ghost: u32): u32 {
  if (ghost == 0) return AGE_OF_NOTHING;
  return (load<u32>(shard + SHARD_GHOST_UNIT) - ghost) & 0xffff;
}

/** Stops counting a ghost that counted. */
function discount(shard: usize, age: u32): void {
  const at = unitCount(shard, load<u32>(shard + SHARD_GHOST_UNIT) - age);
  const count = load<u32>(at);
  // A page that was copied holds a ghost twice.
  if (count == 0) return;
  put32(at, count - 1);
  put32(shard + SHARD_GHOSTS, load<u32>(shard + SHARD_GHOSTS) - 1);
}

function dropOldestUnit(shard: usize): void {
  const oldest = load<u32>(shard + SHARD_GHOST_OLDEST);
  const ghosts = load<u32>(shard + SHARD_GHOSTS);
  put32(shard + SHARD_GHOSTS, ghosts - load<u32>(unitCount(shard, oldest)));
  put32(shard + SHARD_GHOST_OLDEST, oldest + 1);
}

/** Begins a unit. */
function nextUnit(shard: usize): void {
  const unit = load<u32>(shard + SHARD_GHOST_UNIT) + 1;
  if (ageMax(shard) == GHOST_UNITS - 1) dropOldestUnit(shard);
  put32(unitCount(shard, unit), 0);
  put32(shard + SHARD_GHOST_UNIT, unit);
  put32(shard + SHARD_GHOST_FILL, 0);
}

/** Takes the ghost of a hash out; true when there was one. */
export function ghostTake(shard: usize, hash: u64): bool {
  const block = filterBlock(shard, hash);
  if (block == 0) return false;
  const fingerprint = fingerprintOf(hash);
  const limit = ageMax(shard);
  for (let at: u32 = 0; at < FILTER_BLOCK_BYTES; at += GHOST_BYTES) {
    const ghost = load<u32>(block + at);
    if (ghost >> 16 != fingerprint) continue;
    const age = ageOfGhost(shard, ghost);
    if (age > limit) continue;
    put32(block + at, 0);
    discount(shard, age);
    return true;
  }
  return false;
}

/** Makes the newest ghost; about `most` of them count from now on. */
export function ghostAdd(shard: usize, hash: u64, most: u32): void {
  const block = filterBlock(shard, hash);
  if (block == 0) return;
  const unitGhosts = (most + GHOST_UNITS / 2 - 1) / (GHOST_UNITS / 2);
  if (load<u32>(shard + SHARD_GHOST_FILL) >= unitGhosts) nextUnit(shard);
  let place = block;
  let oldestAge: u32 = 0;
  for (let at: u32 = 0; at < FILTER_BLOCK_BYTES; at += GHOST_BYTES) {
    const age = ageOfGhost(shard, load<u32>(block + at));
    if (age < oldestAge) continue;
    place = block + at;
    oldestAge = age;
  }
  if (oldestAge <= ageMax(shard)) discount(shard, oldestAge);
  const unit = load<u32>(shard + SHARD_GHOST_UNIT);
  put32(place, (fingerprintOf(hash) << 16) | (unit & 0xffff));
  const count = unitCount(shard, unit);
  put32(count, load<u32>(count) + 1);
  put32(shard + SHARD_GHOSTS, load<u32>(shard + SHARD_GHOSTS) + 1);
  put32(shard + SHARD_GHOST_FILL, load<u32>(shard + SHARD_GHOST_FILL) + 1);
  const enough = most + unitGhosts / 2;
  while (load<u32>(shard + SHARD_GHOSTS) > enough && ageMax(shard) != 0) dropOldestUnit(shard);
}

/** Forgets all ghosts: those in the filter's pages are of units that no longer count. */
export function ghostReset(shard: usize): void {
  zeroUnits(shard);
  put32(shard + SHARD_GHOSTS, 0);
  put32(shard + SHARD_GHOST_FILL, 0);
  const unit = load<u32>(shard + SHARD_GHOST_UNIT) + GHOST_UNITS;
  put32(shard + SHARD_GHOST_UNIT, unit);
  put32(shard + SHARD_GHOST_OLDEST, unit);
}

function zeroUnits(shard: usize): void {
  for (let unit: u32 = 0; unit < GHOST_UNITS; unit++) put32(unitCount(shard, unit), 0);
}
