import {
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
  STATUS_FULL,
  STATUS_MISS,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_REFUSED,
} from '../native-free-core/status.js';
import { copyBytes, decodeEntry, encodeKind, encodePayload } from './codec/entry-codec.js';
import { describeValue } from './describe-value.js';
import { type Duration, parseExpiry, TTL_NEVER_MS } from './duration.js';
import { invalidKey } from './errors.js';
import type { KeyspaceContext } from './keyspace-context.js';
import { joinRuns, valueRuns } from './reads/entry-bytes.js';
import { type EntryMeta, NOTHING, NOTHING_BUSY, type ReadState } from './reads/entry-meta.js';
import type { EntryView } from './reads/entry-view.js';
import { resolveSetOptions, type SetOptions } from './set-options.js';
import type { ThreadSession } from './thread-session.js';
import type { Command } from './writes/command.js';
import type { CommandWriter } from './writes/command-writer.js';
import { PENDING_MISS, type PendingEntry } from './writes/pending-writes.js';

const READ_VALUE = 1;
const READ_TOUCH = 2;
const READ_META = 4;
const READ_HIT = READ_VALUE | READ_TOUCH;

const RESOLVED_TRUE: Promise<boolean> = Promise.resolve(true);
const RESOLVED_FALSE: Promise<boolean> = Promise.resolve(false);

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
    const pending = this.#context.isPlain ? undefined : this.#findPending(key);
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
    const context = this.#context;
    if (context.isPlain) {
      return this.#read(key, READ_HIT) === STATUS_OK ? context.view.copyRead(target) : -1;
    }
    const view = this.getView(key);
    return view === undefined ? -1 : view.copyInto(target);
  }

  /**
   * The entry as it lies in shared memory, for servers; `undefined` on a miss. The object is
   * reused: valid until the next call on this engine in this thread.
   */
  getView(key: string): EntryView | undefined {
    const context = this.#context;
    if (!context.isPlain) {
      const pending = this.#findPending(key);
      if (pending === PENDING_MISS) return undefined;
      if (pending !== undefined) return context.view.loadPending(pending);
    }
    return this.#read(key, READ_HIT) === STATUS_OK ? context.view.load() : undefined;
  }

  /** The value with what the engine knows about the entry. */
  getWithMeta<T = unknown>(key: string): EntryMeta<T> {
    const pending = this.#context.isPlain ? undefined : this.#findPending(key);
    if (pending !== undefined) {
      return pending === PENDING_MISS ? NOTHING : this.#pendingMeta<T>(pending);
    }
    const status = this.#read(key, READ_HIT | READ_META);
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
    this.#context.assertOpen('getMany');
    checkKeys(keys);
    return keys.map((key) => this.get<T>(key));
  }

  /** Whether the key has a live entry. Does not count as an access. */
  has(key: string): boolean {
    const pending = this.#context.isPlain ? undefined : this.#findPending(key);
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
      return this.#context.rejection(key, error);
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
      return this.#context.rejection(key, error);
    }
  }

  /** Stores many values with the same options; resolves to the number stored. */
  setMany(entries: Iterable<readonly [string, unknown]>, options?: SetOptions): Promise<number> {
    try {
      this.#context.assertOpen('setMany');
      const answers: Promise<boolean>[] = [];
      for (const [key, value] of entries) answers.push(this.set(key, value, options));
      return countTrue(answers);
    } catch (error) {
      return this.#context.rejection('', error);
    }
  }

  /** Removes a key; resolves to whether it was there. */
  delete(key: string): Promise<boolean> {
    return this.#change(OP_DELETE, key, TTL_NEVER_MS);
  }

  /** Removes keys; resolves to the number that were there. */
  deleteMany(keys: readonly string[]): Promise<number> {
    try {
      this.#context.assertOpen('deleteMany');
      checkKeys(keys);
      return countTrue(keys.map((key) => this.delete(key)));
    } catch (error) {
      return this.#context.rejection('', error);
    }
  }

  /** Gives an entry a new time to live, from now; resolves to whether the key was there. */
  touch(key: string, ttl: Duration | 'never'): Promise<boolean> {
    try {
      return this.#change(OP_TOUCH, key, parseExpiry(ttl, 'ttl'));
    } catch (error) {
      return this.#context.rejection(key, error);
    }
  }

  /** Removes the time to live of an entry; resolves to whether the key was there. */
  persist(key: string): Promise<boolean> {
    return this.#change(OP_TOUCH, key, TTL_NEVER_MS);
  }

  /** Removes all entries of this namespace at once; their memory is freed in the background. */
  clear(): Promise<void> {
    try {
      this.#context.assertOpen('clear');
      this.#session.core.clearNamespace(this.#namespaceId);
      return Promise.resolve();
    } catch (error) {
      return this.#context.rejection('', error);
    }
  }

  /** The core's status of a read; on a hit the result area holds the entry. Heed `isPlain`. */
  #read(key: string, flags: number): number {
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
    this.#context.assertOpen('read');
    // What was applied meanwhile may have been overwritten by others: shared memory decides.
    this.#writer.reapIfAnswered();
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
    const { codec, defaultTtlMs } = this.#context;
    this.#context.assertOpen('set');
    // Code of the user (toJSON) runs here, before anything is claimed.
    const payload = encodePayload(value, codec);
    const encoding = encodeKind(value, codec);
    const resolved = options === undefined ? undefined : resolveSetOptions(options, defaultTtlMs);
    const command = this.#writer.draft();
    command.opcode = OP_SET;
    command.namespaceId = this.#namespaceId;
    command.key = key;
    command.payload = payload;
    command.encoding = encoding;
    command.flags = flags;
    command.ttlMs = defaultTtlMs;
    if (resolved !== undefined) {
      command.contentType = resolved.contentType;
      command.flags |= resolved.flags;
      command.ttlMs = resolved.ttlMs;
    }
    return command;
  }

  #change(opcode: number, key: string, ttlMs: number): Promise<boolean> {
    try {
      this.#context.assertOpen(opcode === OP_DELETE ? 'delete' : 'touch');
      const command = this.#writer.draft();
      command.opcode = opcode;
      command.namespaceId = this.#namespaceId;
      command.key = key;
      command.encoding = 0;
      command.ttlMs = ttlMs;
      return this.#answer(command);
    } catch (error) {
      return this.#context.rejection(key, error);
    }
  }

  /** Runs a command; an answer that is known at once costs no new promise. */
  #answer(command: Command): Promise<boolean> {
    const status = this.#writer.run(command);
    if (status === STATUS_OK || status === STATUS_REFUSED) {
      this.#writer.recycle(command);
      return status === STATUS_OK ? RESOLVED_TRUE : RESOLVED_FALSE;
    }
    if (status === STATUS_FULL) return this.#context.overloaded(command);
    return this.#promise(command, status, isTrue);
  }

  #answerOld<T>(command: Command): Promise<T | undefined> {
    const status = this.#writer.run(command);
    if (status === STATUS_OK || status === STATUS_REFUSED) {
      const old = command.returned as T | undefined;
      this.#writer.recycle(command);
      return Promise.resolve(old);
    }
    if (status === STATUS_FULL) return this.#context.overloaded(command);
    return this.#promise(command, status, (_, readOld) => readOld() as T | undefined);
  }

  #promise<R>(
    command: Command,
    status: number,
    take: (outcome: number, readOld: () => unknown) => R,
  ): Promise<R> {
    if (status !== STATUS_PENDING) {
      const refused = Promise.reject(this.#context.failure(command, status));
      refused.catch(ignore);
      return refused;
    }
    const promise = new Promise<R>((resolve, reject) => {
      command.settle = (outcome, readOld) => {
        if (outcome === STATUS_OK || outcome === STATUS_REFUSED) {
          try {
            resolve(take(outcome, readOld));
          } catch (error) {
            // An old value that does not decode.
            promise.catch(ignore);
            reject(error);
          }
          return;
        }
        // Counted and published: never an unhandled rejection.
        promise.catch(ignore);
        reject(this.#context.failure(command, outcome));
      };
    });
    return promise;
  }
}

function ignore(): void {
  // The rejection was counted and published when it was made.
}

function checkKeys(keys: unknown): void {
  if (!Array.isArray(keys)) throw invalidKey(`list must be an array, not ${describeValue(keys)}`);
}

function isTrue(outcome: number): boolean {
  return outcome === STATUS_OK;
}

/** How many answers are true; rejects with the first failure, which was counted and published. */
function countTrue(answers: readonly Promise<boolean>[]): Promise<number> {
  const count = Promise.all(answers).then((results) => results.filter(Boolean).length);
  count.catch(ignore);
  return count;
}
