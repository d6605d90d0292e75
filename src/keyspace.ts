import { FLAG_LEASE } from '../native-free-core/assembly/layout.js';
import type { LeaseOutcome } from './leases/lease.js';
import type { LeaseOptions, Loader, LoadOptions } from './leases/lease-options.js';
import { LeaseSpace } from './leases/lease-space.js';
import type { SetOptions } from './set-options.js';
import { KeyspaceWrites } from './writes/keyspace-writes.js';

/**
 * The entries of one namespace, seen from one thread. Reads are synchronous and wait for a writer
 * at most about 2 ms; writes resolve when they were applied. A write that fails rejects with a
 * `CacheError`; one that nobody awaits is counted in `stats()` and published on the diagnostics
 * channel `hotshard:write-failed`. Keys are 1 to 1,024 bytes of well-formed UTF-8.
 */
export class Keyspace extends KeyspaceWrites {
  #leases: LeaseSpace | undefined;

  /**
   * The value, or else the right to load it: of all callers in all threads who miss the key one is
   * granted a lease, the others wait until it is filled, released or void, at most `waitMs`, and
   * then find the value or try again. A lease protects against storing what is out of date: a set,
   * a delete or an invalidation of the key voids it. `getOrLoad` does all of this by itself.
   *
   * Rejects with `ERR_CACHE_INVALID_KEY`, `ERR_CACHE_INVALID_OPTIONS`, `ERR_CACHE_CLOSED`, or the
   * reason of the signal.
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
   * takes longer than `leaseMs`, another thread loads. It must not call `getOrLoad` with its own
   * key: that would wait for itself.
   *
   * Rejects also with `ERR_CACHE_LOAD_TIMEOUT` (retryable), the reason of the signal,
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

  get #leaseSpace(): LeaseSpace {
    this.#leases ??= new LeaseSpace(this.context, this.namespaceId, {
      read: (key) => this.get(key),
      fill: (key, value, options, token) => this.#fill(key, value, options, token),
    });
    return this.#leases;
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
