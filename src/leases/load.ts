import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { LEASE_EMPTY } from '../../native-free-core/assembly/layout.js';
import { CacheError, type CacheErrorCode, engineClosed } from '../errors.js';
import { Lease } from './lease.js';
import type { LeasePlace } from './lease-commands.js';
import type { Loader, ResolvedLoadOptions } from './lease-options.js';
import type { LeasePort } from './lease-port.js';
import type { LeaseEnding } from './lease-waits.js';
import type { Closable } from './thread-leases.js';
import { Waiter } from './waiter.js';

/** Where no lease is to be had, a load waits this long for one, then goes on without. */
const UNAVAILABLE_MS_MAX = 1_000;
const UNAVAILABLE_STEP_MS = 20;
/** A load waits for those of other threads so many lifetimes of a lease, then gives up. */
const LEASES_WAITED_MAX = 2;
/** Failures of the store that the caller is told; after others it gets the value all the same. */
const CALLER_FAULTS: readonly CacheErrorCode[] = [
  'ERR_CACHE_INVALID_VALUE',
  'ERR_CACHE_INVALID_TTL',
  'ERR_CACHE_INVALID_OPTIONS',
  'ERR_CACHE_CLOSED',
];

/**
 * One load of a key for all callers of this thread who miss it: it asks for the lease, waits for
 * the load of another thread, or calls the loader itself. The first caller's loader and options
 * count; each caller has its own deadline and signal.
 */
export class Load implements Closable {
  readonly key: string;
  readonly #port: LeasePort;
  readonly #loader: Loader<unknown>;
  readonly #options: ResolvedLoadOptions;
  readonly #onOver: (load: Load) => void;
  readonly #controller = new AbortController();
  readonly #waiters = new Set<Waiter<unknown>>();
  /** Of all callers without a deadline of their own: one promise, and it never leaves. */
  #patient: Waiter<unknown> | undefined;
  #phase: 'asking' | 'loading' | 'over' = 'asking';
  #lease: Lease | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Of the latest invalidation of a tag when the load began; undefined without tags. */
  #number: bigint | undefined;

  constructor(
    port: LeasePort,
    key: string,
    loader: Loader<unknown>,
    options: ResolvedLoadOptions,
    onOver: (load: Load) => void,
  ) {
    this.#port = port;
    this.key = key;
    this.#loader = loader;
    this.#options = options;
    this.#onOver = onOver;
  }

  /**
   * Whether a caller who comes now may have its result. Not once the key was written or
   * invalidated after the load began: its value may be older than that.
   */
  get isJoinable(): boolean {
    if (this.#phase !== 'loading') return this.#phase === 'asking';
    if (this.#lease?.isValid !== true) return false;
    // Whether one of its tags was invalidated shows when it is stored: who comes after any
    // invalidation waits for that.
    return this.#number === undefined || this.#number === this.#invalidationNumber();
  }

  start(): void {
    this.#port.context.leases.begin(this);
    this.#run().catch((error: unknown) => this.#fail(error));
  }

  join({ waitMs, signal }: ResolvedLoadOptions): Promise<unknown> {
    if (waitMs === undefined && signal === undefined) {
      if (this.#patient === undefined) {
        this.#patient = new Waiter<unknown>(undefined, ignore);
        this.#waiters.add(this.#patient);
      }
      return this.#patient.promise;
    }
    const waiter = new Waiter<unknown>(signal, () => this.#leave(waiter));
    this.#waiters.add(waiter);
    if (waitMs !== undefined) {
      waiter.limit(waitMs, (late) =>
        late.reject(loadTimeout(`was not loaded within ${waitMs} ms`)),
      );
    }
    return waiter.promise;
  }

  /** The engine is being closed in this thread. */
  close(): void {
    this.#fail(engineClosed('getOrLoad'));
    this.#controller.abort();
  }

  async #run(): Promise<void> {
    const { commands } = this.#port;
    const { leaseMs } = this.#options;
    const giveUpMs = performance.now() + LEASES_WAITED_MAX * leaseMs;
    let unavailableMs = 0;
    while (this.#phase === 'asking') {
      const answer = await commands.ask(this.key, leaseMs);
      if (answer.kind === 'granted') {
        return this.#load(new Lease(this.#port, this.key, answer.token, answer.place));
      }
      if (answer.kind === 'none') {
        if (unavailableMs >= UNAVAILABLE_MS_MAX) return this.#load(undefined);
        unavailableMs += UNAVAILABLE_STEP_MS;
        await pause(UNAVAILABLE_STEP_MS);
      } else if (answer.kind === 'taken') {
        const ending = await this.#ending(answer.place, giveUpMs);
        if (ending?.kind === 'failed') return this.#fallBack(loadFailed(ending.message));
        if (ending?.kind === 'empty') return this.#succeed(undefined);
      } else {
        // Present, but not for a read a moment later: time goes on before the next question.
        await nextTurn();
      }
      if (this.#isAnswered(giveUpMs)) return;
    }
  }

  /** How the lease of another ended; undefined when nobody waits for that any more. */
  async #ending(place: LeasePlace, giveUpMs: number): Promise<LeaseEnding | undefined> {
    while (this.#phase === 'asking' && performance.now() < giveUpMs) {
      const ending = await this.#port.step(place);
      if (ending !== undefined) return ending;
    }
    return undefined;
  }

  /** Ends the load when there is a value by now, or it took too long. */
  #isAnswered(giveUpMs: number): boolean {
    if (this.#phase === 'over') return true;
    this.#port.context.assertOpen('getOrLoad');
    const value = this.#port.read(this.key);
    if (value !== undefined) this.#succeed(value);
    else if (performance.now() >= giveUpMs) this.#fallBack(loadTimeout('was not loaded elsewhere'));
    return this.#isOver;
  }

  get #isOver(): boolean {
    return this.#phase === 'over';
  }

  async #load(lease: Lease | undefined): Promise<void> {
    this.#lease = lease;
    if (this.#isOver) {
      await lease?.release();
      return;
    }
    this.#phase = 'loading';
    if (this.#options.setOptions.tags !== undefined) this.#number = this.#invalidationNumber();
    this.#timer = setTimeout(() => this.#giveUp(), this.#options.leaseMs);
    let value: unknown;
    try {
      value = await this.#loader({ key: this.key, signal: this.#controller.signal });
    } catch (error) {
      // Threads that wait are told first; after the load was given up there is nobody left to.
      if (!this.#isOver) this.#release(error);
      this.#fallBack(error);
      return;
    }
    if (this.#isOver) return;
    clearTimeout(this.#timer);
    if (value !== undefined) await this.#store(value);
    else await lease?.end(LEASE_EMPTY);
    this.#succeed(value);
  }

  #invalidationNumber(): bigint {
    return this.#port.context.session.core.invalidationNumber();
  }

  /** Stores the value, if nothing happened to the key meanwhile. The callers get it in any case. */
  async #store(value: unknown): Promise<void> {
    try {
      await this.#lease?.fill(value, this.#options.setOptions);
    } catch (error) {
      const isFault = CacheError.is(error) && CALLER_FAULTS.includes(error.code);
      this.#release(isFault ? error : undefined);
      // Others were counted and published by the write.
      if (isFault) throw error;
    }
  }

  #release(error?: unknown): void {
    this.#lease?.release(error).catch(ignore);
  }

  /** The loader took longer than its lease lives. */
  #giveUp(): void {
    const { leaseMs } = this.#options;
    this.#fallBack(loadTimeout(`took its loader more than ${leaseMs} ms`));
    this.#release();
    this.#controller.abort();
  }

  /** A caller has gone; when it was the last, the loader is told. */
  #leave(waiter: Waiter<unknown>): void {
    this.#waiters.delete(waiter);
    if (this.#waiters.size > 0 || this.#isOver) return;
    this.#finish();
    this.#release();
    this.#controller.abort();
  }

  #succeed(value: unknown): void {
    if (this.#isOver) return;
    this.#finish();
    for (const waiter of this.#waiters) waiter.resolve(value);
  }

  /** The load has failed: a stale value serves, where there is one and it may. */
  #fallBack(error: unknown): void {
    const stale = this.#staleValue();
    if (stale !== undefined) this.#succeed(stale);
    else this.#fail(error);
  }

  #staleValue(): unknown {
    if (this.#isOver || !this.#options.staleIfError) return undefined;
    try {
      return this.#port.readStale(this.key);
    } catch {
      // What cannot be read is no fallback: the error of the load says more.
      return undefined;
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#finish();
    for (const waiter of this.#waiters) waiter.reject(error);
  }

  #finish(): void {
    this.#phase = 'over';
    clearTimeout(this.#timer);
    this.#onOver(this);
    this.#port.context.leases.end(this);
  }
}

function loadFailed(message: string): CacheError {
  return new CacheError('ERR_CACHE_LOAD_FAILED', `getOrLoad: the load failed: ${message}`);
}

function loadTimeout(problem: string): CacheError {
  return new CacheError('ERR_CACHE_LOAD_TIMEOUT', `getOrLoad: the value ${problem}`);
}

function ignore(): void {
  // A lease that cannot be released is over soon by itself.
}
