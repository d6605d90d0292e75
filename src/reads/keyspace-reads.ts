import {
  RESULT_CREATED_MS,
  RESULT_ENCODING,
  RESULT_EXPIRY_MS,
  RESULT_ITEM,
  RESULT_VALUE_BYTES,
  RESULT_VERSION,
} from '../../native-free-core/assembly/layout.js';
import {
  STATUS_BUSY,
  STATUS_MISS,
  STATUS_OK,
  STATUS_STALE,
} from '../../native-free-core/status.js';
import { ENCODING_BYTES, type Encoding } from '../codec/codec.js';
import { copyBytes, decodeEntry } from '../codec/entry-codec.js';
import { bufferTooSmall } from '../errors.js';
import { checkKeys } from '../keys/check-keys.js';
import type { KeyspaceContext } from '../keyspace-context.js';
import { deepFreeze } from '../near-cache/deep-freeze.js';
import { type NearEntry, NOT_DECODED } from '../near-cache/near-entry.js';
import { NearKeyspace } from '../near-cache/near-keyspace.js';
import type { ReadGate } from '../read-gate.js';
import type { ThreadSession } from '../thread-session.js';
import type { CommandWriter } from '../writes/command-writer.js';
import { PENDING_MISS, type PendingEntry } from '../writes/pending-writes.js';
import { joinRuns, valueRuns } from './entry-bytes.js';
import { type EntryMeta, NOTHING, NOTHING_BUSY, type ReadState } from './entry-meta.js';
import type { EntryView, KeptEntry } from './entry-view.js';
import { READ_HIT, READ_META, READ_NEAR, READ_STALE, READ_VALUE, READ_VIEW } from './read-flags.js';

/** The reads of one namespace: synchronous, and they wait for a writer at most about 2 ms. */
export abstract class KeyspaceReads {
  /** @internal */
  protected readonly context: KeyspaceContext;
  /** @internal */
  protected readonly session: ThreadSession;
  /** @internal */
  protected readonly writer: CommandWriter;
  /** @internal */
  protected readonly namespaceId: number;
  readonly #near: NearKeyspace | undefined;
  readonly #gate: ReadGate;

  /** @internal */
  constructor(context: KeyspaceContext, namespaceId: number) {
    this.context = context;
    this.session = context.session;
    this.writer = context.writer;
    this.namespaceId = namespaceId;
    this.#gate = context.gate;
    this.#near =
      context.near === undefined
        ? undefined
        : new NearKeyspace(context.near, context.session, namespaceId);
  }

  /**
   * The value; `undefined` on a miss, also when the shard was busy (see `readState`).
   *
   * @throws {CacheError} `ERR_CACHE_INVALID_KEY`, `ERR_CACHE_INVALID_VALUE` when the stored bytes
   * do not decode, `ERR_CACHE_CLOSED`
   */
  get<T = unknown>(key: string): T | undefined {
    const { context } = this;
    const near = this.#near;
    // No look at HEADER_STOP here: no copy stands once the engine's clock has stopped.
    if (near !== undefined && this.#gate.isOpen) {
      const entry = near.find(key);
      if (entry === undefined) return this.#readNear(near, key) as T | undefined;
      const { value } = entry;
      return (value === NOT_DECODED ? this.#completeNear(near, entry) : value) as T;
    }
    const pending = context.isPlain ? undefined : this.#findPending(key);
    if (pending !== undefined) return this.#decodePending(pending) as T | undefined;
    return this.#read(key, READ_HIT) === STATUS_OK ? (this.#decode() as T) : undefined;
  }

  /** A copy of the stored bytes on this thread's heap; `undefined` on a miss. */
  getBytes(key: string): Uint8Array | undefined {
    const view = this.getView(key);
    return view === undefined ? undefined : copyBytes(view.bytes, 0, view.sizeBytes);
  }

  /**
   * Copies the stored bytes to the start of the target; the bytes written, or -1 on a miss.
   *
   * @throws {CacheError} `ERR_CACHE_BUFFER_TOO_SMALL`; nothing was written then
   */
  readInto(key: string, target: Uint8Array): number {
    const { context } = this;
    const near = this.#near;
    if (near !== undefined && this.#gate.isOpen) {
      const bytes = near.find(key)?.bytes;
      if (bytes !== undefined) {
        if (bytes.length > target.length) throw bufferTooSmall(bytes.length, target.length);
        target.set(bytes);
        return bytes.length;
      }
    } else if (context.isPlain) {
      return this.#read(key, READ_HIT) === STATUS_OK ? context.view.copyRead(target) : -1;
    }
    const view = this.getView(key);
    return view === undefined ? -1 : view.copyInto(target);
  }

  /**
   * The entry's bytes without a copy for the caller, for servers; `undefined` on a miss. To be read
   * only: they are the reader's own place in shared memory, or the copy that this thread keeps. The
   * object is reused: valid until the next call on this engine in this thread.
   */
  getView(key: string): EntryView | undefined {
    const { context } = this;
    const near = this.#near;
    if (near !== undefined && this.#gate.isOpen) {
      const entry = near.find(key);
      if (entry?.bytes === undefined) return this.#viewNear(near, key, entry !== undefined);
      return context.view.loadKept(entry as KeptEntry);
    }
    const pending = context.isPlain ? undefined : this.#findPending(key);
    if (pending === PENDING_MISS) return undefined;
    if (pending !== undefined) return context.view.loadKept(pending);
    return this.#read(key, READ_VIEW) === STATUS_OK ? context.view.load() : undefined;
  }

  /**
   * The value with what the engine knows about the entry; a soft-expired one too, with the state
   * `stale` (`expirePrefix`, `expireGlob`). Such an answer counts as a miss in `stats()`.
   */
  getWithMeta<T = unknown>(key: string): EntryMeta<T> {
    const pending = this.context.isPlain ? undefined : this.#findPending(key);
    if (pending !== undefined) {
      return pending === PENDING_MISS ? NOTHING : this.#pendingMeta<T>(pending);
    }
    const status = this.#read(key, READ_HIT | READ_META | READ_STALE);
    if (status !== STATUS_OK && status !== STATUS_STALE) {
      return status === STATUS_BUSY ? NOTHING_BUSY : NOTHING;
    }
    const { resultFloats, resultWords } = this.session;
    const nowMs = this.session.nowMs();
    return {
      state: status === STATUS_OK ? 'hit' : 'stale',
      ttlMs: Math.max(0, (resultFloats[RESULT_EXPIRY_MS / 8] as number) - nowMs),
      ageMs: Math.max(0, nowMs - (resultFloats[RESULT_CREATED_MS / 8] as number)),
      sizeBytes: resultWords[RESULT_VALUE_BYTES / 4] as number,
      version: resultFloats[RESULT_VERSION / 8] as number,
      value: this.#decode() as T,
    };
  }

  /** The values of the keys, in their order; `undefined` where it missed. */
  getMany<T = unknown>(keys: readonly string[]): (T | undefined)[] {
    this.context.assertOpen('getMany');
    checkKeys(keys);
    return keys.map((key) => this.get<T>(key));
  }

  /** Whether the key has a live entry that is not stale. Does not count as an access. */
  has(key: string): boolean {
    const pending = this.context.isPlain ? undefined : this.#findPending(key);
    if (pending !== undefined) return pending !== PENDING_MISS;
    return this.#read(key, 0) === STATUS_OK;
  }

  /** How the last read of this thread, in whichever namespace, ended. */
  readState(): ReadState {
    const status = this.session.lastReadStatus;
    if (status === STATUS_OK) return 'hit';
    if (status === STATUS_STALE) return 'stale';
    return status === STATUS_BUSY ? 'busy' : 'miss';
  }

  /** The core's status of a read; on a hit the result area holds the entry. Heed `isPlain`. */
  #read(key: string, flags: number): number {
    const { keys, core } = this.session;
    const keyBytes = keys.encode(key);
    try {
      return core.read(keyBytes, this.namespaceId, flags);
    } catch (error) {
      // A stack overflow, most likely: a shard that the read had taken is not left held.
      this.session.recover();
      throw error;
    }
  }

  /** Reads and decodes an entry that has no copy here, and keeps one where it is worth it. */
  #readNear(near: NearKeyspace, key: string): unknown {
    this.context.assertOpen('read');
    const { epoch } = near;
    if (this.#read(key, READ_HIT | READ_NEAR) !== STATUS_OK) return undefined;
    const entry = near.keep(key, epoch);
    if (entry === undefined) return this.#decode();
    if ((entry.encoding as Encoding) === ENCODING_BYTES) {
      this.context.near?.copyBytes(entry);
      return this.#decodeNear(entry);
    }
    entry.value = this.#decode();
    return entry.value;
  }

  /** The value of a copy that holds none: a read that was cut off left it without bytes, too. */
  #completeNear(near: NearKeyspace, entry: NearEntry): unknown {
    return entry.bytes === undefined ? this.#readNear(near, entry.key) : this.#decodeNear(entry);
  }

  /** Decodes a copy of which only the bytes are kept. Bytes as a value are the caller's own. */
  #decodeNear(entry: NearEntry): unknown {
    const bytes = entry.bytes as Uint8Array;
    if ((entry.encoding as Encoding) === ENCODING_BYTES) {
      return copyBytes(bytes, 0, bytes.byteLength);
    }
    const { byteOffset, byteLength } = bytes;
    const buffer = Buffer.from(bytes.buffer, byteOffset, byteLength);
    entry.value = this.handOut(decodeEntry(entry.encoding, buffer, 0, byteLength));
    return entry.value;
  }

  /** Reads the bytes of an entry of which no copy is here; `isCounted`: the hit is counted. */
  #viewNear(near: NearKeyspace, key: string, isCounted: boolean): EntryView | undefined {
    this.context.assertOpen('read');
    const { epoch } = near;
    const flags = isCounted ? READ_VALUE | READ_NEAR : READ_VIEW;
    if (this.#read(key, flags) !== STATUS_OK) return undefined;
    const entry = near.keep(key, epoch);
    if (entry !== undefined) this.context.near?.copyBytes(entry);
    return this.context.view.load();
  }

  /** @internal Freezes what was decoded where the options say so. */
  protected handOut(value: unknown): unknown {
    return this.context.isFrozen ? deepFreeze(value) : value;
  }

  #decode(): unknown {
    const { resultWords, buffer, valueAddress } = this.session;
    const valueBytes = resultWords[RESULT_VALUE_BYTES / 4] as number;
    const encoding = resultWords[RESULT_ENCODING / 4] as number;
    const pinned = resultWords[RESULT_ITEM / 4] as number;
    if (pinned === 0) {
      return this.handOut(decodeEntry(encoding, buffer, valueAddress, valueAddress + valueBytes));
    }
    const joined = joinRuns(valueRuns(this.session, pinned, valueBytes), valueBytes);
    this.session.core.unpin();
    return this.handOut(decodeEntry(encoding, joined, 0, valueBytes));
  }

  /** A write of this thread to the key that nobody has applied yet. */
  #findPending(key: string): PendingEntry | typeof PENDING_MISS | undefined {
    this.context.assertOpen('read');
    // What was applied meanwhile may have been overwritten by others: shared memory decides.
    this.writer.reapIfAnswered();
    const pending = this.writer.pending.find(this.namespaceId, key);
    if (pending !== undefined) {
      this.session.lastReadStatus = pending === PENDING_MISS ? STATUS_MISS : STATUS_OK;
    }
    return pending;
  }

  #decodePending(pending: PendingEntry | typeof PENDING_MISS): unknown {
    if (pending === PENDING_MISS) return undefined;
    const { bytes } = pending;
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.handOut(decodeEntry(pending.encoding, buffer, 0, bytes.byteLength));
  }

  #pendingMeta<T>(pending: PendingEntry): EntryMeta<T> {
    return {
      state: 'hit',
      value: this.#decodePending(pending) as T,
      ttlMs: Math.max(0, pending.expiryMs - this.session.nowMs()),
      ageMs: 0,
      sizeBytes: pending.bytes.byteLength,
      version: 0,
    };
  }
}
