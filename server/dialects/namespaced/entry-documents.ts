import type { OperationDocument } from '../../openapi/operation-document.js';
import {
  ENCODING_SCHEMA,
  jsonBody,
  jsonContent,
  KEY_PARAMETER,
  NAMESPACE_PARAMETER,
  objectSchema,
  TAGS_SCHEMA,
  TTL_LEFT_SCHEMA,
  TTL_SCHEMA,
  VALUE_SCHEMA,
} from '../body-schemas.js';
import { jsonRequest } from '../json-request.js';

const TARGET = '/api/v1/cache/users/123';
const PUT_USER = jsonRequest('PUT', TARGET, { value: { name: 'Alice' }, ttl_seconds: 300 });

export const GET_ENTRY: OperationDocument = {
  tag: 'namespaced',
  operationId: 'getNamespacedEntry',
  summary: 'Gets an entry of a namespace',
  parameters: [NAMESPACE_PARAMETER, KEY_PARAMETER],
  responses: {
    200: {
      description: 'The entry. Bytes that are no JSON are a string of base64.',
      content: jsonContent(
        objectSchema(
          {
            found: { const: true },
            value: VALUE_SCHEMA,
            encoding: ENCODING_SCHEMA,
            source: { const: 'CACHE_SOURCE_LOCAL' },
            ttl_seconds: TTL_LEFT_SCHEMA,
          },
          ['found', 'value', 'source', 'ttl_seconds'],
        ),
      ),
    },
    404: {
      description: 'Nothing is stored under the key.',
      content: jsonContent(
        objectSchema({
          found: { const: false },
          value: { type: 'null' },
          source: { const: 'CACHE_SOURCE_UNSPECIFIED' },
          error: objectSchema({ code: { type: 'string' }, message: { type: 'string' } }),
        }),
      ),
    },
  },
  examples: [
    {
      name: 'found',
      summary: 'An entry with a time to live',
      before: [PUT_USER],
      request: { method: 'GET', target: TARGET },
      response: {
        status: 200,
        body: {
          json: {
            found: true,
            value: { name: 'Alice' },
            source: 'CACHE_SOURCE_LOCAL',
            ttl_seconds: '*',
          },
        },
      },
    },
    {
      name: 'missing',
      summary: 'A key without an entry',
      request: { method: 'GET', target: '/api/v1/cache/users/nobody' },
      response: {
        status: 404,
        body: {
          json: {
            found: false,
            value: null,
            source: 'CACHE_SOURCE_UNSPECIFIED',
            error: { code: 'ERR_HTTP_CACHE_MISS', message: '*' },
          },
        },
      },
    },
  ],
};

export const PUT_ENTRY: OperationDocument = {
  tag: 'namespaced',
  operationId: 'setNamespacedEntry',
  summary: 'Stores an entry in a namespace',
  parameters: [NAMESPACE_PARAMETER, KEY_PARAMETER],
  requestBody: jsonBody(
    objectSchema(
      {
        value: VALUE_SCHEMA,
        ttl_seconds: TTL_SCHEMA,
        encoding: ENCODING_SCHEMA,
        tags: TAGS_SCHEMA,
        encrypt: { const: false, description: 'Encryption is not configured.' },
      },
      ['value'],
    ),
  ),
  responses: {
    200: {
      description: 'The entry is stored.',
      content: jsonContent(objectSchema({ success: { const: true } })),
    },
  },
  examples: [
    {
      name: 'withTimeToLive',
      summary: 'For five minutes',
      request: PUT_USER,
      response: { status: 200, body: { json: { success: true } } },
    },
    {
      name: 'encrypted',
      summary: 'What should be encrypted is not stored in the clear',
      request: jsonRequest('PUT', TARGET, { value: 'secret', encrypt: true }),
      response: {
        status: 422,
        body: { json: { error: { code: 'ERR_HTTP_INVALID_FIELD', message: '*' } } },
      },
    },
  ],
};

export const DELETE_ENTRY: OperationDocument = {
  tag: 'namespaced',
  operationId: 'deleteNamespacedEntry',
  summary: 'Removes an entry of a namespace',
  parameters: [NAMESPACE_PARAMETER, KEY_PARAMETER],
  responses: {
    200: {
      description: 'Whether it was there.',
      content: jsonContent(objectSchema({ deleted: { type: 'boolean' } })),
    },
  },
  examples: [
    {
      name: 'wasThere',
      summary: 'An entry that is there',
      before: [PUT_USER],
      request: { method: 'DELETE', target: TARGET },
      response: { status: 200, body: { json: { deleted: true } } },
    },
    {
      name: 'wasNotThere',
      summary: 'A key without an entry',
      request: { method: 'DELETE', target: TARGET },
      response: { status: 200, body: { json: { deleted: false } } },
    },
  ],
};
