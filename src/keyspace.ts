import {
  FLAG_KEEP_TTL,
  FLAG_ONLY_ABSENT,
  FLAG_ONLY_PRESENT,
  FLAG_RETURN_OLD,
  OP_DELETE,
  OP_SET,
  OP_TOUCH,
  RESULT_CREATED_MS,
  RESULT_ENCODING,
  RESULT_EXPIRY_MS,
  RESULT_ITEM,
  RESULT_VALUE_BYTES,
  RESULT_VERSION,
} from '../native-free-core/assembly/layout.js';
import {
  STATUS_BUSY,
  STATUS_MISS,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_REFUSED,
  type Status,
} from '../native-free-core/status.js';
import type { Codec } from './codec/codec.js';
import { copyBytes, decodeEntry, encodeKind, encodePayload } from './codec/entry-codec.js';
import { checkContentType } from './content-types.js';
import {
  type Duration,
  parseExpiry,
  parseTtl,
  TTL_KEEP_MS,
  TTL_NEVER_MS,
  type Ttl,
} from './duration.js';
import { publishWriteFailed } from './engine-events.js';
import {
  bufferTooSmall,
  type CacheError,
  engineClosed,
  invalidOptions,
  statusError,
} from './errors.js';
import { joinRuns, valueRuns } from './reads/entry-bytes.js';
import type { EntryView } from './reads/entry-view.js';
import type { ThreadSession } from './thread-session.js';
import { Command } from './writes/command.js';
import type { CommandWriter } from './writes/command-writer.js';
import { PENDING_MISS, type PendingEntry } from './writes/pending-writes.js';

const READ_VALUE = 1;
const READ_TOUCH = 2;
const READ_HIT = READ_VALUE | READ_TOUCH;

const RESOLVED_TRUE: Promise<boolean> = Promise.resolve(true);
const RESOLVED_FALSE: Promise<boolean> = Promise.resolve(false);

/** How the last read of this thread ended; `busy`: the shard was held too long to tell. */
export type ReadState = 'hit' | 'miss' | 'busy';

/** Options of one write. */
export interface SetOptions {
  /**
   * Time to live: milliseconds, text such as `'5m'`, `'never'`, or `'keep'` to leave the present
   * one. Default: the engine's `defaultTtl`.
   */
  readonly ttl?: Ttl;
  /** Store only when the key is absent, or only when it is present. Default: always. */
  readonly only?: 'absent' | 'present';
  /** Stored with the value and given back by `getView`; up to 127 printable ASCII characters. */
  readonly contentType?: string;
}

/** An entry with what the engine knows about it. */
export interface EntryMeta<T> {
  readonly state: ReadState;
  /** `undefined` unless the state is `hit`. */
  readonly value: T | undefined;
  /** Milliseconds left; Infinity for an entry without a time to live. */
  readonly ttlMs: number;
  /** Milliseconds since it was written. */
  readonly ageMs: number;
  /** Bytes of the encoded value. */
  readonly sizeBytes: number;
  /** Grows with every write in the shard; 0 while the write is still on its way. */
  readonly version: number;
}

/** What all key spaces of one thread share. */
export interface KeyspaceContext {
  readonly session: ThreadSession;
  readonly writer: CommandWriter;
  readonly view: EntryView;
  readonly codec: Codec;
  readonly defaultTtlMs: number;
  /** Set by `close`; every call throws or rejects from then on. */
  closed: boolean;
  /** Writes that failed after they were accepted. */
  failedWrites: number;
}

const NOTHING: EntryMeta<never> = Object.freeze({
  state: 'miss',
  value: undefined,
  ttlMs: 0,
  ageMs: 0,
  sizeBytes: 0,
  version: 0,
});
const NOTHING_BUSY: EntryMeta<never> = Object.freeze({ ...NOTHING, state: 'busy' });

/**
 * The entries of one namespace, seen from one thread. Reads are synchronous and wait for a writer
 * at most about 2 ms; writes resolve when they were applied. A write that fails rejects with a
 * `CacheError`; one that nobody awaits is counted in `stats()` and published on the diagnostics
 * channel `hotshard:write-failed`. Keys are 1 to 1,024 bytes of well-formed UTF-8.
 */
export class Keyspace {
  readonly #context: KeyspaceContext;
  readonly #session: ThreadSession;
  readonly #writer: CommandWriter;
  readonly #namespaceId: number;

  /** @internal */
  constructor(context: KeyspaceContext, namespaceId: number) {
    this.#context = context;
    this.#session = context.session;
    this.#writer = context.writer;
    this.#namespaceId = namespaceId;
  }

  /**
   * The value; `undefined` on a miss, also when the shard was busy (see `readState`).
   *
   * @throws {CacheError} `ERR_CACHE_INVALID_KEY`, `ERR_CACHE_INVALID_VALUE` when the stored bytes
   * do not decode, `ERR_CACHE_CLOSED`
   */
  get<T = unknown>(key: string): T | undefined {
    const pending = this.#writer.pending.count !== 0 ? this.#findPending(key) : undefined;
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
    const view = this.getView(key);
    if (view === undefined) return -1;
    const { sizeBytes } = view;
    if (sizeBytes > target.byteLength) throw bufferTooSmall(sizeBytes, target.byteLength);
    if (view.isOneRun) {
      target.set(view.bytes);
      return sizeBytes;
    }
    let at = 0;
    for (const chunk of view.chunks) {
      target.set(chunk, at);
      at += chunk.byteLength;
    }
    return sizeBytes;
  }

  /**
   * The entry as it lies in shared memory, for servers; `undefined` on a miss. The object is
   * reused: valid until the next call on this engine in this thread.
   */
  getView(key: string): EntryView | undefined {
    const { view } = this.#context;
    const pending = this.#writer.pending.count !== 0 ? this.#findPending(key) : undefined;
    if (pending !== undefined) {
      return pending === PENDING_MISS ? undefined : view.loadPending(pending);
    }
    return this.#read(key, READ_HIT) === STATUS_OK ? view.load() : undefined;
  }

  /** The value with what the engine knows about the entry. */
  getWithMeta<T = unknown>(key: string): EntryMeta<T> {
    const pending = this.#writer.pending.count !== 0 ? this.#findPending(key) : undefined;
    if (pending !== undefined) {
      return pending === PENDING_MISS ? NOTHING : this.#pendingMeta<T>(pending);
    }
    const status = this.#read(key, READ_HIT);
    if (status !== STATUS_OK) return status === STATUS_BUSY ? NOTHING_BUSY : NOTHING;
    const { resultFloats, resultWords } = this.#session;
    const nowMs = this.#session.nowMs();
    return {
      state: 'hit',
      ttlMs: Math.max(0, (resultFloats[RESULT_EXPIRY_MS / 8] as number) - nowMs),
      ageMs: Math.max(0, nowMs - (resultFloats[RESULT_CREATED_MS / 8] as number)),
      sizeBytes: resultWords[RESULT_VALUE_BYTES / 4] as number,
      version: resultFloats[RESULT_VERSION / 8] as number,
      value: this.#decode() as T,
    };
  }

  /** The values of the keys, in their order; `undefined` where it missed. */
  getMany<T = unknown>(keys: readonly string[]): (T | undefined)[] {
    return keys.map((key) => this.get<T>(key));
  }

  /** Whether the key has a live entry. Does not count as an access. */
  has(key: string): boolean {
    const pending = this.#writer.pending.count !== 0 ? this.#findPending(key) : undefined;
    if (pending !== undefined) return pending !== PENDING_MISS;
    return this.#read(key, 0) === STATUS_OK;
  }

  /** How the last read of this thread, in whichever namespace, ended. */
  readState(): ReadState {
    const status = this.#session.lastReadStatus;
    if (status === STATUS_OK) return 'hit';
    return status === STATUS_BUSY ? 'busy' : 'miss';
  }

  /**
   * Stores a value: `Uint8Array` and string as they are, others by the engine's codec. Resolves
   * when it was applied: true, or false when the condition `only` refused it.
   */
  set(key: string, value: unknown, options?: SetOptions): Promise<boolean> {
    try {
      return this.#answer(this.#setCommand(key, value, options, 0));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Stores a value and resolves to the one it replaced, `undefined` when there was none. */
  getAndSet<T = unknown>(
    key: string,
    value: unknown,
    options?: SetOptions,
  ): Promise<T | undefined> {
    try {
      return this.#answerOld<T>(this.#setCommand(key, value, options, FLAG_RETURN_OLD));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Stores many values with the same options; resolves to the number stored. */
  async setMany(
    entries: Iterable<readonly [string, unknown]>,
    options?: SetOptions,
  ): Promise<number> {
    const answers: Promise<boolean>[] = [];
    for (const [key, value] of entries) answers.push(this.set(key, value, options));
    return countTrue(answers);
  }

  /** Removes a key; resolves to whether it was there. */
  delete(key: string): Promise<boolean> {
    return this.#change(OP_DELETE, key, TTL_NEVER_MS);
  }

  /** Removes keys; resolves to the number that were there. */
  async deleteMany(keys: readonly string[]): Promise<number> {
    return countTrue(keys.map((key) => this.delete(key)));
  }

  /** Gives an entry a new time to live, from now; resolves to whether the key was there. */
  touch(key: string, ttl: Duration | 'never'): Promise<boolean> {
    try {
      return this.#change(OP_TOUCH, key, parseExpiry(ttl, 'ttl'));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Removes the time to live of an entry; resolves to whether the key was there. */
  persist(key: string): Promise<boolean> {
    return this.#change(OP_TOUCH, key, TTL_NEVER_MS);
  }

  /** Removes all entries of this namespace at once; their memory is freed in the background. */
  clear(): Promise<void> {
    if (this.#context.closed) return Promise.reject(engineClosed('clear'));
    this.#session.core.clearNamespace(this.#namespaceId);
    return Promise.resolve();
  }

  /** The core's status of a read; on a hit the result area holds the entry. */
  #read(key: string, flags: number): number {
    if (this.#context.closed) throw engineClosed('read');
    const { keys, core } = this.#session;
    return core.read(keys.encode(key), this.#namespaceId, flags);
  }

  #decode(): unknown {
    const { resultWords, buffer, valueAddress } = this.#session;
    const valueBytes = resultWords[RESULT_VALUE_BYTES / 4] as number;
    const encoding = resultWords[RESULT_ENCODING / 4] as number;
    const pinned = resultWords[RESULT_ITEM / 4] as number;
    if (pinned === 0) return decodeEntry(encoding, buffer, valueAddress, valueAddress + valueBytes);
    const joined = joinRuns(valueRuns(this.#session, pinned, valueBytes), valueBytes);
    this.#session.core.unpin();
    return decodeEntry(encoding, joined, 0, valueBytes);
  }

  /** A write of this thread to the key that nobody has applied yet. */
  #findPending(key: string): PendingEntry | typeof PENDING_MISS | undefined {
    if (this.#context.closed) throw engineClosed('read');
    const pending = this.#writer.pending.find(this.#namespaceId, key);
    if (pending !== undefined) {
      this.#session.lastReadStatus = pending === PENDING_MISS ? STATUS_MISS : STATUS_OK;
    }
    return pending;
  }

  #decodePending(pending: PendingEntry | typeof PENDING_MISS): unknown {
    if (pending === PENDING_MISS) return undefined;
    const { bytes } = pending;
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return decodeEntry(pending.encoding, buffer, 0, bytes.byteLength);
  }

  #pendingMeta<T>(pending: PendingEntry): EntryMeta<T> {
    return {
      state: 'hit',
      value: this.#decodePending(pending) as T,
      ttlMs: Math.max(0, pending.expiryMs - this.#session.nowMs()),
      ageMs: 0,
      sizeBytes: pending.bytes.byteLength,
      version: 0,
    };
  }

  #setCommand(
    key: string,
    value: unknown,
    options: SetOptions | undefined,
    flags: number,
  ): Command {
    const { codec, defaultTtlMs, closed } = this.#context;
    if (closed) throw engineClosed('set');
    // Code of the user (toJSON) runs here, before anything is claimed.
    const payload = encodePayload(value, codec);
    const encoding = encodeKind(value, codec);
    if (options === undefined) {
      return new Command(
        OP_SET,
        this.#namespaceId,
        key,
        payload,
        encoding,
        '',
        flags,
        defaultTtlMs,
      );
    }
    const { ttl, only, contentType = '' } = options;
    if (contentType !== '') checkContentType(contentType);
    let ttlMs = ttl === undefined ? defaultTtlMs : parseTtl(ttl, 'ttl');
    let all = flags | conditionFlag(only);
    if (ttlMs === TTL_KEEP_MS) {
      ttlMs = defaultTtlMs;
      all |= FLAG_KEEP_TTL;
    }
    return new Command(OP_SET, this.#namespaceId, key, payload, encoding, contentType, all, ttlMs);
  }

  #change(opcode: number, key: string, ttlMs: number): Promise<boolean> {
    try {
      if (this.#context.closed) throw engineClosed(opcode === OP_DELETE ? 'delete' : 'touch');
      return this.#answer(new Command(opcode, this.#namespaceId, key, undefined, 0, '', 0, ttlMs));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Runs a command; an answer that is known at once costs no new promise. */
  #answer(command: Command): Promise<boolean> {
    const status = this.#writer.run(command);
    if (status === STATUS_OK) return RESOLVED_TRUE;
    if (status === STATUS_REFUSED) return RESOLVED_FALSE;
    return this.#promise(command, status, (outcome) => outcome === STATUS_OK);
  }

  #answerOld<T>(command: Command): Promise<T | undefined> {
    const status = this.#writer.run(command);
    if (status === STATUS_OK || status === STATUS_REFUSED) {
      return Promise.resolve(command.returned as T | undefined);
    }
    return this.#promise(command, status, (_, readOld) => readOld() as T | undefined);
  }

  #promise<R>(
    command: Command,
    status: number,
    take: (outcome: number, readOld: () => unknown) => R,
  ): Promise<R> {
    const promise = new Promise<R>((resolve, reject) => {
      const settle = (outcome: number, readOld: () => unknown): void => {
        if (outcome === STATUS_OK || outcome === STATUS_REFUSED) resolve(take(outcome, readOld));
        else reject(this.#failure(command, outcome));
      };
      if (status === STATUS_PENDING) command.settle = settle;
      else settle(status, () => undefined);
    });
    // Counted and published already: never an unhandled rejection.
    promise.catch(ignore);
    return promise;
  }

  #failure(command: Command, status: number): CacheError {
    const error = statusError(status as Status, {
      operation: command.opcode === OP_SET ? 'set' : 'write',
      valueBytes: command.payloadBytes,
      valueBytesMax: this.#session.valueBytesMax,
      isIdempotent: command.isVisibleEarly,
    });
    this.#context.failedWrites += 1;
    publishWriteFailed({ key: command.key, error });
    return error;
  }
}

function ignore(): void {
  // The rejection was counted and published when it was made.
}

function conditionFlag(only: SetOptions['only']): number {
  switch (only) {
    case undefined:
      return 0;
    case 'absent':
      return FLAG_ONLY_ABSENT;
    case 'present':
      return FLAG_ONLY_PRESENT;
    default:
      throw invalidOptions('set', [`only: ${String(only)} is neither 'absent' nor 'present'`]);
  }
}

async function countTrue(answers: readonly Promise<boolean>[]): Promise<number> {
  let count = 0;
  for (const answer of await Promise.all(answers)) count += answer ? 1 : 0;
  return count;
}
