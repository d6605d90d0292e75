/**
 * LZ4 as the service stores, takes and gives it, which is what `lz4-napi` makes: the size of the
 * decoded bytes as 4 bytes, the lowest first, then one LZ4 block.
 *
 * The library allocates what the size claims before it looks at the block, so that 6 bytes make
 * it fill 2 GiB: every size is checked against a limit and against what the block can hold.
 */
import { RequestError } from '../error-table.js';
import type { Lz4Library } from './lz4-library.js';

const SIZE_BYTES = 4;
/** One byte of a block stands for at most 255 bytes: each byte of a long match adds that many. */
const EXPANSION_MAX = 255;
/** Compressed bytes are kept when they are at most this part of the others. */
const KEPT_FRACTION = 0.9;

/**
 * The size that the bytes claim to have when decoded.
 *
 * @throws {RequestError} when the claim is above the limit or cannot be true
 */
export function readDecodedSize(bytes: Uint8Array, valueBytesMax: number): number {
  if (bytes.length <= SIZE_BYTES) {
    throw malformed('the LZ4 body is cut off: it needs 4 bytes of size and a block');
  }
  const sizeBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (sizeBytes > (bytes.length - SIZE_BYTES) * EXPANSION_MAX) {
    throw malformed('the LZ4 body claims a size that its block cannot hold');
  }
  if (sizeBytes > valueBytesMax) {
    throw new RequestError(
      'ERR_CACHE_VALUE_TOO_LARGE',
      `the decoded body has more than ${valueBytesMax} bytes`,
    );
  }
  return sizeBytes;
}

/**
 * Decodes a block.
 *
 * @throws {RequestError} when the bytes are no such block, or too large when decoded
 */
export function decodeLz4(
  library: Lz4Library,
  bytes: Uint8Array,
  valueBytesMax: number,
): Uint8Array {
  const sizeBytes = readDecodedSize(bytes, valueBytesMax);
  let decoded: Uint8Array;
  try {
    decoded = library.uncompressSync(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw malformed(`the LZ4 body cannot be decoded: ${reason}`);
  }
  // The library takes the size for a hint where the block ends early.
  if (decoded.length !== sizeBytes) throw malformed('the LZ4 body ends before its size');
  return decoded;
}

/** The bytes compressed, where that saves at least a tenth. */
export function encodeLz4(library: Lz4Library, bytes: Uint8Array): Uint8Array | undefined {
  const given = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const encoded = library.compressSync(given);
  return encoded.length <= bytes.length * KEPT_FRACTION ? encoded : undefined;
}

function malformed(message: string): RequestError {
  return new RequestError('ERR_HTTP_MALFORMED_BODY', message);
}
