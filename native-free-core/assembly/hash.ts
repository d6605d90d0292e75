// XXH64 (Y. Collet, the xxHash specification): the hash of a key with its namespace's seed.
// Equal to xxhash-wasm on every input; a property test compares them.

const PRIME_1: u64 = 0x9e3779b185ebca87;
const PRIME_2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME_3: u64 = 0x165667b19e3779f9;
const PRIME_4: u64 = 0x85ebca77c2b2ae63;
const PRIME_5: u64 = 0x27d4eb2f165667c5;

// @ts-ignore: decorator
@inline
function round(accumulator: u64, lane: u64): u64 {
  return rotl<u64>(accumulator + lane * PRIME_2, 31) * PRIME_1;
}

// @ts-ignore: decorator
@inline
function mergeRound(hash: u64, accumulator: u64): u64 {
  return (hash ^ round(0, accumulator)) * PRIME_1 + PRIME_4;
}

function hashStripes(address: usize, end: usize, seed: u64): u64 {
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
  let hash = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
  hash = mergeRound(hash, a);
  hash = mergeRound(hash, b);
  hash = mergeRound(hash, c);
  return mergeRound(hash, d);
}

/** XXH64 of a run of bytes. */
export function hashBytes(address: usize, bytes: u32, seed: u64): u64 {
  const end = address + bytes;
  let hash: u64;
  if (bytes >= 32) {
    hash = hashStripes(address, end, seed);
    address += bytes & ~31;
  } else {
    hash = seed + PRIME_5;
  }
  hash += <u64>bytes;
  while (address + 8 <= end) {
    hash = rotl<u64>(hash ^ round(0, load<u64>(address)), 27) * PRIME_1 + PRIME_4;
    address += 8;
  }
  if (address + 4 <= end) {
    hash = rotl<u64>(hash ^ (<u64>load<u32>(address) * PRIME_1), 23) * PRIME_2 + PRIME_3;
    address += 4;
  }
  while (address < end) {
    hash = rotl<u64>(hash ^ (<u64>load<u8>(address) * PRIME_5), 11) * PRIME_1;
    address += 1;
  }
  hash = (hash ^ (hash >> 33)) * PRIME_2;
  hash = (hash ^ (hash >> 29)) * PRIME_3;
  return hash ^ (hash >> 32);
}

/** Seed of a namespace: keys of different namespaces hash apart, whatever their bytes. */
// @ts-ignore: decorator
@inline
export function namespaceSeed(arenaSeed: u64, namespaceId: u32): u64 {
  return arenaSeed ^ (<u64>namespaceId * PRIME_1);
}
