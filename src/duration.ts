import { describeValue } from './describe-value.js';
import { invalidTtl } from './errors.js';

/** Milliseconds as an integer, or an integer with a unit: `'250ms' '10s' '5m' '1h' '7d' '2w'`. */
export type Duration = number | string;

/** How long an entry lives: `'keep'` leaves the present expiry on overwrite (set only). */
export type Ttl = Duration | 'never' | 'keep';

/** The longest duration, 1,000 years of 365.25 days: whole milliseconds stay exact far above. */
export const DURATION_MS_MAX: number = 1_000 * 365.25 * 86_400_000;

/** What `parseTtl` gives for `'never'`. */
export const TTL_NEVER_MS: number = Number.POSITIVE_INFINITY;

/** What `parseTtl` gives for `'keep'`; no duration is negative. */
export const TTL_KEEP_MS = -1;

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const DURATION_TEXT = /^(\d+)(ms|s|m|h|d|w)$/;
/** Enough for the longest duration in its smallest unit, with room for leading zeros. */
const TEXT_UNITS_MAX = 24;
const LIMIT = `at most ${DURATION_MS_MAX} ms (1,000 years)`;

// Programs use a handful of texts, over and over: '1h', '5m'. Cleared when full, so that texts
// made up at run time cannot hold memory.
const MEMO_ENTRIES_MAX = 64;
const memo = new Map<string, number>();

/** The milliseconds of a duration, or the problem with it. The quick path allocates nothing. */
export function readDuration(value: unknown): number | string {
  if (typeof value === 'number') {
    return value >= 1 && value <= DURATION_MS_MAX && Math.floor(value) === value
      ? value
      : numberProblem(value);
  }
  if (typeof value !== 'string') {
    return `${describeValue(value)} is no duration: give milliseconds or text such as '5m'`;
  }
  return memo.get(value) ?? readText(value);
}

function numberProblem(value: number): string {
  if (Number.isNaN(value)) return 'NaN is no duration';
  if (value <= 0) return `${value} is not above zero`;
  if (value > DURATION_MS_MAX) return `${value} is too long: ${LIMIT}`;
  return `${value} is no whole number of milliseconds`;
}

function readText(text: string): number | string {
  const match = text.length <= TEXT_UNITS_MAX ? DURATION_TEXT.exec(text) : null;
  const unitMs = match === null ? undefined : UNIT_MS[match[2] ?? ''];
  if (match === null || unitMs === undefined) {
    return (
      `${describeValue(text)} is no duration: give an integer and one of the units ` +
      "ms, s, m, h, d, w, such as '5m'"
    );
  }
  const durationMs = Number(match[1]) * unitMs;
  if (durationMs === 0) return `${describeValue(text)} is not above zero`;
  if (durationMs > DURATION_MS_MAX) return `${describeValue(text)} is too long: ${LIMIT}`;
  if (memo.size >= MEMO_ENTRIES_MAX) memo.clear();
  memo.set(text, durationMs);
  return durationMs;
}

/**
 * Milliseconds, an integer from 1 to `DURATION_MS_MAX`.
 *
 * @param field what the caller calls the value, for the message
 * @throws {CacheError} `ERR_CACHE_INVALID_TTL`
 */
export function parseDurationMs(value: Duration, field: string): number {
  const durationMs = readDuration(value);
  if (typeof durationMs === 'string') throw invalidTtl(field, durationMs);
  return durationMs;
}

/**
 * Milliseconds, or `TTL_NEVER_MS` for `'never'`.
 *
 * @throws {CacheError} `ERR_CACHE_INVALID_TTL`
 */
export function parseExpiry(value: Duration | 'never', field: string): number {
  return value === 'never' ? TTL_NEVER_MS : parseDurationMs(value, field);
}

/**
 * Milliseconds, `TTL_NEVER_MS` for `'never'`, or `TTL_KEEP_MS` for `'keep'`.
 *
 * @throws {CacheError} `ERR_CACHE_INVALID_TTL`
 */
export function parseTtl(value: Ttl, field: string): number {
  return value === 'keep' ? TTL_KEEP_MS : parseExpiry(value, field);
}
