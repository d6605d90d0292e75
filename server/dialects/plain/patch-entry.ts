import type { TtlChange } from '../../cache/cache-writes.js';
import { MISS_REPLY, RequestError } from '../../error-table.js';
import { withJsonBody } from '../../http/json-body.js';
import { sendReply } from '../../http/reply.js';
import { readRequestHead } from '../../http/request-head.js';
import type { Exchange } from '../../http/transport.js';
import type { JsonValue } from '../../json/json-value.js';
import { formatSeconds, jsonReply, TTL_REMAINING_HEADER } from '../../wire.js';
import type { DialectParts } from '../dialect-parts.js';
import { readKey } from '../entry-key.js';
import { readCondition } from './write-condition.js';

/** A time to live needs no more. */
const BODY_BYTES_MAX = 1_024;
const WHAT_IT_TAKES =
  'the body must be a JSON object with one member: ttl or extend, a whole number of seconds ' +
  'above zero, or persist, true';

/** PATCH of one entry: its time to live, and nothing else. */
export async function patchEntry(
  parts: DialectParts,
  exchange: Exchange,
  segment: string,
): Promise<void> {
  const address = { namespace: '', key: readKey(segment) };
  if (readCondition(readRequestHead(exchange)).kind !== 'none') throw takesNoCondition();
  const limits = { bodyBytesMax: BODY_BYTES_MAX, budget: parts.budget };
  const change = await withJsonBody(exchange, limits, async (document) => readChange(document));
  if (!(await parts.writes.setTtl(address, change))) {
    sendReply(exchange, MISS_REPLY);
    return;
  }
  sendReply(exchange, describe(remainingTtlMs(parts, address.key, change)));
}

function readChange(document: JsonValue): TtlChange {
  const members = [...document.members()];
  const [member] = members;
  if (member === undefined || members.length > 1) throw invalidField();
  const [name, value] = member;
  if (name === 'persist' && value.asBoolean() === true) return { kind: 'persist' };
  const seconds = value.asCount() ?? 0;
  const ttlMs = seconds * 1_000;
  if ((name !== 'ttl' && name !== 'extend') || seconds === 0 || !Number.isSafeInteger(ttlMs)) {
    throw invalidField();
  }
  return { kind: name === 'ttl' ? 'set' : 'extend', ttlMs };
}

function takesNoCondition(): RequestError {
  return new RequestError(
    'ERR_HTTP_MALFORMED_REQUEST',
    'PATCH changes no value: it takes no If-Match, If-None-Match or X-Cache-Mode',
  );
}

function invalidField(): RequestError {
  return new RequestError('ERR_HTTP_INVALID_FIELD', WHAT_IT_TAKES);
}

/** What the entry has left now; how far it was extended only the entry knows. */
function remainingTtlMs({ store }: DialectParts, key: string, change: TtlChange): number {
  if (change.kind === 'set') return change.ttlMs;
  if (change.kind === 'persist') return Number.POSITIVE_INFINITY;
  return store.getView(key)?.ttlMs ?? 0;
}

function describe(ttlMs: number): ReturnType<typeof jsonReply> {
  if (ttlMs === Number.POSITIVE_INFINITY) return jsonReply(200, { ttl: null });
  const seconds = formatSeconds(ttlMs);
  const reply = jsonReply(200, { ttl: Number(seconds) });
  return { ...reply, headers: [...reply.headers, [TTL_REMAINING_HEADER, seconds]] };
}
