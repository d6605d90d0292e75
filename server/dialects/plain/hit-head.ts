import type { StoredView } from '../../cache/cache-store.js';
import type { SentForm, ValueCodec } from '../../codecs/stored-value.js';
import {
  CONTENT_TYPE_HEADER,
  DEFAULT_CONTENT_TYPE,
  encodeText,
  HIT_HEADER,
  TTL_REMAINING_HEADER,
} from '../../wire.js';

/** The headers of a hit begin with this one; `HitHead` gives its value and the lines behind it. */
export const HIT_HEAD_NAME: Uint8Array = encodeText(HIT_HEADER);

/** Member of Cache-Status (RFC 9211) that this cache adds. */
const STATUS_OF_HIT = 'hotshard; hit';
/** What an answer depends on where a value can be given in several forms. */
const NEGOTIATED_HEADERS = 'Accept, Accept-Encoding';
/**
 * Cache-Control of an entry without an end. Nobody has said how long its value may be used, and it
 * may be replaced at any moment: other caches may keep it, and ask each time whether it still is
 * the one of this ETag.
 */
const REVALIDATE = 'no-cache';
/** Begins the stored type of bytes that are compressed. */
const COMPRESSED = /^(?:lz4|gzip|br):/;
/** Digits of the longest time that is exact in milliseconds, in seconds. */
const SECONDS_DIGITS_MAX = 13;
/** Programs use a handful of content types; made-up ones must not hold memory. */
const HEADS_MAX = 64;
const HASH_DIGITS = 16;
const DIGIT_ZERO = 0x30;
const INTEGER_MAX = 0x7fff_ffff;
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

/** What a head tells of an entry. */
export type DescribedEntry = Pick<StoredView, 'ttlMs' | 'ageMs' | 'writeHash'>;

/** The headers of hits whose values go out in one form. */
export class HitHead {
  readonly form: SentForm;
  /** Whether the value can be given in no other form. */
  readonly isPlain: boolean;
  /** What the tag says behind the hash of the stored bytes; empty where those go out. */
  readonly tagSuffix: string;
  /** Whether it is the stored type of bytes that are compressed. */
  readonly isCompressed: boolean;
  /** By the numbers of digits. */
  private readonly shapes: (Shape | undefined)[] = [];

  constructor(form: SentForm, isPlain: boolean, tagSuffix: string) {
    this.form = form;
    this.isPlain = isPlain;
    this.tagSuffix = tagSuffix;
    this.isCompressed = COMPRESSED.test(form.contentType);
  }

  /**
   * Whether a client takes the form, as far as that is plain to see; else the codec decides.
   *
   * @param accept as sent; empty for anything
   */
  isContentFor(accept: string): boolean {
    if (this.isPlain) return true;
    const takesAny = accept === '' || accept === '*/*' || accept === this.form.contentType;
    return takesAny && !this.isCompressed;
  }

  /** @returns the value of `HIT_HEAD_NAME` and further lines, valid until the next call */
  encode(entry: DescribedEntry): Uint8Array {
    const { ttlMs } = entry;
    const ageSeconds = Math.floor(entry.ageMs / 1_000);
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
    entry.writeHash(buffer, shape.hashOffset);
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
 * The heads of hits, by the forms of their values. Handing strings to the transport one by one
 * costs more than finding the entry, so all lines are bytes that are made once, into which only
 * digits are written.
 */
export class HitHeads {
  private readonly codec: Pick<ValueCodec, 'isPlain'>;
  private readonly storedHeads = new Map<string, HitHead>();
  private readonly heads = new Map<string, HitHead>();
  private lastType: string | undefined;
  private lastHead: HitHead | undefined;

  constructor(codec: Pick<ValueCodec, 'isPlain'>) {
    this.codec = codec;
  }

  /**
   * The head of a value that goes out as it is stored, without a coding.
   *
   * @param storedType printable ASCII; `undefined` for the default
   */
  findStored(storedType: string | undefined): HitHead {
    if (this.lastHead !== undefined && this.lastType === storedType) return this.lastHead;
    const contentType = storedType ?? DEFAULT_CONTENT_TYPE;
    let head = this.storedHeads.get(contentType);
    if (head === undefined) {
      const form = { contentType, contentEncoding: undefined };
      head = new HitHead(form, this.codec.isPlain(storedType), '');
      keep(this.storedHeads, contentType, head);
    }
    this.lastType = storedType;
    this.lastHead = head;
    return head;
  }

  /**
   * The head of a value that can be given in several forms, and goes out in this one.
   *
   * @param isAsStored whether the bytes are those that are stored
   */
  findForm(form: SentForm, isAsStored: boolean): HitHead {
    const { contentType, contentEncoding = '' } = form;
    // No header holds a line feed, so that no two forms give one name.
    const name = `${contentType}\n${contentEncoding}\n${isAsStored ? 1 : 0}`;
    let head = this.heads.get(name);
    if (head === undefined) {
      head = new HitHead(form, false, isAsStored ? '' : `-${nameForm(form)}`);
      keep(this.heads, name, head);
    }
    return head;
  }
}

function keep(heads: Map<string, HitHead>, name: string, head: HitHead): void {
  if (heads.size >= HEADS_MAX) heads.clear();
  heads.set(name, head);
}

/** The form that a value was brought into, as a part of its tag: each form has other bytes. */
function nameForm({ contentType, contentEncoding }: SentForm): string {
  const [mediaType = ''] = contentType.split(';', 1);
  const subtype = mediaType.slice(mediaType.indexOf('/') + 1);
  return (contentEncoding ?? subtype).replace(/[^A-Za-z0-9]+/g, '-');
}

function createShape(
  { form, isPlain, tagSuffix }: HitHead,
  ageDigits: number,
  remainingDigits: number,
  wholeDigits: number,
): Shape {
  const { contentType, contentEncoding } = form;
  let text = `true\r\n${CONTENT_TYPE_HEADER}: ${contentType}\r\nAccept-Ranges: none`;
  if (contentEncoding !== undefined) text += `\r\nContent-Encoding: ${contentEncoding}`;
  if (!isPlain) text += `\r\nVary: ${NEGOTIATED_HEADERS}`;
  text += '\r\nETag: "';
  const hashOffset = text.length;
  text += `${'0'.repeat(HASH_DIGITS)}${tagSuffix}"\r\nAge: ${'0'.repeat(ageDigits)}`;
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
  const first = end - digitCount;
  let index = end - 1;
  let left = count;
  // Only numbers of 31 bits are divided fast.
  for (; left > INTEGER_MAX && index >= first; index--) {
    const tenth = Math.floor(left / 10);
    buffer[index] = DIGIT_ZERO + (left - tenth * 10);
    left = tenth;
  }
  for (let rest = left | 0; index >= first; index--) {
    const tenth = (rest / 10) | 0;
    buffer[index] = DIGIT_ZERO + (rest - tenth * 10);
    rest = tenth;
  }
}

function countDigits(count: number): number {
  let digitCount = 1;
  for (let limit = 10; limit <= count; limit *= 10) digitCount++;
  return digitCount;
}
