/**
 * How a value of the service lies in the store: its bytes, and a text that says what they are. The
 * text takes the place of the entry's content type: a media type such as `application/json`, or,
 * for bytes that are compressed, the content coding before it: `lz4:application/json`. No media
 * type begins with a coding and a colon, so the two cannot be mistaken for each other.
 */

/** Bytes of a stored value may be in one of these codings; `identity` is not written. */
export type StoredCoding = 'identity' | 'lz4' | 'gzip' | 'br';

export interface StoredValue {
  readonly bytes: Uint8Array;
  /** `undefined` reads as `application/octet-stream`. At most 127 printable ASCII characters. */
  readonly storedType: string | undefined;
}

/** What a request says about the body that it brings. */
export interface GivenBody {
  readonly bytes: Uint8Array;
  /** As sent; `undefined` when absent. */
  readonly contentType: string | undefined;
  /** As sent; `undefined` when absent. */
  readonly contentEncoding: string | undefined;
}

/** What a request says about the answer that it wants. */
export interface Wish {
  /** The header Accept as sent; empty for anything. */
  readonly accept: string;
  /** The header Accept-Encoding as sent; empty for identity alone. */
  readonly acceptEncoding: string;
}

/** What headers say about a value that goes to a client. */
export interface SentForm {
  readonly contentType: string;
  /** `undefined` for identity. */
  readonly contentEncoding: string | undefined;
}

/** A value as it goes to a client. */
export interface PresentedValue extends SentForm {
  /** The stored bytes themselves where they go out as they are. */
  readonly bytes: Uint8Array;
}

/** A value as a member of a JSON document. */
export interface JsonMember {
  /** Complete JSON text: the stored bytes themselves where JSON was stored without a coding. */
  readonly text: Uint8Array;
  /** Whether it is a string of base64: so bytes are written that are no JSON, text or the like. */
  readonly isBase64: boolean;
}

/**
 * Turns bodies into stored values and back. Small values are done at once, large ones in a pool of
 * threads, which is why each answer may be a promise.
 */
export interface ValueCodec {
  /**
   * Checks a body and gives the form in which it is stored: JSON must be well-formed, codings must
   * decode within the limit on values, and LZ4 is applied where it saves enough. The bytes of the
   * body must stay as they are until the answer is there.
   *
   * @throws {RequestError} also as a rejection
   */
  admit(body: GivenBody): StoredValue | Promise<StoredValue>;
  /** The stored form of JSON text that was checked already, as a part of a larger document. */
  admitJson(text: Uint8Array): StoredValue | Promise<StoredValue>;
  /** Whether `present` gives these bytes as they are, whatever the wish: nothing to convert. */
  isPlain(storedType: string | undefined): boolean;
  /**
   * The headers with which bytes of the stored type go out as they are, for this wish; `undefined`
   * when `present` must be asked because the bytes change. As cheap as comparing the three texts
   * with those of the last call, and the answer is the same object each time: for hits.
   *
   * @param accept the header as sent, empty for anything
   * @param acceptEncoding the header as sent, empty for identity alone
   */
  asStored(
    storedType: string | undefined,
    accept: string,
    acceptEncoding: string,
  ): SentForm | undefined;
  /**
   * The value as the client wants it: JSON for MessagePack and the reverse, decompressed where the
   * coding is not accepted. What cannot be converted goes as it is stored. The value's bytes are
   * the caller's again when the call returns, unless the answer is a value with the same bytes.
   *
   * @throws {RequestError} also as a rejection
   */
  present(value: StoredValue, wish: Wish): PresentedValue | Promise<PresentedValue>;
  /**
   * The value as JSON text, for documents that hold values: JSON as it is stored, MessagePack and
   * registered messages of Protocol Buffers converted where nothing is lost, text as a string, and
   * everything else in base64. The value's bytes are treated as by `present`.
   */
  toJson(value: StoredValue): JsonMember | Promise<JsonMember>;
  /** Ends the threads of the pool, if there are any. */
  close(): Promise<void>;
}
