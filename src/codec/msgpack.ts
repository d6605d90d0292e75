import { Packr } from 'msgpackr';
import { CacheError, invalidValue } from '../errors.js';
import { type Codec, ENCODING_MSGPACK } from './codec.js';
import { codecFailure, valueProblem } from './value-problem.js';

/**
 * MessagePack: smaller than JSON, and carries what JSON does not: binary members, dates, 64-bit
 * BigInts, NaN and infinities, undefined members. A Map comes back as an object, a Set as an
 * array; a surrogate without its partner comes back as a replacement character; a function inside
 * a plain object, `toJSON` too, as undefined (instances of classes are asked for their `toJSON`).
 */
export const msgpackCodec: Codec = {
  kind: 'msgpack',
  encoding: ENCODING_MSGPACK,
  encode: encodeMsgpack,
};

// No records: an entry must be readable by a thread that has not seen the ones before it. No
// structured clone: entries hold data, and a reference to itself is refused like in JSON.
const packr = new Packr({ useRecords: false, structuredClone: false, moreTypes: false });

/** The packer grows its buffer for a large value, and would keep it. */
const KEPT_BUFFER_BYTES = 64 * 1_024;
const LARGE_PAYLOAD_BYTES = 256 * 1_024;

let isReleaseDue = false;

function encodeMsgpack(value: unknown): Uint8Array {
  const problem = valueProblem(value);
  if (problem !== undefined) throw invalidValue(problem);
  let payload: Uint8Array;
  try {
    // A part of the packer's buffer that it does not write again.
    payload = packr.pack(value);
  } catch (thrown) {
    throw CacheError.is(thrown) ? thrown : codecFailure('encode', thrown);
  }
  if (payload.byteLength > LARGE_PAYLOAD_BYTES && !isReleaseDue) {
    // Later, because all packers share one buffer: one of the user may be at work further up.
    isReleaseDue = true;
    queueMicrotask(releaseBuffer);
  }
  return payload;
}

function releaseBuffer(): void {
  isReleaseDue = false;
  packr.useBuffer(Buffer.allocUnsafeSlow(KEPT_BUFFER_BYTES));
}

/**
 * @param bytes on this thread's heap and handed over: members that are bytes stay views of it
 * @throws {CacheError} `ERR_CACHE_INVALID_VALUE` when the bytes are no MessagePack
 */
export function decodeMsgpack(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes) as unknown;
  } catch (thrown) {
    throw codecFailure('decode', thrown);
  }
}
