import { decodeString } from './scan-json.js';

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const BRACKET_CLOSE = 0x5d;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const SPACE = 0x20;
const NO_ENDS: ReadonlyMap<number, number> = new Map();

/**
 * A value inside a document that `checkJson` has found well-formed, as a range of its bytes. Its
 * text is never written anew, so what passes through stays as it came, to the last digit. Members
 * and items are found while iterating: nothing is built for a document of any length.
 */
export class JsonValue {
  readonly kind: JsonKind;
  private readonly bytes: Uint8Array;
  private readonly longEnds: ReadonlyMap<number, number>;
  private readonly start: number;
  private knownEnd = 0;

  private constructor(bytes: Uint8Array, longEnds: ReadonlyMap<number, number>, start: number) {
    this.bytes = bytes;
    this.longEnds = longEnds;
    this.start = start;
    this.kind = kindOf(bytes[start] as number);
  }

  /**
   * The document's value; the bytes must have passed `checkJson`, and must not change.
   *
   * @param longEnds what the check has found, where it did: spares a second walk
   */
  static of(bytes: Uint8Array, longEnds: ReadonlyMap<number, number> = NO_ENDS): JsonValue {
    return new JsonValue(bytes, longEnds, skipSpace(bytes, 0));
  }

  // Found when it is asked for: whoever looks into a value learns it on the way.
  private get end(): number {
    if (this.knownEnd === 0) {
      this.knownEnd = this.longEnds.get(this.start) ?? findEnd(this.bytes, this.start);
    }
    return this.knownEnd;
  }

  /** The bytes of the value as they stand in the document: a view. */
  get text(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }

  /** Whether the text is the given ASCII one, such as `true`. */
  isText(text: string): boolean {
    if (text.length !== this.end - this.start) return false;
    for (let index = 0; index < text.length; index++) {
      if (text.charCodeAt(index) !== this.bytes[this.start + index]) return false;
    }
    return true;
  }

  /** What a string says; `undefined` for another kind. */
  asString(): string | undefined {
    return this.kind === 'string' ? decodeString(this.bytes, this.start, this.end) : undefined;
  }

  /** What `true` or `false` says; `undefined` for another kind. */
  asBoolean(): boolean | undefined {
    return this.kind === 'boolean' ? this.isText('true') : undefined;
  }

  /**
   * A whole number from 0 to 2^53 - 1 that is written in digits alone; `undefined` for anything
   * else, so that no number is rounded on its way.
   */
  asCount(): number | undefined {
    if (this.kind !== 'number') return undefined;
    const text = Buffer.from(this.text).toString('latin1');
    const count = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
    return Number.isSafeInteger(count) ? count : undefined;
  }

  /** The members of an object in order; none of another kind. */
  *members(): Generator<readonly [name: string, value: JsonValue], void, undefined> {
    if (this.kind !== 'object') return;
    const { bytes } = this;
    let at = skipSpace(bytes, this.start + 1);
    while (bytes[at] !== BRACE_CLOSE) {
      const nameEnd = findEnd(bytes, at);
      const name = decodeString(bytes, at, nameEnd);
      const colon = skipSpace(bytes, nameEnd);
      const value = new JsonValue(bytes, this.longEnds, skipSpace(bytes, colon + 1));
      yield [name, value];
      at = skipSeparator(bytes, value.end);
    }
  }

  /** The items of an array in order; none of another kind. */
  *items(): Generator<JsonValue, void, undefined> {
    if (this.kind !== 'array') return;
    const { bytes } = this;
    let at = skipSpace(bytes, this.start + 1);
    while (bytes[at] !== BRACKET_CLOSE) {
      const value = new JsonValue(bytes, this.longEnds, at);
      yield value;
      at = skipSeparator(bytes, value.end);
    }
  }
}

function kindOf(first: number): JsonKind {
  switch (first) {
    case BRACE_OPEN:
      return 'object';
    case BRACKET_OPEN:
      return 'array';
    case QUOTE:
      return 'string';
    case 0x74:
    case 0x66:
      return 'boolean';
    case 0x6e:
      return 'null';
    default:
      return 'number';
  }
}

/** Where the value ends that begins here. */
function findEnd(bytes: Uint8Array, start: number): number {
  const first = bytes[start];
  if (first === QUOTE) return findStringEnd(bytes, start);
  if (first !== BRACE_OPEN && first !== BRACKET_OPEN) return findScalarEnd(bytes, start);
  let depth = 0;
  let at = start;
  for (;;) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = findStringEnd(bytes, at);
      continue;
    }
    at += 1;
    if (byte === BRACE_OPEN || byte === BRACKET_OPEN) depth += 1;
    else if ((byte === BRACE_CLOSE || byte === BRACKET_CLOSE) && --depth === 0) return at;
    else if (byte === undefined) throw new RangeError('the document was not checked');
  }
}

function findStringEnd(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at += 1;
  }
  throw new RangeError('the document was not checked');
}

/** Numbers and literals end at white space, a comma, a bracket, or with the document. */
function findScalarEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  for (; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte <= SPACE || byte === COMMA || byte === BRACKET_CLOSE || byte === BRACE_CLOSE) break;
  }
  return at;
}

/** Behind a comma, or at the bracket that closes. */
function skipSeparator(bytes: Uint8Array, end: number): number {
  const at = skipSpace(bytes, end);
  return bytes[at] === COMMA ? skipSpace(bytes, at + 1) : at;
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && (bytes[at] as number) <= SPACE) at++;
  return at;
}
