// Copy and comparison of byte runs, short ones first: `memory.copy` leaves the module for every
// call, which costs more than moving a hundred bytes here.

import { copyBulk, put128, put16, put32, put64, put8 } from "./store";

const INLINE_COPY_MAX: u32 = 512;
/** Steps of `copyRoundedUp`. */
export const COPY_STEP_BYTES: u32 = 64;

/** Copies bytes; the runs must not overlap. */
export function copyBytes(target: usize, source: usize, bytes: u32): void {
  if (bytes > INLINE_COPY_MAX) {
    copyBulk(target, source, bytes);
    return;
  }
  let at: u32 = 0;
  while (at + 16 <= bytes) {
    put128(target + at, v128.load(source + at));
    at += 16;
  }
  copyTail(target + at, source + at, bytes - at);
}

@inline
function copyTail(target: usize, source: usize, bytes: u32): void {
  let at: u32 = 0;
  if (bytes & 8) {
    put64(target, load<u64>(source));
    at = 8;
  }
  if (bytes & 4) {
    put32(target + at, load<u32>(source + at));
    at += 4;
  }
  if (bytes & 2) {
    put16(target + at, load<u16>(source + at));
    at += 2;
  }
  if (bytes & 1) put8(target + at, load<u8>(source + at));
}

/**
 * Eight bytes by two loads. The binding writes keys four bytes at a time, and a processor hands a
 * store on to a load only when the load lies within that one store; a wider load waits until the
 * stores have left the core.
 */
@inline
export function loadWord(address: usize): u64 {
  return <u64>load<u32>(address) | (<u64>load<u32>(address, 4) << 32);
}

function equalLong(stored: usize, key: usize, bytes: u32): bool {
  let at: u32 = 0;
  while (at + 16 <= bytes) {
    if (!i8x16.all_true(i8x16.eq(v128.load(stored + at), v128.load(key + at)))) return false;
    at += 16;
  }
  return equalShort(stored + at, key + at, bytes - at);
}

/** Compares up to 31 bytes, without a loop. */
@inline
function equalShort(stored: usize, key: usize, bytes: u32): bool {
  let at: u32 = 0;
  let differing: u64 = 0;
  if (bytes & 16) {
    differing = load<u64>(stored) ^ loadWord(key);
    differing |= load<u64>(stored, 8) ^ loadWord(key + 8);
    at = 16;
  }
  if (bytes & 8) {
    differing |= load<u64>(stored + at) ^ loadWord(key + at);
    at += 8;
  }
  if (bytes & 4) {
    differing |= <u64>(load<u32>(stored + at) ^ load<u32>(key + at));
    at += 4;
  }
  if (bytes & 2) {
    differing |= <u64>(load<u16>(stored + at) ^ load<u16>(key + at));
    at += 2;
  }
  if (bytes & 1) differing |= <u64>(load<u8>(stored + at) ^ load<u8>(key + at));
  return differing == 0;
}

/** True when a stored run equals a key that may have been written a moment ago. */
@inline
export function equalBytes(stored: usize, key: usize, bytes: u32): bool {
  return bytes < 32 ? equalShort(stored, key, bytes) : equalLong(stored, key, bytes);
}

/** Copies a key that may have been written a moment ago. */
@inline
export function copyKey(target: usize, key: usize, bytes: u32): void {
  if (bytes == 16) {
    put64(target, loadWord(key));
    put64(target + 8, loadWord(key + 8));
  } else {
    copyBytes(target, key, bytes);
  }
}

/**
 * Copies bytes in steps of 64, so up to 63 more than asked for: only to a target with that much
 * room behind it, from a source that is not the last of the memory.
 */
@inline
export function copyRoundedUp(target: usize, source: usize, bytes: u32): void {
  if (bytes > INLINE_COPY_MAX) {
    copyBulk(target, source, bytes);
  } else {
    for (let at: u32 = 0; at < bytes; at += COPY_STEP_BYTES) {
      const first = v128.load(source + at);
      const second = v128.load(source + at, 16);
      const third = v128.load(source + at, 32);
      const fourth = v128.load(source + at, 48);
      put128(target + at, first);
      put128(target + at + 16, second);
      put128(target + at + 32, third);
      put128(target + at + 48, fourth);
    }
  }
}
