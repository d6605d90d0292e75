/**
 * The shapes that travel over HTTP: names of headers, the key in the URL, times to live in
 * seconds, bodies of errors. Nothing else in the service knows how these look.
 */

/** Seconds, in a request the wish, in its response what was stored; absent for none. */
export const TTL_HEADER = 'X-Cache-TTL';
/** `true` or `false`, on every answer to GET that comes from the cache. */
export const HIT_HEADER = 'X-Cache-Hit';
/** Seconds, rounded up: never 0 for an entry that is served; absent for none. */
export const TTL_REMAINING_HEADER = 'X-Cache-TTL-Remaining';
/** The id of a request, in it and in refusals; log lines carry it. */
export const REQUEST_ID_HEADER = 'X-Request-Id';
export const CONTENT_TYPE_HEADER = 'Content-Type';
export const JSON_CONTENT_TYPE = 'application/json';
export const DEFAULT_CONTENT_TYPE = 'application/octet-stream';

/** 1,000 years, the longest time that the engine takes. */
const TTL_SECONDS_MAX = 31_557_600_000;
/** What `parseTtlMs` takes, for messages. */
export const TTL_RANGE: string = `a whole number of seconds from 1 to ${TTL_SECONDS_MAX}, in decimal digits`;

/** The longest key, in bytes of UTF-8 after decoding. */
export const KEY_BYTES_MAX = 1_024;

const PERCENT_SIGN = 0x25;
const FIRST_PRINTABLE = 0x21;
const LAST_PRINTABLE = 0x7e;
const PRINTABLE_TEXT = /^[\x21-\x7e]+$/;
const WHOLE_NUMBER = /^[0-9]+$/;
/** Longer texts are no time that is taken. */
const SECONDS = /^[0-9]{1,16}$/;
const NO_BYTES = new Uint8Array(0);

const utf8 = new TextEncoder();

/** A response that is complete before it is written. */
export interface Reply {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/**
 * The key of a path segment: decoded once, so that `%2541` is the key `%41`; a `/` inside a key is
 * sent as `%2F`. Bytes that are not UTF-8, overlong forms and halves of surrogate pairs are
 * refused, because two different URLs must not reach one entry by repair.
 *
 * @returns `undefined` for what is no key; `describeKeyProblem` says why
 */
export function decodeKey(segment: string): string | undefined {
  const length = segment.length;
  for (let index = 0; index < length; index++) {
    const unit = segment.charCodeAt(index);
    if (unit === PERCENT_SIGN) return decodeEscapes(segment);
    if (unit < FIRST_PRINTABLE || unit > LAST_PRINTABLE) return undefined;
  }
  return length > 0 && length <= KEY_BYTES_MAX ? segment : undefined;
}

function decodeEscapes(segment: string): string | undefined {
  if (!PRINTABLE_TEXT.test(segment)) return undefined;
  const key = unescapeText(segment);
  return key !== undefined && Buffer.byteLength(key) <= KEY_BYTES_MAX ? key : undefined;
}

function unescapeText(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Why `decodeKey` refused the segment. Nothing of the segment is repeated. */
export function describeKeyProblem(segment: string): string {
  if (segment.length === 0) return 'the key is empty';
  if (!PRINTABLE_TEXT.test(segment)) {
    return 'the key holds a character that must be percent-encoded in a URL';
  }
  if (unescapeText(segment) === undefined) {
    return 'the key holds a percent sign that begins no escape, or escapes that are not UTF-8';
  }
  return `the key has more than ${KEY_BYTES_MAX} bytes`;
}

/**
 * Milliseconds of a whole number of seconds, 1 to 1,000 years, written in decimal digits alone.
 *
 * @returns `undefined` for anything else
 */
export function parseTtlMs(text: string): number | undefined {
  if (!SECONDS.test(text)) return undefined;
  const seconds = Number(text);
  return seconds > 0 && seconds <= TTL_SECONDS_MAX ? seconds * 1_000 : undefined;
}

/** Whole seconds, rounded up, so that an entry with time left never reads as expired. */
export function formatSeconds(durationMs: number): string {
  return String(Math.ceil(durationMs / 1_000));
}

/**
 * The number of bytes that a Content-Length states.
 *
 * @returns `undefined` when it states none, or more than can be counted exactly
 */
export function parseContentLength(text: string): number | undefined {
  if (!WHOLE_NUMBER.test(text)) return undefined;
  const contentBytes = Number(text);
  return Number.isSafeInteger(contentBytes) ? contentBytes : undefined;
}

export function encodeText(text: string): Uint8Array {
  return utf8.encode(text);
}

/** `{"error":{"code":…,"message":…}}`: the body of every refusal. */
export function encodeErrorBody(code: string, message: string): Uint8Array {
  return encodeText(JSON.stringify({ error: { code, message } }));
}

/** A reply whose body is JSON. */
export function jsonReply(status: number, value: unknown): Reply {
  return {
    status,
    headers: [[CONTENT_TYPE_HEADER, JSON_CONTENT_TYPE]],
    body: encodeText(JSON.stringify(value)),
  };
}

/** A reply without a body. */
export function emptyReply(status: number, headers: Reply['headers'] = []): Reply {
  return { status, headers, body: NO_BYTES };
}
