import { describeValue } from '../describe-value.js';
import { invalidOptions } from '../errors.js';
import { checkOneTag, checkTags, type TagNames } from './tag-names.js';

/** Options of `invalidateTags`. */
export interface InvalidateTagsOptions {
  /** Whether one of the tags is enough, or an entry must have all of them. Default: `'any'`. */
  readonly match?: 'any' | 'all';
}

/**
 * What a call of `invalidateTags` means: entries that have all the tags of one of the lists.
 *
 * @throws {CacheError} `ERR_CACHE_INVALID_TAG`, `ERR_CACHE_INVALID_OPTIONS`
 */
export function alternativesOf(
  tags: readonly string[],
  options: InvalidateTagsOptions | undefined,
): readonly TagNames[] {
  const match = matchOf(options);
  const names = checkTags(tags);
  if (names === undefined) return [];
  return match === 'all' ? [names] : [...names.names].map(checkOneTag);
}

function matchOf(options: unknown): 'any' | 'all' {
  if (options === undefined) return 'any';
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const problem = `options: must be an object such as { match: 'all' }, not ${describeValue(options)}`;
    throw invalidOptions('invalidateTags', [problem]);
  }
  for (const name in options) {
    if (name !== 'match') {
      throw invalidOptions('invalidateTags', [`${name}: is no option of it; did you mean match?`]);
    }
  }
  const { match } = options as InvalidateTagsOptions;
  if (match === undefined || match === 'any') return 'any';
  if (match === 'all') return 'all';
  throw invalidOptions('invalidateTags', [
    `match: ${describeValue(match)} is neither 'any' nor 'all'`,
  ]);
}
