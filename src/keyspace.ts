import {
  FLAG_LEASE,
  FLAG_RETURN_OLD,
  FLAG_VERSION,
  OP_DELETE,
  OP_EXPIRE_TAGGED,
  OP_REMOVE_TAGGED,
} from '../native-free-core/assembly/layout.js';
import { STATUS_FULL, STATUS_OK } from '../native-free-core/status.js';
import { TTL_NEVER_MS } from './duration.js';
import type { CacheError } from './errors.js';
import type { LeaseOutcome } from './leases/lease.js';
import type { LeaseOptions, Loader, LoadOptions } from './leases/lease-options.js';
import { LeaseSpace } from './leases/lease-space.js';
import { fillIncrement, type IncrementOptions } from './numbers/increment.js';
import { checkVersion, type SetIfOptions, splitSetIf } from './numbers/set-if.js';
import { type KeyPage, type KeyPageOptions, resolvePageOptions } from './scans/key-page.js';
import { filterPattern, globPattern, type KeyFilter, prefixPattern } from './scans/key-pattern.js';
import { listKeys } from './scans/list-keys.js';
import { readPage } from './scans/read-page.js';
import type { ScanTask } from './scans/scan.js';
import { checkScanOptions, checkSignal, type ScanOptions } from './scans/scan-options.js';
import type { ScanOperation, ScanProgress } from './scans/scan-progress.js';
import type { SetOptions } from './set-options.js';
import { runInvalidation } from './tags/invalidate-tags.js';
import { alternativesOf, type InvalidateTagsOptions } from './tags/tag-match.js';
import { checkOneTag, type TagNames } from './tags/tag-names.js';
import type { Command } from './writes/command.js';
import { KeyspaceWrites } from './writes/keyspace-writes.js';

/** How an invalidation ended. */
export interface InvalidationResult {
  /** Live entries that were removed, stale ones among them: exact. */
  readonly deleted: number;
  /** Live entries of the namespace that were compared with the pattern. */
  readonly scanned: number;
}

/** How a soft invalidation ended. */
export interface ExpirationResult {
  /** Live entries that were made stale: exact. */
  readonly expired: number;
  /** Live entries of the namespace that were compared with the pattern. */
  readonly scanned: number;
}

/**
 * The entries of one namespace, seen from one thread. Reads are synchronous and wait for a writer
 * at most about 2 ms; writes resolve when they were applied. A write that fails rejects with a
 * `CacheError`; one that nobody awaits is counted in `stats()` and published on the diagnostics
 * channel `hotshard:write-failed`. Keys are 1 to 1,024 bytes of well-formed UTF-8.
 */
export class Keyspace extends KeyspaceWrites {
  #leases: LeaseSpace | undefined;

  /**
   * Adds to a number and resolves to the sum, as one step for all threads. The value is a safe
   * integer, or the decimal text of one as a string or bytes; it keeps its kind, its content type
   * and its time to live. A key that is not there counts from `initial`. Until it resolves, reads
   * of this thread may give the number as it was.
   *
   * Rejects with `ERR_CACHE_NOT_A_NUMBER` or `ERR_CACHE_NUMBER_OVERFLOW`, the value unchanged.
   *
   * @param by a safe integer, negative to subtract
   */
  increment(key: string, by = 1, options: IncrementOptions = {}): Promise<number> {
    try {
      this.context.assertOpen('increment');
      const command = this.writer.draft();
      fillIncrement(command, by, options, this.context.defaultTtlMs);
      command.namespaceId = this.namespaceId;
      command.key = key;
      const status = this.writer.run(command);
      if (status === STATUS_OK) {
        const sum = command.guard;
        this.writer.recycle(command);
        return Promise.resolve(sum);
      }
      if (status === STATUS_FULL) return this.context.overloaded(command);
      return this.answerLater(command, status, () => command.guard);
    } catch (error) {
      return this.context.rejection(key, error);
    }
  }

  /**
   * Stores a value only if the entry still is the one that was read: `version` is what
   * `getWithMeta` gave, 0 where there must be no entry. Resolves to whether it was stored.
   */
  setIf(key: string, value: unknown, options: SetIfOptions): Promise<boolean> {
    try {
      const { version, rest } = splitSetIf(options);
      const command = this.setCommand(key, value, rest, FLAG_VERSION);
      command.guard = version;
      return this.answer(command);
    } catch (error) {
      return this.context.rejection(key, error);
    }
  }

  /**
   * Removes an entry only if it still is the one that was read: `version` is what `getWithMeta` or
   * `getView` gave. Resolves to whether it was removed.
   */
  deleteIf(key: string, version: number): Promise<boolean> {
    try {
      this.context.assertOpen('deleteIf');
      checkVersion('deleteIf', version);
      const command = this.#deleteCommand(key, FLAG_VERSION);
      command.guard = version;
      return this.answer(command);
    } catch (error) {
      return this.context.rejection(key, error);
    }
  }

  /** Removes a key and resolves to the value it had, `undefined` when it was not there. */
  getAndDelete<T = unknown>(key: string): Promise<T | undefined> {
    try {
      this.context.assertOpen('getAndDelete');
      return this.answerOld<T>(this.#deleteCommand(key, FLAG_RETURN_OLD));
    } catch (error) {
      return this.context.rejection(key, error);
    }
  }

  /**
   * The keys that `has` confirms, in no order: all of them, those with a prefix (1 to 1,024 bytes),
   * or those that match a glob (see `invalidateGlob`). A key that is there from the first `next()`
   * to the end is given at least once, and again when it was rewritten meanwhile or the index grew;
   * one that comes or goes meanwhile may be given or not. Writes of this thread before the first
   * `next()` are heeded. Each step looks through a bounded part of one shard; iterating slowly
   * holds nothing.
   *
   * @throws {CacheError} `ERR_CACHE_INVALID_PATTERN`, `ERR_CACHE_INVALID_OPTIONS`; while iterating
   * `ERR_CACHE_ABORTED`, `ERR_CACHE_CLOSED`
   */
  keys(filter?: KeyFilter, signal?: AbortSignal): AsyncGenerator<string, void, undefined> {
    this.context.assertOpen('keys');
    const pattern = filterPattern(filter);
    checkSignal('keys', signal);
    return listKeys(this.context.scans, this.namespaceId, pattern, signal);
  }

  /**
   * The keys that `keys` gives, page by page: each page has at most `limit` of them, and a cursor
   * for the next one. Cursors hold nothing open, serve in every thread, and stay good however long
   * they are kept; a page may be empty, and the last one has no cursor.
   *
   * Rejects with `ERR_CACHE_INVALID_PATTERN`, `ERR_CACHE_INVALID_OPTIONS`, `ERR_CACHE_ABORTED`,
   * `ERR_CACHE_CLOSED`.
   */
  async scanKeys(options: KeyPageOptions = {}): Promise<KeyPage> {
    this.context.assertOpen('scanKeys');
    const { scans } = this.context;
    const task = resolvePageOptions(options, scans.runner.session.shardCount);
    return readPage(scans, this.namespaceId, task);
  }

  /**
   * Removes the entries whose keys begin with the prefix (1 to 1,024 bytes): those that were there
   * at the call, also by writes of this thread that are still on their way. What is written later
   * stays, whoever writes it. Works in slices of about 100 µs in each shard; reads and writes go on
   * in between, and see removed entries as missing at once.
   *
   * Rejects with `ERR_CACHE_INVALID_PATTERN`, `ERR_CACHE_INVALID_OPTIONS`; `ERR_CACHE_ABORTED`,
   * whose message says how far it came; `ERR_CACHE_OUTCOME_UNKNOWN` when the thread that carried
   * out a slice died, where calling again removes the rest; what `onProgress` throws.
   */
  invalidatePrefix(prefix: string, options?: ScanOptions): Promise<InvalidationResult> {
    return this.#invalidate('invalidatePrefix', prefix, options);
  }

  /**
   * Removes the entries whose keys match the glob, as `invalidatePrefix` does. `*` stands for any
   * run of characters, `?` for one, `[a-z]` for one of a class, `[^a-z]` and `[!a-z]` for one
   * outside of it; `\` takes the next character as it is. A glob matches whole keys, by Unicode
   * code points, in a time that no pattern blows up. At most 256 bytes.
   */
  invalidateGlob(glob: string, options?: ScanOptions): Promise<InvalidationResult> {
    return this.#invalidate('invalidateGlob', glob, options);
  }

  /**
   * Makes entries stale whose keys begin with the prefix, as `invalidatePrefix` chooses them: reads
   * miss them, but `getWithMeta` answers with the old value and the state `stale`, for use as a
   * fallback. A stale entry counts as absent for conditions, `touch`, `persist` and `keys`; a new
   * `set` makes it fresh, `delete` removes it, its time to live goes on, and it may be evicted.
   */
  expirePrefix(prefix: string, options?: ScanOptions): Promise<ExpirationResult> {
    return this.#expire('expirePrefix', prefix, options);
  }

  /** Makes entries stale whose keys match the glob; see `expirePrefix` and `invalidateGlob`. */
  expireGlob(glob: string, options?: ScanOptions): Promise<ExpirationResult> {
    return this.#expire('expireGlob', glob, options);
  }

  #invalidate(
    operation: ScanOperation,
    text: string,
    options: ScanOptions | undefined,
  ): Promise<InvalidationResult> {
    const take = ({ deleted, scanned }: ScanProgress): InvalidationResult => ({ deleted, scanned });
    return this.#scan(operation, 'delete', text, options, take);
  }

  #expire(
    operation: ScanOperation,
    text: string,
    options: ScanOptions | undefined,
  ): Promise<ExpirationResult> {
    const take = ({ expired, scanned }: ScanProgress): ExpirationResult => ({ expired, scanned });
    return this.#scan(operation, 'expire', text, options, take);
  }

  #scan<R>(
    operation: ScanOperation,
    mode: ScanTask['mode'],
    text: string,
    options: ScanOptions = {},
    take: (end: ScanProgress) => R,
  ): Promise<R> {
    try {
      this.context.assertOpen(operation);
      checkScanOptions(operation, options);
      const isGlob = operation === 'invalidateGlob' || operation === 'expireGlob';
      const pattern = isGlob ? globPattern(text) : prefixPattern(text);
      const task = { operation, mode, namespaceId: this.namespaceId, pattern };
      const noteFailure = (error: CacheError): void => {
        this.context.rejection(text, error);
      };
      return this.context.scans.start(task, options, take, noteFailure);
    } catch (error) {
      return this.context.rejection(text, error);
    }
  }

  /**
   * Removes every entry of this namespace that has the tag; resolves to the number of live ones.
   * Entries that were set after the call stay. Works in slices of about 100 µs of a shard's time.
   *
   * Rejects with `ERR_CACHE_INVALID_TAG` or `ERR_CACHE_CLOSED`; with `ERR_CACHE_OVERLOADED` or
   * `ERR_CACHE_OUTCOME_UNKNOWN` when it came to an end in some shards only: repeat it.
   */
  invalidateTag(tag: string): Promise<number> {
    return this.#invalidateTagged('invalidateTag', OP_REMOVE_TAGGED, () => [checkOneTag(tag)]);
  }

  /**
   * As `invalidateTag`, for entries that have any of the tags, or, with `match: 'all'`, all of
   * them. An entry with several of the tags counts once; an empty list removes nothing.
   */
  invalidateTags(tags: readonly string[], options?: InvalidateTagsOptions): Promise<number> {
    const alternatives = (): readonly TagNames[] => alternativesOf(tags, options);
    return this.#invalidateTagged('invalidateTags', OP_REMOVE_TAGGED, alternatives);
  }

  /**
   * The soft form of `invalidateTag`: entries that have the tag become stale, which keeps their
   * values as a fallback. Resolves to the number of live entries that were not stale before.
   */
  expireTag(tag: string): Promise<number> {
    return this.#invalidateTagged('expireTag', OP_EXPIRE_TAGGED, () => [checkOneTag(tag)]);
  }

  #invalidateTagged(
    operation: string,
    opcode: number,
    alternatives: () => readonly TagNames[],
  ): Promise<number> {
    const { context, namespaceId } = this;
    try {
      context.assertOpen(operation);
      return runInvalidation(context, { namespaceId, opcode, alternatives: alternatives() });
    } catch (error) {
      return context.rejection('', error);
    }
  }

  /**
   * The value, or else the right to load it: of all callers in all threads who miss the key one is
   * granted a lease, the others wait until it is filled, released or void, at most `waitMs`, and
   * then find the value or try again. A lease protects against storing what is out of date: a set,
   * a delete or an invalidation of the key voids it. `getOrLoad` does all of this by itself.
   *
   * Rejects with `ERR_CACHE_INVALID_KEY`, `ERR_CACHE_INVALID_OPTIONS`, `ERR_CACHE_ABORTED`,
   * `ERR_CACHE_CLOSED`.
   */
  lease<T = unknown>(key: string, options: LeaseOptions = {}): Promise<LeaseOutcome<T>> {
    try {
      return this.#leaseSpace.lease<T>(key, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * The value; on a miss what the loader fetches, which is stored with the options given, as of
   * `set`. However many callers in however many threads miss a key at once, one loader is called
   * and all get its value: those of its thread the very object, others a copy. What was written or
   * invalidated while it loaded is not overwritten; the callers get the loaded value, and whoever
   * calls after the invalidation starts another load. `undefined` is passed on and not stored.
   *
   * A loader that throws rejects the callers of its thread with its error, those of other threads
   * with `ERR_CACHE_LOAD_FAILED` and its message, cut to 200 bytes. When its thread ends, or it
   * takes longer than `leaseMs`, another thread loads. Where the key has a stale entry, its value
   * is the answer instead of an error of the load, unless `staleIfError` is false. A loader must
   * not call `getOrLoad` with its own key: that would wait for itself.
   *
   * Rejects also with `ERR_CACHE_LOAD_TIMEOUT` (retryable), `ERR_CACHE_ABORTED`,
   * `ERR_CACHE_INVALID_KEY`, `ERR_CACHE_INVALID_VALUE`, `ERR_CACHE_INVALID_TTL`,
   * `ERR_CACHE_INVALID_OPTIONS`, `ERR_CACHE_CLOSED`. A value that finds no memory is handed out
   * and counted in `stats().failedWrites`.
   */
  getOrLoad<T = unknown>(key: string, loader: Loader<T>, options: LoadOptions = {}): Promise<T> {
    try {
      return this.#leaseSpace.getOrLoad<T>(key, loader, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #deleteCommand(key: string, flags: number): Command {
    const command = this.writer.draft();
    command.opcode = OP_DELETE;
    command.namespaceId = this.namespaceId;
    command.key = key;
    command.encoding = 0;
    command.flags = flags;
    command.ttlMs = TTL_NEVER_MS;
    return command;
  }

  get #leaseSpace(): LeaseSpace {
    this.#leases ??= new LeaseSpace(this.context, this.namespaceId, {
      read: (key) => this.get(key),
      readStale: (key) => this.#readStale(key),
      fill: (key, value, options, token) => this.#fill(key, value, options, token),
    });
    return this.#leases;
  }

  #readStale(key: string): unknown {
    const { state, value } = this.getWithMeta(key);
    return state === 'stale' ? value : undefined;
  }

  #fill(
    key: string,
    value: unknown,
    options: SetOptions | undefined,
    token: number,
  ): Promise<boolean> {
    try {
      const command = this.setCommand(key, value, options, FLAG_LEASE);
      command.guard = token;
      return this.answer(command);
    } catch (error) {
      return this.context.rejection(key, error);
    }
  }
}
