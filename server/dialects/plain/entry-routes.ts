import { MISS_REPLY, RequestError } from '../../error-table.js';
import { readBody } from '../../http/body-reader.js';
import { sendReply } from '../../http/reply.js';
import { readRequestHead } from '../../http/request-head.js';
import type { Exchange } from '../../http/transport.js';
import type { Route } from '../../router.js';
import {
  decodeKey,
  describeKeyProblem,
  emptyReply,
  formatSeconds,
  parseTtlMs,
  TTL_HEADER,
} from '../../wire.js';
import type { DialectParts } from '../dialect-parts.js';
import { HIT_HEAD_NAME, HitHeads } from './hit-head.js';

/**
 * Larger values are handed over part by part, and held on the heap only where a client is slow;
 * what the transport must keep of smaller ones for such a client is bounded by this.
 */
const WHOLE_BYTES_MAX = 16_384;
const hitHeads = new HitHeads();
const NO_CONTENT_REPLY = emptyReply(204);

/** `/cache/{key}`: PUT, GET and DELETE of one entry. */
export function createEntryRoutes(parts: DialectParts): readonly Route[] {
  return [
    {
      path: '/cache/{key}',
      operations: {
        GET: { name: 'get', handle: (exchange, segment) => getEntry(parts, exchange, segment) },
        PUT: { name: 'set', handle: (exchange, segment) => putEntry(parts, exchange, segment) },
        DELETE: {
          name: 'delete',
          handle: (exchange, segment) => deleteEntry(parts, exchange, segment),
        },
      },
    },
  ];
}

/** The hot path: on a hit nothing is allocated but the key, and the value becomes no string. */
function getEntry({ store, budget }: DialectParts, exchange: Exchange, segment: string): undefined {
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

async function putEntry(parts: DialectParts, exchange: Exchange, segment: string): Promise<void> {
  const head = readRequestHead(exchange);
  if (!head.statesBody) throw lengthRequired();
  const key = readKey(segment);
  const ttlMs = readTtl(head.ttl);
  const body = await readBody(exchange, {
    contentBytes: head.contentBytes,
    valueBytesMax: parts.settings.valueBytesMax,
    budget: parts.budget,
  });
  try {
    const value = await parts.codec.admit({
      bytes: body,
      contentType: head.contentType,
      contentEncoding: undefined,
    });
    await parts.writes.set({ namespace: '', key }, value, { ttlMs, tags: [] });
  } finally {
    parts.budget.give(body.length);
  }
  const storedTtlMs = ttlMs ?? parts.settings.defaultTtlMs;
  const hasTtl = storedTtlMs !== Number.POSITIVE_INFINITY;
  sendReply(exchange, emptyReply(201, hasTtl ? [[TTL_HEADER, formatSeconds(storedTtlMs)]] : []));
}

async function deleteEntry(
  { writes }: DialectParts,
  exchange: Exchange,
  segment: string,
): Promise<void> {
  readRequestHead(exchange);
  await writes.delete({ namespace: '', key: readKey(segment) });
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
