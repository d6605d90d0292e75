import {
  RESULT_REFERENCE,
  RESULT_UPPER_HASH,
  RESULT_VERSION,
} from '../../native-free-core/assembly/layout.js';
import type { ThreadSession } from '../thread-session.js';

/** Stripes that XXH64 takes its input in. */
const STRIPE_BYTES = 32;
/** Smaller values are hashed sooner than looked up. */
const REMEMBERED_BYTES_MIN = 1_024;
/** A power of two. */
const PLACES = 2_048;

/**
 * XXH64, with the seed 0, of values wherever they lie. What it was for large values is remembered
 * by the write that they are of: hashing a megabyte takes longer than sending a small value.
 */
export class ValueHash {
  /** Halves of the last hash, as signed numbers: those need no memory of their own. */
  low = 0;
  high = 0;
  readonly #session: ThreadSession;
  /** Of the remembered values: place, write and key, then the hash. */
  readonly #references = new Uint32Array(PLACES);
  readonly #upperHashes = new Uint32Array(PLACES);
  readonly #versions = new Float64Array(PLACES);
  readonly #lows = new Int32Array(PLACES);
  readonly #highs = new Int32Array(PLACES);

  constructor(session: ThreadSession) {
    this.#session = session;
  }

  /** Hashes the entry that was just read; `valueRuns` gives its value. */
  hashRead(sizeBytes: number, valueRuns: () => readonly Uint8Array[]): void {
    if (sizeBytes < REMEMBERED_BYTES_MIN) {
      this.hashRuns(valueRuns());
      return;
    }
    const { resultWords, resultFloats } = this.#session;
    const reference = resultWords[RESULT_REFERENCE / 4] as number;
    const upperHash = resultWords[RESULT_UPPER_HASH / 4] as number;
    const version = resultFloats[RESULT_VERSION / 8] as number;
    const place = upperHash & (PLACES - 1);
    if (
      this.#references[place] === reference &&
      this.#upperHashes[place] === upperHash &&
      this.#versions[place] === version
    ) {
      this.low = this.#lows[place] as number;
      this.high = this.#highs[place] as number;
      return;
    }
    this.hashRuns(valueRuns());
    this.#references[place] = reference;
    this.#upperHashes[place] = upperHash;
    this.#versions[place] = version;
    this.#lows[place] = this.low;
    this.#highs[place] = this.high;
  }

  /** Hashes what the runs are together. */
  hashRuns(runs: readonly Uint8Array[]): void {
    const { core, valueAddress } = this.#session;
    core.beginValueHash();
    const [first] = runs;
    const isShared = first?.buffer === this.#session.bytes.buffer;
    if (first !== undefined && runs.length === 1 && isShared) {
      this.#end(first.byteOffset, first.length);
      return;
    }
    let carriedBytes = 0;
    for (const run of runs) carriedBytes = this.#add(run, carriedBytes);
    this.#end(valueAddress, carriedBytes);
  }

  #end(address: number, bytes: number): void {
    const { core } = this.#session;
    this.low = core.endValueHash(address, bytes);
    this.high = core.upperValueHash();
  }

  /**
   * Adds a run behind the bytes that a run before it left over, which stand at the start of the
   * scratch area; the number of bytes that are left over now.
   */
  #add(run: Uint8Array, carriedBytes: number): number {
    const { core, bytes, valueAddress } = this.#session;
    let at = 0;
    if (carriedBytes > 0) {
      at = Math.min(STRIPE_BYTES - carriedBytes, run.length);
      bytes.set(run.subarray(0, at), valueAddress + carriedBytes);
      if (carriedBytes + at < STRIPE_BYTES) return carriedBytes + at;
      core.addValueStripes(valueAddress, STRIPE_BYTES);
    }
    const restBytes = (run.length - at) % STRIPE_BYTES;
    this.#addStripes(run, at, run.length - restBytes);
    bytes.set(run.subarray(run.length - restBytes), valueAddress);
    return restBytes;
  }

  /** Adds whole stripes; those of the heap go through the scratch area. */
  #addStripes(run: Uint8Array, from: number, end: number): void {
    const { core, bytes, valueAddress, scratchBytes } = this.#session;
    if (run.buffer === bytes.buffer) {
      core.addValueStripes(run.byteOffset + from, end - from);
      return;
    }
    const stepBytes = scratchBytes - (scratchBytes % STRIPE_BYTES);
    for (let at = from; at < end; at += stepBytes) {
      const stripesBytes = Math.min(stepBytes, end - at);
      bytes.set(run.subarray(at, at + stripesBytes), valueAddress);
      core.addValueStripes(valueAddress, stripesBytes);
    }
  }
}
