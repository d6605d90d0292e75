import { malformedAnswer, onlyBySocket } from './client-error.js';
import { type EncodedValue, packr } from './encoded-value.js';
import type { FetchResponse } from './fetch-like.js';
import { readValue } from './frame-codec.js';
import {
  askEach,
  BYTES_TYPE,
  discardBody,
  type HttpExchange,
  isDotSegment,
  isSuccess,
  JSON_TYPE,
  MSGPACK_TYPE,
  readCount,
  readWhole,
  toSeconds,
  ttlOfSeconds,
} from './http-exchange.js';
import { readRefusal } from './http-refusal.js';
import type { EntryAnswer, EntryFields, SetFields, TouchFields } from './operations.js';

const TYPES: Readonly<Record<EncodedValue['form'], string>> = {
  json: JSON_TYPE,
  msgpack: MSGPACK_TYPE,
  bytes: BYTES_TYPE,
};
/** Tags that can stand in a header, with commas between them. */
const HEADER_TAG = /^(?! )[ -+\--~]*[!-+\--~]$/;

/** The unnamed namespace over HTTP: `/cache/{key}` and `/cache/batch/…`. */
export class PlainDialect {
  private readonly exchange: HttpExchange;

  constructor(exchange: HttpExchange) {
    this.exchange = exchange;
  }

  async get(key: string, signal: AbortSignal): Promise<EntryAnswer> {
    if (isDotSegment(key)) {
      const [answer] = await this.getBatch([key], signal);
      return answer ?? { hit: false };
    }
    const wanted = this.exchange.codec === 'json' ? JSON_TYPE : MSGPACK_TYPE;
    const headers = { Accept: `${wanted}, */*;q=0.5` };
    const response = await this.exchange.ask({ method: 'GET', path: pathOf(key), headers, signal });
    if (response.status === 404) return missOrThrow(response);
    if (response.status !== 200) throw await readRefusal(response);
    return {
      hit: true,
      value: await readBody(response),
      ttlMs: readSeconds(response, 'X-Cache-TTL-Remaining') ?? Number.POSITIVE_INFINITY,
      ageMs: readSeconds(response, 'Age'),
    };
  }

  /** In MessagePack one by one: the batch is JSON, which would not carry all of their values. */
  getMany(keys: readonly string[], signal: AbortSignal): Promise<readonly EntryAnswer[]> {
    return this.exchange.codec === 'json'
      ? this.getBatch(keys, signal)
      : askEach(keys, (key) => this.get(key, signal));
  }

  async set(fields: SetFields, signal: AbortSignal): Promise<boolean> {
    const { key, value, ttlMs, tags, only } = fields;
    if (isDotSegment(key) || !tags.every((tag) => HEADER_TAG.test(tag))) {
      if (only !== undefined || !fitsBatch(fields)) throw onlyBySocket('such a key or tag');
      await this.setBatch([fields], signal);
      return true;
    }
    const response = await this.exchange.ask({
      method: 'PUT',
      path: pathOf(key),
      headers: {
        'Content-Type': TYPES[value.form],
        ...(ttlMs !== undefined && { 'X-Cache-TTL': formatTtl(ttlMs) }),
        ...(tags.length > 0 && { 'X-Cache-Tags': tags.join(',') }),
        ...(only !== undefined && { 'X-Cache-Mode': only === 'absent' ? 'NX' : 'XX' }),
      },
      body: bodyOf(value),
      signal,
    });
    const isForbidden = response.status === 412 && only !== undefined;
    if (!isSuccess(response) && !isForbidden) throw await readRefusal(response);
    await discardBody(response);
    return !isForbidden;
  }

  async setMany(entries: readonly EntryFields[], signal: AbortSignal): Promise<number> {
    if (entries.every(fitsBatch)) return this.setBatch(entries, signal);
    await askEach(entries, (entry) => this.set({ ...entry, only: undefined }, signal));
    return entries.length;
  }

  async delete(key: string, signal: AbortSignal): Promise<boolean> {
    return (await this.deleteMany([key], signal)) > 0;
  }

  async deleteMany(keys: readonly string[], signal: AbortSignal): Promise<number> {
    const path = '/cache/batch/delete';
    const { deleted } = await this.exchange.askJson('POST', path, { keys }, signal);
    return readCount(deleted, 'deleted');
  }

  async touch({ key, ttlMs }: TouchFields, signal: AbortSignal): Promise<boolean> {
    if (isDotSegment(key)) throw onlyBySocket('such a key');
    const response = await this.exchange.ask({
      method: 'PATCH',
      path: pathOf(key),
      headers: { 'Content-Type': JSON_TYPE },
      body: JSON.stringify(ttlMs === 'never' ? { persist: true } : { ttl: toSeconds(ttlMs) }),
      signal,
    });
    if (response.status === 404) {
      await missOrThrow(response);
      return false;
    }
    if (!isSuccess(response)) throw await readRefusal(response);
    await discardBody(response);
    return true;
  }

  private async getBatch(
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly EntryAnswer[]> {
    const { results } = await this.exchange.askJson('POST', '/cache/batch/get', { keys }, signal);
    if (Array.isArray(results) && results.length === keys.length) return results.map(readResult);
    throw malformedAnswer('the answer to a batch has no list of results');
  }

  private async setBatch(entries: readonly EntryFields[], signal: AbortSignal): Promise<number> {
    const body = {
      entries: entries.map(({ key, value, ttlMs, tags }) => ({
        key,
        value,
        ttl: typeof ttlMs === 'number' ? toSeconds(ttlMs) : undefined,
        tags: tags.length > 0 ? tags : undefined,
      })),
    };
    const { stored } = await this.exchange.askJson('POST', '/cache/batch/set', body, signal);
    return readCount(stored, 'stored');
  }
}

/** A batch is JSON and has no word for an entry without an end. */
function fitsBatch({ value, ttlMs }: EntryFields): boolean {
  return value.form !== 'msgpack' && ttlMs !== 'never';
}

function pathOf(key: string): string {
  return `/cache/${encodeURIComponent(key)}`;
}

function formatTtl(ttlMs: number | 'never'): string {
  return ttlMs === 'never' ? ttlMs : String(toSeconds(ttlMs));
}

function bodyOf(value: EncodedValue): string | Uint8Array {
  if (value.form === 'json') return value.text;
  return value.form === 'msgpack' ? value.packed : value.bytes;
}

function readResult(result: Readonly<Record<string, unknown>>): EntryAnswer {
  if (result['hit'] !== true) return { hit: false };
  const value = readValue(result['value'], result['encoding']);
  return { hit: true, value, ttlMs: ttlOfSeconds(result['ttl']), ageMs: undefined };
}

/** A miss and a path that is not there have one status. */
async function missOrThrow(response: FetchResponse): Promise<EntryAnswer> {
  const isMiss = response.headers.get('X-Cache-Hit') === 'false';
  const refusal = await readRefusal(response);
  if (isMiss || refusal.code === 'ERR_HTTP_CACHE_MISS') return { hit: false };
  throw refusal;
}

async function readBody(response: FetchResponse): Promise<unknown> {
  const [type = ''] = (response.headers.get('Content-Type') ?? '').split(';', 1);
  const bytes = new Uint8Array(await readWhole(() => response.arrayBuffer()));
  try {
    if (type === JSON_TYPE) return JSON.parse(utf8.decode(bytes));
    return type === MSGPACK_TYPE ? packr.unpack(bytes) : bytes;
  } catch (error) {
    throw malformedAnswer('the value is not what its type says', error);
  }
}

const utf8 = new TextDecoder();

function readSeconds(response: FetchResponse, header: string): number | undefined {
  const text = response.headers.get(header);
  return text === null || !/^\d{1,15}$/.test(text) ? undefined : Number(text) * 1_000;
}
