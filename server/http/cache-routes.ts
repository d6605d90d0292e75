import type { Engine, EntryView, SetOptions } from '../../src/index.js';
import type { ByteBudget } from '../byte-budget.js';
import { MISS_REPLY, RequestError } from '../error-table.js';
import type { Route } from '../router.js';
import {
  decodeKey,
  describeKeyProblem,
  emptyReply,
  formatSeconds,
  parseTtlMs,
  TTL_HEADER,
} from '../wire.js';
import { readBody } from './body-reader.js';
import { HIT_HEAD_NAME, HitHeads } from './hit-head.js';
import { sendReply } from './reply.js';
import { readRequestHead } from './request-head.js';
import type { Exchange } from './transport.js';

/** What the routes read of an entry; valid until the next call on the store. */
export type StoredView = Pick<
  EntryView,
  'bytes' | 'chunks' | 'sizeBytes' | 'ttlMs' | 'contentType'
>;

/** What the routes need of an engine. */
export interface CacheStore extends Pick<Engine, 'readState' | 'set' | 'delete'> {
  getView(key: string): StoredView | undefined;
}

export interface CacheRouteParts {
  readonly store: CacheStore;
  /** The largest body that PUT takes; the engine may refuse a smaller one yet. */
  readonly valueBytesMax: number;
  /** Milliseconds that an entry without a TTL of its own lives; `Infinity` for no end. */
  readonly defaultTtlMs: number;
  /** Bounds bodies that are being received and replies that wait for slow clients. */
  readonly budget: ByteBudget;
}

/**
 * Larger values are handed over part by part, and held on the heap only where a client is slow;
 * what the transport must keep of smaller ones for such a client is bounded by this.
 */
const WHOLE_BYTES_MAX = 16_384;
const hitHeads = new HitHeads();
const NO_CONTENT_REPLY = emptyReply(204);

/** `/cache/{key}`: PUT, GET and DELETE of one entry. */
export function createCacheRoutes(parts: CacheRouteParts): readonly Route[] {
  return [
    {
      path: '/cache/{key}',
      handlers: {
        GET: (exchange, segment) => getEntry(parts, exchange, segment),
        PUT: (exchange, segment) => putEntry(parts, exchange, segment),
        DELETE: (exchange, segment) => deleteEntry(parts, exchange, segment),
      },
    },
  ];
}

/** The hot path: on a hit nothing is allocated but the key, and the value becomes no string. */
function getEntry(
  { store, budget }: CacheRouteParts,
  exchange: Exchange,
  segment: string,
): undefined {
  const view = store.getView(readKey(segment));
  if (view === undefined) {
    if (store.readState() === 'busy') throw busy();
    sendReply(exchange, MISS_REPLY);
    return;
  }
  const { sizeBytes, ttlMs } = view;
  // Taken before the first header: after it, only the connection could be closed.
  if (sizeBytes > WHOLE_BYTES_MAX && !budget.tryTake(sizeBytes)) throw tooManyReplies();
  exchange.writeHeaderLines(HIT_HEAD_NAME, hitHeads.encode(view.contentType, ttlMs));
  if (sizeBytes <= WHOLE_BYTES_MAX) exchange.end(view.bytes);
  else exchange.endParts(view.chunks, sizeBytes, () => budget.give(sizeBytes));
}

async function putEntry(
  parts: CacheRouteParts,
  exchange: Exchange,
  segment: string,
): Promise<void> {
  const head = readRequestHead(exchange);
  if (!head.statesBody) throw lengthRequired();
  const key = readKey(segment);
  const ttlMs = readTtl(head.ttl);
  const options: SetOptions = {
    ...(ttlMs !== undefined && { ttl: ttlMs }),
    ...(head.contentType !== undefined && { contentType: head.contentType }),
  };
  const body = await readBody(exchange, {
    contentBytes: head.contentBytes,
    valueBytesMax: parts.valueBytesMax,
    budget: parts.budget,
  });
  try {
    await parts.store.set(key, body, options);
  } finally {
    parts.budget.give(body.length);
  }
  const storedTtlMs = ttlMs ?? parts.defaultTtlMs;
  const hasTtl = storedTtlMs !== Number.POSITIVE_INFINITY;
  sendReply(exchange, emptyReply(201, hasTtl ? [[TTL_HEADER, formatSeconds(storedTtlMs)]] : []));
}

async function deleteEntry(
  { store }: CacheRouteParts,
  exchange: Exchange,
  segment: string,
): Promise<void> {
  readRequestHead(exchange);
  await store.delete(readKey(segment));
  sendReply(exchange, NO_CONTENT_REPLY);
}

function readKey(segment: string): string {
  const key = decodeKey(segment);
  if (key === undefined) {
    throw new RequestError('ERR_CACHE_INVALID_KEY', describeKeyProblem(segment));
  }
  return key;
}

function readTtl(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ttlMs = parseTtlMs(text);
  if (ttlMs === undefined) {
    throw new RequestError(
      'ERR_CACHE_INVALID_TTL',
      `${TTL_HEADER} must be a whole number of seconds above zero, in decimal digits`,
    );
  }
  return ttlMs;
}

function busy(): RequestError {
  return new RequestError('ERR_CACHE_BUSY', 'the entry is being written; try again');
}

function tooManyReplies(): RequestError {
  return new RequestError('ERR_CACHE_OVERLOADED', 'too many large values are being sent');
}

function lengthRequired(): RequestError {
  return new RequestError('ERR_HTTP_LENGTH_REQUIRED', 'PUT needs a Content-Length', {
    closes: true,
  });
}
