import type { SetOptions } from '../../src/index.js';
import type { Change, ChangeFeed } from '../changes/change-feed.js';
import type { StoredValue } from '../codecs/stored-value.js';
import { RequestError } from '../error-table.js';
import type { CacheStore, Space } from './cache-store.js';

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
    const options: SetOptions = {
      ...(ttlMs !== undefined && { ttl: ttlMs }),
      ...(only !== undefined && { only }),
      ...(value.storedType !== undefined && { contentType: value.storedType }),
      ...(tags.length > 0 && { tags }),
    };
    const change: Change = { kind: 'keys', namespace, keys: [key], action: 'update', tags };
    return this.apply(space.set(key, value.bytes, options), change, (isStored) => isStored);
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

async function changeTtl(space: Space, key: string, ttl: TtlChange): Promise<boolean> {
  if (ttl.kind === 'persist') return space.persist(key);
  if (ttl.kind === 'set') return space.touch(key, ttl.ttlMs);
  const view = space.getView(key);
  if (view === undefined) return false;
  // What has no end cannot be put off.
  if (view.ttlMs === Number.POSITIVE_INFINITY) return true;
  return space.touch(key, view.ttlMs + ttl.ttlMs);
}

async function removeAll(space: Space, kind: Selection['kind'], text: string): Promise<number> {
  if (kind === 'tag') return space.invalidateTag(text);
  const { deleted } = await (kind === 'prefix'
    ? space.invalidatePrefix(text)
    : space.invalidateGlob(text));
  return deleted;
}
