import {
  FLAG_KEEP_TTL,
  FLAG_ONLY_ABSENT,
  FLAG_ONLY_PRESENT,
  FLAG_TAGGED,
} from '../native-free-core/assembly/layout.js';
import { checkContentType } from './content-types.js';
import { describeValue } from './describe-value.js';
import { parseTtl, TTL_KEEP_MS, type Ttl } from './duration.js';
import { invalidOptions } from './errors.js';
import { nearestName } from './nearest-name.js';
import { checkTags, type TagNames } from './tags/tag-names.js';

/** Options of one write. */
export interface SetOptions {
  /**
   * Time to live: milliseconds, text such as `'5m'`, `'never'`, or `'keep'` to leave the present
   * one. Default: the engine's `defaultTtl`.
   */
  readonly ttl?: Ttl;
  /** Store only when the key is absent, or only when it is present. Default: always. */
  readonly only?: 'absent' | 'present';
  /** Stored with the value and given back by `getView`; up to 127 printable ASCII characters. */
  readonly contentType?: string;
  /**
   * Names by which `invalidateTag` finds the entry, in its namespace: up to 64 of 1 to 256 bytes
   * of well-formed UTF-8; a name given twice counts once. They replace the tags that the entry
   * had; without them it has none. Default: none.
   */
  readonly tags?: readonly string[];
}

/** What the options of one write mean. */
export interface ResolvedSetOptions {
  /** Milliseconds; Infinity = never. */
  readonly ttlMs: number;
  readonly flags: number;
  /** Empty = none. */
  readonly contentType: string;
  readonly tags: TagNames | undefined;
}

/**
 * @throws {CacheError} `ERR_CACHE_INVALID_TTL`, `ERR_CACHE_INVALID_VALUE` for the content type,
 * `ERR_CACHE_INVALID_TAG`, `ERR_CACHE_INVALID_OPTIONS` for the condition
 */
export function resolveSetOptions(options: SetOptions, defaultTtlMs: number): ResolvedSetOptions {
  checkSetOptions(options);
  const { ttl, only, contentType = '' } = options;
  if (contentType !== '') checkContentType(contentType);
  const tags = options.tags === undefined ? undefined : checkTags(options.tags);
  const flags = conditionFlag(only) | (tags === undefined ? 0 : FLAG_TAGGED);
  const ttlMs = ttl === undefined ? defaultTtlMs : parseTtl(ttl, 'ttl');
  return ttlMs === TTL_KEEP_MS
    ? { ttlMs: defaultTtlMs, flags: flags | FLAG_KEEP_TTL, contentType, tags }
    : { ttlMs, flags, contentType, tags };
}

const KNOWN_NAMES: readonly string[] = ['ttl', 'only', 'contentType', 'tags'];

function checkSetOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const problem = `options: must be an object such as { ttl: '5m' }, not ${describeValue(options)}`;
    throw invalidOptions('set', [problem]);
  }
  for (const name in options) {
    if (KNOWN_NAMES.includes(name)) continue;
    const nearest = nearestName(name, KNOWN_NAMES);
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    throw invalidOptions('set', [`${name}: is no option of a write${hint}`]);
  }
}

function conditionFlag(only: SetOptions['only']): number {
  switch (only) {
    case undefined:
      return 0;
    case 'absent':
      return FLAG_ONLY_ABSENT;
    case 'present':
      return FLAG_ONLY_PRESENT;
    default:
      throw invalidOptions('set', [
        `only: ${describeValue(only)} is neither 'absent' nor 'present'`,
      ]);
  }
}
