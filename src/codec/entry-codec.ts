import { types } from 'node:util';
import { invalidValue } from '../errors.js';
import { isWellFormed } from '../well-formed.js';
import {
  type Codec,
  ENCODING_ASCII_JSON,
  ENCODING_ASCII_TEXT,
  ENCODING_BYTES,
  ENCODING_JSON,
  ENCODING_MSGPACK,
  ENCODING_TEXT,
  type Encoding,
  type Payload,
} from './codec.js';
import { decodeJson, jsonCodec } from './json.js';
import { decodeMsgpack, msgpackCodec } from './msgpack.js';

/** Methods of every `Buffer` that its published type leaves out; `toString` is slower. */
interface SlicedBuffer extends Buffer {
  latin1Slice(startByte: number, endByte: number): string;
  utf8Slice(startByte: number, endByte: number): string;
}

const textEncoder = new TextEncoder();

/** The codec that the option `codec` names. */
export function codecOf(kind: Codec['kind']): Codec {
  return kind === 'json' ? jsonCodec : msgpackCodec;
}

/**
 * Whether the value is stored as its decimal text by every codec: what counts (`increment`) knows
 * no other form of a number.
 */
function isCountable(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

/** The encoding that the value gets, before it is known whether its text is ASCII. */
export function encodeKind(value: unknown, codec: Codec): Encoding {
  if (typeof value === 'string') return ENCODING_TEXT;
  if (isCountable(value)) return ENCODING_JSON;
  return isBytes(value) ? ENCODING_BYTES : codec.encoding;
}

/**
 * The value as text or bytes. May run code of the user, so nothing may be held meanwhile. Bytes
 * of the caller are returned as they are, not copied.
 *
 * @throws {CacheError} `ERR_CACHE_INVALID_VALUE` or `ERR_CACHE_VALUE_TOO_LARGE`
 */
export function encodePayload(value: unknown, codec: Codec): Payload {
  if (typeof value === 'string') {
    if (!isWellFormed(value)) {
      throw invalidValue('is not well-formed UTF-16: a surrogate stands alone');
    }
    return value;
  }
  if (isCountable(value)) return String(value);
  return isBytes(value) ? value : codec.encode(value);
}

/** Also for a `Uint8Array` of another context (`node:vm`, as test runners use it). */
function isBytes(value: unknown): value is Uint8Array {
  return types.isUint8Array(value);
}

/**
 * Writes text as UTF-8 to the start of the target.
 *
 * @returns the bytes written, or -1 when the target is too small; it is then partly overwritten
 */
export function writeText(text: string, target: Uint8Array): number {
  const { read, written } = textEncoder.encodeInto(text, target);
  return read === text.length ? written : -1;
}

/**
 * The encoding to store once text was written: UTF-8 that took one byte for each character is
 * ASCII.
 */
export function settleEncoding(
  encoding: Encoding,
  textLength: number,
  writtenBytes: number,
): Encoding {
  if (textLength !== writtenBytes) return encoding;
  if (encoding === ENCODING_TEXT) return ENCODING_ASCII_TEXT;
  return encoding === ENCODING_JSON ? ENCODING_ASCII_JSON : encoding;
}

/**
 * The value whose bytes lie in the buffer, shared memory as a rule. Nothing of the answer refers
 * to that memory. The bytes must not change meanwhile.
 *
 * @throws {CacheError} `ERR_CACHE_INVALID_VALUE` when the bytes do not fit the encoding
 */
export function decodeEntry(
  encoding: number,
  buffer: Buffer,
  startByte: number,
  endByte: number,
): unknown {
  switch (encoding as Encoding) {
    case ENCODING_ASCII_JSON:
      return decodeJson(asSliced(buffer).latin1Slice(startByte, endByte));
    case ENCODING_ASCII_TEXT:
      return asSliced(buffer).latin1Slice(startByte, endByte);
    case ENCODING_JSON:
      return decodeJson(asSliced(buffer).utf8Slice(startByte, endByte));
    case ENCODING_TEXT:
      return asSliced(buffer).utf8Slice(startByte, endByte);
    case ENCODING_BYTES:
      return copyBytes(buffer, startByte, endByte);
    case ENCODING_MSGPACK:
      // The parser's native helper takes no shared memory, and its binary members are views.
      return decodeMsgpack(copyBytes(buffer, startByte, endByte));
    default:
      throw invalidValue(`that is stored has the unknown encoding ${encoding}`);
  }
}

function asSliced(buffer: Buffer): SlicedBuffer {
  return buffer as SlicedBuffer;
}

/**
 * A copy on this thread's heap. A `Buffer`, because a small one takes a part of Node.js's pool,
 * where a `Uint8Array` of its own would be a costly allocation outside the heap.
 */
export function copyBytes(source: Uint8Array, startByte: number, endByte: number): Uint8Array {
  const copy = Buffer.allocUnsafe(endByte - startByte);
  copy.set(source.subarray(startByte, endByte));
  return copy;
}
