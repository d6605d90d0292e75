import type { OperationDocument } from '../../openapi/operation-document.js';
import {
  COUNT_SCHEMA,
  ENCODING_SCHEMA,
  jsonBody,
  jsonContent,
  KEY_SCHEMA,
  KEYS_SCHEMA,
  objectSchema,
  TAGS_SCHEMA,
  TTL_LEFT_SCHEMA,
  TTL_SCHEMA,
  VALUE_SCHEMA,
} from '../body-schemas.js';
import { jsonRequest } from '../json-request.js';

const TWO_ENTRIES = jsonRequest('POST', '/cache/batch/set', {
  entries: [
    { key: 'user:1', value: { name: 'Alice' }, ttl: 3600, tags: ['users'] },
    { key: 'user:2', value: [1, 2.5, null], ttl: 60 },
  ],
});

export const BATCH_GET: OperationDocument = {
  tag: 'plain',
  operationId: 'getBatch',
  summary: 'Gets many entries at once',
  description: 'One result for each key, in the order of the keys, of repeated ones too.',
  requestBody: jsonBody(objectSchema({ keys: KEYS_SCHEMA })),
  responses: {
    200: {
      description: 'The results.',
      content: jsonContent(
        objectSchema({
          results: {
            type: 'array',
            items: objectSchema(
              {
                key: KEY_SCHEMA,
                hit: { type: 'boolean' },
                value: VALUE_SCHEMA,
                encoding: ENCODING_SCHEMA,
                ttl: TTL_LEFT_SCHEMA,
              },
              ['key', 'hit'],
            ),
          },
        }),
      ),
    },
  },
  examples: [
    {
      name: 'hitsAndMisses',
      summary: 'Two entries and a key without one',
      before: [TWO_ENTRIES],
      request: jsonRequest('POST', '/cache/batch/get', {
        keys: ['user:1', 'user:2', 'user:3', 'user:2'],
      }),
      response: {
        status: 200,
        body: {
          json: {
            results: [
              { key: 'user:1', hit: true, value: { name: 'Alice' }, ttl: '*' },
              { key: 'user:2', hit: true, value: [1, 2.5, null], ttl: '*' },
              { key: 'user:3', hit: false },
              { key: 'user:2', hit: true, value: [1, 2.5, null], ttl: '*' },
            ],
          },
        },
      },
    },
    {
      name: 'noKeys',
      summary: 'A batch without keys is refused',
      request: jsonRequest('POST', '/cache/batch/get', { keys: [] }),
      response: {
        status: 422,
        body: { json: { error: { code: 'ERR_HTTP_INVALID_FIELD', message: '*' } } },
      },
    },
  ],
};

export const BATCH_SET: OperationDocument = {
  tag: 'plain',
  operationId: 'setBatch',
  summary: 'Stores many entries at once',
  description:
    'All entries are checked before the first one is stored. Of a key that comes twice the last ' +
    'value stays.',
  requestBody: jsonBody(
    objectSchema({
      entries: {
        type: 'array',
        minItems: 1,
        description: 'At most HTTP_MAX_BATCH_KEYS.',
        items: objectSchema(
          {
            key: KEY_SCHEMA,
            value: VALUE_SCHEMA,
            ttl: TTL_SCHEMA,
            tags: TAGS_SCHEMA,
            encoding: ENCODING_SCHEMA,
          },
          ['key', 'value'],
        ),
      },
    }),
  ),
  responses: {
    200: {
      description: 'The number of entries that were stored.',
      content: jsonContent(objectSchema({ stored: COUNT_SCHEMA })),
    },
  },
  examples: [
    {
      name: 'twoEntries',
      summary: 'Two entries with times to live, one with a tag',
      request: TWO_ENTRIES,
      response: { status: 200, body: { json: { stored: 2 } } },
    },
    {
      name: 'bytes',
      summary: 'Bytes, written in base64',
      request: jsonRequest('POST', '/cache/batch/set', {
        entries: [{ key: 'icon', value: 'AP8=', encoding: 'base64' }],
      }),
      response: { status: 200, body: { json: { stored: 1 } } },
    },
  ],
};

export const BATCH_DELETE: OperationDocument = {
  tag: 'plain',
  operationId: 'deleteBatch',
  summary: 'Removes many entries at once',
  requestBody: jsonBody(objectSchema({ keys: KEYS_SCHEMA })),
  responses: {
    200: {
      description: 'The number of entries that were there.',
      content: jsonContent(objectSchema({ deleted: COUNT_SCHEMA })),
    },
  },
  examples: [
    {
      name: 'twoAreThere',
      summary: 'Two of three keys have an entry',
      before: [TWO_ENTRIES],
      request: jsonRequest('POST', '/cache/batch/delete', {
        keys: ['user:1', 'user:2', 'user:3'],
      }),
      response: { status: 200, body: { json: { deleted: 2 } } },
    },
  ],
};
