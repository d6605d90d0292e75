import { InexactConversionError } from './inexact-conversion.js';

const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;
/** Doubles keep every decimal of so many digits, as long as the exponent is far from the ends. */
const DIGITS_KEPT = 15;
const EXPONENT_KEPT = 290;
/** `toExponential` writes no more digits. */
const DIGITS_MAX = 101;
/** Longer integers are beyond 64 bits, whatever their digits. */
const INTEGER_LENGTH_MAX = 20;

/**
 * The value of a JSON number, as an integer of up to 64 bits or as a double, where that says what
 * the text says: integers are exact, and a double, written with as many significant digits as the
 * text has, is the text again.
 *
 * @param text a number of JSON
 * @throws {InexactConversionError} for other numbers, such as `1e400` and `18446744073709551617`
 */
export function parseExactNumber(text: string): number | bigint {
  const value = Number(text);
  // MessagePack encoders write a zero with a sign as the integer 0.
  if (!Number.isFinite(value) || Object.is(value, -0)) throw inexact();
  if (isInteger(text)) {
    if (Number.isSafeInteger(value)) return value;
    const whole = text.length <= INTEGER_LENGTH_MAX ? BigInt(text) : UINT64_MAX + 1n;
    if (whole >= INT64_MIN && whole <= UINT64_MAX) return whole;
  }
  if (!isKept(normalize(text), value)) throw inexact();
  return value;
}

function isKept(decimal: Decimal, value: number): boolean {
  const { digits, exponent } = decimal;
  if (digits.length <= DIGITS_KEPT && Math.abs(exponent) <= EXPONENT_KEPT) return true;
  if (digits.length > DIGITS_MAX) return false;
  // Where two decimals are as near, the shortest form may be the other of them.
  const rounded = value.toExponential(Math.max(0, digits.length - 1));
  return isSame(decimal, normalize(rounded)) || isSame(decimal, normalize(String(value)));
}

function isSame(one: Decimal, other: Decimal): boolean {
  return one.digits === other.digits && one.exponent === other.exponent;
}

function isInteger(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '.' || character === 'e' || character === 'E') return false;
  }
  return true;
}

/** A decimal as `0.digits * 10^exponent`, without zeros at either end of the digits. */
interface Decimal {
  readonly digits: string;
  readonly exponent: number;
}

function normalize(text: string): Decimal {
  const exponentAt = Math.max(text.indexOf('e'), text.indexOf('E'));
  const mantissa = exponentAt < 0 ? text : text.slice(0, exponentAt);
  let exponent = exponentAt < 0 ? 0 : Number(text.slice(exponentAt + 1));
  const unsigned = mantissa.startsWith('-') ? mantissa.slice(1) : mantissa;
  const pointAt = unsigned.indexOf('.');
  const whole = pointAt < 0 ? unsigned : unsigned.slice(0, pointAt);
  const all = pointAt < 0 ? whole : whole + unsigned.slice(pointAt + 1);
  let start = 0;
  while (start < all.length && all[start] === '0') start += 1;
  let end = all.length;
  while (end > start && all[end - 1] === '0') end -= 1;
  if (start === end) return { digits: '', exponent: 0 };
  exponent += whole.length - start;
  return { digits: all.slice(start, end), exponent };
}

function inexact(): InexactConversionError {
  return new InexactConversionError('a number of the JSON has no exact form in MessagePack');
}
