import { readEntry } from '../../cache/found-entry.js';
import { JsonReply } from '../../http/json-reply.js';
import { sendReply } from '../../http/reply.js';
import { readRequestHead } from '../../http/request-head.js';
import type { Exchange } from '../../http/transport.js';
import { invalidField, readText } from '../../json/json-fields.js';
import { jsonReply } from '../../wire.js';
import { BASE64 } from '../body-fields.js';
import type { DialectParts } from '../dialect-parts.js';
import { readKey } from '../entry-key.js';
import { writeEntry } from '../write-entry.js';

const SECOND_MS = 1_000;
const SUCCESS_REPLY = jsonReply(200, { success: true });
/** A miss is an answer like any other here. */
const MISS_REPLY = jsonReply(200, {
  value: null,
  hit: false,
  source: null,
  cached_at: null,
  expires_at: null,
});

export async function getEntry(
  { store, codec, budget, metrics }: DialectParts,
  exchange: Exchange,
  segment: string,
): Promise<void> {
  const found = readEntry(store, readKey(segment));
  metrics.recordReads('default', found === undefined ? 0 : 1, found === undefined ? 1 : 0);
  if (found === undefined) {
    sendReply(exchange, MISS_REPLY);
    return;
  }
  const nowMs = Date.now();
  const { text, isBase64 } = await codec.toJson(found.value);
  const reply = new JsonReply(budget, Number.POSITIVE_INFINITY);
  reply.write('{"value":');
  reply.writeValue(text);
  if (isBase64) reply.write(`,"encoding":"${BASE64}"`);
  reply.write(',"hit":true,"source":"l1"');
  reply.write(`,"cached_at":"${formatInstant(Math.floor((nowMs - found.ageMs) / SECOND_MS))}"`);
  reply.write(`,"expires_at":${JSON.stringify(expiryOf(nowMs, found.ttlMs))}}`);
  reply.send(exchange);
}

export async function putEntry(
  parts: DialectParts,
  exchange: Exchange,
  segment: string,
): Promise<void> {
  const key = readKey(segment);
  const envelope = { namespace: '', key, fieldNames: ['key', 'ttl'], ttlField: 'ttl' };
  const ttlMs = await writeEntry(parts, exchange, envelope, (fields) => {
    const repeated = fields.get('key');
    if (repeated !== undefined && readText(repeated, 'key') !== key) {
      throw invalidField('key', 'must be the key of the path, or be left out');
    }
  });
  const expiry = expiryOf(Date.now(), ttlMs ?? parts.settings.defaultTtlMs);
  sendReply(exchange, jsonReply(200, { success: true, expires_at: expiry }));
}

export async function deleteEntry(
  { writes }: DialectParts,
  exchange: Exchange,
  segment: string,
): Promise<void> {
  readRequestHead(exchange);
  await writes.delete({ namespace: '', key: readKey(segment) });
  sendReply(exchange, SUCCESS_REPLY);
}

/** When an entry ends, rounded up: what is served has never expired by this. */
function expiryOf(nowMs: number, ttlMs: number): string | null {
  if (ttlMs === Number.POSITIVE_INFINITY) return null;
  return formatInstant(Math.ceil((nowMs + ttlMs) / SECOND_MS));
}

/** `2024-01-15T10:30:00Z`; times to live end long before what a date can hold. */
function formatInstant(epochSeconds: number): string {
  return new Date(epochSeconds * SECOND_MS).toISOString().replace('.000Z', 'Z');
}
