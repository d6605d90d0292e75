import { LEASE_FAILED, LEASE_RELEASED } from '../../native-free-core/assembly/layout.js';
import { namespaceEpoch } from '../namespace-epoch.js';
import type { SetOptions } from '../set-options.js';
import { failureMessage } from './failure-message.js';
import type { LeaseEnd, LeasePlace } from './lease-commands.js';
import type { LeasePort } from './lease-port.js';

/**
 * The right to load one missing key, which one caller of the whole process has at a time. It is
 * over when it is filled or released, when the key is written, deleted or invalidated, when its
 * time is over and somebody else asks, and when its thread ends. Use it in the thread that got it:
 *
 * ```ts
 * const outcome = await engine.lease<User>(key);
 * if (outcome.state === 'granted') {
 *   await using lease = outcome.lease;
 *   await lease.fill(await fetchUser(key), { ttl: '5m' });
 * }
 * ```
 */
export class Lease<T = unknown> implements AsyncDisposable {
  readonly key: string;
  readonly #port: LeasePort;
  readonly #token: number;
  readonly #place: LeasePlace;
  readonly #epoch: number;
  #isEnded = false;

  /** @internal */
  constructor(port: LeasePort, key: string, token: number, place: LeasePlace) {
    this.key = key;
    this.#port = port;
    this.#token = token;
    this.#place = place;
    this.#epoch = namespaceEpoch(port.context.session, port.namespaceId);
  }

  /**
   * Whether a value would be stored now, as far as can be told without the shard: one look at
   * shared memory. False is final; true may be over in a moment.
   */
  get isValid(): boolean {
    const { context, namespaceId } = this.#port;
    if (this.#isEnded || !context.leases.waits.isGranted(this.#place)) return false;
    return namespaceEpoch(context.session, namespaceId) === this.#epoch;
  }

  /**
   * Stores the value, which ends the lease. Resolves to false when the lease is over: the value may
   * be older than what happened to the key since, so it is not stored, and counted in
   * `stats().fillsRefused`. Rejects as `set` does; the lease stands then.
   */
  async fill(value: T, options?: SetOptions): Promise<boolean> {
    const isStored = await this.#port.fill(this.key, value, options, this.#token);
    if (isStored) this.#isEnded = true;
    return isStored;
  }

  /**
   * Gives the lease up; the next who asks, or waits, is granted it. With an error, callers of
   * `getOrLoad` that wait in other threads are rejected with its message, cut to 200 bytes.
   * Resolves to whether there was anything to give up.
   */
  release(error?: unknown): Promise<boolean> {
    return error === undefined
      ? this.end(LEASE_RELEASED)
      : this.end(LEASE_FAILED, failureMessage(error));
  }

  /** @internal */
  end(how: LeaseEnd, message?: Uint8Array): Promise<boolean> {
    this.#isEnded = true;
    return this.#port.commands.end(this.key, this.#token, how, message);
  }

  /** Releases the lease unless it was filled or released. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isEnded) await this.release();
  }
}

/**
 * What became of asking for a lease. `hit`: there is a value. `granted`: the caller is to load it.
 * `timeout`: another has the lease and had not filled it within `waitMs`. `unavailable`: no lease
 * is to be had, because too many are granted in that shard; a value stored by `set` then is not
 * protected against invalidations meanwhile.
 */
export type LeaseOutcome<T = unknown> =
  | { readonly state: 'hit'; readonly value: T }
  | { readonly state: 'granted'; readonly lease: Lease<T> }
  | { readonly state: 'timeout' }
  | { readonly state: 'unavailable' };
