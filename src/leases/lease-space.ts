import { setImmediate as nextTurn } from 'node:timers/promises';
import { describeValue } from '../describe-value.js';
import { engineClosed, invalidOptions } from '../errors.js';
import type { KeyspaceContext } from '../keyspace-context.js';
import type { SetOptions } from '../set-options.js';
import { Lease, type LeaseOutcome } from './lease.js';
import { LeaseCommands, type LeasePlace } from './lease-commands.js';
import {
  type LeaseOptions,
  type Loader,
  type LoadOptions,
  resolveLeaseOptions,
  resolveLoadOptions,
} from './lease-options.js';
import type { LeasePort } from './lease-port.js';
import type { LeaseEnding } from './lease-waits.js';
import { Load } from './load.js';
import { Waiter } from './waiter.js';

const TIMEOUT: LeaseOutcome<never> = Object.freeze({ state: 'timeout' });
const UNAVAILABLE: LeaseOutcome<never> = Object.freeze({ state: 'unavailable' });

/** What leases need of the key space that they are for. */
export interface LeaseAccess {
  /** The value of a live entry. */
  read(key: string): unknown;
  /** The value of a stale entry. */
  readStale(key: string): unknown;
  /** Stores a value if the lease of that token still stands. */
  fill(
    key: string,
    value: unknown,
    options: SetOptions | undefined,
    token: number,
  ): Promise<boolean>;
}

/** Leases and loads of one namespace in one thread. */
export class LeaseSpace implements LeasePort {
  readonly context: KeyspaceContext;
  readonly namespaceId: number;
  readonly commands: LeaseCommands;
  readonly #access: LeaseAccess;
  readonly #loads = new Map<string, Load>();

  constructor(context: KeyspaceContext, namespaceId: number, access: LeaseAccess) {
    this.context = context;
    this.namespaceId = namespaceId;
    this.commands = new LeaseCommands(context.writer, namespaceId);
    this.#access = access;
  }

  read(key: string): unknown {
    return this.#access.read(key);
  }

  readStale(key: string): unknown {
    return this.#access.readStale(key);
  }

  fill(
    key: string,
    value: unknown,
    options: SetOptions | undefined,
    token: number,
  ): Promise<boolean> {
    return this.#access.fill(key, value, options, token);
  }

  /** The value, the lease, or why there is neither. */
  lease<T>(key: string, options: LeaseOptions): Promise<LeaseOutcome<T>> {
    const { waitMs, leaseMs, signal } = resolveLeaseOptions(options);
    const value = this.read(key);
    if (value !== undefined) return Promise.resolve({ state: 'hit', value: value as T });
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const waiter = new Waiter<LeaseOutcome<T>>(signal, ignore);
    if (waitMs > 0) waiter.limit(waitMs, (late) => late.resolve(TIMEOUT));
    const closable = { close: () => waiter.reject(engineClosed('lease')) };
    this.context.leases.begin(closable);
    this.#acquire(waiter, key, leaseMs, waitMs)
      .catch((error: unknown) => waiter.reject(error))
      .finally(() => this.context.leases.end(closable));
    return waiter.promise;
  }

  async #acquire<T>(
    waiter: Waiter<LeaseOutcome<T>>,
    key: string,
    leaseMs: number,
    waitMs: number,
  ): Promise<void> {
    while (!waiter.isSettled) {
      const answer = await this.commands.ask(key, leaseMs);
      if (answer.kind === 'granted') {
        const lease = new Lease<T>(this, key, answer.token, answer.place);
        // Nobody is there to take it.
        if (waiter.isSettled) await lease.release();
        else waiter.resolve({ state: 'granted', lease });
        return;
      }
      if (answer.kind === 'none') return waiter.resolve(UNAVAILABLE);
      if (answer.kind === 'taken') {
        if (waitMs === 0) return waiter.resolve(TIMEOUT);
        while (!waiter.isSettled && (await this.step(answer.place)) === undefined);
      }
      if (waiter.isSettled) return;
      const value = this.read(key);
      if (value !== undefined) return waiter.resolve({ state: 'hit', value: value as T });
      // Present, but not for a read a moment later: time goes on before the next question.
      if (answer.kind === 'present') await nextTurn();
    }
  }

  /** @throws {CacheError} `ERR_CACHE_CLOSED` */
  async step(place: LeasePlace): Promise<LeaseEnding | undefined> {
    const ending = await this.context.leases.waits.step(place, this.namespaceId);
    this.context.assertOpen('lease');
    return ending;
  }

  /** The value, loaded by one caller for all who miss it. */
  getOrLoad<T>(key: string, loader: Loader<T>, options: LoadOptions): Promise<T> {
    const value = this.read(key);
    if (value !== undefined) return Promise.resolve(value as T);
    if (typeof loader !== 'function') {
      const problem = `loader: must be a function, not ${describeValue(loader)}`;
      throw invalidOptions('getOrLoad', [problem]);
    }
    const resolved = resolveLoadOptions(options, this.context.defaultTtlMs);
    if (resolved.signal?.aborted === true) return Promise.reject(resolved.signal.reason);
    let load = this.#loads.get(key);
    if (load === undefined || !load.isJoinable) {
      load = new Load(this, key, loader, resolved, this.#forget);
      this.#loads.set(key, load);
      load.start();
    }
    return load.join(resolved) as Promise<T>;
  }

  /** A load that is over; another of its key may have taken its place. */
  readonly #forget = (load: Load): void => {
    if (this.#loads.get(load.key) === load) this.#loads.delete(load.key);
  };
}

function ignore(): void {
  // The loop sees that its caller has gone.
}
