/** The fields that bodies of all dialects have in common: keys, values, times to live, tags. */
import type { StoredValue } from '../codecs/stored-value.js';
import { RequestError } from '../error-table.js';
import { invalidField, readText } from '../json/json-fields.js';
import type { JsonValue } from '../json/json-value.js';
import { KEY_BYTES_MAX, parseTtlMs, TTL_RANGE } from '../wire.js';
import type { DialectParts } from './dialect-parts.js';

/** What `encoding` may say: the value is a string of base64 that stands for bytes. */
export const BASE64 = 'base64';

const TAGS_MAX = 64;
const TAG_BYTES_MAX = 256;
const TTL_DIGITS_MAX = 16;
const SURROGATE = /\p{Surrogate}/u;

/**
 * A key in a body.
 *
 * @param field such as `keys[3]`
 * @throws {RequestError} `ERR_CACHE_INVALID_KEY`; `ERR_HTTP_INVALID_FIELD` when it is no string
 */
export function readKeyField(value: JsonValue, field: string): string {
  return checkKey(readText(value, field), field);
}

/** @throws {RequestError} `ERR_CACHE_INVALID_KEY` */
export function checkKey(key: string, field: string): string {
  if (key === '') throw invalidKey(`${field}: the key is empty`);
  if (key.length > KEY_BYTES_MAX || Buffer.byteLength(key) > KEY_BYTES_MAX) {
    throw invalidKey(`${field}: the key has more than ${KEY_BYTES_MAX} bytes`);
  }
  if (SURROGATE.test(key)) throw invalidKey(`${field}: the key has half of a surrogate pair`);
  return key;
}

/**
 * A list of keys, in order, repeated ones too.
 *
 * @throws {RequestError} `ERR_HTTP_BATCH_TOO_LARGE`, `ERR_HTTP_INVALID_FIELD` for none at all, and
 * what `readKeyField` throws
 */
export function readKeysField(value: JsonValue, field: string, keysMax: number): string[] {
  if (value.kind !== 'array') throw invalidField(field, `must be an array, not ${value.kind}`);
  const keys: string[] = [];
  for (const item of value.items()) {
    checkBatchSize(keys.length + 1, field, keysMax);
    keys.push(readKeyField(item, `${field}[${keys.length}]`));
  }
  if (keys.length === 0) throw emptyBatch(field, keysMax);
  return keys;
}

/** @throws {RequestError} `ERR_HTTP_BATCH_TOO_LARGE` */
export function checkBatchSize(count: number, field: string, keysMax: number): void {
  if (count <= keysMax) return;
  throw new RequestError(
    'ERR_HTTP_BATCH_TOO_LARGE',
    `${field}: has more than ${keysMax}, the most that HTTP_MAX_BATCH_KEYS allows`,
  );
}

export function emptyBatch(field: string, keysMax: number): RequestError {
  return invalidField(field, `must hold 1 to ${keysMax}, not none`);
}

/**
 * Milliseconds of a time to live; `undefined` where there is none, for the default.
 *
 * @throws {RequestError} `ERR_CACHE_INVALID_TTL`
 */
export function readTtlField(value: JsonValue | undefined, field: string): number | undefined {
  if (value === undefined) return undefined;
  const isShort = value.kind === 'number' && value.text.length <= TTL_DIGITS_MAX;
  const ttlMs = isShort ? parseTtlMs(Buffer.from(value.text).toString('latin1')) : undefined;
  if (ttlMs !== undefined) return ttlMs;
  throw new RequestError('ERR_CACHE_INVALID_TTL', `${field}: must be ${TTL_RANGE}`);
}

/** @throws {RequestError} `ERR_CACHE_INVALID_TAG`, `ERR_HTTP_INVALID_FIELD` */
export function readTagsField(value: JsonValue | undefined, field: string): readonly string[] {
  if (value === undefined) return [];
  if (value.kind !== 'array') throw invalidField(field, `must be an array, not ${value.kind}`);
  const tags: string[] = [];
  for (const item of value.items()) {
    if (tags.length === TAGS_MAX) throw invalidTag(`${field}: has more than ${TAGS_MAX} tags`);
    const place = `${field}[${tags.length}]`;
    tags.push(checkTag(readText(item, place), place));
  }
  return tags;
}

/** @throws {RequestError} `ERR_CACHE_INVALID_TAG` */
export function checkTag(tag: string, field: string): string {
  if (tag === '') throw invalidTag(`${field}: must not be empty`);
  if (tag.length > TAG_BYTES_MAX || Buffer.byteLength(tag) > TAG_BYTES_MAX) {
    throw invalidTag(`${field}: has more than ${TAG_BYTES_MAX} bytes`);
  }
  if (SURROGATE.test(tag)) throw invalidTag(`${field}: has half of a surrogate pair`);
  return tag;
}

/**
 * The value of a field as it is stored: JSON by the text that came; with the encoding `base64` the
 * bytes that a string stands for.
 *
 * @throws {RequestError} `ERR_CACHE_VALUE_TOO_LARGE`, `ERR_HTTP_INVALID_FIELD`; also as a rejection
 */
export function readValueField(
  { codec, settings }: DialectParts,
  value: JsonValue,
  encoding: JsonValue | undefined,
  field: string,
): StoredValue | Promise<StoredValue> {
  if (encoding === undefined) {
    checkValueSize(value.text.length, field, settings.valueBytesMax);
    return codec.admitJson(value.text);
  }
  if (encoding.asString() !== BASE64) throw invalidField('encoding', `must be "${BASE64}"`);
  const text = readText(value, field);
  const bytes = Buffer.from(text, BASE64);
  // Decoding skips what it does not know: only the one text that stands for the bytes is taken.
  if (bytes.toString(BASE64) !== text) {
    throw invalidField(field, 'must be base64 with padding, as its encoding says');
  }
  checkValueSize(bytes.length, field, settings.valueBytesMax);
  return codec.admit({ bytes, contentType: undefined, contentEncoding: undefined });
}

function checkValueSize(valueBytes: number, field: string, valueBytesMax: number): void {
  if (valueBytes <= valueBytesMax) return;
  const problem = `${field}: the value has more than ${valueBytesMax} bytes`;
  throw new RequestError('ERR_CACHE_VALUE_TOO_LARGE', problem);
}

function invalidKey(message: string): RequestError {
  return new RequestError('ERR_CACHE_INVALID_KEY', message);
}

function invalidTag(message: string): RequestError {
  return new RequestError('ERR_CACHE_INVALID_TAG', message);
}
