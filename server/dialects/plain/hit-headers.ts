import type { Reply } from '../../wire.js';
import { formatSeconds, HIT_HEADER, TTL_REMAINING_HEADER } from '../../wire.js';

/** Member of Cache-Status (RFC 9211) that this cache adds. */
export const STATUS_OF_HIT = 'hotshard; hit';
/** What an answer depends on where a value can be given in several forms. */
export const NEGOTIATED_HEADERS = 'Accept, Accept-Encoding';
/**
 * Cache-Control of an entry without an end. Nobody has said how long its value may be used, and it
 * may be replaced at any moment: other caches may keep it, and ask each time whether it still is
 * the one of this ETag.
 */
export const REVALIDATE = 'no-cache';

/** What the headers of a hit tell of an entry. */
export interface Hit {
  /** Milliseconds; `Infinity` for none. */
  readonly ttlMs: number;
  readonly ageMs: number;
  /** The entity tag with its quotes. */
  readonly tag: string;
  /** Whether the value can be given in several forms. */
  readonly isNegotiated: boolean;
}

/** The headers of a hit one by one, as `HitHead` gives them at once; without the content's. */
export function describeHit({ ttlMs, ageMs, tag, isNegotiated }: Hit): Reply['headers'] {
  const headers: [string, string][] = [
    [HIT_HEADER, 'true'],
    ['ETag', tag],
    ['Age', String(Math.floor(ageMs / 1_000))],
  ];
  if (isNegotiated) headers.push(['Vary', NEGOTIATED_HEADERS]);
  if (ttlMs === Number.POSITIVE_INFINITY) {
    headers.push(['Cache-Control', REVALIDATE], ['Cache-Status', STATUS_OF_HIT]);
    return headers;
  }
  const wholeSeconds = Math.floor(ttlMs / 1_000);
  headers.push(
    ['Cache-Control', `max-age=${wholeSeconds}`],
    ['Cache-Status', `${STATUS_OF_HIT}; ttl=${wholeSeconds}`],
    [TTL_REMAINING_HEADER, formatSeconds(ttlMs)],
  );
  return headers;
}
