import {
  RESULT_CONTENT_TYPE_BYTES,
  RESULT_CREATED_MS,
  RESULT_EXPIRY_MS,
  RESULT_ITEM,
  RESULT_VALUE_BYTES,
  RESULT_VERSION,
} from '../../native-free-core/assembly/layout.js';
import { bufferTooSmall } from '../errors.js';
import type { ThreadSession } from '../thread-session.js';
import { joinRuns, valueRuns } from './entry-bytes.js';
import { ValueHash } from './value-hash.js';

/** ASCII of the sixteen digits. */
const HEX_DIGITS: Uint8Array = Buffer.from('0123456789abcdef');
const HASH_HALF_DIGITS = 8;

/** An entry whose bytes lie on the heap of this thread. */
export interface KeptEntry {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  /** In arena time; Infinity = none. */
  readonly expiryMs: number;
  /** In arena time. */
  readonly createdMs: number;
  /** 0 while the write is still on its way. */
  readonly version: number;
  /** Whether the halves of its hash are known; they are signed. */
  isHashed: boolean;
  hashLow: number;
  hashHigh: number;
}

/**
 * An entry as it lies in shared memory: what servers send without copying. One object per engine
 * and thread, filled anew by each `getView`: valid until the next call on this engine in this
 * thread.
 */
export class EntryView {
  readonly #session: ThreadSession;
  readonly #words: Uint32Array;
  readonly #viewsByLength: (Uint8Array | undefined)[];
  #bytes: Uint8Array | undefined;
  #chunks: readonly Uint8Array[] | undefined;
  #kept: KeptEntry | undefined;
  #hash: ValueHash | undefined;
  readonly #takeRuns = (): readonly Uint8Array[] => this.chunks;

  /** @internal */
  constructor(session: ThreadSession) {
    this.#session = session;
    this.#words = session.resultWords;
    this.#viewsByLength = new Array<Uint8Array | undefined>(session.scratchBytes + 1);
  }

  /** @internal Takes over what the core left in the result area after a hit. */
  load(): this {
    const words = this.#words;
    // Seldom set: looking costs less than storing.
    if (this.#chunks !== undefined) this.#chunks = undefined;
    if (this.#kept !== undefined) this.#kept = undefined;
    const lengthBytes = words[RESULT_VALUE_BYTES / 4] as number;
    this.#bytes = words[RESULT_ITEM / 4] === 0 ? this.#copied(lengthBytes) : undefined;
    return this;
  }

  /** @internal Shows bytes that this thread keeps: a copy, or a write that nobody has applied. */
  loadKept(kept: KeptEntry): this {
    if (this.#chunks !== undefined) this.#chunks = undefined;
    this.#kept = kept;
    return this;
  }

  // A new view costs more than the whole read: there is one for each length, all at one address.
  #copied(lengthBytes: number): Uint8Array {
    const known = this.#viewsByLength[lengthBytes];
    if (known !== undefined) return known;
    const { bytes, valueAddress } = this.#session;
    const view = new Uint8Array(bytes.buffer, valueAddress, lengthBytes);
    this.#viewsByLength[lengthBytes] = view;
    return view;
  }

  /**
   * The value in one run: a view of shared memory, or, for a value that lies in several pages, a
   * copy made at the first use.
   */
  get bytes(): Uint8Array {
    const kept = this.#kept;
    if (kept !== undefined) return kept.bytes;
    this.#bytes ??= joinRuns(this.chunks, this.sizeBytes);
    return this.#bytes;
  }

  /** @internal Copies the value to the start of the target; its bytes. */
  copyInto(target: Uint8Array): number {
    const { sizeBytes } = this;
    if (sizeBytes > target.length) throw bufferTooSmall(sizeBytes, target.length);
    let at = 0;
    if (this.#kept !== undefined) {
      target.set(this.#kept.bytes);
      return sizeBytes;
    }
    for (const chunk of this.#bytes === undefined ? this.chunks : [this.#bytes]) {
      target.set(chunk, at);
      at += chunk.length;
    }
    return sizeBytes;
  }

  /** @internal Copies what the core left after a hit, without becoming a view of it. */
  copyRead(target: Uint8Array): number {
    const words = this.#words;
    if (words[RESULT_ITEM / 4] !== 0) return this.load().copyInto(target);
    const valueBytes = words[RESULT_VALUE_BYTES / 4] as number;
    if (valueBytes > target.length) throw bufferTooSmall(valueBytes, target.length);
    target.set(this.#copied(valueBytes));
    return valueBytes;
  }

  /** The value as views of shared memory, in order; more than one for a large value. */
  get chunks(): readonly Uint8Array[] {
    const bytes = this.#kept === undefined ? this.#bytes : this.#kept.bytes;
    this.#chunks ??= bytes === undefined ? this.#pinnedRuns() : [bytes];
    return this.#chunks;
  }

  #pinnedRuns(): Uint8Array[] {
    const words = this.#session.resultWords;
    return valueRuns(this.#session, words[RESULT_ITEM / 4] as number, this.sizeBytes);
  }

  /** Bytes of the value. */
  get sizeBytes(): number {
    if (this.#kept !== undefined) return this.#kept.bytes.byteLength;
    return this.#words[RESULT_VALUE_BYTES / 4] as number;
  }

  /** Milliseconds that are left of the time to live; Infinity for an entry without one. */
  get ttlMs(): number {
    const expiryMs =
      this.#kept === undefined
        ? (this.#session.resultFloats[RESULT_EXPIRY_MS / 8] as number)
        : this.#kept.expiryMs;
    if (expiryMs === Number.POSITIVE_INFINITY) return expiryMs;
    return Math.max(0, expiryMs - this.#session.nowMs());
  }

  /** Milliseconds since the value was written. */
  get ageMs(): number {
    const createdMs =
      this.#kept === undefined
        ? (this.#session.resultFloats[RESULT_CREATED_MS / 8] as number)
        : this.#kept.createdMs;
    return Math.max(0, this.#session.nowMs() - createdMs);
  }

  /** What `setIf` and `deleteIf` compare; 0 while the write is still on its way. */
  get version(): number {
    if (this.#kept !== undefined) return this.#kept.version;
    return this.#session.resultFloats[RESULT_VERSION / 8] as number;
  }

  /**
   * Writes the XXH64 of the value (with the seed 0) as 16 hexadecimal digits in ASCII, such as the
   * ETag of an answer is made of. Equal values have equal hashes; it is no protection against
   * somebody who looks for two values with one hash.
   *
   * @param offset where the digits begin in the target, which has room for them
   */
  writeHash(target: Uint8Array, offset: number): void {
    const kept = this.#kept;
    if (kept === undefined) {
      const hash = this.#valueHash;
      hash.hashRead(this.sizeBytes, this.#takeRuns);
      writeHex(target, offset, hash.high);
      writeHex(target, offset + HASH_HALF_DIGITS, hash.low);
      return;
    }
    if (!kept.isHashed) this.#hashKept(kept);
    writeHex(target, offset, kept.hashHigh);
    writeHex(target, offset + HASH_HALF_DIGITS, kept.hashLow);
  }

  #hashKept(kept: KeptEntry): void {
    const hash = this.#valueHash;
    hash.hashRuns([kept.bytes]);
    kept.hashLow = hash.low;
    kept.hashHigh = hash.high;
    kept.isHashed = true;
  }

  // Most programs never ask for one.
  get #valueHash(): ValueHash {
    this.#hash ??= new ValueHash(this.#session);
    return this.#hash;
  }

  /** The content type that was stored with the value. */
  get contentType(): string | undefined {
    if (this.#kept !== undefined) return this.#kept.contentType;
    const lengthBytes = this.#session.resultWords[RESULT_CONTENT_TYPE_BYTES / 4] as number;
    if (lengthBytes === 0) return undefined;
    const { buffer, contentTypeAddress } = this.#session;
    return buffer.toString('latin1', contentTypeAddress, contentTypeAddress + lengthBytes);
  }
}

function writeHex(target: Uint8Array, offset: number, word: number): void {
  let rest = word;
  for (let at = offset + HASH_HALF_DIGITS - 1; at >= offset; at--) {
    target[at] = HEX_DIGITS[rest & 15] as number;
    rest >>>= 4;
  }
}
