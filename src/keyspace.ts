import { OP_EXPIRE_TAGGED, OP_REMOVE_TAGGED } from '../native-free-core/assembly/layout.js';
import { runInvalidation } from './tags/invalidate-tags.js';
import { alternativesOf, type InvalidateTagsOptions } from './tags/tag-match.js';
import { checkOneTag, type TagNames } from './tags/tag-names.js';
import { KeyspaceWrites } from './writes/keyspace-writes.js';

/**
 * The entries of one namespace, seen from one thread. Reads are synchronous and wait for a writer
 * at most about 2 ms; writes resolve when they were applied. A write that fails rejects with a
 * `CacheError`; one that nobody awaits is counted in `stats()` and published on the diagnostics
 * channel `hotshard:write-failed`. Keys are 1 to 1,024 bytes of well-formed UTF-8.
 */
export class Keyspace extends KeyspaceWrites {
  /**
   * Removes every entry of this namespace that has the tag; resolves to the number of live ones.
   * Entries that were set after the call stay. Works in slices of about 100 µs of a shard's time.
   *
   * Rejects with `ERR_CACHE_INVALID_TAG` or `ERR_CACHE_CLOSED`; with `ERR_CACHE_OVERLOADED` or
   * `ERR_CACHE_OUTCOME_UNKNOWN` when it came to an end in some shards only: repeat it.
   */
  invalidateTag(tag: string): Promise<number> {
    return this.#invalidate('invalidateTag', OP_REMOVE_TAGGED, () => [checkOneTag(tag)]);
  }

  /**
   * As `invalidateTag`, for entries that have any of the tags, or, with `match: 'all'`, all of
   * them. An entry with several of the tags counts once; an empty list removes nothing.
   */
  invalidateTags(tags: readonly string[], options?: InvalidateTagsOptions): Promise<number> {
    const alternatives = (): readonly TagNames[] => alternativesOf(tags, options);
    return this.#invalidate('invalidateTags', OP_REMOVE_TAGGED, alternatives);
  }

  /**
   * The soft form of `invalidateTag`: entries that have the tag become stale, which keeps their
   * values as a fallback. Resolves to the number of live entries that were not stale before.
   */
  expireTag(tag: string): Promise<number> {
    return this.#invalidate('expireTag', OP_EXPIRE_TAGGED, () => [checkOneTag(tag)]);
  }

  #invalidate(
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
}
