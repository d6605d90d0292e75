import type { OperationDocument, Schema } from '../../openapi/operation-document.js';
import {
  ENCODING_SCHEMA,
  jsonBody,
  jsonContent,
  KEY_PARAMETER,
  KEY_SCHEMA,
  objectSchema,
  TAGS_SCHEMA,
  TTL_SCHEMA,
  VALUE_SCHEMA,
} from '../body-schemas.js';
import { jsonRequest } from '../json-request.js';

const TARGET = '/api/cache/user:123';
const PUT_USER = jsonRequest('PUT', TARGET, {
  key: 'user:123',
  value: { id: 123, name: 'John' },
  ttl: 3600,
});

const INSTANT: Schema = {
  type: ['string', 'null'],
  format: 'date-time',
  description: 'In UTC, whole seconds.',
};

export const GET_ENTRY: OperationDocument = {
  tag: 'enveloped',
  operationId: 'getEnvelopedEntry',
  summary: 'Gets an entry in an envelope',
  parameters: [KEY_PARAMETER],
  responses: {
    200: {
      description:
        'The entry, or an envelope whose `hit` is false. `expires_at` is null for an entry without ' +
        'an end. Bytes that are no JSON are a string of base64.',
      content: jsonContent(
        objectSchema(
          {
            value: VALUE_SCHEMA,
            encoding: ENCODING_SCHEMA,
            hit: { type: 'boolean' },
            source: { enum: ['l1', null] },
            cached_at: INSTANT,
            expires_at: INSTANT,
          },
          ['value', 'hit', 'source', 'cached_at', 'expires_at'],
        ),
      ),
    },
  },
  examples: [
    {
      name: 'hit',
      summary: 'An entry with a time to live',
      before: [PUT_USER],
      request: { method: 'GET', target: TARGET },
      response: {
        status: 200,
        body: {
          json: {
            value: { id: 123, name: 'John' },
            hit: true,
            source: 'l1',
            cached_at: '*',
            expires_at: '*',
          },
        },
      },
    },
    {
      name: 'miss',
      summary: 'A key without an entry',
      request: { method: 'GET', target: TARGET },
      response: {
        status: 200,
        body: {
          json: { value: null, hit: false, source: null, cached_at: null, expires_at: null },
        },
      },
    },
  ],
};

export const PUT_ENTRY: OperationDocument = {
  tag: 'enveloped',
  operationId: 'setEnvelopedEntry',
  summary: 'Stores an entry out of an envelope',
  parameters: [KEY_PARAMETER],
  requestBody: jsonBody(
    objectSchema(
      {
        key: { ...KEY_SCHEMA, description: 'That of the path, if it is given.' },
        value: VALUE_SCHEMA,
        ttl: TTL_SCHEMA,
        encoding: ENCODING_SCHEMA,
        tags: TAGS_SCHEMA,
      },
      ['value'],
    ),
  ),
  responses: {
    200: {
      description: 'The entry is stored.',
      content: jsonContent(objectSchema({ success: { const: true }, expires_at: INSTANT })),
    },
  },
  examples: [
    {
      name: 'withTimeToLive',
      summary: 'For an hour',
      request: PUT_USER,
      response: { status: 200, body: { json: { success: true, expires_at: '*' } } },
    },
    {
      name: 'otherKey',
      summary: 'The key of the body must be that of the path',
      request: jsonRequest('PUT', TARGET, { key: 'user:456', value: 1 }),
      response: {
        status: 422,
        body: { json: { error: { code: 'ERR_HTTP_INVALID_FIELD', message: '*' } } },
      },
    },
  ],
};

export const DELETE_ENTRY: OperationDocument = {
  tag: 'enveloped',
  operationId: 'deleteEnvelopedEntry',
  summary: 'Removes an entry',
  description: 'Succeeds as well when there is none.',
  parameters: [KEY_PARAMETER],
  responses: {
    200: {
      description: 'There is no entry now.',
      content: jsonContent(objectSchema({ success: { const: true } })),
    },
  },
  examples: [
    {
      name: 'entry',
      summary: 'An entry that is there',
      before: [PUT_USER],
      request: { method: 'DELETE', target: TARGET },
      response: { status: 200, body: { json: { success: true } } },
    },
  ],
};
