import type { TtlChange } from '../../cache/cache-writes.js';
import { MISS_REPLY, RequestError } from '../../error-table.js';
import { readBody } from '../../http/body-reader.js';
import { sendReply } from '../../http/reply.js';
import { type RequestHead, readRequestHead } from '../../http/request-head.js';
import type { Exchange } from '../../http/transport.js';
import { JsonValue } from '../../json/json-value.js';
import { checkJson } from '../../json/scan-json.js';
import { formatSeconds, JSON_CONTENT_TYPE, jsonReply, TTL_REMAINING_HEADER } from '../../wire.js';
import type { DialectParts } from '../dialect-parts.js';
import { readKey } from '../entry-key.js';

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
  const head = readRequestHead(exchange);
  const address = { namespace: '', key: readKey(segment) };
  checkHead(head);
  const body = await readBody(exchange, {
    contentBytes: head.contentBytes,
    valueBytesMax: BODY_BYTES_MAX,
    budget: parts.budget,
  });
  let change: TtlChange;
  try {
    change = readChange(body);
  } finally {
    parts.budget.give(body.length);
  }
  if (!(await parts.writes.setTtl(address, change))) {
    sendReply(exchange, MISS_REPLY);
    return;
  }
  sendReply(exchange, describe(remainingTtlMs(parts, address.key, change)));
}

function checkHead({
  contentType,
  contentEncoding,
  ifMatch,
  ifNoneMatch,
  mode,
}: RequestHead): void {
  const [mediaType = ''] = (contentType ?? '').toLowerCase().split(';', 1);
  if (mediaType.trim() !== JSON_CONTENT_TYPE) {
    throw new RequestError(
      'ERR_HTTP_UNSUPPORTED_MEDIA_TYPE',
      'PATCH takes a body with Content-Type: application/json',
    );
  }
  if ((contentEncoding ?? 'identity').toLowerCase() !== 'identity') {
    throw new RequestError('ERR_HTTP_UNSUPPORTED_CODING', 'PATCH takes no Content-Encoding');
  }
  if (ifMatch !== undefined || ifNoneMatch !== undefined || mode !== undefined) {
    throw new RequestError(
      'ERR_HTTP_MALFORMED_REQUEST',
      'PATCH changes no value: it takes no If-Match, If-None-Match or X-Cache-Mode',
    );
  }
}

function readChange(body: Uint8Array): TtlChange {
  const problem = checkJson(body);
  if (problem !== undefined) throw new RequestError('ERR_HTTP_MALFORMED_BODY', problem.message);
  const members = [...JsonValue.of(body).members()];
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
