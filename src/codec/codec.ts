// How values become bytes and back. A codec serves values that are neither bytes nor strings;
// those two are stored as they are. The encoding is stored with each entry, so that an entry can
// be read whatever codec the reading engine writes with.

/** The bytes of the caller. */
export const ENCODING_BYTES = 0;
/** A string as UTF-8. */
export const ENCODING_TEXT = 1;
/** JSON as UTF-8. */
export const ENCODING_JSON = 2;
/** MessagePack. */
export const ENCODING_MSGPACK = 3;
/** A string of ASCII characters alone: read on a faster path. */
export const ENCODING_ASCII_TEXT = 4;
/** JSON of ASCII characters alone: read on a faster path. */
export const ENCODING_ASCII_JSON = 5;

/** Stored with entries, in shared memory and in files: numbers never change their meaning. */
export type Encoding =
  | typeof ENCODING_BYTES
  | typeof ENCODING_TEXT
  | typeof ENCODING_JSON
  | typeof ENCODING_MSGPACK
  | typeof ENCODING_ASCII_TEXT
  | typeof ENCODING_ASCII_JSON;

/** What is to be stored: text, which becomes UTF-8, or bytes, which nobody changes any more. */
export type Payload = string | Uint8Array;

/** One way to encode values. */
export interface Codec {
  /** As in the option `codec`. */
  readonly kind: 'json' | 'msgpack';
  /** The encoding of what `encode` returns. */
  readonly encoding: typeof ENCODING_JSON | typeof ENCODING_MSGPACK;
  /**
   * Runs code of the user (`toJSON`, getters), which may call the engine again.
   *
   * @throws {CacheError} `ERR_CACHE_INVALID_VALUE` with the reason; `ERR_CACHE_VALUE_TOO_LARGE`
   * where the encoded form does not fit into one string or buffer
   */
  encode(value: unknown): Payload;
}
