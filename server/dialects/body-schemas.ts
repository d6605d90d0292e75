/** JSON Schemas that the documents of several operations share. */
import type {
  ContentDocument,
  OperationDocument,
  ParameterDocument,
  Schema,
} from '../openapi/operation-document.js';

export const KEY_SCHEMA: Schema = {
  type: 'string',
  minLength: 1,
  description: 'At most 1,024 bytes of UTF-8.',
};

export const NAMESPACE_SCHEMA: Schema = {
  type: 'string',
  minLength: 1,
  description: 'At most 128 bytes of UTF-8.',
};

/** Any JSON. */
export const VALUE_SCHEMA: Schema = {
  description: 'Any JSON, given back by the text that it was stored as.',
};

export const ENCODING_SCHEMA: Schema = {
  const: 'base64',
  description: 'The value is a string of base64 that stands for bytes.',
};

export const TTL_SCHEMA: Schema = {
  type: 'integer',
  minimum: 1,
  maximum: 31_557_600_000,
  description: 'Seconds; the default of the service when it is left out.',
};

export const TTL_LEFT_SCHEMA: Schema = {
  type: ['integer', 'null'],
  minimum: 0,
  description: 'Seconds left, rounded up; null for an entry without an end.',
};

export const TAGS_SCHEMA: Schema = {
  type: 'array',
  maxItems: 64,
  items: { type: 'string', minLength: 1, description: 'At most 256 bytes of UTF-8.' },
};

export const KEYS_SCHEMA: Schema = {
  type: 'array',
  minItems: 1,
  items: KEY_SCHEMA,
  description: 'At most HTTP_MAX_BATCH_KEYS.',
};

export const COUNT_SCHEMA: Schema = { type: 'integer', minimum: 0 };

export const KEY_PARAMETER: ParameterDocument = {
  name: 'key',
  in: 'path',
  description: 'The key, percent-encoded as one path segment.',
  schema: KEY_SCHEMA,
};

export const NAMESPACE_PARAMETER: ParameterDocument = {
  name: 'namespace',
  in: 'path',
  description: 'The namespace, percent-encoded as one path segment; not `.` or `..`.',
  schema: NAMESPACE_SCHEMA,
};

/** An object with these members, of which some must be there. */
export function objectSchema(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = Object.keys(properties),
): Schema {
  return { type: 'object', properties, required, additionalProperties: false };
}

export function jsonContent(schema: Schema): ContentDocument {
  return { 'application/json': { schema } };
}

export function jsonBody(schema: Schema): NonNullable<OperationDocument['requestBody']> {
  return { required: true, content: jsonContent(schema) };
}
