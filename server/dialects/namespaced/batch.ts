import { readEntry } from '../../cache/found-entry.js';
import { withJsonBody } from '../../http/json-body.js';
import { JsonReply } from '../../http/json-reply.js';
import { sendReply } from '../../http/reply.js';
import type { Exchange } from '../../http/transport.js';
import { invalidField, readFields, requireField } from '../../json/json-fields.js';
import type { JsonValue } from '../../json/json-value.js';
import { jsonReply } from '../../wire.js';
import { type EntryWrite, storeAll } from '../batch-writes.js';
import {
  checkBatchSize,
  checkKey,
  emptyBatch,
  readKeysField,
  readTtlField,
  readValueField,
} from '../body-fields.js';
import { batchBodyLimits } from '../body-limits.js';
import type { DialectParts } from '../dialect-parts.js';

/** Values by key: a key that comes twice is answered once. */
export async function getBatch(
  parts: DialectParts,
  exchange: Exchange,
  namespace: string,
): Promise<void> {
  const { settings, budget, metrics } = parts;
  const keys = await withJsonBody(exchange, batchBodyLimits(parts), async (document) => {
    const fields = readFields(document, 'the body', ['keys']);
    return new Set(
      readKeysField(requireField(fields, 'keys', 'keys'), 'keys', settings.batchKeysMax),
    );
  });
  const reply = new JsonReply(budget, settings.valueBytesMax);
  try {
    const missing = await writeValues(parts, reply, namespace, keys);
    metrics.recordReads('named', keys.size - missing.length, missing.length);
    reply.write(`,"missing_keys":${JSON.stringify(missing)}}`);
    reply.send(exchange);
  } catch (error) {
    reply.release();
    throw error;
  }
}

/** Writes the members before `missing_keys`; gives the keys without an entry. */
async function writeValues(
  { codec, writes }: DialectParts,
  reply: JsonReply,
  namespace: string,
  keys: ReadonlySet<string>,
): Promise<string[]> {
  const space = writes.find(namespace);
  const missing: string[] = [];
  const base64: string[] = [];
  let separator = '{"values":{';
  for (const key of keys) {
    const found = readEntry(space, key);
    if (found === undefined) {
      missing.push(key);
      continue;
    }
    const member = codec.toJson(found.value);
    // Most values are there at once: a promise for each would cost more than they do.
    const { text, isBase64 } = member instanceof Promise ? await member : member;
    if (isBase64) base64.push(key);
    reply.write(`${separator}${JSON.stringify(key)}:`);
    reply.writeValue(text);
    separator = ',';
  }
  reply.write(separator === ',' ? '}' : `${separator}}`);
  if (base64.length > 0) reply.write(`,"base64_keys":${JSON.stringify(base64)}`);
  return missing;
}

export async function setBatch(
  parts: DialectParts,
  exchange: Exchange,
  namespace: string,
): Promise<void> {
  const count = await withJsonBody(exchange, batchBodyLimits(parts), async (document) => {
    return storeAll(parts, namespace, await readEntries(parts, document));
  });
  sendReply(exchange, jsonReply(200, { success: true, stored_count: count }));
}

/** Every entry is checked before the first one is stored. */
async function readEntries(parts: DialectParts, document: JsonValue): Promise<EntryWrite[]> {
  const { batchKeysMax } = parts.settings;
  const fields = readFields(document, 'the body', ['entries', 'ttl_seconds']);
  const object = requireField(fields, 'entries', 'entries');
  if (object.kind !== 'object') {
    throw invalidField('entries', `must be an object, not ${object.kind}`);
  }
  const ttlMs = readTtlField(fields.get('ttl_seconds'), 'ttl_seconds');
  const entries: EntryWrite[] = [];
  for (const [name, member] of object.members()) {
    checkBatchSize(entries.length + 1, 'entries', batchKeysMax);
    const field = `entries, member ${entries.length + 1}`;
    const key = checkKey(name, field);
    const value = await readValueField(parts, member, undefined, field);
    entries.push({ key, value, ttlMs, tags: [] });
  }
  if (entries.length === 0) throw emptyBatch('entries', batchKeysMax);
  return entries;
}
