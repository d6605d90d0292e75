import { malformedAnswer, unreachable } from './client-error.js';
import { type CodecName, type EncodedValue, packr } from './encoded-value.js';
import type { FetchLike, FetchRequest, FetchResponse } from './fetch-like.js';
import { readRefusal } from './http-refusal.js';
import type {
  AnswerOf,
  EntryAnswer,
  FieldsOf,
  InvalidationTarget,
  OperationName,
  SetFields,
  TouchFields,
  Transport,
} from './operations.js';

/** What the transport needs to know. */
export interface HttpSettings {
  /** Without a slash at its end. */
  readonly url: string;
  readonly codec: CodecName;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: FetchLike;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal: AbortSignal;
}

const JSON_TYPE = 'application/json';
const MSGPACK_TYPE = 'application/msgpack';
const BYTES_TYPE = 'application/octet-stream';
/** Requests of one batch that are under way at once. */
const BATCH_REQUESTS_MAX = 8;

type Handlers = {
  readonly [Name in OperationName]: (
    namespace: string,
    fields: FieldsOf<Name>,
    signal: AbortSignal,
  ) => Promise<AnswerOf<Name>>;
};

/** Questions as HTTP requests, in the plain and in the namespaced dialect. */
export class HttpTransport implements Transport {
  private readonly settings: HttpSettings;
  private readonly handlers: Handlers;

  constructor(settings: HttpSettings) {
    this.settings = settings;
    this.handlers = {
      get: (namespace, { key }, signal) => this.get(namespace, key, signal),
      getMany: (namespace, { keys }, signal) =>
        forEachOf(keys, (key) => this.get(namespace, key, signal)),
      set: (namespace, fields, signal) => this.set(namespace, fields, signal),
      setMany: async (namespace, { entries }, signal) => {
        const stored = await forEachOf(entries, (entry) =>
          this.set(namespace, { ...entry, only: undefined }, signal),
        );
        return countTrue(stored);
      },
      delete: (namespace, { key }, signal) => this.delete(namespace, key, signal),
      deleteMany: async (namespace, { keys }, signal) =>
        countTrue(await forEachOf(keys, (key) => this.delete(namespace, key, signal))),
      touch: (namespace, fields, signal) => this.touch(namespace, fields, signal),
      invalidate: (namespace, target, signal) => this.invalidate(namespace, target, signal),
    };
  }

  send<Name extends OperationName>(
    name: Name,
    namespace: string,
    fields: FieldsOf<Name>,
    signal: AbortSignal,
  ): Promise<AnswerOf<Name>> {
    const handler = this.handlers[name];
    return handler(namespace, fields, signal);
  }

  private async get(namespace: string, key: string, signal: AbortSignal): Promise<EntryAnswer> {
    const wanted = this.settings.codec === 'json' ? JSON_TYPE : MSGPACK_TYPE;
    const headers = { Accept: `${wanted}, */*;q=0.5` };
    const path = entryPath(namespace, key);
    const response = await this.ask({ method: 'GET', path, headers, signal });
    if (response.status === 404) return missOrThrow(response);
    if (response.status !== 200) throw await readRefusal(response);
    return {
      hit: true,
      value: await readBody(response),
      ttlMs: readSeconds(response, 'X-Cache-TTL-Remaining') ?? Number.POSITIVE_INFINITY,
      ageMs: readSeconds(response, 'Age'),
    };
  }

  private async set(namespace: string, fields: SetFields, signal: AbortSignal): Promise<boolean> {
    const { key, value, ttlMs, tags, only } = fields;
    const response = await this.ask({
      method: 'PUT',
      path: entryPath(namespace, key),
      headers: {
        'Content-Type': TYPES[value.form],
        ...(ttlMs !== undefined && { 'X-Cache-TTL': formatTtl(ttlMs) }),
        ...(tags.length > 0 && { 'X-Cache-Tags': tags.join(',') }),
        ...(only !== undefined && { 'X-Cache-Mode': only === 'absent' ? 'NX' : 'XX' }),
      },
      body: bodyOf(value),
      signal,
    });
    if (response.status === 412) return false;
    if (!isSuccess(response)) throw await readRefusal(response);
    return true;
  }

  private async delete(namespace: string, key: string, signal: AbortSignal): Promise<boolean> {
    const path = entryPath(namespace, key);
    const response = await this.ask({ method: 'DELETE', path, signal });
    if (response.status === 404) {
      await missOrThrow(response);
      return false;
    }
    if (!isSuccess(response)) throw await readRefusal(response);
    return response.headers.get('X-Cache-Hit') !== 'false';
  }

  private async touch(
    namespace: string,
    { key, ttlMs }: TouchFields,
    signal: AbortSignal,
  ): Promise<boolean> {
    const response = await this.ask({
      method: 'PATCH',
      path: entryPath(namespace, key),
      headers: { 'Content-Type': JSON_TYPE },
      body: JSON.stringify(ttlMs === 'never' ? { persist: true } : { ttl: toSeconds(ttlMs) }),
      signal,
    });
    if (response.status === 404) {
      await missOrThrow(response);
      return false;
    }
    if (!isSuccess(response)) throw await readRefusal(response);
    return true;
  }

  private async invalidate(
    namespace: string,
    target: InvalidationTarget,
    signal: AbortSignal,
  ): Promise<number> {
    if ('keys' in target) {
      return this.send('deleteMany', namespace, { keys: target.keys }, signal);
    }
    const response = await this.ask({
      method: 'DELETE',
      path: `${namespacePath(namespace)}?${queryOf(target)}`,
      signal,
    });
    if (!isSuccess(response)) throw await readRefusal(response);
    const { deleted } = (await readJson(response)) as { readonly deleted?: unknown };
    if (typeof deleted === 'number') return deleted;
    throw malformedAnswer('the answer to an invalidation has no count');
  }

  private async ask({ method, path, headers, body, signal }: Asked): Promise<FetchResponse> {
    const request: FetchRequest = {
      method,
      headers: { ...this.settings.headers, ...headers },
      signal,
      ...(body !== undefined && { body: body as FetchRequest['body'] & (string | Uint8Array) }),
    };
    try {
      return await this.settings.fetch(`${this.settings.url}${path}`, request);
    } catch (error) {
      throw signal.aborted ? signal.reason : unreachable('the service cannot be reached', error);
    }
  }
}

const TYPES: Readonly<Record<EncodedValue['form'], string>> = {
  json: JSON_TYPE,
  msgpack: MSGPACK_TYPE,
  bytes: BYTES_TYPE,
};

function namespacePath(namespace: string): string {
  return namespace === '' ? '/cache' : `/api/v1/cache/${encodeURIComponent(namespace)}`;
}

function entryPath(namespace: string, key: string): string {
  return `${namespacePath(namespace)}/${encodeURIComponent(key)}`;
}

function queryOf(target: Exclude<InvalidationTarget, { keys: unknown }>): string {
  if ('prefix' in target) return `prefix=${encodeURIComponent(target.prefix)}`;
  if ('tag' in target) return `tag=${encodeURIComponent(target.tag)}`;
  const confirm = target.confirm === true ? '&confirm=true' : '';
  return `pattern=${encodeURIComponent(target.glob)}${confirm}`;
}

/** The service counts seconds here; rounded up, so that no entry ends before its time. */
function toSeconds(ttlMs: number): number {
  return Math.ceil(ttlMs / 1_000);
}

function formatTtl(ttlMs: number | 'never'): string {
  return ttlMs === 'never' ? ttlMs : String(toSeconds(ttlMs));
}

function bodyOf(value: EncodedValue): string | Uint8Array {
  if (value.form === 'json') return value.text;
  return value.form === 'msgpack' ? value.packed : value.bytes;
}

function isSuccess({ status }: FetchResponse): boolean {
  return status >= 200 && status < 300;
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
  try {
    if (type === JSON_TYPE) return await readJson(response);
    const bytes = new Uint8Array(await response.arrayBuffer());
    return type === MSGPACK_TYPE ? packr.unpack(bytes) : bytes;
  } catch (error) {
    throw unreachable('the answer broke off or cannot be decoded', error);
  }
}

async function readJson(response: FetchResponse): Promise<unknown> {
  return JSON.parse(await response.text());
}

function readSeconds(response: FetchResponse, header: string): number | undefined {
  const text = response.headers.get(header);
  return text === null || !/^\d{1,15}$/.test(text) ? undefined : Number(text) * 1_000;
}

function countTrue(outcomes: readonly boolean[]): number {
  return outcomes.filter(Boolean).length;
}

/** Asks for several things, a few at a time, and gives the answers in order. */
async function forEachOf<Item, Result>(
  items: readonly Item[],
  ask: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      results[index] = await ask(items[index] as Item);
    }
  };
  await Promise.all(Array.from({ length: BATCH_REQUESTS_MAX }, work));
  return results;
}
