import type { StoredView } from '../../cache/cache-store.js';
import type { ValueCodec } from '../../codecs/stored-value.js';
import {
  CONTENT_TYPE_HEADER,
  DEFAULT_CONTENT_TYPE,
  encodeText,
  HIT_HEADER,
  TTL_REMAINING_HEADER,
} from '../../wire.js';
import { NEGOTIATED_HEADERS, REVALIDATE, STATUS_OF_HIT } from './hit-headers.js';

/** The headers of a hit begin with this one; `HitHead` gives its value and the lines behind it. */
export const HIT_HEAD_NAME: Uint8Array = encodeText(HIT_HEADER);

/** Digits of the longest time that is exact in milliseconds, in seconds. */
const SECONDS_DIGITS_MAX = 13;
/** Programs use a handful of content types; made-up ones must not hold memory. */
const CONTENT_TYPES_MAX = 64;
const HASH_DIGITS = 16;
const DIGIT_ZERO = 0x30;
const NO_TTL_DIGITS = 0;
const NO_BYTES = new Uint8Array(0);

/** The bytes of a head whose numbers have so many digits, and where in them the numbers stand. */
interface Shape {
  readonly buffer: Uint8Array;
  readonly hashOffset: number;
  readonly ageEnd: number;
  readonly ageDigits: number;
  /** Of the seconds that are left whole: in Cache-Control, and in Cache-Status. */
  readonly maxAgeEnd: number;
  readonly statusEnd: number;
  readonly wholeDigits: number;
  /** Of the seconds that are left, rounded up. */
  readonly remainingEnd: number;
  readonly remainingDigits: number;
}

/** The headers of hits of one content type. */
export class HitHead {
  /** As the entry was stored with it. */
  readonly contentType: string;
  /** Whether the value goes as it is, whatever the client would like. */
  readonly isPlain: boolean;
  /** By the numbers of digits. */
  private readonly shapes: (Shape | undefined)[] = [];

  constructor(contentType: string, isPlain: boolean) {
    this.contentType = contentType;
    this.isPlain = isPlain;
  }

  /** @returns the value of `HIT_HEAD_NAME` and further lines, valid until the next call */
  encode(view: StoredView): Uint8Array {
    const { ttlMs } = view;
    const ageSeconds = Math.floor(view.ageMs / 1_000);
    const isEndless = ttlMs === Number.POSITIVE_INFINITY;
    // Rounded up, no entry that is served reads as expired; whole, nobody keeps it too long.
    const remaining = isEndless ? 0 : Math.ceil(ttlMs / 1_000);
    const whole = isEndless ? 0 : Math.floor(ttlMs / 1_000);
    const shape = this.shapeOf(
      countDigits(ageSeconds),
      isEndless ? NO_TTL_DIGITS : countDigits(remaining),
      isEndless ? NO_TTL_DIGITS : countDigits(whole),
    );
    const { buffer } = shape;
    view.writeHash(buffer, shape.hashOffset);
    writeDigits(buffer, shape.ageEnd, shape.ageDigits, ageSeconds);
    writeDigits(buffer, shape.maxAgeEnd, shape.wholeDigits, whole);
    writeDigits(buffer, shape.statusEnd, shape.wholeDigits, whole);
    writeDigits(buffer, shape.remainingEnd, shape.remainingDigits, remaining);
    return buffer;
  }

  private shapeOf(ageDigits: number, remainingDigits: number, wholeDigits: number): Shape {
    // Whole seconds are at most one less than those that are rounded up, so one digit fewer.
    const key =
      (ageDigits * (SECONDS_DIGITS_MAX + 2) + remainingDigits) * 2 +
      (wholeDigits === remainingDigits ? 0 : 1);
    const known = this.shapes[key];
    if (known !== undefined) return known;
    const shape = createShape(this, ageDigits, remainingDigits, wholeDigits);
    this.shapes[key] = shape;
    return shape;
  }
}

/**
 * The heads of hits, by content type. Handing strings to the transport one by one costs more than
 * finding the entry, so all lines are bytes that are made once, into which only digits are written.
 */
export class HitHeads {
  private readonly codec: Pick<ValueCodec, 'isPlain'>;
  private readonly heads = new Map<string, HitHead>();
  private lastType: string | undefined;
  private lastHead: HitHead | undefined;

  constructor(codec: Pick<ValueCodec, 'isPlain'>) {
    this.codec = codec;
  }

  /** @param storedType printable ASCII; `undefined` for the default */
  find(storedType: string | undefined): HitHead {
    if (this.lastHead !== undefined && this.lastType === storedType) return this.lastHead;
    const contentType = storedType ?? DEFAULT_CONTENT_TYPE;
    let head = this.heads.get(contentType);
    if (head === undefined) {
      if (this.heads.size >= CONTENT_TYPES_MAX) this.heads.clear();
      head = new HitHead(contentType, this.codec.isPlain(storedType));
      this.heads.set(contentType, head);
    }
    this.lastType = storedType;
    this.lastHead = head;
    return head;
  }
}

function createShape(
  { contentType, isPlain }: HitHead,
  ageDigits: number,
  remainingDigits: number,
  wholeDigits: number,
): Shape {
  let text = `true\r\n${CONTENT_TYPE_HEADER}: ${contentType}\r\nAccept-Ranges: none`;
  if (!isPlain) text += `\r\nVary: ${NEGOTIATED_HEADERS}`;
  text += '\r\nETag: "';
  const hashOffset = text.length;
  text += `${'0'.repeat(HASH_DIGITS)}"\r\nAge: ${'0'.repeat(ageDigits)}`;
  const ageEnd = text.length;
  const places = { buffer: NO_BYTES, hashOffset, ageEnd, ageDigits, wholeDigits, remainingDigits };
  if (remainingDigits === NO_TTL_DIGITS) {
    text += `\r\nCache-Control: ${REVALIDATE}\r\nCache-Status: ${STATUS_OF_HIT}`;
    return { ...places, buffer: encodeText(text), maxAgeEnd: 0, statusEnd: 0, remainingEnd: 0 };
  }
  text += `\r\nCache-Control: max-age=${'0'.repeat(wholeDigits)}`;
  const maxAgeEnd = text.length;
  text += `\r\nCache-Status: ${STATUS_OF_HIT}; ttl=${'0'.repeat(wholeDigits)}`;
  const statusEnd = text.length;
  text += `\r\n${TTL_REMAINING_HEADER}: ${'0'.repeat(remainingDigits)}`;
  return { ...places, buffer: encodeText(text), maxAgeEnd, statusEnd, remainingEnd: text.length };
}

/** Writes a number that has so many digits; none for 0 digits. */
function writeDigits(buffer: Uint8Array, end: number, digitCount: number, count: number): void {
  let left = count;
  for (let index = end - 1; index >= end - digitCount; index--) {
    const tenth = Math.floor(left / 10);
    buffer[index] = DIGIT_ZERO + (left - tenth * 10);
    left = tenth;
  }
}

function countDigits(count: number): number {
  let digitCount = 1;
  for (let limit = 10; limit <= count; limit *= 10) digitCount++;
  return digitCount;
}
