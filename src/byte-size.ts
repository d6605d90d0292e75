import { describeValue } from './describe-value.js';
import { invalidOptions } from './errors.js';

/** Bytes as an integer, or an integer with a unit: `'512b' '64kb' '256mb' '1gb'`. */
export type ByteSize = number | string;

/** Units are multiples of 1,024, as users of caches expect, and may be in capitals. */
const UNIT_BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1_024,
  mb: 1_024 ** 2,
  gb: 1_024 ** 3,
};
const BYTE_SIZE_TEXT = /^(\d+)(b|kb|mb|gb)$/;
const TEXT_UNITS_MAX = 24;

/** The bytes of a size, a safe integer of 0 or more, or the problem with it. */
export function readByteSize(value: unknown): number | string {
  if (typeof value === 'string') return readText(value);
  if (typeof value !== 'number') {
    return `${describeValue(value)} is no size: give bytes or text such as '256mb'`;
  }
  if (!Number.isSafeInteger(value) || value < 0) {
    return `${describeValue(value)} is no whole number of bytes`;
  }
  return value;
}

function readText(text: string): number | string {
  const match = text.length <= TEXT_UNITS_MAX ? BYTE_SIZE_TEXT.exec(text.toLowerCase()) : null;
  const unitBytes = match === null ? undefined : UNIT_BYTES[match[2] ?? ''];
  if (match === null || unitBytes === undefined) {
    return (
      `${describeValue(text)} is no size: give an integer and one of the units b, kb, mb, gb, ` +
      "such as '256mb'"
    );
  }
  const bytes = Number(match[1]) * unitBytes;
  return Number.isSafeInteger(bytes) ? bytes : `${describeValue(text)} is too large`;
}

/**
 * Bytes, a safe integer of 0 or more.
 *
 * @param field what the caller calls the value, for the message
 * @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS`
 */
export function parseByteSize(value: ByteSize, field: string): number {
  const bytes = readByteSize(value);
  if (typeof bytes === 'string') throw invalidOptions('size', [`${field}: ${bytes}`]);
  return bytes;
}
