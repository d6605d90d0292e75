import { malformedAnswer, unreachable } from './client-error.js';
import type { CodecName } from './encoded-value.js';
import type { FetchLike, FetchRequest, FetchResponse } from './fetch-like.js';
import { type FrameMember, writeJson } from './frame-codec.js';
import { readRefusal } from './http-refusal.js';

export const JSON_TYPE = 'application/json';
export const MSGPACK_TYPE = 'application/msgpack';
export const BYTES_TYPE = 'application/octet-stream';

/** What HTTP requests need to know. */
export interface HttpSettings {
  /** Without a slash at its end. */
  readonly url: string;
  readonly codec: CodecName;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: FetchLike;
}

export interface HttpQuestion {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal: AbortSignal;
}

/** Sends single HTTP requests. */
export class HttpExchange {
  readonly codec: CodecName;
  private readonly settings: HttpSettings;

  constructor(settings: HttpSettings) {
    this.settings = settings;
    this.codec = settings.codec;
  }

  /** @throws {ClientError} `ERR_CLIENT_UNREACHABLE`, or the reason of the signal */
  async ask({ method, path, headers, body, signal }: HttpQuestion): Promise<FetchResponse> {
    const request: FetchRequest = {
      method,
      headers: { ...this.settings.headers, ...headers },
      signal,
      ...(body !== undefined && { body: body as string | Uint8Array<ArrayBuffer> }),
    };
    try {
      return await this.settings.fetch(`${this.settings.url}${path}`, request);
    } catch (error) {
      throw signal.aborted ? signal.reason : unreachable('the service cannot be reached', error);
    }
  }

  /**
   * Sends JSON, in which encoded values stand as they are, and gives the object of the answer.
   *
   * @throws {ClientError} what `ask` throws; the refusal that the answer is
   */
  async askJson(
    method: string,
    path: string,
    body: FrameMember,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    const headers = { 'Content-Type': JSON_TYPE };
    return readObject(await this.ask({ method, path, headers, body: writeJson(body), signal }));
  }
}

export function isSuccess({ status }: FetchResponse): boolean {
  return status >= 200 && status < 300;
}

/**
 * The JSON object that an answer of success is.
 *
 * @throws {ClientError} the refusal that the answer is, or `ERR_CLIENT_MALFORMED_ANSWER`
 */
export async function readObject(
  response: FetchResponse,
): Promise<Readonly<Record<string, unknown>>> {
  if (!isSuccess(response)) throw await readRefusal(response);
  const text = await readWhole(() => response.text());
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch (error) {
    throw malformedAnswer('the answer is no JSON', error);
  }
  throw malformedAnswer('the answer is no JSON object');
}

/**
 * Takes a body of which nothing is wanted: left unread it would keep its connection, even after the
 * client was closed. The status has said all by then, so that it breaks off changes nothing.
 */
export async function discardBody(response: FetchResponse): Promise<void> {
  await response.arrayBuffer().catch(() => undefined);
}

/** @throws {ClientError} `ERR_CLIENT_UNREACHABLE` when the answer breaks off */
export async function readWhole<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw unreachable('the answer broke off', error);
  }
}

/** @throws {ClientError} `ERR_CLIENT_MALFORMED_ANSWER` */
export function readCount(value: unknown, name: string): number {
  if (typeof value === 'number') return value;
  throw malformedAnswer(`the answer has no number ${name}`);
}

/** Milliseconds of a member that counts seconds; null stands for no end. */
export function ttlOfSeconds(seconds: unknown): number {
  return typeof seconds === 'number' ? seconds * 1_000 : Number.POSITIVE_INFINITY;
}

/** HTTP counts seconds here; rounded up, so that no entry ends before its time. */
export function toSeconds(ttlMs: number): number {
  return Math.ceil(ttlMs / 1_000);
}

/** A `.` or `..` in a path means another path, even percent-encoded (WHATWG URL). */
export function isDotSegment(text: string): boolean {
  return text === '.' || text === '..';
}

/** Asks for several things, a few at a time, and gives the answers in order. */
export async function askEach<Item, Result>(
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
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE_MAX }, work));
  return results;
}

const REQUESTS_AT_ONCE_MAX = 8;
