/** How a field of Protocol Buffers lies in the bytes. */
export const WIRE_TYPES = {
  varint: 0,
  fixed64: 1,
  delimited: 2,
  groupStart: 3,
  groupEnd: 4,
  fixed32: 5,
} as const;

export type WireType = (typeof WIRE_TYPES)[keyof typeof WIRE_TYPES];

const VARINT_BYTES_MAX = 10;
const TAG_MAX = 2 ** 32 - 1;
/** The tenth byte of a number holds its 64th bit alone. */
const LAST_BYTE_MAX = 1;

/** Reads the wire format of Protocol Buffers forwards, with every end checked. */
export class ProtobufCursor {
  at = 0;
  /** Why the bytes are malformed, with the offset; the first reason. */
  problem: string | undefined;
  /** Of the last tag. */
  number = 0;
  /** Of the last tag. */
  wireType: WireType = WIRE_TYPES.varint;
  /** Of the last field with a length. */
  length = 0;
  /** The lower 32 bits of the last number, with a sign. */
  low = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  fail(reason: string): false {
    this.problem ??= `${reason}, at byte ${this.at}`;
    return false;
  }

  expect(wireType: WireType, expected: WireType): boolean {
    return wireType === expected || this.fail(`a field of another wire type than its kind has`);
  }

  readTag(end: number): boolean {
    const value = this.readVarint(end);
    if (value === undefined) return false;
    const wireType = value % 8;
    if (value > TAG_MAX || value < 8 || wireType > WIRE_TYPES.fixed32) {
      return this.fail('a tag that is none');
    }
    this.number = Math.floor(value / 8);
    this.wireType = wireType as WireType;
    return true;
  }

  /** The length of what follows, which must end before `end`. */
  readLength(end: number): boolean {
    const length = this.readVarint(end);
    if (length === undefined) return false;
    if (length > end - this.at) return this.fail('a length beyond the end');
    this.length = length;
    return true;
  }

  /** Skips a field that is no group. */
  skipPlain(wireType: WireType, end: number): boolean {
    switch (wireType) {
      case WIRE_TYPES.varint:
        return this.readVarint(end) !== undefined;
      case WIRE_TYPES.fixed64:
        return this.skipBytes(8, end);
      case WIRE_TYPES.fixed32:
        return this.skipBytes(4, end);
      default:
        return this.readLength(end) && this.skipBytes(this.length, end);
    }
  }

  private skipBytes(count: number, end: number): boolean {
    if (count > end - this.at) return this.fail('a field that is cut off');
    this.at += count;
    return true;
  }

  /** A number of up to 64 bits, exact up to 2^53, which tags and lengths are far below. */
  private readVarint(end: number): number | undefined {
    let value = 0;
    let low = 0;
    for (let index = 0; index < VARINT_BYTES_MAX; index++) {
      if (this.at >= end) {
        this.fail('a number that is cut off');
        return undefined;
      }
      const byte = this.bytes[this.at] as number;
      this.at += 1;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (index < 5) low |= (byte & 0x7f) << (7 * index);
      if (byte >= 0x80) continue;
      if (index === VARINT_BYTES_MAX - 1 && byte > LAST_BYTE_MAX) break;
      this.low = low;
      return value;
    }
    this.fail('a number of more than 64 bits');
    return undefined;
  }
}
