import {
  RESULT_CONTENT_TYPE_BYTES,
  RESULT_EXPIRY_MS,
  RESULT_ITEM,
  RESULT_VALUE_BYTES,
} from '../../native-free-core/assembly/layout.js';
import { bufferTooSmall } from '../errors.js';
import type { ThreadSession } from '../thread-session.js';
import { joinRuns, valueRuns } from './entry-bytes.js';

/** An entry whose bytes lie on the heap of this thread. */
export interface KeptEntry {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  /** In arena time; Infinity = none. */
  readonly expiryMs: number;
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

  /** The content type that was stored with the value. */
  get contentType(): string | undefined {
    if (this.#kept !== undefined) return this.#kept.contentType;
    const lengthBytes = this.#session.resultWords[RESULT_CONTENT_TYPE_BYTES / 4] as number;
    if (lengthBytes === 0) return undefined;
    const { buffer, contentTypeAddress } = this.#session;
    return buffer.toString('latin1', contentTypeAddress, contentTypeAddress + lengthBytes);
  }
}
