// XXH64 with the seed 0 of a value, which may lie in several runs of bytes: whole stripes of 32
// bytes as they come, then the rest. The state is this thread's own, outside of shared memory.

import { finish, mergeLanes, PRIME_1, PRIME_2, PRIME_5, round } from "./hash";

export const STRIPE_BYTES: u32 = 32;

let laneA: u64 = 0;
let laneB: u64 = 0;
let laneC: u64 = 0;
let laneD: u64 = 0;
let stripesBytes: u64 = 0;
let hash: u64 = 0;

/** Begins a hash; one that was not ended is forgotten. */
export function beginValueHash(): void {
  laneA = PRIME_1 + PRIME_2;
  laneB = PRIME_2;
  laneC = 0;
  laneD = 0 - PRIME_1;
  stripesBytes = 0;
}

/** Takes in bytes, a multiple of 32. */
export function addValueStripes(address: usize, bytes: u32): void {
  let a = laneA;
  let b = laneB;
  let c = laneC;
  let d = laneD;
  const end = address + bytes;
  for (let at = address; at < end; at += STRIPE_BYTES) {
    a = round(a, load<u64>(at));
    b = round(b, load<u64>(at, 8));
    c = round(c, load<u64>(at, 16));
    d = round(d, load<u64>(at, 24));
  }
  laneA = a;
  laneB = b;
  laneC = c;
  laneD = d;
  stripesBytes += bytes;
}

/** Takes in the last bytes, any number of them; the lower half of the hash. */
export function endValueHash(address: usize, bytes: u32): u32 {
  const restBytes = bytes & (STRIPE_BYTES - 1);
  if (bytes != restBytes) addValueStripes(address, bytes - restBytes);
  const start = stripesBytes == 0 ? PRIME_5 : mergeLanes(laneA, laneB, laneC, laneD);
  hash = finish(start + stripesBytes + restBytes, address + bytes - restBytes, restBytes);
  return <u32>hash;
}

/** The upper half of the hash that was ended last. */
export function upperValueHash(): u32 {
  return <u32>(hash >> 32);
}
