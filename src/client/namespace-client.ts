import { Batcher, togetherOrAlone } from './batcher.js';
import {
  type CallOptions,
  type ClientSetOptions,
  type ClientStoreOptions,
  checkSelection,
  checkTarget,
  type ResolvedStore,
  readCallOptions,
  readStoreOptions,
} from './call-options.js';
import type { ChangeFollower } from './change-follower.js';
import { aborted, ClientError, isUnavailable } from './client-error.js';
import { checkKey } from './client-key.js';
import { type ResolvedClientOptions, refuse } from './client-options.js';
import { type ClientTtl, readTtl } from './client-ttl.js';
import { encodeValue } from './encoded-value.js';
import { type Flight, type LoadContext, LoadFlights } from './load-flights.js';
import type { NearCopies } from './near-copies.js';
import type { EntryAnswer, EntryFields, InvalidationTarget, Selection } from './operations.js';
import type { RequestRunner } from './request-runner.js';
import { SOCKET_WEIGHT_MAX, weightOfEntry } from './socket-transport.js';
import type { Invalidation } from './subscriptions.js';
import { orAborted } from './time-limit.js';
import { WriteOrder } from './write-order.js';

/** What all namespaces of a client share. */
export interface ClientParts {
  readonly options: ResolvedClientOptions;
  readonly runner: RequestRunner;
  /** `undefined` without a WebSocket. */
  readonly follower: ChangeFollower | undefined;
  readonly near: NearCopies | undefined;
  /** Has the watcher of a namespace called for each change of it that the service tells of. */
  watch(namespace: string, watcher: (invalidation: Invalidation) => void): void;
  /** Tells of what no caller waits for. */
  readonly onProblem: (error: unknown) => void;
}

/** A value with what is known of it. */
export interface CachedValue<T = unknown> {
  /** `undefined` for a miss. */
  readonly value: T | undefined;
  /**
   * `unavailable`: the service could not be asked, and the option `fallback` makes that a miss.
   * `loaded`: the loader of `getOrLoad` gave it.
   */
  readonly state: 'hit' | 'miss' | 'unavailable' | 'loaded';
  readonly source: 'near' | 'service' | 'loader';
  /** Milliseconds left, `Infinity` for an entry without an end; `undefined` where not a hit. */
  readonly ttlMs: number | undefined;
  /** Milliseconds since it was stored; `undefined` where that is not known. */
  readonly ageMs: number | undefined;
}

/** Fetches a value that is missing; `undefined` is passed on to the callers and not stored. */
export type ClientLoader<T> = (context: LoadContext) => T | Promise<T>;

/** A subscription that is effective. */
export interface Subscription extends AsyncDisposable {
  /** Ends it; the listener is not called any more. */
  close(): Promise<void>;
}

const BATCH_KEYS_MAX = 100;
const DELETE_KEYS_MAX = 500;

/** The cache of one namespace. All methods reject with a `ClientError`; none waits for ever. */
export class NamespaceClient {
  private readonly parts: ClientParts;
  private readonly name: string;
  private readonly order = new WriteOrder();
  private readonly flights = new LoadFlights<CachedValue>();
  private readonly gets: Batcher<string, EntryAnswer>;
  /** Of reads whose callers have a loader at hand: trying again is dearer than loading. */
  private readonly loadGets: Batcher<string, EntryAnswer>;
  private readonly sets: Batcher<EntryFields, boolean>;

  /** @param name empty for the unnamed namespace */
  constructor(parts: ClientParts, name: string) {
    this.parts = parts;
    this.name = name;
    const limits = { items: BATCH_KEYS_MAX, weight: SOCKET_WEIGHT_MAX };
    const { retries } = parts.options;
    const weighKey = ({ length }: string): number => length;
    this.gets = new Batcher(limits, weighKey, (keys) => this.fetchAll(keys, retries));
    this.loadGets = new Batcher(limits, weighKey, (keys) => this.fetchAll(keys, 0));
    this.sets = new Batcher(limits, weightOfEntry, (entries) => this.storeAll(entries));
    // Loads under way when somebody changes something may bring what was before.
    parts.watch(name, (invalidation) => {
      if (invalidation.kind !== 'keys') this.flights.detachAll();
      else for (const key of invalidation.keys) this.flights.detach(key);
    });
  }

  /** The value, or `undefined` for a miss. Gets of one turn of the program are sent together. */
  async get<T = unknown>(key: string, options: CallOptions = {}): Promise<T | undefined> {
    const { value } = await this.getWithMeta<T>(key, options);
    return value;
  }

  /** The value with where it came from, its age and the time it has left. */
  async getWithMeta<T = unknown>(key: string, options: CallOptions = {}): Promise<CachedValue<T>> {
    checkKey(key);
    const signal = readCallOptions(options);
    try {
      const found = this.findNear(key) ?? (await this.fetch(key, this.gets, signal));
      return found as CachedValue<T>;
    } catch (error) {
      if (this.parts.options.fallback === 'error' || !isUnavailable(error)) throw error;
      return { ...MISS, state: 'unavailable' };
    }
  }

  /** The values in the order of the keys, `undefined` for each miss. */
  async getMany<T = unknown>(
    keys: readonly string[],
    options: CallOptions = {},
  ): Promise<(T | undefined)[]> {
    keys.forEach((key, index) => {
      checkKey(key, `keys[${index}]`);
    });
    return Promise.all(keys.map((key) => this.get<T>(key, options)));
  }

  async has(key: string, options: CallOptions = {}): Promise<boolean> {
    const { state } = await this.getWithMeta(key, options);
    return state === 'hit';
  }

  /**
   * Stores a value; sets of one turn of the program are sent together.
   *
   * @returns whether it was stored: false only where `only` forbade it
   */
  async set(key: string, value: unknown, options: ClientSetOptions = {}): Promise<boolean> {
    checkKey(key);
    return this.store(key, value, readStoreOptions(options, true));
  }

  /** Stores entries, all with the same options. */
  async setMany(
    entries: Iterable<readonly [key: string, value: unknown]>,
    options: ClientStoreOptions = {},
  ): Promise<void> {
    const resolved = readStoreOptions(options, false);
    const given = [...entries];
    given.forEach(([key], index) => {
      checkKey(key, `entries[${index}]`);
    });
    await Promise.all(given.map(([key, value]) => this.store(key, value, resolved)));
  }

  /** Whether there was an entry; a try that was repeated may say no after having deleted it. */
  async delete(key: string, options: CallOptions = {}): Promise<boolean> {
    checkKey(key);
    const signal = readCallOptions(options);
    return this.write([key], () => this.run('delete', { key }, signal));
  }

  /** How many entries there were. */
  async deleteMany(keys: readonly string[], options: CallOptions = {}): Promise<number> {
    const signal = readCallOptions(options);
    keys.forEach((key, index) => {
      checkKey(key, `keys[${index}]`);
    });
    let deleted = 0;
    for (let start = 0; start < keys.length; start += DELETE_KEYS_MAX) {
      const part = keys.slice(start, start + DELETE_KEYS_MAX);
      deleted += await this.write(part, () => this.run('deleteMany', { keys: part }, signal));
    }
    return deleted;
  }

  /** Gives an entry another time to live; whether there was one. */
  async touch(key: string, ttl: ClientTtl, options: CallOptions = {}): Promise<boolean> {
    checkKey(key);
    const fields = { key, ttlMs: readTtl(ttl) };
    const signal = readCallOptions(options);
    return this.write([key], () => this.run('touch', fields, signal));
  }

  /** Removes what a prefix, a glob or a tag names, and says how many entries that were. */
  async invalidate(target: InvalidationTarget, options: CallOptions = {}): Promise<number> {
    checkTarget(target);
    if ('keys' in target) return this.deleteMany(target.keys, options);
    const signal = readCallOptions(options);
    this.forgetAll();
    return this.order
      .sweep(() => this.run('invalidate', target, signal))
      .finally(() => this.forgetAll());
  }

  /**
   * The value; where it is missing, or the service cannot be asked, what the loader gives, which is
   * stored for others if the service is there. Callers that ask while a load is under way share it.
   *
   * @throws what the loader throws
   */
  async getOrLoad<T>(
    key: string,
    loader: ClientLoader<T>,
    options: ClientStoreOptions = {},
  ): Promise<T> {
    const { value } = await this.getOrLoadWithMeta(key, loader, options);
    // A miss has no value, but a loader answered it: what it gave is the value, whatever it is.
    return value as T;
  }

  /** As `getOrLoad`, with where the value came from. */
  async getOrLoadWithMeta<T>(
    key: string,
    loader: ClientLoader<T>,
    options: ClientStoreOptions = {},
  ): Promise<CachedValue<T>> {
    checkKey(key);
    if (typeof loader !== 'function') refuse('loader', 'must be a function');
    const resolved = readStoreOptions(options, false);
    const found =
      this.findNear(key) ??
      (await this.flights.join(key, resolved.signal, (flight) =>
        this.load(flight, loader, resolved),
      ));
    return found as CachedValue<T>;
  }

  /**
   * Calls the listener for every change that concerns the selection, from the moment on that the
   * promise resolves. A lost connection is made good: the listener is told `resync` once changes
   * are followed again.
   */
  async subscribe(
    selection: Selection,
    listener: (invalidation: Invalidation) => void,
  ): Promise<Subscription> {
    checkSelection(selection);
    if (typeof listener !== 'function') refuse('listener', 'must be a function');
    const { follower, options } = this.parts;
    if (follower === undefined) {
      refuse('webSocket', "is { kind: 'off' }, and subscriptions need it");
    }
    const close = await follower.subscribe(this.name, selection, options.totalTimeoutMs, listener);
    return { close, [Symbol.asyncDispose]: close };
  }

  private findNear(key: string): CachedValue | undefined {
    this.parts.follower?.use(this.name);
    const copy = this.parts.near?.find(this.name, key);
    return copy && { ...copy, state: 'hit', source: 'near' };
  }

  private async fetch(
    key: string,
    batcher: Batcher<string, EntryAnswer>,
    signal: AbortSignal | undefined,
  ): Promise<CachedValue> {
    const before = this.order.before(key);
    if (before !== undefined) await orAborted(before, signal);
    const answer = await orAborted(batcher.add(key), signal);
    if (!answer.hit) return MISS;
    const { value, ttlMs, ageMs } = answer;
    return { value, state: 'hit', source: 'service', ttlMs, ageMs };
  }

  private async fetchAll(
    keys: readonly string[],
    retries: number,
  ): Promise<readonly PromiseSettledResult<EntryAnswer>[]> {
    const unique = [...new Set(keys)];
    const outcomes = await togetherOrAlone(
      unique,
      (part) => this.fetchTogether(part, retries),
      isRefusal,
    );
    const byKey = new Map(unique.map((key, index) => [key, outcomes[index]]));
    return keys.map((key) => byKey.get(key) ?? { status: 'rejected', reason: undefined });
  }

  private async fetchTogether(
    keys: readonly string[],
    retries: number,
  ): Promise<readonly EntryAnswer[]> {
    const { near, runner } = this.parts;
    // Before the question leaves: a change that is told before the answer comes makes them void.
    const tickets = keys.map((key) => near?.beginRead(this.name, key));
    let answers: readonly EntryAnswer[] = [];
    try {
      const common = { namespace: this.name, signal: undefined };
      const outcome =
        keys.length === 1
          ? await runner.run({ ...common, name: 'get', fields: { key: keys[0] ?? '' } }, retries)
          : await runner.run({ ...common, name: 'getMany', fields: { keys } }, retries);
      answers = 'hit' in outcome.answer ? [outcome.answer] : outcome.answer;
      if (!outcome.isFollowed) for (const ticket of tickets) if (ticket) ticket.isVoid = true;
      return answers;
    } finally {
      tickets.forEach((ticket, index) => {
        if (ticket !== undefined) near?.endRead(ticket, answers[index]);
      });
    }
  }

  private store(key: string, value: unknown, store: ResolvedStore): Promise<boolean> {
    const { ttlMs, tags, only, signal } = store;
    const entry = { key, value: encodeValue(value, this.parts.options.codec), ttlMs, tags };
    const stored = this.write([key], () => {
      if (signal?.aborted === true) return Promise.reject(aborted(signal));
      if (only === undefined) return this.sets.add(entry);
      return this.run('set', { ...entry, only }, signal);
    });
    // Later writes to the key wait, even where the caller does not: it may be tried again.
    return orAborted(stored, signal);
  }

  private storeAll(
    entries: readonly EntryFields[],
  ): Promise<readonly PromiseSettledResult<boolean>[]> {
    const together = async (part: readonly EntryFields[]): Promise<boolean[]> => {
      const [first] = part;
      if (part.length > 1) await this.run('setMany', { entries: part }, undefined);
      else if (first !== undefined) await this.run('set', { ...first, only: undefined }, undefined);
      return part.map(() => true);
    };
    return togetherOrAlone(entries, together, isRefusal);
  }

  /** A load that found nothing, or nobody, asks the loader. */
  private async load<T>(
    flight: Flight,
    loader: ClientLoader<T>,
    store: ResolvedStore,
  ): Promise<CachedValue> {
    const { key } = flight;
    let isAvailable = true;
    try {
      const found = await this.fetch(key, this.loadGets, undefined);
      if (found.state === 'hit') return found;
    } catch (error) {
      if (!mayPass(error)) throw error;
      isAvailable = false;
    }
    const value = await loader({ key, signal: flight.signal });
    const loaded = { ...MISS, value, state: 'loaded', source: 'loader' } as const;
    if (value === undefined || !isAvailable || flight.isDetached) return loaded;
    try {
      // Not over what somebody stored meanwhile, which may be newer.
      await this.store(key, value, { ...store, only: 'absent', signal: undefined });
    } catch (error) {
      if (!mayPass(error)) throw error;
      this.parts.onProblem(error);
    }
    return loaded;
  }

  private async run<Name extends Parameters<RequestRunner['run']>[0]['name']>(
    name: Name,
    fields: Parameters<typeof this.parts.runner.run<Name>>[0]['fields'],
    signal: AbortSignal | undefined,
  ): Promise<Awaited<ReturnType<typeof this.parts.runner.run<Name>>>['answer']> {
    const { runner } = this.parts;
    const { answer } = await runner.run({ name, namespace: this.name, fields, signal });
    return answer;
  }

  /** A write drops copies before it is sent, and again when it has ended, however it did. */
  private write<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    this.forget(keys);
    return this.order.write(keys, () => task().finally(() => this.forget(keys)));
  }

  private forget(keys: readonly string[]): void {
    for (const key of keys) {
      this.parts.near?.dropKey(this.name, key);
      this.flights.detach(key);
    }
  }

  private forgetAll(): void {
    this.parts.near?.dropNamespace(this.name);
    this.flights.detachAll();
  }
}

const MISS: CachedValue<never> = {
  value: undefined,
  state: 'miss',
  source: 'service',
  ttlMs: undefined,
  ageMs: undefined,
};

/** Whether the service looked at the request and said no to it. */
function isRefusal(error: unknown): boolean {
  return error instanceof ClientError && !error.retryable && !isUnavailable(error);
}

/** Whether the loader is asked instead: the service is away or busy, and nobody made a mistake. */
function mayPass(error: unknown): boolean {
  return isUnavailable(error) || (error instanceof ClientError && error.retryable);
}
