import { readEntry } from '../../cache/found-entry.js';
import type { JsonMember } from '../../codecs/stored-value.js';
import { withJsonBody } from '../../http/json-body.js';
import { JsonReply } from '../../http/json-reply.js';
import { sendReply } from '../../http/reply.js';
import type { Exchange } from '../../http/transport.js';
import { invalidField, readFields, requireField } from '../../json/json-fields.js';
import type { JsonValue } from '../../json/json-value.js';
import type { Route } from '../../router.js';
import { formatSeconds, jsonReply } from '../../wire.js';
import { deleteAll, type EntryWrite, storeAll } from '../batch-writes.js';
import {
  BASE64,
  checkBatchSize,
  emptyBatch,
  readKeyField,
  readKeysField,
  readTagsField,
  readTtlField,
  readValueField,
} from '../body-fields.js';
import { batchBodyLimits } from '../body-limits.js';
import type { DialectParts } from '../dialect-parts.js';
import { BATCH_DELETE, BATCH_GET, BATCH_SET } from './batch-documents.js';

const ENTRY_FIELDS: readonly string[] = ['key', 'value', 'ttl', 'tags', 'encoding'];

/** `/cache/batch/get`, `/set` and `/delete`: many entries of the default namespace at once. */
export function createBatchRoutes(parts: DialectParts): readonly Route[] {
  return [
    {
      path: '/cache/batch/get',
      operations: {
        POST: {
          name: 'batch_get',
          handle: (exchange) => getBatch(parts, exchange),
          document: BATCH_GET,
        },
      },
    },
    {
      path: '/cache/batch/set',
      operations: {
        POST: {
          name: 'batch_set',
          handle: (exchange) => setBatch(parts, exchange),
          document: BATCH_SET,
        },
      },
    },
    {
      path: '/cache/batch/delete',
      operations: {
        POST: {
          name: 'batch_delete',
          handle: (exchange) => deleteBatch(parts, exchange),
          document: BATCH_DELETE,
        },
      },
    },
  ];
}

async function getBatch(parts: DialectParts, exchange: Exchange): Promise<void> {
  const keys = await withJsonBody(exchange, batchBodyLimits(parts), async (document) => {
    return readKeysBody(parts, document);
  });
  const reply = new JsonReply(parts.budget, parts.settings.valueBytesMax);
  try {
    let hits = 0;
    reply.write('{"results":[');
    for (const [index, key] of keys.entries()) {
      if (index > 0) reply.write(',');
      // Most values are written at once: a promise for each would cost more than they do.
      const isHit = writeResult(parts, reply, key);
      if (isHit === true || (isHit !== false && (await isHit))) hits += 1;
    }
    reply.write(']}');
    parts.metrics.recordReads('default', hits, keys.length - hits);
    reply.send(exchange);
  } catch (error) {
    reply.release();
    throw error;
  }
}

/** One result, in the place of its key; whether it is a hit. */
function writeResult(
  parts: DialectParts,
  reply: JsonReply,
  key: string,
): boolean | Promise<boolean> {
  const found = readEntry(parts.store, key);
  if (found === undefined) {
    reply.write(`{"key":${JSON.stringify(key)},"hit":false}`);
    return false;
  }
  const { ttlMs } = found;
  const member = parts.codec.toJson(found.value);
  if (!(member instanceof Promise)) return writeHit(reply, key, member, ttlMs);
  return member.then((converted) => writeHit(reply, key, converted, ttlMs));
}

function writeHit(
  reply: JsonReply,
  key: string,
  { text, isBase64 }: JsonMember,
  ttlMs: number,
): true {
  reply.write(`{"key":${JSON.stringify(key)},"hit":true,"value":`);
  reply.writeValue(text);
  const seconds = ttlMs === Number.POSITIVE_INFINITY ? 'null' : formatSeconds(ttlMs);
  reply.write(`${isBase64 ? `,"encoding":"${BASE64}"` : ''},"ttl":${seconds}}`);
  return true;
}

async function setBatch(parts: DialectParts, exchange: Exchange): Promise<void> {
  const stored = await withJsonBody(exchange, batchBodyLimits(parts), async (document) => {
    return storeAll(parts, '', await readEntriesBody(parts, document));
  });
  sendReply(exchange, jsonReply(200, { stored }));
}

async function deleteBatch(parts: DialectParts, exchange: Exchange): Promise<void> {
  const keys = await withJsonBody(exchange, batchBodyLimits(parts), async (document) => {
    return readKeysBody(parts, document);
  });
  const deleted = await deleteAll(parts, '', keys);
  sendReply(exchange, jsonReply(200, { deleted }));
}

function readKeysBody({ settings }: DialectParts, document: JsonValue): string[] {
  const fields = readFields(document, 'the body', ['keys']);
  return readKeysField(requireField(fields, 'keys', 'keys'), 'keys', settings.batchKeysMax);
}

/** Every entry is checked before the first one is stored. */
async function readEntriesBody(parts: DialectParts, document: JsonValue): Promise<EntryWrite[]> {
  const { batchKeysMax } = parts.settings;
  const list = requireField(readFields(document, 'the body', ['entries']), 'entries', 'entries');
  if (list.kind !== 'array') throw invalidField('entries', `must be an array, not ${list.kind}`);
  const entries: EntryWrite[] = [];
  for (const item of list.items()) {
    checkBatchSize(entries.length + 1, 'entries', batchKeysMax);
    entries.push(await readEntryItem(parts, item, `entries[${entries.length}]`));
  }
  if (entries.length === 0) throw emptyBatch('entries', batchKeysMax);
  return entries;
}

async function readEntryItem(
  parts: DialectParts,
  item: JsonValue,
  where: string,
): Promise<EntryWrite> {
  const fields = readFields(item, where, ENTRY_FIELDS);
  const value = requireField(fields, 'value', `${where}.value`);
  return {
    key: readKeyField(requireField(fields, 'key', `${where}.key`), `${where}.key`),
    ttlMs: readTtlField(fields.get('ttl'), `${where}.ttl`),
    tags: readTagsField(fields.get('tags'), `${where}.tags`),
    value: await readValueField(parts, value, fields.get('encoding'), `${where}.value`),
  };
}
