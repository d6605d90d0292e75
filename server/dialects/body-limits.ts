import type { JsonBodyLimits } from '../http/json-body.js';
import type { DialectParts } from './dialect-parts.js';

/** What a body may hold beside its value: names, the key, tags, white space. */
const FIELDS_BYTES = 65_536;
/** The same for one entry of a batch. */
const ENTRY_FIELDS_BYTES = 2_048;
/** Base64 writes three bytes as four. */
const BASE64_RATIO = 4 / 3;

/** Limits of a body with one value. */
export function entryBodyLimits({ settings, budget }: DialectParts): JsonBodyLimits {
  const bodyBytesMax = Math.ceil(settings.valueBytesMax * BASE64_RATIO) + FIELDS_BYTES;
  return { bodyBytesMax, budget };
}

/** Limits of a body with many keys or entries: their values together are bounded as one is. */
export function batchBodyLimits(parts: DialectParts): JsonBodyLimits {
  const { bodyBytesMax, budget } = entryBodyLimits(parts);
  const entriesBytes = parts.settings.batchKeysMax * ENTRY_FIELDS_BYTES;
  return { bodyBytesMax: bodyBytesMax + entriesBytes, budget };
}
