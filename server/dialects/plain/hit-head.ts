import {
  CONTENT_TYPE_HEADER,
  DEFAULT_CONTENT_TYPE,
  encodeText,
  HIT_HEADER,
  TTL_REMAINING_HEADER,
} from '../../wire.js';

/** The headers of a hit begin with this one; `HitHeads` gives its value and the lines behind it. */
export const HIT_HEAD_NAME: Uint8Array = encodeText(HIT_HEADER);

/** Digits of the longest time that is exact in milliseconds, in seconds. */
const SECONDS_DIGITS_MAX = 13;
/** Programs use a handful of content types; made-up ones must not hold memory. */
const CONTENT_TYPES_MAX = 64;
const DIGIT_ZERO = 0x30;

/** The bytes of one content type, once without a TTL and once with room for its digits. */
interface Template {
  readonly withoutTtl: Uint8Array;
  readonly buffer: Uint8Array;
  readonly digitsOffset: number;
  /** Views of the buffer by the number of digits. */
  readonly withTtl: readonly Uint8Array[];
}

/**
 * Encodes the headers of hits. Handing strings to the transport one by one costs more than finding
 * the entry, so all lines are bytes made once for each content type, into which only the digits of
 * the remaining time are written.
 */
export class HitHeads {
  private readonly templates = new Map<string, Template>();
  private lastType = '';
  private lastTemplate: Template | undefined;

  /**
   * @param contentType printable ASCII; `undefined` for the default
   * @param ttlMs remaining milliseconds; `Infinity` for an entry without an end
   * @returns the value of `HIT_HEAD_NAME` and further lines, valid until the next call
   */
  encode(contentType: string | undefined, ttlMs: number): Uint8Array {
    const template = this.find(contentType ?? DEFAULT_CONTENT_TYPE);
    if (ttlMs === Number.POSITIVE_INFINITY) return template.withoutTtl;
    let seconds = Math.ceil(ttlMs / 1_000);
    const digitCount = countDigits(seconds);
    const { buffer, digitsOffset } = template;
    for (let index = digitsOffset + digitCount - 1; index >= digitsOffset; index--) {
      buffer[index] = DIGIT_ZERO + (seconds % 10);
      seconds = Math.floor(seconds / 10);
    }
    return template.withTtl[digitCount] ?? template.withoutTtl;
  }

  private find(contentType: string): Template {
    if (this.lastTemplate !== undefined && this.lastType === contentType) return this.lastTemplate;
    let template = this.templates.get(contentType);
    if (template === undefined) {
      if (this.templates.size >= CONTENT_TYPES_MAX) this.templates.clear();
      template = createTemplate(contentType);
      this.templates.set(contentType, template);
    }
    this.lastType = contentType;
    this.lastTemplate = template;
    return template;
  }
}

function createTemplate(contentType: string): Template {
  const head = `true\r\n${CONTENT_TYPE_HEADER}: ${contentType}`;
  const start = encodeText(`${head}\r\n${TTL_REMAINING_HEADER}: `);
  const buffer = new Uint8Array(start.length + SECONDS_DIGITS_MAX);
  buffer.set(start);
  const withTtl: Uint8Array[] = [];
  for (let digitCount = 0; digitCount <= SECONDS_DIGITS_MAX; digitCount++) {
    withTtl.push(buffer.subarray(0, start.length + digitCount));
  }
  return { withoutTtl: encodeText(head), buffer, digitsOffset: start.length, withTtl };
}

function countDigits(count: number): number {
  let digitCount = 1;
  for (let limit = 10; limit <= count; limit *= 10) digitCount++;
  return digitCount;
}
