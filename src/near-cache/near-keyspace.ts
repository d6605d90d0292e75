import { HEADER_TIME_MS } from '../../native-free-core/assembly/layout.js';
import { STATUS_OK } from '../../native-free-core/status.js';
import { epochIndexOf } from '../namespace-epoch.js';
import { READ_NEAR } from '../reads/read-flags.js';
import type { ThreadSession } from '../thread-session.js';
import type { NearCache } from './near-cache.js';
import { NearEntry, NOT_DECODED } from './near-entry.js';

/** Hits that are counted at once. */
const HITS_BEFORE_FLUSH = 64;

/**
 * The copies of one namespace. A hit is a look-up in a map and three loads from shared memory: the
 * stripe of the key, the epoch of the namespace, the clock. It allocates nothing.
 */
export class NearKeyspace {
  readonly #cache: NearCache;
  readonly #session: ThreadSession;
  readonly #namespaceId: number;
  readonly #entries = new Map<string, NearEntry>();
  readonly #words: Int32Array;
  readonly #time: Float64Array;
  readonly #epochIndex: number;
  /** Epoch of the namespace that all copies are of. */
  #epoch: number;
  readonly #statusIndex: number;
  /** Hits that the thread's counter in shared memory does not hold yet. */
  #hits = 0;

  constructor(cache: NearCache, session: ThreadSession, namespaceId: number) {
    this.#cache = cache;
    this.#session = session;
    this.#namespaceId = namespaceId;
    this.#words = session.words;
    this.#time = new Float64Array(session.arena.buffer, HEADER_TIME_MS, 1);
    this.#epochIndex = epochIndexOf(session, namespaceId);
    this.#epoch = this.epoch;
    this.#statusIndex = session.statusIndex;
    cache.join(this);
  }

  /** Brings the thread's counter up to date. The shared clock moves on, as by any operation. */
  flushHits(): void {
    this.#session.core.countNearHits(this.#hits);
    this.#hits = 0;
  }

  /** The copy, if it still stands; undefined when shared memory has to be asked. */
  find(key: string): NearEntry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    // Plain loads: each call reads them anew, and no value here is younger than the stripe.
    const words = this.#words;
    if (
      words[entry.stripeIndex] === entry.stripe &&
      words[this.#epochIndex] === this.#epoch &&
      (this.#time[0] as number) < entry.deadlineMs
    ) {
      words[this.#statusIndex] = STATUS_OK;
      if (entry.notedRound !== this.#cache.round) this.#cache.note(entry);
      this.#hits += 1;
      if (this.#hits >= HITS_BEFORE_FLUSH) this.flushHits();
      return entry;
    }
    return this.#recheck(entry);
  }

  /** The slow way of a hit: time to tell the shard, a clock that stands, or a stripe that moved. */
  #recheck(entry: NearEntry): NearEntry | undefined {
    // A stopped engine's clock stands, so every hit comes here.
    if (this.#session.isStopped) return undefined;
    const nowMs = this.#session.currentMs();
    if (this.epoch !== this.#epoch) {
      this.#forget();
      return undefined;
    }
    const isUnmoved = this.#words[entry.stripeIndex] === entry.stripe && nowMs < entry.renewalMs;
    if (!isUnmoved && !this.#renew(entry)) return undefined;
    if (nowMs >= entry.expiryMs) return undefined;
    this.#cache.touch(entry, nowMs);
    this.#words[this.#statusIndex] = STATUS_OK;
    this.#hits += 1;
    // Where nobody ticks every hit comes this way.
    if (this.#hits >= HITS_BEFORE_FLUSH) this.flushHits();
    return entry;
  }

  /** One call to the core, without copy or decode: whether the same write is still there. */
  #renew(entry: NearEntry): boolean {
    const { core, keys } = this.#session;
    const status = core.read(keys.encode(entry.key), this.#namespaceId, READ_NEAR);
    if (status !== STATUS_OK) {
      this.#cache.clock.remove(entry);
      return false;
    }
    // Another write: the caller reads it, and this place is filled anew.
    if (!this.#cache.isCopyOfResult(entry)) return false;
    this.#cache.validate(entry);
    return true;
  }

  /** The namespace was cleared: no copy stands. */
  #forget(): void {
    for (const entry of this.#entries.values()) this.#cache.clock.remove(entry);
    this.#epoch = this.epoch;
  }

  /** Present epoch, to be read before the read that `keep` follows. */
  get epoch(): number {
    return this.#words[this.#epochIndex] as number;
  }

  /**
   * The copy to fill for the entry that was just read with READ_NEAR; undefined when it is not
   * worth one.
   */
  keep(key: string, epoch: number): NearEntry | undefined {
    const cache = this.#cache;
    // Cleared before the read or since: what was read may be of the time before.
    if (epoch !== this.#epoch) {
      this.#forget();
      return undefined;
    }
    const known = this.#entries.get(key);
    if (known === undefined && !cache.isWelcome()) return undefined;
    if (known !== undefined && !cache.isKeepable) {
      cache.clock.remove(known);
      return undefined;
    }
    const entry = known ?? new NearEntry(key, this.#entries);
    if (!cache.isCopyOfResult(entry)) {
      entry.value = NOT_DECODED;
      entry.bytes = undefined;
      entry.isHashed = false;
    }
    cache.validate(entry);
    entry.encoding = cache.resultEncoding;
    if (known === undefined) cache.clock.add(entry, cache.resultBytes);
    else cache.clock.resize(entry, cache.resultBytes);
    return entry;
  }
}
