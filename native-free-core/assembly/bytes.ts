// Copy and comparison of byte runs, short ones first: `memory.copy` leaves the module for every
// call, which costs more than moving a hundred bytes here.

import { copyBulk, put128, put16, put32, put64, put8 } from "./store";

const INLINE_COPY_MAX: u32 = 512;

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

/** True when two runs hold the same bytes. Reads nothing beyond either run. */
export function equalBytes(left: usize, right: usize, bytes: u32): bool {
  let at: u32 = 0;
  while (at + 8 <= bytes) {
    if (load<u64>(left + at) != load<u64>(right + at)) return false;
    at += 8;
  }
  if (bytes & 4) {
    if (load<u32>(left + at) != load<u32>(right + at)) return false;
    at += 4;
  }
  if (bytes & 2) {
    if (load<u16>(left + at) != load<u16>(right + at)) return false;
    at += 2;
  }
  if (bytes & 1) return load<u8>(left + at) == load<u8>(right + at);
  return true;
}
