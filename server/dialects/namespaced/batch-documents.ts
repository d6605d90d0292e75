import type { OperationDocument } from '../../openapi/operation-document.js';
import {
  COUNT_SCHEMA,
  jsonBody,
  jsonContent,
  KEY_SCHEMA,
  KEYS_SCHEMA,
  NAMESPACE_PARAMETER,
  objectSchema,
  TTL_SCHEMA,
  VALUE_SCHEMA,
} from '../body-schemas.js';
import { jsonRequest } from '../json-request.js';

const SET_TWO = jsonRequest('POST', '/api/v1/cache/users/batch/set', {
  entries: { 1: { name: 'Alice' }, 2: [1, 2.5, null] },
  ttl_seconds: 300,
});

export const BATCH_GET: OperationDocument = {
  tag: 'namespaced',
  operationId: 'getNamespacedBatch',
  summary: 'Gets many entries of a namespace at once',
  parameters: [NAMESPACE_PARAMETER],
  requestBody: jsonBody(objectSchema({ keys: KEYS_SCHEMA })),
  responses: {
    200: {
      description:
        'Values by key, and the keys without an entry. `base64_keys` lists those whose values are ' +
        'bytes that are no JSON, written in base64; it is absent when there are none.',
      content: jsonContent(
        objectSchema(
          {
            values: { type: 'object', additionalProperties: VALUE_SCHEMA },
            missing_keys: { type: 'array', items: KEY_SCHEMA },
            base64_keys: { type: 'array', items: KEY_SCHEMA },
          },
          ['values', 'missing_keys'],
        ),
      ),
    },
  },
  examples: [
    {
      name: 'hitsAndMisses',
      summary: 'Two entries and a key without one',
      before: [SET_TWO],
      request: jsonRequest('POST', '/api/v1/cache/users/batch/get', { keys: ['1', '2', '3'] }),
      response: {
        status: 200,
        body: {
          json: { values: { 1: { name: 'Alice' }, 2: [1, 2.5, null] }, missing_keys: ['3'] },
        },
      },
    },
  ],
};

export const BATCH_SET: OperationDocument = {
  tag: 'namespaced',
  operationId: 'setNamespacedBatch',
  summary: 'Stores many entries in a namespace at once',
  description: 'All entries are checked before the first one is stored.',
  parameters: [NAMESPACE_PARAMETER],
  requestBody: jsonBody(
    objectSchema(
      {
        entries: {
          type: 'object',
          minProperties: 1,
          additionalProperties: VALUE_SCHEMA,
          description: 'Values by key, at most HTTP_MAX_BATCH_KEYS.',
        },
        ttl_seconds: TTL_SCHEMA,
      },
      ['entries'],
    ),
  ),
  responses: {
    200: {
      description: 'The number of entries that were stored.',
      content: jsonContent(objectSchema({ success: { const: true }, stored_count: COUNT_SCHEMA })),
    },
  },
  examples: [
    {
      name: 'twoEntries',
      summary: 'Two entries for five minutes',
      request: SET_TWO,
      response: { status: 200, body: { json: { success: true, stored_count: 2 } } },
    },
  ],
};
