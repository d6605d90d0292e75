import { setTimeout as delay } from 'node:timers/promises';
import type { SetOptions } from '../../src/index.js';
import type { Change, ChangeFeed } from '../changes/change-feed.js';
import type { StoredValue } from '../codecs/stored-value.js';
import { RequestError } from '../error-table.js';
import type { CacheStore, Space, StoredView } from './cache-store.js';
import { entryHash } from './entry-hash.js';

/** Tries of a write that asks for what it replaces, before it gives up. */
const ATTEMPTS_MAX = 50;
const ATTEMPT_DELAY_MS = 2;

/** Where an entry is. The empty namespace is the default one. */
export interface EntryAddress {
  readonly namespace: string;
  readonly key: string;
}

export interface WriteOptions {
  /** Milliseconds, or `'never'`; `undefined` for the default. */
  readonly ttlMs: number | 'never' | undefined;
  readonly only?: 'absent' | 'present';
  readonly tags: readonly string[];
}

/**
 * Whether a write may replace an entry, by the hash of its value (`entryHash`); `undefined`: there
 * is none.
 */
export type EntryCondition = (hash: string | undefined) => boolean;

/** What a request does to the time that an entry has left. */
export type TtlChange =
  | { readonly kind: 'set' | 'extend'; readonly ttlMs: number }
  | { readonly kind: 'persist' };

/** What is to be removed at once. */
export interface Selection {
  readonly kind: 'prefix' | 'glob' | 'tag';
  readonly namespace: string;
  readonly text: string;
}

/**
 * Every change that the service makes to the cache, for all dialects and for WebSockets. Each is
 * told to the change feed once it was applied, and when it is not known whether it was: copies
 * elsewhere may be dropped in vain, but never kept in error.
 */
export class CacheWrites {
  private readonly store: CacheStore;
  private readonly feed: ChangeFeed;
  private readonly namespacesMax: number;

  /** @param namespacesMax most names of namespaces; names are never freed */
  constructor(store: CacheStore, feed: ChangeFeed, namespacesMax: number) {
    this.store = store;
    this.feed = feed;
    this.namespacesMax = namespacesMax;
  }

  /**
   * The entries of a namespace for reading; `undefined` when it is empty for certain.
   *
   * @throws {CacheError} `ERR_CACHE_INVALID_NAMESPACE`
   */
  find(namespace: string): Space | undefined {
    return namespace === '' ? this.store : this.store.findNamespace(namespace);
  }

  /** Stores a value; whether the condition of `only` let it. */
  async set(
    { namespace, key }: EntryAddress,
    value: StoredValue,
    { ttlMs, only, tags }: WriteOptions,
  ): Promise<boolean> {
    const space = this.open(namespace);
    const options: Writable<SetOptions> = setOptions(value, { ttlMs, tags });
    if (only !== undefined) options.only = only;
    const stored = space.set(key, value.bytes, options);
    const change: Change = { kind: 'keys', namespace, keys: [key], action: 'update', tags };
    return this.apply(stored, change, (isStored) => isStored);
  }

  /**
   * Stores a value where the condition holds for what it replaces, as one step: nothing is written
   * in between. `only` has no meaning here.
   *
   * @returns whether it held
   * @throws {RequestError} `ERR_CACHE_BUSY` while others replace the entry again and again
   */
  async setWhere(
    { namespace, key }: EntryAddress,
    value: StoredValue,
    { ttlMs, tags }: Omit<WriteOptions, 'only'>,
    isMet: EntryCondition,
  ): Promise<boolean> {
    const space = this.open(namespace);
    const options = setOptions(value, { ttlMs, tags });
    const stored = changeWhere(space, key, isMet, (version) =>
      space.setIf(key, value.bytes, { ...options, version }),
    );
    const change: Change = { kind: 'keys', namespace, keys: [key], action: 'update', tags };
    return this.apply(stored, change, (isStored) => isStored);
  }

  /** Removes an entry where the condition holds for it, as one step; whether it held. */
  async deleteWhere({ namespace, key }: EntryAddress, isMet: EntryCondition): Promise<boolean> {
    const space = this.find(namespace);
    if (space === undefined) return isMet(undefined);
    const removed = changeWhere(space, key, isMet, (version) =>
      // Nothing to remove is as good as removed.
      version === 0 ? Promise.resolve(true) : space.deleteIf(key, version),
    );
    const change: Change = { kind: 'keys', namespace, keys: [key], action: 'delete', tags: [] };
    return this.apply(removed, change, (isRemoved) => isRemoved);
  }

  /** Removes an entry; whether it was there. */
  async delete({ namespace, key }: EntryAddress): Promise<boolean> {
    const space = this.find(namespace);
    if (space === undefined) return false;
    const change: Change = { kind: 'keys', namespace, keys: [key], action: 'delete', tags: [] };
    return this.apply(space.delete(key), change, () => true);
  }

  /**
   * Changes the time that an entry has left; whether it is there. `extend` reads the time first:
   * a write in between may be extended in the place of what was there.
   */
  async setTtl({ namespace, key }: EntryAddress, ttl: TtlChange): Promise<boolean> {
    const space = this.find(namespace);
    if (space === undefined) return false;
    const change: Change = { kind: 'keys', namespace, keys: [key], action: 'update', tags: [] };
    return this.apply(changeTtl(space, key, ttl), change, (isThere) => isThere);
  }

  /** Removes all that a prefix, a glob or a tag names; the number of live entries among it. */
  async invalidate({ kind, namespace, text }: Selection): Promise<number> {
    const space = this.find(namespace);
    if (space === undefined) return 0;
    return this.apply(removeAll(space, kind, text), { kind, namespace, text }, () => true);
  }

  private async apply<T>(
    pending: Promise<T>,
    change: Change,
    isChanged: (result: T) => boolean,
  ): Promise<T> {
    let tells = true;
    try {
      const result = await pending;
      tells = isChanged(result);
      return result;
    } finally {
      if (tells && this.feed.isWatched) this.feed.publish(change);
    }
  }

  private open(namespace: string): Space {
    const known = this.find(namespace);
    if (known !== undefined) return known;
    if (this.store.stats().namespaces >= this.namespacesMax) {
      throw new RequestError(
        'ERR_CACHE_TOO_MANY_NAMESPACES',
        `there are ${this.namespacesMax} namespaces already, the most that CACHE_MAX_NAMESPACES allows`,
      );
    }
    return this.store.namespace(namespace);
  }
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

function setOptions(
  { storedType }: StoredValue,
  { ttlMs, tags }: Pick<WriteOptions, 'ttlMs' | 'tags'>,
): Omit<SetOptions, 'only'> {
  // Not by spreading, which costs as much as the write itself.
  const options: Writable<Omit<SetOptions, 'only'>> = {};
  if (ttlMs !== undefined) options.ttl = ttlMs;
  if (storedType !== undefined) options.contentType = storedType;
  if (tags.length > 0) options.tags = tags;
  return options;
}

/** Looks, judges, and changes what was judged and nothing else; looks again where it is not. */
async function changeWhere(
  space: Space,
  key: string,
  isMet: EntryCondition,
  change: (version: number) => Promise<boolean>,
): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const view = readView(space, key);
    if (view?.version === 0) {
      // A write of this thread is on its way; it gets its version once it was applied.
      await delay(ATTEMPT_DELAY_MS);
      continue;
    }
    const version = view?.version ?? 0;
    if (!isMet(view === undefined ? undefined : entryHash(view))) return false;
    if (await change(version)) return true;
  }
  throw new RequestError('ERR_CACHE_BUSY', 'the entry is being replaced again and again');
}

/** @throws {RequestError} `ERR_CACHE_BUSY` when nobody can say whether there is an entry */
function readView(space: Space, key: string): StoredView | undefined {
  const view = space.getView(key);
  if (view === undefined && space.readState() === 'busy') {
    throw new RequestError('ERR_CACHE_BUSY', 'the entry is being written; try again');
  }
  return view;
}

async function changeTtl(space: Space, key: string, ttl: TtlChange): Promise<boolean> {
  if (ttl.kind === 'persist') return space.persist(key);
  if (ttl.kind === 'set') return space.touch(key, ttl.ttlMs);
  const view = readView(space, key);
  if (view === undefined) return false;
  // What has no end cannot be put off.
  if (view.ttlMs === Number.POSITIVE_INFINITY) return true;
  // The engine counts in whole milliseconds.
  return space.touch(key, Math.ceil(view.ttlMs) + ttl.ttlMs);
}

async function removeAll(space: Space, kind: Selection['kind'], text: string): Promise<number> {
  if (kind === 'tag') return space.invalidateTag(text);
  const { deleted } = await (kind === 'prefix'
    ? space.invalidatePrefix(text)
    : space.invalidateGlob(text));
  return deleted;
}
