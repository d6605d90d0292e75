import { ClientError } from './client-error.js';

/** Milliseconds as an integer, or an integer with a unit: `'250ms' '10s' '5m' '1h' '7d' '2w'`. */
export type ClientTtl = number | string;

/** 1,000 years of 365.25 days, as in the service. */
const TTL_MS_MAX = 1_000 * 365.25 * 86_400_000;
const TTL_TEXT = /^(\d{1,16})(ms|s|m|h|d|w)$/;
const UNIT_MS: ReadonlyMap<string | undefined, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
]);

/**
 * Milliseconds of a time to live, or `'never'`.
 *
 * @throws {ClientError} `ERR_CLIENT_INVALID_OPTIONS`
 */
export function readTtl(ttl: unknown): number | 'never' {
  if (ttl === 'never') return ttl;
  const ttlMs = typeof ttl === 'string' ? readText(ttl) : ttl;
  if (Number.isInteger(ttlMs) && Number(ttlMs) >= 1 && Number(ttlMs) <= TTL_MS_MAX) {
    return Number(ttlMs);
  }
  throw new ClientError(
    'ERR_CLIENT_INVALID_OPTIONS',
    "ttl: must be a whole number of milliseconds above zero, text such as '5m', or 'never'; " +
      'at most 1,000 years',
  );
}

function readText(text: string): number | undefined {
  const [, digits, unit] = TTL_TEXT.exec(text) ?? [];
  const unitMs = UNIT_MS.get(unit);
  return unitMs === undefined ? undefined : Number(digits) * unitMs;
}
