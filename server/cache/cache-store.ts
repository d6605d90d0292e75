import type { Engine, EntryView, Keyspace } from '../../src/index.js';

/** What the service reads of an entry; valid until the next call on the store. */
export type StoredView = Pick<
  EntryView,
  'bytes' | 'chunks' | 'sizeBytes' | 'ttlMs' | 'ageMs' | 'version' | 'contentType' | 'writeHash'
>;

/** The entries of one namespace, as the service uses them. */
export interface Space
  extends Pick<
    Keyspace,
    | 'readState'
    | 'has'
    | 'getWithMeta'
    | 'set'
    | 'setIf'
    | 'delete'
    | 'deleteIf'
    | 'touch'
    | 'persist'
    | 'invalidatePrefix'
    | 'invalidateGlob'
    | 'invalidateTag'
    | 'keys'
    | 'scanKeys'
  > {
  getView(key: string): StoredView | undefined;
}

/** What the service needs of an engine: the default namespace, and the others by name. */
export interface CacheStore extends Space, Pick<Engine, 'stats' | 'valueBytesMax'> {
  /** @throws {CacheError} `ERR_CACHE_INVALID_NAMESPACE`, `ERR_CACHE_TOO_MANY_NAMESPACES` */
  namespace(name: string): Space;
  /** `undefined` when nobody has stored anything under the name yet. */
  findNamespace(name: string): Space | undefined;
}
