import { isUtf8 } from 'node:buffer';
import type { FrameValue } from './frame-value.js';

/** What the first byte of an item, and the length that may follow it, say. */
interface Head {
  readonly kind: FrameValue['kind'];
  /** Where the content begins. */
  readonly contentStart: number;
  /** Bytes of the content of a scalar; items of an array, pairs of a map. */
  readonly length: number;
}

type LengthKind = 'bytes' | 'other' | 'string' | 'array' | 'object';

const NIL = 0xc0;
const FALSE = 0xc2;
const TRUE = 0xc3;
const FLOAT_32 = 0xca;
const FLOAT_64 = 0xcb;
const UINT_8 = 0xcc;
const UINT_64 = 0xcf;
const INT_8 = 0xd0;
const INT_64 = 0xd3;
const FIXED_EXTENSION_1 = 0xd4;
const FIXED_EXTENSION_16 = 0xd8;
const NEGATIVE_FIXINT_FIRST = 0xe0;

/** First bytes behind which a length stands, and how many bytes it has. */
const LENGTHS: ReadonlyMap<number, readonly [kind: LengthKind, sizeBytes: number]> = new Map([
  [0xc4, ['bytes', 1]],
  [0xc5, ['bytes', 2]],
  [0xc6, ['bytes', 4]],
  [0xc7, ['other', 1]],
  [0xc8, ['other', 2]],
  [0xc9, ['other', 4]],
  [0xd9, ['string', 1]],
  [0xda, ['string', 2]],
  [0xdb, ['string', 4]],
  [0xdc, ['array', 2]],
  [0xdd, ['array', 4]],
  [0xde, ['object', 2]],
  [0xdf, ['object', 4]],
]);

/**
 * A value inside a MessagePack document that `scanMessagePack` has found well-formed, as a range of
 * its bytes: what passes through stays as it came. Nothing is built for a document of any length.
 */
export class MessagePackValue implements FrameValue {
  readonly kind: FrameValue['kind'];
  private readonly bytes: Buffer;
  private readonly start: number;
  private readonly head: Head;
  private readonly end: number;

  private constructor(bytes: Buffer, start: number) {
    this.bytes = bytes;
    this.start = start;
    this.head = readHead(bytes, start);
    this.kind = this.head.kind;
    this.end = findEnd(bytes, start);
  }

  /** The document's value; the bytes must have been scanned, and must not change. */
  static of(bytes: Uint8Array): MessagePackValue {
    return new MessagePackValue(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0);
  }

  get text(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }

  /** The content of bytes or of a string: a view. */
  get content(): Uint8Array {
    return this.bytes.subarray(this.head.contentStart, this.end);
  }

  asString(): string | undefined {
    if (this.kind !== 'string' || !isUtf8(this.content)) return undefined;
    return this.bytes.toString('utf8', this.head.contentStart, this.end);
  }

  asBoolean(): boolean | undefined {
    return this.kind === 'boolean' ? this.bytes[this.start] === TRUE : undefined;
  }

  asCount(): number | undefined {
    if (this.kind !== 'number') return undefined;
    const count = readNumber(this.bytes, this.start);
    return Number.isSafeInteger(count) && count >= 0 ? count : undefined;
  }

  *members(): Generator<readonly [string | undefined, MessagePackValue], void, undefined> {
    if (this.kind !== 'object') return;
    let at = this.head.contentStart;
    for (let index = 0; index < this.head.length; index++) {
      const name = new MessagePackValue(this.bytes, at);
      const value = new MessagePackValue(this.bytes, name.end);
      yield [name.asString(), value];
      at = value.end;
    }
  }

  *items(): Generator<MessagePackValue, void, undefined> {
    if (this.kind !== 'array') return;
    let at = this.head.contentStart;
    for (let index = 0; index < this.head.length; index++) {
      const value = new MessagePackValue(this.bytes, at);
      yield value;
      at = value.end;
    }
  }
}

/** Where the item ends that begins here, with all that it holds. */
function findEnd(bytes: Buffer, start: number): number {
  let at = start;
  for (let left = 1; left > 0; left--) {
    const { kind, contentStart, length } = readHead(bytes, at);
    if (kind === 'array') left += length;
    else if (kind === 'object') left += 2 * length;
    at = kind === 'array' || kind === 'object' ? contentStart : contentStart + length;
  }
  return at;
}

function readHead(bytes: Buffer, start: number): Head {
  const first = bytes[start];
  if (first === undefined) throw new RangeError('the document was not scanned');
  const contentStart = start + 1;
  if (first < 0x80 || first >= NEGATIVE_FIXINT_FIRST)
    return { kind: 'number', contentStart, length: 0 };
  if (first < 0x90) return { kind: 'object', contentStart, length: first & 0x0f };
  if (first < 0xa0) return { kind: 'array', contentStart, length: first & 0x0f };
  if (first < NIL) return { kind: 'string', contentStart, length: first & 0x1f };
  const known = LENGTHS.get(first);
  if (known === undefined) return { ...readFixed(first), contentStart };
  const [kind, sizeBytes] = known;
  // Extensions have a byte more, for their type.
  const length = bytes.readUIntBE(contentStart, sizeBytes) + (kind === 'other' ? 1 : 0);
  return { kind, contentStart: contentStart + sizeBytes, length };
}

/** Items whose first byte says how long they are. */
function readFixed(first: number): Pick<Head, 'kind' | 'length'> {
  if (first === NIL) return { kind: 'null', length: 0 };
  if (first === FALSE || first === TRUE) return { kind: 'boolean', length: 0 };
  if (first === FLOAT_32) return { kind: 'number', length: 4 };
  if (first === FLOAT_64) return { kind: 'number', length: 8 };
  if (first >= UINT_8 && first <= UINT_64) return { kind: 'number', length: 1 << (first - UINT_8) };
  if (first >= INT_8 && first <= INT_64) return { kind: 'number', length: 1 << (first - INT_8) };
  if (first >= FIXED_EXTENSION_1 && first <= FIXED_EXTENSION_16) {
    return { kind: 'other', length: 1 + (1 << (first - FIXED_EXTENSION_1)) };
  }
  throw new RangeError('the document was not scanned');
}

function readNumber(bytes: Buffer, start: number): number {
  const first = bytes[start] as number;
  const at = start + 1;
  if (first < 0x80) return first;
  if (first >= NEGATIVE_FIXINT_FIRST) return first - 0x100;
  if (first === FLOAT_32) return bytes.readFloatBE(at);
  if (first === FLOAT_64) return bytes.readDoubleBE(at);
  if (first === UINT_64) return Number(bytes.readBigUInt64BE(at));
  if (first === INT_64) return Number(bytes.readBigInt64BE(at));
  if (first < INT_8) return bytes.readUIntBE(at, 1 << (first - UINT_8));
  return bytes.readIntBE(at, 1 << (first - INT_8));
}
