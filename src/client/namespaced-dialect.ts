import { malformedAnswer, onlyBySocket } from './client-error.js';
import { readValue } from './frame-codec.js';
import {
  askEach,
  type HttpExchange,
  isDotSegment,
  readCount,
  readObject,
  toSeconds,
  ttlOfSeconds,
} from './http-exchange.js';
import { readRefusal } from './http-refusal.js';
import type { EntryAnswer, EntryFields, SetFields } from './operations.js';

/** A named namespace over HTTP, `/api/v1/cache/{namespace}/…`: it can do less than the socket. */
export class NamespacedDialect {
  private readonly exchange: HttpExchange;

  constructor(exchange: HttpExchange) {
    this.exchange = exchange;
  }

  async get(namespace: string, key: string, signal: AbortSignal): Promise<EntryAnswer> {
    const path = entryPath(namespace, key);
    const response = await this.exchange.ask({ method: 'GET', path, signal });
    if (response.status === 404) {
      const refusal = await readRefusal(response);
      if (refusal.code === 'ERR_HTTP_CACHE_MISS') return { hit: false };
      throw refusal;
    }
    const { value, encoding, ttl_seconds: ttlSeconds } = await readObject(response);
    const ttlMs = ttlOfSeconds(ttlSeconds);
    return { hit: true, value: readValue(value, encoding), ttlMs, ageMs: undefined };
  }

  /** One by one: the batch of this dialect does not say how long the entries still live. */
  getMany(
    namespace: string,
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly EntryAnswer[]> {
    return askEach(keys, (key) => this.get(namespace, key, signal));
  }

  async set(namespace: string, fields: SetFields, signal: AbortSignal): Promise<boolean> {
    const { key, value, ttlMs, tags, only } = fields;
    if (only !== undefined) throw onlyBySocket('a condition in a named namespace');
    if (ttlMs === 'never') throw onlyBySocket("the ttl 'never' in a named namespace");
    if (value.form === 'msgpack') throw onlyBySocket('MessagePack in a named namespace');
    const body = {
      value,
      ttl_seconds: ttlMs === undefined ? undefined : toSeconds(ttlMs),
      tags: tags.length > 0 ? tags : undefined,
    };
    const answer = await this.exchange.askJson('PUT', entryPath(namespace, key), body, signal);
    if (answer['success'] === true) return true;
    throw malformedAnswer('the answer to a write does not say success');
  }

  async setMany(
    namespace: string,
    entries: readonly EntryFields[],
    signal: AbortSignal,
  ): Promise<number> {
    await askEach(entries, (entry) => this.set(namespace, { ...entry, only: undefined }, signal));
    return entries.length;
  }

  async delete(namespace: string, key: string, signal: AbortSignal): Promise<boolean> {
    const path = entryPath(namespace, key);
    const response = await this.exchange.ask({ method: 'DELETE', path, signal });
    const { deleted } = await readObject(response);
    return deleted === true;
  }

  async deleteMany(
    namespace: string,
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<number> {
    const deleted = await askEach(keys, (key) => this.delete(namespace, key, signal));
    return readCount(deleted.filter(Boolean).length, 'deleted');
  }
}

function entryPath(namespace: string, key: string): string {
  if (isDotSegment(key) || isDotSegment(namespace)) throw onlyBySocket('such a key or namespace');
  return `/api/v1/cache/${encodeURIComponent(namespace)}/${encodeURIComponent(key)}`;
}
