import { isUtf8 } from 'node:buffer';
import { VALUE_DEPTH_MAX, VALUE_ELEMENTS_MAX } from './conversion-limits.js';

/** What one pass over a MessagePack document found. */
export interface MessagePackScan {
  /** Why the bytes are no document that the service takes; for clients. */
  readonly problem: string | undefined;
  /** Values, names of members not counted. */
  readonly valueCount: number;
  /** The first thing in it that JSON has no word for. */
  readonly obstacle: string | undefined;
}

const NIL = 0xc0;
const NEVER_USED = 0xc1;
const NEGATIVE_FIXINT_FIRST = 0xe0;

/** How an item of the types 0xc0 to 0xdf goes on after its first byte. */
interface Shape {
  readonly kind: 'fixed' | 'string' | 'binary' | 'extension' | 'array' | 'map';
  /** Bytes of the length that follows, or of the item itself when it is fixed. */
  readonly sizeBytes: number;
}

const fixed = (sizeBytes: number): Shape => ({ kind: 'fixed', sizeBytes });
const binary = (sizeBytes: number): Shape => ({ kind: 'binary', sizeBytes });
const extension = (sizeBytes: number): Shape => ({ kind: 'extension', sizeBytes });
const string = (sizeBytes: number): Shape => ({ kind: 'string', sizeBytes });

/** By the first byte, from 0xc0. */
// biome-ignore format: one row for each group of the specification
const SHAPES: readonly Shape[] = [
  fixed(0), fixed(0), fixed(0), fixed(0),
  binary(1), binary(2), binary(4),
  extension(1), extension(2), extension(4),
  fixed(4), fixed(8),
  fixed(1), fixed(2), fixed(4), fixed(8),
  fixed(1), fixed(2), fixed(4), fixed(8),
  // Fixed extensions: a byte of type, then 1 to 16 bytes.
  fixed(2), fixed(3), fixed(5), fixed(9), fixed(17),
  string(1), string(2), string(4),
  { kind: 'array', sizeBytes: 2 }, { kind: 'array', sizeBytes: 4 },
  { kind: 'map', sizeBytes: 2 }, { kind: 'map', sizeBytes: 4 },
];
const FIXED_EXTENSION_FIRST = 0xd4;
const FIXED_EXTENSION_LAST = 0xd8;

/**
 * Checks in one pass, without building anything, that the bytes are one MessagePack document and
 * nothing else, within the limits on depth and number of values. Lengths are compared with what is
 * left of the bytes, so that a claim costs nothing.
 */
export function scanMessagePack(bytes: Uint8Array): MessagePackScan {
  const scanner = new MessagePackScanner(bytes);
  scanner.scan();
  return scanner;
}

class MessagePackScanner implements MessagePackScan {
  problem: string | undefined;
  obstacle: string | undefined;
  valueCount = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;
  private depth = 0;
  /** By depth: items that are still to come; of a map names and values. */
  private readonly left = new Float64Array(VALUE_DEPTH_MAX + 1);
  private readonly isMap = new Uint8Array(VALUE_DEPTH_MAX + 1);

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  scan(): void {
    this.left[0] = 1;
    for (;;) {
      while (this.left[this.depth] === 0) {
        if (this.depth === 0) {
          if (this.at < this.bytes.length) this.fail('something follows the MessagePack');
          return;
        }
        this.depth -= 1;
      }
      const left = this.left[this.depth] as number;
      this.left[this.depth] = left - 1;
      const isName = this.isMap[this.depth] === 1 && left % 2 === 0;
      if (!isName) this.valueCount += 1;
      if (this.valueCount > VALUE_ELEMENTS_MAX) {
        this.fail(`the MessagePack has more than ${VALUE_ELEMENTS_MAX} values`);
      }
      if (this.problem !== undefined || !this.scanItem(isName)) return;
    }
  }

  private scanItem(isName: boolean): boolean {
    const first = this.bytes[this.at];
    if (first === undefined) return this.fail('the MessagePack is cut off');
    this.at += 1;
    if (isName && !isStringStart(first)) this.note('a map whose names are not all text');
    if (first < 0x80 || first >= NEGATIVE_FIXINT_FIRST) return true;
    if (first < 0x90) return this.open(first & 0x0f, true);
    if (first < 0xa0) return this.open(first & 0x0f, false);
    if (first < NIL) return this.skipText(first & 0x1f);
    if (first === NEVER_USED) return this.fail('the MessagePack holds the byte 0xc1');
    if (first >= FIXED_EXTENSION_FIRST && first <= FIXED_EXTENSION_LAST) {
      this.note('an extension type');
    }
    return this.scanShape(SHAPES[first - NIL] as Shape);
  }

  private scanShape({ kind, sizeBytes }: Shape): boolean {
    if (this.at + sizeBytes > this.bytes.length) return this.fail('the MessagePack is cut off');
    if (kind === 'fixed') {
      this.at += sizeBytes;
      return true;
    }
    const length = this.readLength(sizeBytes);
    switch (kind) {
      case 'string':
        return this.skipText(length);
      case 'binary':
        this.note('binary data');
        return this.skip(length);
      case 'extension':
        this.note('an extension type');
        return this.skip(length + 1);
      default:
        return this.open(length, kind === 'map');
    }
  }

  private readLength(sizeBytes: number): number {
    const at = this.at;
    this.at += sizeBytes;
    if (sizeBytes === 1) return this.view.getUint8(at);
    return sizeBytes === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
  }

  private open(length: number, isMap: boolean): boolean {
    const itemCount = isMap ? 2 * length : length;
    // Every item has a byte at least.
    if (itemCount > this.bytes.length - this.at) return this.fail('the MessagePack is cut off');
    if (this.depth === VALUE_DEPTH_MAX) {
      return this.fail(`the MessagePack is nested deeper than ${VALUE_DEPTH_MAX} levels`);
    }
    this.depth += 1;
    this.left[this.depth] = itemCount;
    this.isMap[this.depth] = isMap ? 1 : 0;
    return true;
  }

  private skipText(length: number): boolean {
    const start = this.at;
    if (!this.skip(length)) return false;
    for (let index = start; index < this.at; index++) {
      if ((this.bytes[index] as number) < 0x80) continue;
      if (!isUtf8(this.bytes.subarray(index, this.at))) this.note('text that is not UTF-8');
      break;
    }
    return true;
  }

  private skip(length: number): boolean {
    if (length > this.bytes.length - this.at) return this.fail('the MessagePack is cut off');
    this.at += length;
    return true;
  }

  private note(obstacle: string): void {
    this.obstacle ??= obstacle;
  }

  private fail(reason: string): false {
    this.problem ??= `${reason}, at byte ${this.at}`;
    return false;
  }
}

function isStringStart(first: number): boolean {
  return (first >= 0xa0 && first < NIL) || (first >= 0xd9 && first <= 0xdb);
}
