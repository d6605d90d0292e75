import { describeValue } from '../describe-value.js';
import { invalidOptions } from '../errors.js';
import { nearestName } from '../nearest-name.js';
import { filterPattern, type KeyFilter, type KeyPattern } from './key-pattern.js';
import { checkSignal } from './scan-options.js';
import type { SlicePlace } from './scan-slice.js';

const OPERATION = 'scanKeys';
const KNOWN_NAMES: readonly string[] = ['filter', 'cursor', 'limit', 'signal'];
const LIMIT_DEFAULT = 100;
/** The most keys of one page. */
export const PAGE_KEYS_MAX = 10_000;
const CURSOR_TEXT = /^[A-Za-z0-9_-]{16}$/;
const CURSOR_BYTES = 12;
const CURSOR_PLACE = 2;
const CURSOR_AFTER = 6;
const AFTER_BYTES = 6;

/** Some of the keys of a namespace. */
export interface KeyPage {
  readonly keys: readonly string[];
  /** For the next page; `undefined` when this was the last one. */
  readonly cursor: string | undefined;
}

/** Which keys `scanKeys` gives. */
export interface KeyPageOptions {
  /** Default: all keys. */
  readonly filter?: KeyFilter | undefined;
  /** Of the page before, which had the same filter. Default: the first page. */
  readonly cursor?: string | undefined;
  /** Most keys of the page, 1 to 10,000. Default: 100. */
  readonly limit?: number | undefined;
  /** Ends the scan before its next slice. */
  readonly signal?: AbortSignal | undefined;
}

/** Where a page begins: a shard, and the place in it. */
export interface PagePlace extends SlicePlace {
  readonly shard: number;
}

/** What the options of one page mean. */
export interface PageTask {
  readonly pattern: KeyPattern;
  readonly start: PagePlace;
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

/** @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS`, `ERR_CACHE_INVALID_PATTERN` */
export function resolvePageOptions(options: unknown, shardCount: number): PageTask {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw refusal(`options: must be an object such as { limit }, not ${describeValue(options)}`);
  }
  for (const name in options) {
    if (KNOWN_NAMES.includes(name)) continue;
    const nearest = nearestName(name, KNOWN_NAMES);
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    throw refusal(`${name}: is no option of a page of keys${hint}`);
  }
  const { filter, cursor, limit = LIMIT_DEFAULT, signal } = options as KeyPageOptions;
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_KEYS_MAX) {
    const range = `must be a whole number from 1 to ${PAGE_KEYS_MAX}`;
    throw refusal(`limit: ${range}, not ${describeValue(limit)}`);
  }
  checkSignal(OPERATION, signal);
  const start = cursor === undefined ? { shard: 0, place: 0, after: 0 } : readCursor(cursor);
  if (start === undefined || start.shard >= shardCount) {
    throw refusal('cursor: must be one that scanKeys of this engine gave');
  }
  return { pattern: filterPattern(filter), start, limit, signal };
}

/** The place as text: 16 characters that need no escape in a URL. */
export function writeCursor({ shard, place, after }: PagePlace): string {
  const bytes = Buffer.alloc(CURSOR_BYTES);
  bytes.writeUInt16BE(shard);
  bytes.writeUInt32BE(place, CURSOR_PLACE);
  bytes.writeUIntBE(after, CURSOR_AFTER, AFTER_BYTES);
  return bytes.toString('base64url');
}

/** Any place that a cursor can hold is one where a scan can go on, if the shard is there. */
function readCursor(cursor: unknown): PagePlace | undefined {
  if (typeof cursor !== 'string' || !CURSOR_TEXT.test(cursor)) return undefined;
  const bytes = Buffer.from(cursor, 'base64url');
  return {
    shard: bytes.readUInt16BE(),
    place: bytes.readUInt32BE(CURSOR_PLACE),
    after: bytes.readUIntBE(CURSOR_AFTER, AFTER_BYTES),
  };
}

function refusal(problem: string): Error {
  return invalidOptions(OPERATION, [problem]);
}
