// XXH64 (Y. Collet, the xxHash specification): the hash of a key with its namespace's seed.
// Equal to xxhash-wasm on every input; a property test compares them.

import { loadWord } from "./bytes";

export const PRIME_1: u64 = 0x9e3779b185ebca87;
export const PRIME_2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME_3: u64 = 0x165667b19e3779f9;
const PRIME_4: u64 = 0x85ebca77c2b2ae63;
export const PRIME_5: u64 = 0x27d4eb2f165667c5;

/** One lane of a stripe. */
@inline
export function round(accumulator: u64, lane: u64): u64 {
  return rotl<u64>(accumulator + lane * PRIME_2, 31) * PRIME_1;
}

@inline
function mergeRound(hash: u64, accumulator: u64): u64 {
  return (hash ^ round(0, accumulator)) * PRIME_1 + PRIME_4;
}

/** What the four lanes come to behind the last stripe of 32 bytes. */
@inline
export function mergeLanes(a: u64, b: u64, c: u64, d: u64): u64 {
  let hash = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
  hash = mergeRound(hash, a);
  hash = mergeRound(hash, b);
  hash = mergeRound(hash, c);
  return mergeRound(hash, d);
}

function hashLanes(address: usize, end: usize, seed: u64): u64 {
  let a = seed + PRIME_1 + PRIME_2;
  let b = seed + PRIME_2;
  let c = seed;
  let d = seed - PRIME_1;
  while (address + 32 <= end) {
    a = round(a, load<u64>(address));
    b = round(b, load<u64>(address + 8));
    c = round(c, load<u64>(address + 16));
    d = round(d, load<u64>(address + 24));
    address += 32;
  }
  return mergeLanes(a, b, c, d);
}

@inline
function mixWord(hash: u64, word: u64): u64 {
  return rotl<u64>(hash ^ round(0, word), 27) * PRIME_1 + PRIME_4;
}

@inline
function mixByte(hash: u64, byte: u64): u64 {
  return rotl<u64>(hash ^ (byte * PRIME_5), 11) * PRIME_1;
}

/**
 * What XXH64 does with the last 0 to 31 bytes, then the avalanche. The steps are written out by
 * the bits of the length: a loop would check for interrupts in each turn.
 */
@inline
export function finish(start: u64, from: usize, bytes: u32): u64 {
  let hash = start;
  let at = from;
  if (bytes & 16) {
    hash = mixWord(mixWord(hash, loadWord(at)), loadWord(at + 8));
    at += 16;
  }
  if (bytes & 8) {
    hash = mixWord(hash, loadWord(at));
    at += 8;
  }
  if (bytes & 4) {
    hash = rotl<u64>(hash ^ (<u64>load<u32>(at) * PRIME_1), 23) * PRIME_2 + PRIME_3;
    at += 4;
  }
  if (bytes & 2) {
    hash = mixByte(mixByte(hash, load<u8>(at)), load<u8>(at + 1));
    at += 2;
  }
  if (bytes & 1) hash = mixByte(hash, load<u8>(at));
  hash = (hash ^ (hash >> 33)) * PRIME_2;
  hash = (hash ^ (hash >> 29)) * PRIME_3;
  return hash ^ (hash >> 32);
}

function hashLong(address: usize, bytes: u32, seed: u64): u64 {
  const lanes = hashLanes(address, address + bytes, seed);
  return finish(lanes + <u64>bytes, address + (bytes & ~31), bytes & 31);
}

/** XXH64 of a run of bytes. Short runs, as keys are, are hashed in line. */
@inline
export function hashBytes(address: usize, bytes: u32, seed: u64): u64 {
  if (bytes >= 32) return hashLong(address, bytes, seed);
  return finish(seed + PRIME_5 + <u64>bytes, address, bytes);
}

/** Seed of a namespace: keys of different namespaces hash apart, whatever their bytes. */
@inline
export function namespaceSeed(arenaSeed: u64, namespaceId: u32): u64 {
  return arenaSeed ^ (<u64>namespaceId * PRIME_1);
}
