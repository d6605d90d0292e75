import { VALUE_DEPTH_MAX, VALUE_ELEMENTS_MAX } from './conversion-limits.js';
import { parseExactNumber } from './exact-number.js';
import { InexactConversionError } from './inexact-conversion.js';

/** A value as MessagePack has it: objects are Maps, in the order of the text. */
export type ExactValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly ExactValue[]
  | ReadonlyMap<string, ExactValue>;

const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const BRACKET_CLOSE = 0x5d;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Reads JSON that was checked before without changing a value: `JSON.parse` would round numbers,
 * make halves of surrogate pairs out of escapes, and drop members that come twice.
 */
export class JsonReader {
  private readonly bytes: Buffer;
  private at = 0;
  private depth = 0;
  private valueCount = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** @throws {InexactConversionError} for what MessagePack cannot hold, and for what is no JSON */
  read(): ExactValue {
    const value = this.readValue();
    if (this.skipSpace() !== undefined) throw broken();
    return value;
  }

  private readValue(): ExactValue {
    this.valueCount += 1;
    if (this.valueCount > VALUE_ELEMENTS_MAX) {
      throw new InexactConversionError(`the JSON has more than ${VALUE_ELEMENTS_MAX} values`);
    }
    switch (this.skipSpace()) {
      case BRACE_OPEN:
        return this.nest(() => this.readObject());
      case BRACKET_OPEN:
        return this.nest(() => this.readArray());
      case QUOTE:
        return this.readString();
      default:
        return this.readWord();
    }
  }

  private nest<T>(read: () => T): T {
    this.depth += 1;
    if (this.depth > VALUE_DEPTH_MAX) throw broken();
    this.at += 1;
    const value = read();
    this.depth -= 1;
    return value;
  }

  private readObject(): ReadonlyMap<string, ExactValue> {
    const members = new Map<string, ExactValue>();
    if (this.takes(BRACE_CLOSE)) return members;
    do {
      if (this.skipSpace() !== QUOTE) throw broken();
      const name = this.readString();
      if (!this.takes(COLON)) throw broken();
      if (members.has(name)) {
        throw new InexactConversionError('an object of the JSON has a name twice');
      }
      members.set(name, this.readValue());
    } while (this.takes(COMMA));
    if (!this.takes(BRACE_CLOSE)) throw broken();
    return members;
  }

  private readArray(): readonly ExactValue[] {
    const items: ExactValue[] = [];
    if (this.takes(BRACKET_CLOSE)) return items;
    do items.push(this.readValue());
    while (this.takes(COMMA));
    if (!this.takes(BRACKET_CLOSE)) throw broken();
    return items;
  }

  private readString(): string {
    const start = this.at + 1;
    let end = start;
    let isEscaped = false;
    for (; this.bytes[end] !== QUOTE; end++) {
      if (end >= this.bytes.length) throw broken();
      if (this.bytes[end] !== BACKSLASH) continue;
      isEscaped = true;
      end += 1;
    }
    this.at = end + 1;
    if (!isEscaped) return this.bytes.toString('utf8', start, end);
    const text = JSON.parse(this.bytes.toString('utf8', start - 1, end + 1)) as string;
    if (LONE_SURROGATE.test(text)) {
      throw new InexactConversionError('a text of the JSON holds half of a surrogate pair');
    }
    return text;
  }

  private readWord(): null | boolean | number | bigint {
    const start = this.at;
    while (!endsWord(this.bytes[this.at])) this.at += 1;
    const word = this.bytes.toString('latin1', start, this.at);
    if (word === 'null') return null;
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === '' || Number.isNaN(Number(word))) throw broken();
    return parseExactNumber(word);
  }

  private takes(byte: number): boolean {
    if (this.skipSpace() !== byte) return false;
    this.at += 1;
    return true;
  }

  private skipSpace(): number | undefined {
    for (;;) {
      const byte = this.bytes[this.at];
      if (byte !== SPACE && byte !== LINE_FEED && byte !== RETURN && byte !== TAB) return byte;
      this.at += 1;
    }
  }
}

function endsWord(byte: number | undefined): boolean {
  switch (byte) {
    case undefined:
    case SPACE:
    case LINE_FEED:
    case RETURN:
    case TAB:
    case COMMA:
    case COLON:
    case BRACKET_CLOSE:
    case BRACE_CLOSE:
    case QUOTE:
      return true;
    default:
      return false;
  }
}

function broken(): InexactConversionError {
  return new InexactConversionError('what is stored is not the JSON that its type says');
}
