// Decimal text of safe integers: what counting reads and writes. One text for each integer: no
// plus sign, no leading zeros, no minus zero, so that text, number and text again are the same.

import { NUMBER_BYTES_MAX } from "./layout";
import { put8 } from "./store";

/** The largest safe integer, 2^53 - 1. */
export const SAFE_MAX: i64 = 9_007_199_254_740_991;
/** Answer of `parseDecimal` for any other text. */
export const NOT_DECIMAL: i64 = i64.MIN_VALUE;

const ZERO: u32 = 0x30;
const MINUS: u32 = 0x2d;

/** The safe integer that a text stands for, or NOT_DECIMAL. */
export function parseDecimal(text: usize, bytes: u32): i64 {
  if (bytes == 0 || bytes > NUMBER_BYTES_MAX) return NOT_DECIMAL;
  const isNegative = load<u8>(text) == MINUS;
  let at: u32 = isNegative ? 1 : 0;
  if (at == bytes) return NOT_DECIMAL;
  // A zero stands alone.
  if (load<u8>(text + at) == ZERO) return bytes == 1 ? 0 : NOT_DECIMAL;
  let value: i64 = 0;
  // At most 17 digits: no overflow of 64 bits.
  for (; at < bytes; at++) {
    const digit = <u32>load<u8>(text + at) - ZERO;
    if (digit > 9) return NOT_DECIMAL;
    value = value * 10 + digit;
  }
  if (value > SAFE_MAX) return NOT_DECIMAL;
  return isNegative ? -value : value;
}

/** Writes a safe integer as text; the bytes written, NUMBER_BYTES_MAX at most. */
export function writeDecimal(value: i64, target: usize): u32 {
  const magnitude = value < 0 ? -value : value;
  let bytes: u32 = value < 0 ? 2 : 1;
  for (let rest = magnitude / 10; rest != 0; rest /= 10) bytes += 1;
  let rest = magnitude;
  let at = bytes;
  do {
    at -= 1;
    put8(target + at, <u32>(ZERO + <u32>(rest % 10)));
    rest /= 10;
  } while (rest != 0);
  if (value < 0) put8(target, MINUS);
  return bytes;
}
