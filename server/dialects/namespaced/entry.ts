import { readEntry } from '../../cache/found-entry.js';
import { JsonReply } from '../../http/json-reply.js';
import { sendReply } from '../../http/reply.js';
import { readRequestHead } from '../../http/request-head.js';
import type { Exchange } from '../../http/transport.js';
import { invalidField, type JsonFields, readFlag } from '../../json/json-fields.js';
import { formatSeconds, jsonReply } from '../../wire.js';
import { BASE64 } from '../body-fields.js';
import type { DialectParts } from '../dialect-parts.js';
import { readKey } from '../entry-key.js';
import { readNamespaceSegment } from '../namespace-name.js';
import { writeEntry } from '../write-entry.js';

const NOT_FOUND_REPLY = jsonReply(404, {
  found: false,
  value: null,
  source: 'CACHE_SOURCE_UNSPECIFIED',
  error: { code: 'ERR_HTTP_CACHE_MISS', message: 'nothing is stored here' },
});

export async function getEntry(
  parts: DialectParts,
  exchange: Exchange,
  namespaceSegment: string,
  keySegment: string,
): Promise<void> {
  const namespace = readNamespaceSegment(namespaceSegment);
  const key = readKey(keySegment);
  const found = readEntry(parts.writes.find(namespace), key);
  parts.metrics.recordReads('named', found === undefined ? 0 : 1, found === undefined ? 1 : 0);
  if (found === undefined) {
    sendReply(exchange, NOT_FOUND_REPLY);
    return;
  }
  const { text, isBase64 } = await parts.codec.toJson(found.value);
  const hasEnd = found.ttlMs !== Number.POSITIVE_INFINITY;
  const reply = new JsonReply(parts.budget, Number.POSITIVE_INFINITY);
  reply.write('{"found":true,"value":');
  reply.writeValue(text);
  if (isBase64) reply.write(`,"encoding":"${BASE64}"`);
  reply.write(',"source":"CACHE_SOURCE_LOCAL"');
  reply.write(`,"ttl_seconds":${hasEnd ? formatSeconds(found.ttlMs) : 'null'}}`);
  reply.send(exchange);
}

export async function putEntry(
  parts: DialectParts,
  exchange: Exchange,
  namespaceSegment: string,
  keySegment: string,
): Promise<void> {
  const envelope = {
    namespace: readNamespaceSegment(namespaceSegment),
    key: readKey(keySegment),
    fieldNames: ['ttl_seconds', 'encrypt'],
    ttlField: 'ttl_seconds',
  };
  await writeEntry(parts, exchange, envelope, refuseEncryption);
  sendReply(exchange, jsonReply(200, { success: true }));
}

export async function deleteEntry(
  parts: DialectParts,
  exchange: Exchange,
  namespaceSegment: string,
  keySegment: string,
): Promise<void> {
  readRequestHead(exchange);
  const namespace = readNamespaceSegment(namespaceSegment);
  const deleted = await parts.writes.delete({ namespace, key: readKey(keySegment) });
  sendReply(exchange, jsonReply(200, { deleted }));
}

/** What is asked to be secret must not be stored in the clear. */
function refuseEncryption(fields: JsonFields): void {
  if (readFlag(fields, 'encrypt')) {
    throw invalidField('encrypt', 'encryption is not configured; leave it out or false');
  }
}
