// How often a key was asked for lately: a count-min sketch (G. Cormode, S. Muthukrishnan 2005) of
// four rows of 4-bit counters, all of which are halved when a sample of ten accesses for each entry
// of the cache is full (G. Einziger, R. Friedman, B. Manes: "TinyLFU", 2017).
//
// The four counters of a key lie in one block of the filter, one in each quarter, so that an access
// costs one cache line. Halving is lazy: the first byte of a block says how many halvings it has
// seen, modulo 256, and it catches up when it is next used. A block is used tens of times between
// two halvings, so none misses 256 of them.
//
// Keys are `sketchKey`s, 32 bits, so that simulations can ask for theirs. Holder only.

import { filterBlocks } from "./arena";
import { blocksInUse, filterBlock, FILTER_FREE_SHIFT } from "./filter";
import {
  FILTER_BLOCK_BYTES,
  SHARD_FILTER_PAGES,
  SHARD_SKETCH_ADDITIONS,
  SHARD_SKETCH_EPOCH,
} from "./layout";
import { put128, put32, put8 } from "./store";

/**
 * The access that brought a candidate in is counted; it has to be ahead of its victim without it.
 * In a loop every key was just asked for once more than the next one, which is the oldest.
 */
export const OWN_ACCESSES: u32 = 1;
const ROWS: u32 = 4;
const ROW_BYTES: u32 = 16;
const ROW_INDEX_BITS: u64 = 5;
const COUNT_MAX: u32 = 15;
/** Accesses for each entry of the cache in one sample. */
const SAMPLE_PER_ENTRY: u32 = 10;
/** Blocks that are looked at for the number of odd counters. */
const ODD_SAMPLE_BLOCKS: u32 = 256;
const KEY_MULTIPLIER: u64 = 0x9e3779b97f4a7c15;
const SPREAD_MULTIPLIER: u64 = 0xd6e8feb86659fd93;

/** Key of a hash: 32 bits that depend on the lower ones, as the upper are alike in a shard. */
@inline
export function sketchKey(hash: u64): u32 {
  return <u32>((hash * KEY_MULTIPLIER) >> 32);
}

@inline
function spread(key: u32): u64 {
  const product = <u64>key * SPREAD_MULTIPLIER;
  return product ^ (product >> 32);
}

/** Number of the counter of a row. The first two of the first row are the block's byte. */
@inline
function indexIn(row: u32, bits: u64): u32 {
  const index = <u32>(bits >> (FILTER_FREE_SHIFT + <u64>row * ROW_INDEX_BITS)) & 31;
  return row == 0 && index < 2 ? index + 2 : index;
}

/** Makes up for the halvings that a block has not seen. */
function catchUp(shard: usize, block: usize): void {
  const epoch = load<u32>(shard + SHARD_SKETCH_EPOCH) & 0xff;
  const missed = (epoch - load<u8>(block)) & 0xff;
  if (missed == 0) return;
  const shift = min<u32>(missed, 4);
  const kept = i8x16.splat(<i8>(((<u32>15) >> shift) * 17));
  for (let at: u32 = 0; at < ROWS * ROW_BYTES; at += ROW_BYTES) {
    const halved = i64x2.shr_u(v128.load(block + at), <i32>shift);
    put128(block + at, v128.and(halved, kept));
  }
  put8(block, epoch);
}

/** How often a key was added, 0 to 15. */
export function sketchEstimate(shard: usize, key: u32): u32 {
  const bits = spread(key);
  const block = filterBlock(shard, bits);
  if (block == 0) return 0;
  catchUp(shard, block);
  let least = COUNT_MAX;
  for (let row: u32 = 0; row < ROWS; row++) {
    const index = indexIn(row, bits);
    const pair: u32 = load<u8>(block + row * ROW_BYTES + (index >> 1));
    least = min<u32>(least, (pair >> ((index & 1) << 2)) & COUNT_MAX);
  }
  return least;
}

/** Counts an access to a key, for a cache of so many entries. */
export function sketchAdd(shard: usize, key: u32, entries: u32): void {
  const bits = spread(key);
  const block = filterBlock(shard, bits);
  if (block == 0) return;
  catchUp(shard, block);
  let moved = false;
  for (let row: u32 = 0; row < ROWS; row++) {
    const index = indexIn(row, bits);
    const at = block + row * ROW_BYTES + (index >> 1);
    const shift = (index & 1) << 2;
    const pair: u32 = load<u8>(at);
    if (((pair >> shift) & COUNT_MAX) == COUNT_MAX) continue;
    put8(at, pair + ((<u32>1) << shift));
    moved = true;
  }
  if (!moved) return;
  const additions = load<u32>(shard + SHARD_SKETCH_ADDITIONS) + 1;
  if (additions < entries * SAMPLE_PER_ENTRY) {
    put32(shard + SHARD_SKETCH_ADDITIONS, additions);
    return;
  }
  // Halving drops half an addition of every odd counter, and an addition moved four counters.
  const lost = min<u32>(additions, oddCounters(shard) / ROWS);
  put32(shard + SHARD_SKETCH_EPOCH, load<u32>(shard + SHARD_SKETCH_EPOCH) + 1);
  put32(shard + SHARD_SKETCH_ADDITIONS, (additions - lost) >> 1);
}

/** How many counters are odd, told from some of the blocks. */
function oddCounters(shard: usize): u32 {
  const used = blocksInUse(shard);
  const blocks = load<u32>(shard + SHARD_FILTER_PAGES) * used;
  const sampled = min<u32>(used, ODD_SAMPLE_BLOCKS);
  const first = filterBlock(shard, 0);
  let odd: u32 = 0;
  for (let i: u32 = 0; i < sampled; i++) {
    const block = first + i * FILTER_BLOCK_BYTES;
    catchUp(shard, block);
    odd -= popcnt<u32>(load<u8>(block) & 0x11);
    for (let at: u32 = 0; at < FILTER_BLOCK_BYTES; at += 8) {
      odd += <u32>popcnt<u64>(load<u64>(block + at) & 0x1111111111111111);
    }
  }
  return odd * (blocks / sampled);
}
