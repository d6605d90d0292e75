import { withJsonBody } from '../http/json-body.js';
import type { Exchange } from '../http/transport.js';
import { type JsonFields, readFields, requireField } from '../json/json-fields.js';
import { readTagsField, readTtlField, readValueField } from './body-fields.js';
import { entryBodyLimits } from './body-limits.js';
import type { DialectParts } from './dialect-parts.js';

/** What a PUT with an envelope is about. */
export interface EntryEnvelope {
  readonly namespace: string;
  readonly key: string;
  /** Fields of the dialect beside `value`, `tags` and `encoding`. */
  readonly fieldNames: readonly string[];
  /** Which of them is the time to live, in seconds. */
  readonly ttlField: string;
}

/**
 * Stores the value of a JSON envelope; its time to live, `undefined` for the default.
 *
 * @param checkFields looks at the fields that the dialect alone knows, before anything is stored
 */
export function writeEntry(
  parts: DialectParts,
  exchange: Exchange,
  { namespace, key, fieldNames, ttlField }: EntryEnvelope,
  checkFields: (fields: JsonFields) => void,
): Promise<number | undefined> {
  const knownNames = ['value', ...fieldNames, 'tags', 'encoding'];
  return withJsonBody(exchange, entryBodyLimits(parts), async (document) => {
    const fields = readFields(document, 'the body', knownNames);
    checkFields(fields);
    const given = requireField(fields, 'value', 'value');
    const ttlMs = readTtlField(fields.get(ttlField), ttlField);
    const tags = readTagsField(fields.get('tags'), 'tags');
    const value = await readValueField(parts, given, fields.get('encoding'), 'value');
    await parts.writes.set({ namespace, key }, value, { ttlMs, tags });
    return ttlMs;
  });
}
