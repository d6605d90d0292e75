import type { StoredValue, ValueCodec } from '../codecs/stored-value.js';
import type { FrameValue } from './frame-value.js';

/** Bytes that stand in a message as they are: a complete value of its format. */
export class EmbeddedValue {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** What a message to a client says, in no format yet. */
export type MessageValue =
  | string
  | number
  | boolean
  | null
  | EmbeddedValue
  | readonly string[]
  | MessageObject
  | readonly MessageObject[];

/** Members in order. A `Map`, since names and values may come from clients. */
export type MessageObject = ReadonlyMap<string, MessageValue>;

/** `base64`: a string that stands for bytes. `json`: bytes that are JSON text. */
export type ValueEncoding = 'base64' | 'json';

/** How a stored value is written in a message. */
export interface PresentedMember {
  readonly value: EmbeddedValue;
  /** How it is written where that is not the format's own way. */
  readonly encoding: ValueEncoding | undefined;
}

/** How messages are written; which one a socket uses was agreed on when it was opened. */
export interface FrameFormat {
  /** As in the header `Sec-WebSocket-Protocol`. */
  readonly protocol: string;
  readonly isBinary: boolean;
  /**
   * The value of a message, all of whose bytes have been checked.
   *
   * @throws {RequestError} `ERR_SOCKET_INVALID_FRAME`
   */
  read(message: Uint8Array): FrameValue;
  /**
   * The stored form of a value that a request brings.
   *
   * @param encoding of the value, as the request says
   * @throws {RequestError} also as a rejection
   */
  admit(
    codec: ValueCodec,
    value: FrameValue,
    encoding: 'base64' | undefined,
  ): StoredValue | Promise<StoredValue>;
  /** A stored value as a member of an answer. */
  present(codec: ValueCodec, value: StoredValue): PresentedMember | Promise<PresentedMember>;
  /** The bytes of a message, not used for anything else afterwards. */
  write(message: MessageObject): Uint8Array;
}
