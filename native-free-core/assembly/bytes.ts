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

// @ts-ignore: decorator
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
 * True when two runs hold the same bytes. Loads up to 15 bytes behind either run: keys are never
 * the last bytes of the memory.
 */
// @ts-ignore: decorator
@inline
export function equalBytes(left: usize, right: usize, bytes: u32): bool {
  let at: u32 = 0;
  let equal = 0xffff;
  while (at + 16 <= bytes && equal == 0xffff) {
    equal = i8x16.bitmask(i8x16.eq(v128.load(left + at), v128.load(right + at)));
    at += 16;
  }
  if (equal == 0xffff && at < bytes) {
    const wanted = (1 << (bytes - at)) - 1;
    const last = i8x16.bitmask(i8x16.eq(v128.load(left + at), v128.load(right + at)));
    equal = (last & wanted) == wanted ? 0xffff : 0;
  }
  return equal == 0xffff;
}

/**
 * Copies bytes in steps of 64, so up to 63 more than asked for: only to a target with that much
 * room behind it, from a source that is not the last of the memory.
 */
// @ts-ignore: decorator
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
