import { describeValue } from '../describe-value.js';
import { invalidOptions } from '../errors.js';
import { nearestName } from '../nearest-name.js';
import { resolveSetOptions, type SetOptions } from '../set-options.js';

/** How long a lease lives when nothing else ends it, and how long `lease` waits for another's. */
const LEASE_MS_DEFAULT = 30_000;
/** The longest time that the event loop can be asked to wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Options of `lease`. */
export interface LeaseOptions {
  /**
   * How long to wait while another has the lease, in milliseconds, 0 to 2^31 - 1; 0 = not at all.
   * Default 30,000.
   */
  readonly waitMs?: number;
  /**
   * How long the lease lives while its holder neither fills nor releases it, in milliseconds, 1 to
   * 2^31 - 1: from then on another may be granted it. Default 30,000.
   */
  readonly leaseMs?: number;
  /** Ends the wait: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What a loader is given. */
export interface LoadContext {
  readonly key: string;
  /** Aborted when nobody waits for the value any more, or the lease's time is over. */
  readonly signal: AbortSignal;
}

/** Fetches a value that is missing; `undefined` is passed on to the callers and not stored. */
export type Loader<T> = (context: LoadContext) => T | Promise<T>;

/** Options of `getOrLoad`: those of the write that stores the value, and of the wait for it. */
export interface LoadOptions extends Omit<SetOptions, 'only'> {
  /**
   * How long this caller waits, in milliseconds, 1 to 2^31 - 1; then its promise rejects with
   * `ERR_CACHE_LOAD_TIMEOUT`, and the load goes on for others. Default: no limit of its own.
   */
  readonly waitMs?: number;
  /**
   * How long a load may take, in milliseconds, 1 to 2^31 - 1. A loader that is not done by then is
   * given up: those who wait in its thread get `ERR_CACHE_LOAD_TIMEOUT`, another thread may load.
   * Default 30,000.
   */
  readonly leaseMs?: number;
  /** Ends this caller's wait: its promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Whether a stale entry (`expirePrefix` and its like) is the answer when the load fails or takes
   * too long. Default true.
   */
  readonly staleIfError?: boolean;
}

/** What the options of a `lease` mean. */
export interface ResolvedLeaseOptions {
  readonly waitMs: number;
  readonly leaseMs: number;
  readonly signal: AbortSignal | undefined;
}

/** What the options of a `getOrLoad` mean. */
export interface ResolvedLoadOptions {
  /** `undefined` = no limit. */
  readonly waitMs: number | undefined;
  readonly leaseMs: number;
  readonly signal: AbortSignal | undefined;
  readonly staleIfError: boolean;
  readonly setOptions: SetOptions;
}

const LEASE_NAMES: readonly string[] = ['waitMs', 'leaseMs', 'signal'];

/** @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS` */
export function resolveLeaseOptions(options: LeaseOptions): ResolvedLeaseOptions {
  checkObject('lease', options);
  for (const name in options) {
    if (LEASE_NAMES.includes(name)) continue;
    const nearest = nearestName(name, LEASE_NAMES);
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    throw invalidOptions('lease', [`${name}: is no option of lease${hint}`]);
  }
  const { waitMs = LEASE_MS_DEFAULT, leaseMs = LEASE_MS_DEFAULT, signal } = options;
  checkTime('lease', 'waitMs', waitMs, 0);
  checkTime('lease', 'leaseMs', leaseMs, 1);
  checkSignal('lease', signal);
  return { waitMs, leaseMs, signal };
}

/**
 * @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS`, and what the options of a `set` throw
 */
export function resolveLoadOptions(
  options: LoadOptions,
  defaultTtlMs: number,
): ResolvedLoadOptions {
  checkObject('getOrLoad', options);
  const {
    waitMs,
    leaseMs = LEASE_MS_DEFAULT,
    signal,
    staleIfError = true,
    ...setOptions
  } = options;
  if (waitMs !== undefined) checkTime('getOrLoad', 'waitMs', waitMs, 1);
  checkTime('getOrLoad', 'leaseMs', leaseMs, 1);
  checkSignal('getOrLoad', signal);
  if (typeof staleIfError !== 'boolean') {
    const problem = `${describeValue(staleIfError)} is neither true nor false`;
    throw invalidOptions('getOrLoad', [`staleIfError: ${problem}`]);
  }
  if ('only' in setOptions) {
    throw invalidOptions('getOrLoad', ['only: is no option of getOrLoad: it loads what is absent']);
  }
  // Before anybody loads: what is wrong with them would show when the value is stored.
  resolveSetOptions(setOptions, defaultTtlMs);
  return { waitMs, leaseMs, signal, staleIfError, setOptions };
}

function checkObject(operation: string, options: unknown): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return;
  const problem = `options: must be an object such as { waitMs: 500 }, not ${describeValue(options)}`;
  throw invalidOptions(operation, [problem]);
}

function checkTime(operation: string, field: string, value: unknown, leastMs: number): void {
  const isTime = Number.isInteger(value) && (value as number) >= leastMs;
  if (isTime && (value as number) <= TIMER_MS_MAX) return;
  const problem = `${describeValue(value)} is no number of milliseconds from ${leastMs} to 2^31 - 1`;
  throw invalidOptions(operation, [`${field}: ${problem}`]);
}

function checkSignal(operation: string, signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw invalidOptions(operation, [`signal: ${describeValue(signal)} is no AbortSignal`]);
}
