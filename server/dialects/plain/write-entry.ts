import type { StoredValue } from '../../codecs/stored-value.js';
import { RequestError } from '../../error-table.js';
import { readBody } from '../../http/body-reader.js';
import { sendReply } from '../../http/reply.js';
import { readRequestHead, requireLength } from '../../http/request-head.js';
import type { Exchange } from '../../http/transport.js';
import { emptyReply, formatSeconds, parseTtlMs, TTL_HEADER, TTL_RANGE } from '../../wire.js';
import type { DialectParts } from '../dialect-parts.js';
import { readKey } from '../entry-key.js';
import { readTags } from './entry-tags.js';
import {
  conditionOf,
  preconditionFailed,
  readCondition,
  type WriteCondition,
} from './write-condition.js';

const CREATED_REPLY = emptyReply(201);
const NO_CONTENT_REPLY = emptyReply(204);

/** What a PUT says about the entry besides its value. */
interface EntryWish {
  readonly key: string;
  readonly ttlMs: number | 'never' | undefined;
  readonly tags: readonly string[];
  readonly condition: WriteCondition;
}

/** PUT of one entry. */
export async function putEntry(
  parts: DialectParts,
  exchange: Exchange,
  segment: string,
): Promise<void> {
  const head = readRequestHead(exchange);
  requireLength(head);
  const wish: EntryWish = {
    key: readKey(segment),
    ttlMs: readTtl(head.ttl),
    tags: readTags(head),
    condition: readCondition(head),
  };
  const body = await readBody(exchange, {
    contentBytes: head.contentBytes,
    valueBytesMax: parts.settings.valueBytesMax,
    budget: parts.budget,
  });
  try {
    const { contentType, contentEncoding } = head;
    const value = await parts.codec.admit({ bytes: body, contentType, contentEncoding });
    if (!(await store(parts, value, wish))) throw preconditionFailed();
  } finally {
    parts.budget.give(body.length);
  }
  const storedTtlMs = wish.ttlMs ?? parts.settings.defaultTtlMs;
  const hasTtl = storedTtlMs !== 'never' && storedTtlMs !== Number.POSITIVE_INFINITY;
  const reply = hasTtl
    ? emptyReply(201, [[TTL_HEADER, formatSeconds(storedTtlMs)]])
    : CREATED_REPLY;
  sendReply(exchange, reply);
}

function store(
  { writes }: DialectParts,
  value: StoredValue,
  { key, ttlMs, tags, condition }: EntryWish,
): Promise<boolean> {
  const address = { namespace: '', key };
  switch (condition.kind) {
    case 'none':
      return writes.set(address, value, { ttlMs, tags });
    case 'only':
      return writes.set(address, value, { ttlMs, tags, only: condition.only });
    case 'tags':
      return writes.setWhere(address, value, { ttlMs, tags }, condition.isMet);
  }
}

/** DELETE of one entry. */
export async function deleteEntry(
  { writes }: DialectParts,
  exchange: Exchange,
  segment: string,
): Promise<void> {
  const isMet = conditionOf(readCondition(readRequestHead(exchange)));
  const address = { namespace: '', key: readKey(segment) };
  if (isMet === undefined) await writes.delete(address);
  else if (!(await writes.deleteWhere(address, isMet))) throw preconditionFailed();
  sendReply(exchange, NO_CONTENT_REPLY);
}

function readTtl(text: string | undefined): number | 'never' | undefined {
  if (text === undefined || text === 'never') return text;
  const ttlMs = parseTtlMs(text);
  if (ttlMs !== undefined) return ttlMs;
  throw new RequestError('ERR_CACHE_INVALID_TTL', `${TTL_HEADER} must be ${TTL_RANGE}, or never`);
}
