import { describeValue } from '../describe-value.js';
import { invalidKey } from '../errors.js';
import { isWellFormed } from '../well-formed.js';

/** The longest key, in bytes of UTF-8. */
export const KEY_BYTES_MAX = 1_024;

/** From this length on one call into the runtime is cheaper than the loop below. */
const LOOP_UNITS_MAX = 28;
const ASCII_UNIT_MAX = 0x7f;

const textEncoder = new TextEncoder();

/**
 * Writes keys as UTF-8 to one place in memory, the key area of a thread. ASCII keys, the usual
 * case, are written without an allocation, four characters to a store.
 */
export class KeyEncoder {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  /** Where keys are written. */
  readonly address: number;

  /**
   * @param buffer shared or not; little-endian like WebAssembly's memory
   * @param byteOffset where keys are written, a multiple of 4, with `KEY_BYTES_MAX` bytes of room
   */
  constructor(buffer: ArrayBufferLike, byteOffset: number) {
    this.address = byteOffset;
    this.#bytes = new Uint8Array(buffer, byteOffset, KEY_BYTES_MAX);
    this.#words = new Int32Array(buffer, byteOffset, KEY_BYTES_MAX / 4);
  }

  /**
   * Writes the key and returns its bytes, 1 to 1,024. Up to three bytes behind it may change too.
   *
   * @throws {CacheError} `ERR_CACHE_INVALID_KEY`: not a string, empty, over 1,024 bytes, or not
   * well-formed UTF-16
   */
  encode(key: string): number {
    if (typeof key !== 'string') throw invalidKey(`must be a string, not ${describeValue(key)}`);
    const length = key.length;
    if (length === 0) throw invalidKey('must not be empty');
    if (length > LOOP_UNITS_MAX) return this.#encodeAnyText(key);

    const words = this.#words;
    const fullEnd = length & ~3;
    let seen = 0;
    let index = 0;
    for (; index < fullEnd; index += 4) {
      const first = key.charCodeAt(index);
      const second = key.charCodeAt(index + 1);
      const third = key.charCodeAt(index + 2);
      const fourth = key.charCodeAt(index + 3);
      seen |= first | second | third | fourth;
      words[index >>> 2] = first | (second << 8) | (third << 16) | (fourth << 24);
    }
    if (index < length) {
      let word = 0;
      for (let shift = 0; index < length; index++, shift += 8) {
        const unit = key.charCodeAt(index);
        seen |= unit;
        word |= unit << shift;
      }
      words[fullEnd >>> 2] = word;
    }
    return seen <= ASCII_UNIT_MAX ? length : this.#encodeAnyText(key);
  }

  #encodeAnyText(key: string): number {
    // No character takes less than a byte: text this long need not be encoded to be refused.
    if (key.length > KEY_BYTES_MAX) throw keyTooLong(`at least ${key.length}`);
    const { read, written } = textEncoder.encodeInto(key, this.#bytes);
    if (written === read && read === key.length) return written;
    // The encoder puts a replacement character where a surrogate has no partner; two keys must
    // never become one.
    if (!isWellFormed(key)) throw invalidKey('is not well-formed UTF-16: a surrogate stands alone');
    if (read < key.length) throw keyTooLong(String(Buffer.byteLength(key)));
    return written;
  }
}

function keyTooLong(bytes: string): Error {
  return invalidKey(`is too long: ${bytes} bytes of UTF-8, at most ${KEY_BYTES_MAX}`);
}
