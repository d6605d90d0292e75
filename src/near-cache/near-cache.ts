import {
  RESULT_CONTENT_TYPE_BYTES,
  RESULT_CREATED_MS,
  RESULT_ENCODING,
  RESULT_EXPIRY_MS,
  RESULT_ITEM,
  RESULT_REFERENCE,
  RESULT_STRIPE,
  RESULT_STRIPE_VERSION,
  RESULT_UPPER_HASH,
  RESULT_VALUE_BYTES,
  RESULT_VERSION,
  SHARD_EVICTIONS,
} from '../../native-free-core/assembly/layout.js';
import type { ResolvedNearCache } from '../options.js';
import type { ThreadSession } from '../thread-session.js';
import { NearClock } from './near-clock.js';
import type { NearEntry } from './near-entry.js';

/** Stored bytes of all copies of one thread. */
const BYTES_MAX = 32 * 1_024 * 1_024;
/** Hits of one round that the shards are told. */
const NOTED_MAX = 1_024;
const ROUND_MASK = 0x3fff_ffff;
/** Keys that were read once lately; a power of two. */
const DOORKEEPER_PLACES = 16_384;
/** After so long a stripe's counter may have gone round. */
const RENEWAL_MS = 3_600_000;
/** A copy that is hit tells the shard once in this time: while entries are evicted, else. */
const TOUCH_MS_EVICTING = 4;
const TOUCH_MS = 100;

/**
 * Copies of entries that one thread keeps on its heap, for all its key spaces: which are kept, how
 * long, and what their hits tell the shards. A copy counts as long as the stripe of its key has
 * not changed, so it is never older than shared memory.
 */
export class NearCache {
  readonly clock: NearClock;
  readonly #session: ThreadSession;
  readonly #keyspaces: { flushHits(): void }[] = [];
  readonly #doorkeeper = new Uint32Array(DOORKEEPER_PLACES);
  readonly #noted: NearEntry[] = [];
  /** Hits that are noted count once in each round. */
  round = 0;
  #touchMs = TOUCH_MS;
  #evictions = 0;
  #evictionsReadMs = Number.NEGATIVE_INFINITY;

  constructor(session: ThreadSession, options: ResolvedNearCache) {
    this.#session = session;
    this.clock = new NearClock(options.entryCountMax, BYTES_MAX);
  }

  /** A key space whose hits are to be counted. */
  join(keyspace: { flushHits(): void }): void {
    this.#keyspaces.push(keyspace);
  }

  /** Brings the thread's counter up to date. */
  flushHits(): void {
    for (const keyspace of this.#keyspaces) keyspace.flushHits();
  }

  /** Whether what was just read is small enough for a copy; a pinned value is not. */
  get isKeepable(): boolean {
    return this.#session.resultWords[RESULT_ITEM / 4] === 0;
  }

  /**
   * Whether the entry that was just read is worth a copy: small enough, and read before not long
   * ago. A key that is read only once so leaves nothing behind.
   */
  isWelcome(): boolean {
    if (!this.isKeepable) return false;
    const hash = this.#session.resultWords[RESULT_UPPER_HASH / 4] as number;
    const place = hash & (DOORKEEPER_PLACES - 1);
    if (this.#doorkeeper[place] === hash) return true;
    this.#doorkeeper[place] = hash;
    return false;
  }

  /** Takes over from the result area what tells whether the entry still stands. */
  validate(entry: NearEntry): void {
    const { resultWords, resultFloats } = this.#session;
    entry.stripeIndex = (resultWords[RESULT_STRIPE / 4] as number) / 4;
    // As the signed words in which it is compared.
    entry.stripe = (resultWords[RESULT_STRIPE_VERSION / 4] as number) | 0;
    entry.reference = resultWords[RESULT_REFERENCE / 4] as number;
    entry.upperHash = resultWords[RESULT_UPPER_HASH / 4] as number;
    entry.version = resultFloats[RESULT_VERSION / 8] as number;
    entry.createdMs = resultFloats[RESULT_CREATED_MS / 8] as number;
    entry.expiryMs = resultFloats[RESULT_EXPIRY_MS / 8] as number;
    const nowMs = this.#session.nowMs();
    entry.renewalMs = nowMs + RENEWAL_MS;
    this.#extend(entry, nowMs);
  }

  /** True when the result area describes the very write that the entry is a copy of. */
  isCopyOfResult(entry: NearEntry): boolean {
    const { resultWords, resultFloats } = this.#session;
    return (
      resultWords[RESULT_REFERENCE / 4] === entry.reference &&
      resultFloats[RESULT_VERSION / 8] === entry.version
    );
  }

  /** Notes a hit of this round, to be told to the shard; more than a round takes are dropped. */
  note(entry: NearEntry): void {
    entry.notedRound = this.round;
    if (this.#noted.length < NOTED_MAX) this.#noted.push(entry);
  }

  /**
   * Tells the shards of the hits that were noted: before each write of this thread, so that what
   * it used just now is not what makes room.
   */
  flushTouches(): void {
    if (this.#noted.length === 0) return;
    for (const entry of this.#noted) {
      this.#session.core.touchNear(entry.reference, entry.upperHash);
    }
    this.#noted.length = 0;
    // Small whole numbers alone: they need no memory of their own.
    this.round = (this.round + 1) & ROUND_MASK;
  }

  /** What a hit does that came the slow way: past its deadline, its shard learns of it now. */
  touch(entry: NearEntry, nowMs: number): void {
    if (nowMs < entry.deadlineMs) {
      if (entry.notedRound !== this.round) this.note(entry);
      return;
    }
    this.#session.core.touchNear(entry.reference, entry.upperHash);
    this.#extend(entry, nowMs);
  }

  #extend(entry: NearEntry, nowMs: number): void {
    entry.isUsed = true;
    if (nowMs - this.#evictionsReadMs >= TOUCH_MS) this.#watchEvictions(nowMs);
    entry.deadlineMs = Math.floor(Math.min(entry.expiryMs, entry.renewalMs, nowMs + this.#touchMs));
  }

  /** While nobody is evicted recency can wait; else the shards want to know it soon. */
  #watchEvictions(nowMs: number): void {
    const evictions = this.#session.sumOfShards(SHARD_EVICTIONS);
    this.#touchMs = evictions === this.#evictions ? TOUCH_MS : TOUCH_MS_EVICTING;
    this.#evictions = evictions;
    this.#evictionsReadMs = nowMs;
  }

  /** How the value that was just read is encoded; a read without its value does not tell. */
  get resultEncoding(): number {
    return this.#session.resultWords[RESULT_ENCODING / 4] as number;
  }

  /** The number of bytes that were just read. */
  get resultBytes(): number {
    return this.#session.resultWords[RESULT_VALUE_BYTES / 4] as number;
  }

  /** A copy of the bytes that were just read, with their content type. */
  copyBytes(entry: NearEntry): void {
    const { buffer, valueAddress, contentTypeAddress, resultWords } = this.#session;
    const valueBytes = this.resultBytes;
    // Small ones share the pool of Node.js, 8 KiB at a time: an ArrayBuffer of its own for each
    // would cost a hit two more cache lines.
    const copy = Buffer.allocUnsafe(valueBytes);
    copy.set(buffer.subarray(valueAddress, valueAddress + valueBytes));
    entry.bytes = copy;
    const typeBytes = resultWords[RESULT_CONTENT_TYPE_BYTES / 4] as number;
    entry.contentType =
      typeBytes === 0
        ? undefined
        : buffer.toString('latin1', contentTypeAddress, contentTypeAddress + typeBytes);
  }
}
