import { isUtf8 } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MemberNames } from './member-names.js';
import { findUtf8Fault } from './utf8-fault.js';

/** Objects and arrays within each other; more are refused. */
export const JSON_DEPTH_MAX = 64;

/** Why bytes are not JSON that the service takes. */
export interface JsonProblem {
  /** Where it shows, in bytes from the start. */
  readonly offsetBytes: number;
  /** One clause, with the offset, for the client; nothing of the document is repeated. */
  readonly message: string;
}

/** What a document of any size is found to be. */
export interface JsonFindings {
  /** `undefined` for well-formed JSON. */
  readonly problem: JsonProblem | undefined;
  /** Where the objects and arrays end that take long to walk through, by where they begin. */
  readonly longEnds: ReadonlyMap<number, number>;
}

/** Bytes that are scanned before others have their turn: a few milliseconds at the most. */
const TURN_BYTES = 262_144;
/** There are at most 64 levels of objects and arrays so long, so few of them in all. */
const LONG_BYTES = 65_536;

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const DIGIT_0 = 0x30;
const COLON = 0x3a;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const BRACKET_CLOSE = 0x5d;
const LETTER_E = 0x65;
const LETTER_U = 0x75;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const CASE_BIT = 0x20;
const HEX_DIGITS = 4;
/** No byte: what stands behind the end. */
const END = -1;

/** Bytes at which reading a string must stop: its end, an escape, and what must be escaped. */
const STRING_STOPS: Uint8Array = markBytes((byte) => {
  return byte < 0x20 || byte === QUOTE || byte === BACKSLASH;
});
const ESCAPES: Uint8Array = markBytes((byte) => '"\\/bfnrtu'.includes(String.fromCharCode(byte)));
const HEX: Uint8Array = markBytes((byte) => /[0-9a-fA-F]/.test(String.fromCharCode(byte)));
const SPACES: Uint8Array = markBytes((byte) => ' \t\n\r'.includes(String.fromCharCode(byte)));
const LITERALS: ReadonlyMap<number, Uint8Array> = new Map(
  ['true', 'false', 'null'].map((text) => [text.charCodeAt(0), Buffer.from(text)]),
);

const names = new MemberNames();

/**
 * Checks that the bytes are one JSON document (RFC 8259) and nothing else: in UTF-8 without a byte
 * order mark, nested at most 64 deep, no object with a name twice. Numbers of any size and
 * escapes of single surrogates are well-formed. Takes a time in proportion to the length, whatever
 * the bytes are.
 *
 * @returns `undefined` when it is one
 */
export function checkJson(bytes: Uint8Array): JsonProblem | undefined {
  const problem = findEncodingProblem(bytes);
  if (problem !== undefined) return problem;
  names.begin(bytes);
  try {
    const scanner = new JsonScanner(bytes, names);
    scanner.scan(bytes.length);
    return scanner.problem;
  } finally {
    names.end();
  }
}

/** As `checkJson`, in turns with other work: a large document holds nobody up. */
export async function checkJsonInTurns(bytes: Uint8Array): Promise<JsonFindings> {
  if (bytes.length <= TURN_BYTES) return { problem: checkJson(bytes), longEnds: new Map() };
  const problem = findEncodingProblem(bytes);
  if (problem !== undefined) return { problem, longEnds: new Map() };
  // Its own: another document may be checked before this one is through.
  const ownNames = new MemberNames();
  ownNames.begin(bytes);
  const scanner = new JsonScanner(bytes, ownNames);
  for (let end = TURN_BYTES; !scanner.scan(end); end = scanner.offset + TURN_BYTES) {
    await nextTurn();
  }
  return { problem: scanner.problem, longEnds: scanner.longEnds };
}

function findEncodingProblem(bytes: Uint8Array): JsonProblem | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return problem(0, 'a byte order mark stands before the JSON');
  }
  return isUtf8(bytes) ? undefined : problem(findUtf8Fault(bytes), 'the text is not UTF-8');
}

/** One pass over a document, in steps; the open objects and arrays lie on a stack of fixed size. */
class JsonScanner {
  problem: JsonProblem | undefined;
  readonly longEnds = new Map<number, number>();
  private readonly bytes: Uint8Array;
  private readonly names: MemberNames;
  private at = 0;
  private depth = 0;
  /** By depth: whether it is an object, where it begins, and where its names begin. */
  private readonly isObject = new Uint8Array(JSON_DEPTH_MAX);
  private readonly starts = new Float64Array(JSON_DEPTH_MAX);
  private readonly firstName = new Int32Array(JSON_DEPTH_MAX);

  constructor(bytes: Uint8Array, names: MemberNames) {
    this.bytes = bytes;
    this.names = names;
  }

  get offset(): number {
    return this.at;
  }

  /** Scans on to the end of the value that goes past `until`; whether there is no more to do. */
  scan(until: number): boolean {
    for (;;) {
      if (!this.scanValueStart()) return true;
      while (this.depth > 0 && this.isAtClose()) this.close();
      if (this.depth === 0) {
        if (this.skipSpace() !== END) this.fail('something follows the JSON');
        return true;
      }
      if (!this.scanSeparator()) return true;
      if (this.at > until) return false;
    }
  }

  /** A whole string, number or literal, or what opens objects and arrays up to a first value. */
  private scanValueStart(): boolean {
    for (;;) {
      const byte = this.skipSpace();
      if (byte === BRACE_OPEN || byte === BRACKET_OPEN) {
        if (!this.open(byte === BRACE_OPEN)) return false;
        const next = this.skipSpace();
        if (next === (byte === BRACE_OPEN ? BRACE_CLOSE : BRACKET_CLOSE)) return true;
        if (byte === BRACE_OPEN && !this.scanName()) return false;
      } else if (byte === QUOTE) {
        return this.scanString() !== END;
      } else if (byte === MINUS || isDigit(byte)) {
        return this.scanNumber();
      } else {
        return this.scanLiteral(byte);
      }
    }
  }

  private open(isObject: boolean): boolean {
    if (this.depth === JSON_DEPTH_MAX) {
      return this.fail(`the JSON is nested deeper than ${JSON_DEPTH_MAX} levels`);
    }
    this.isObject[this.depth] = isObject ? 1 : 0;
    this.starts[this.depth] = this.at;
    this.firstName[this.depth] = this.names.size;
    this.depth += 1;
    this.at += 1;
    return true;
  }

  private isAtClose(): boolean {
    const close = this.isObject[this.depth - 1] === 1 ? BRACE_CLOSE : BRACKET_CLOSE;
    return this.skipSpace() === close;
  }

  private close(): void {
    this.depth -= 1;
    this.at += 1;
    const start = this.starts[this.depth] as number;
    if (this.at - start > LONG_BYTES) this.longEnds.set(start, this.at);
    if (this.isObject[this.depth] === 1) {
      this.names.removeFrom(this.firstName[this.depth] as number);
    }
  }

  /** The comma before a further value, and in an object its name. */
  private scanSeparator(): boolean {
    const isObject = this.isObject[this.depth - 1] === 1;
    if (this.skipSpace() !== COMMA) {
      return this.fail(`a comma or the end of the ${isObject ? 'object' : 'array'} is missing`);
    }
    this.at += 1;
    return !isObject || this.scanName();
  }

  private scanName(): boolean {
    if (this.skipSpace() !== QUOTE) return this.fail('the name of a member is missing');
    const start = this.at;
    const escapes = this.scanString();
    if (escapes === END) return false;
    const first = this.firstName[this.depth - 1] as number;
    const isNew =
      escapes === 0
        ? this.names.add(first, start + 1, this.at - 1)
        : this.names.addDecoded(first, decodeString(this.bytes, start, this.at));
    if (!isNew) {
      this.at = start;
      return this.fail('an object has two members of one name');
    }
    if (this.skipSpace() !== COLON) return this.fail('the colon behind a name is missing');
    this.at += 1;
    return true;
  }

  /** The number of escapes in the string that begins here; END when it is broken. */
  private scanString(): number {
    const { bytes } = this;
    let escapes = 0;
    let at = this.at + 1;
    for (;;) {
      while (at < bytes.length && STRING_STOPS[bytes[at] as number] === 0) at++;
      this.at = at;
      const byte = this.current();
      if (byte === QUOTE) {
        this.at += 1;
        return escapes;
      }
      if (byte !== BACKSLASH) {
        this.fail('a character in a string must be escaped');
        return END;
      }
      if (!this.scanEscape()) return END;
      escapes += 1;
      at = this.at;
    }
  }

  private scanEscape(): boolean {
    this.at += 1;
    const byte = this.current();
    if (byte === END || ESCAPES[byte] === 0) return this.fail('no escape of JSON stands here');
    this.at += 1;
    if (byte !== LETTER_U) return true;
    for (const end = this.at + HEX_DIGITS; this.at < end; this.at++) {
      const digit = this.current();
      if (digit === END || HEX[digit] === 0) return this.fail('four hex digits must follow \\u');
    }
    return true;
  }

  private scanNumber(): boolean {
    if (this.current() === MINUS) this.at += 1;
    if (this.current() === DIGIT_0) this.at += 1;
    else if (!this.scanDigits()) return false;
    if (this.current() === POINT) {
      this.at += 1;
      if (!this.scanDigits()) return false;
    }
    if ((this.current() | CASE_BIT) === LETTER_E) {
      this.at += 1;
      const sign = this.current();
      if (sign === PLUS || sign === MINUS) this.at += 1;
      return this.scanDigits();
    }
    return true;
  }

  private scanDigits(): boolean {
    const start = this.at;
    while (isDigit(this.current())) this.at += 1;
    return this.at > start || this.fail('a digit of a number is missing');
  }

  private scanLiteral(first: number): boolean {
    const literal = LITERALS.get(first);
    if (literal === undefined) return this.fail('no value begins here');
    for (const byte of literal) {
      if (this.current() !== byte) return this.fail('no value begins here');
      this.at += 1;
    }
    return true;
  }

  /** The first byte that is no white space, where reading goes on. */
  private skipSpace(): number {
    let byte = this.current();
    while (byte !== END && SPACES[byte] === 1) {
      this.at += 1;
      byte = this.current();
    }
    return byte;
  }

  private current(): number {
    return this.at < this.bytes.length ? (this.bytes[this.at] as number) : END;
  }

  private fail(message: string): false {
    const isCut = this.at >= this.bytes.length;
    this.problem ??= problem(this.at, isCut ? 'the JSON ends before it is complete' : message);
    return false;
  }
}

/**
 * The text of a JSON string, quotes and all, which must be well-formed. Single surrogates stay
 * what they are.
 */
export function decodeString(bytes: Uint8Array, start: number, end: number): string {
  const { buffer, byteOffset } = bytes;
  let at = start + 1;
  while (at < end - 1 && (bytes[at] as number) < 0x80 && bytes[at] !== BACKSLASH) at++;
  // Most strings are ASCII without escapes, and stand for themselves.
  if (at === end - 1) {
    return Buffer.from(buffer, byteOffset + start + 1, end - start - 2).toString('latin1');
  }
  return JSON.parse(Buffer.from(buffer, byteOffset + start, end - start).toString()) as string;
}

function isDigit(byte: number): boolean {
  return byte >= DIGIT_0 && byte < DIGIT_0 + 10;
}

function markBytes(isMarked: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (isMarked(byte) ? 1 : 0));
}

function problem(offsetBytes: number, what: string): JsonProblem {
  return { offsetBytes, message: `${what}, at byte ${offsetBytes}` };
}
