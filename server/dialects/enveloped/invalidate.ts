import { withJsonBody } from '../../http/json-body.js';
import { sendReply } from '../../http/reply.js';
import type { Exchange } from '../../http/transport.js';
import { readFields, readFlag, readText, requireField } from '../../json/json-fields.js';
import type { JsonValue } from '../../json/json-value.js';
import { jsonReply } from '../../wire.js';
import { deleteAll } from '../batch-writes.js';
import { readKeysField } from '../body-fields.js';
import { batchBodyLimits } from '../body-limits.js';
import type { DialectParts } from '../dialect-parts.js';
import { readSelection, SELECTOR_NAMES, singleSelector } from '../selection.js';

const SELECTORS: readonly string[] = ['keys', ...SELECTOR_NAMES];
const KNOWN_NAMES: readonly string[] = [...SELECTORS, 'confirm'];

/** Removes entries by keys, or by a pattern, a prefix or a tag. */
export async function invalidate(parts: DialectParts, exchange: Exchange): Promise<void> {
  const remove = await withJsonBody(exchange, batchBodyLimits(parts), async (document) => {
    return readWish(parts, document);
  });
  sendReply(exchange, jsonReply(200, { invalidated: await remove(), success: true }));
}

/** What the body asks for, checked and ready to be done. */
function readWish(parts: DialectParts, document: JsonValue): () => Promise<number> {
  const { store, settings, writes } = parts;
  const fields = readFields(document, 'the body', KNOWN_NAMES);
  const given = SELECTORS.filter((name) => fields.has(name));
  const selector = singleSelector(given, SELECTORS);
  const isConfirmed = readFlag(fields, 'confirm');
  const value = requireField(fields, selector, selector);
  if (selector === 'keys') {
    const keys = readKeysField(value, 'keys', settings.batchKeysMax);
    return () => deleteAll(parts, '', keys);
  }
  const text = readText(value, selector);
  const selection = readSelection(store, { namespace: '', selector, text, isConfirmed });
  return () => writes.invalidate(selection);
}
