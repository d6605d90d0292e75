import { KeyedHash } from './keyed-hash.js';

/** Of one name: where it begins and ends, its hash, and its place in the table. */
const NAME_WORDS = 4;
const NAME_END = 1;
const NAME_HASH = 2;
const NAME_SLOT = 3;
const NAMES_START = 64;
/** Larger tables are not kept from one document to the next. */
const NAMES_KEPT_MAX = 4_096;
const DECODED_START_BYTES = 256;
const DECODED_KEPT_BYTES = 65_536;
const NO_DOCUMENT = new Uint8Array(0);

/**
 * The names of all members of the objects that are open while a document is read, to find the ones
 * that an object has twice. They lie on a stack, innermost object last, with one hash table over
 * it: names leave in the reverse order in which they came, so a table with linear probing needs no
 * marks for what was removed. Names are ranges of the document; those with escapes are decoded
 * into bytes of their own, because `"a"` and `"\u0061"` are one name.
 */
export class MemberNames {
  private readonly hash = new KeyedHash();
  private document: Uint8Array = NO_DOCUMENT;
  private names = new Int32Array(NAMES_START * NAME_WORDS);
  /** Indexes of names, plus one; 0 is a free place. */
  private table = new Int32Array(NAMES_START * 2);
  private decoded = new Uint8Array(DECODED_START_BYTES);
  private decodedBytes = 0;
  private count = 0;

  /** Names on the stack: an object that is opened now begins here. */
  get size(): number {
    return this.count;
  }

  /** Forgets everything, for the next document. */
  begin(document: Uint8Array): void {
    this.document = document;
    this.decodedBytes = 0;
    this.count = 0;
    if (this.names.length > NAMES_KEPT_MAX * NAME_WORDS) {
      this.names = new Int32Array(NAMES_START * NAME_WORDS);
      this.table = new Int32Array(NAMES_START * 2);
    } else {
      this.table.fill(0);
    }
    if (this.decoded.length > DECODED_KEPT_BYTES) {
      this.decoded = new Uint8Array(DECODED_START_BYTES);
    }
  }

  /** Lets go of the document, and of the tables of a large one. */
  end(): void {
    this.begin(NO_DOCUMENT);
  }

  /**
   * Adds a name that stands in the document without escapes.
   *
   * @param first where the names of its object begin
   * @returns false when the object has it already
   */
  add(first: number, start: number, end: number): boolean {
    return this.insert(first, start, end);
  }

  /** Adds a name that has escapes, by what they stand for. */
  addDecoded(first: number, name: string): boolean {
    const start = this.decodedBytes;
    this.encode(name);
    // Places in the other buffer are below zero.
    return this.insert(first, ~start, ~this.decodedBytes);
  }

  /** Removes the names of the innermost object, which begin at `first`. */
  removeFrom(first: number): void {
    const { names, table } = this;
    for (let index = this.count - 1; index >= first; index--) {
      table[names[index * NAME_WORDS + NAME_SLOT] as number] = 0;
      const start = names[index * NAME_WORDS] as number;
      if (start < 0) this.decodedBytes = ~start;
    }
    this.count = first;
  }

  private insert(first: number, start: number, end: number): boolean {
    if ((this.count + 1) * NAME_WORDS > this.names.length) this.grow();
    const source = start < 0 ? this.decoded : this.document;
    const from = start < 0 ? ~start : start;
    const to = start < 0 ? ~end : end;
    const hash = this.hash.digest(source, from, to);
    const { names, table } = this;
    const mask = table.length - 1;
    let slot = hash & mask;
    for (; table[slot] !== 0; slot = (slot + 1) & mask) {
      const index = (table[slot] as number) - 1;
      if (index < first || names[index * NAME_WORDS + NAME_HASH] !== hash) continue;
      if (this.equals(index, source, from, to)) return false;
    }
    const at = this.count * NAME_WORDS;
    names[at] = start;
    names[at + NAME_END] = end;
    names[at + NAME_HASH] = hash;
    names[at + NAME_SLOT] = slot;
    this.count += 1;
    table[slot] = this.count;
    return true;
  }

  private equals(index: number, source: Uint8Array, from: number, to: number): boolean {
    const start = this.names[index * NAME_WORDS] as number;
    const end = this.names[index * NAME_WORDS + NAME_END] as number;
    const known = start < 0 ? this.decoded : this.document;
    let at = start < 0 ? ~start : start;
    if ((start < 0 ? ~end : end) - at !== to - from) return false;
    for (let other = from; other < to; other++, at++) {
      if (source[other] !== known[at]) return false;
    }
    return true;
  }

  /** Twice the room. Names keep their order in the new table, on which removal relies. */
  private grow(): void {
    const names = new Int32Array(this.names.length * 2);
    names.set(this.names);
    const table = new Int32Array(this.table.length * 2);
    const mask = table.length - 1;
    for (let index = 0; index < this.count; index++) {
      let slot = (names[index * NAME_WORDS + NAME_HASH] as number) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = index + 1;
      names[index * NAME_WORDS + NAME_SLOT] = slot;
    }
    this.names = names;
    this.table = table;
  }

  /** Appends the name as UTF-8; halves of surrogate pairs in the same scheme, as three bytes. */
  private encode(name: string): void {
    const bytesMax = this.decodedBytes + name.length * 3;
    if (bytesMax > this.decoded.length) {
      const larger = new Uint8Array(bytesMax * 2);
      larger.set(this.decoded.subarray(0, this.decodedBytes));
      this.decoded = larger;
    }
    const { decoded } = this;
    let at = this.decodedBytes;
    for (let index = 0; index < name.length; index++) {
      const point = name.codePointAt(index) as number;
      if (point > 0xffff) index += 1;
      if (point < 0x80) {
        decoded[at++] = point;
        continue;
      }
      if (point < 0x800) {
        decoded[at++] = 0xc0 | (point >> 6);
      } else {
        if (point > 0xffff) decoded[at++] = 0xf0 | (point >> 18);
        decoded[at++] = point > 0xffff ? 0x80 | ((point >> 12) & 0x3f) : 0xe0 | (point >> 12);
        decoded[at++] = 0x80 | ((point >> 6) & 0x3f);
      }
      decoded[at++] = 0x80 | (point & 0x3f);
    }
    this.decodedBytes = at;
  }
}
