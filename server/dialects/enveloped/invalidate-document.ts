import type { OperationDocument } from '../../openapi/operation-document.js';
import { COUNT_SCHEMA, jsonBody, jsonContent, KEYS_SCHEMA, objectSchema } from '../body-schemas.js';
import { jsonRequest } from '../json-request.js';

const TARGET = '/api/cache/invalidate';
const TWO_USERS = [
  jsonRequest('PUT', '/api/cache/user:123', { value: { id: 123 } }),
  jsonRequest('PUT', '/api/cache/user:456', { value: { id: 456 }, tags: ['admins'] }),
];

export const INVALIDATE: OperationDocument = {
  tag: 'enveloped',
  operationId: 'invalidate',
  summary: 'Removes entries by keys, pattern, prefix or tag',
  description: 'Exactly one of the four must be given.',
  requestBody: jsonBody(
    objectSchema(
      {
        keys: KEYS_SCHEMA,
        pattern: {
          type: 'string',
          minLength: 1,
          description: 'A glob for whole keys, at most 256 bytes.',
        },
        prefix: { type: 'string', description: 'The begin of the keys, at most 1,024 bytes.' },
        tag: { type: 'string', minLength: 1, description: 'At most 256 bytes.' },
        confirm: {
          type: 'boolean',
          description: 'Must be true where every entry would be removed.',
        },
      },
      [],
    ),
  ),
  responses: {
    200: {
      description: 'The number of entries that were removed.',
      content: jsonContent(objectSchema({ invalidated: COUNT_SCHEMA, success: { const: true } })),
    },
    428: { description: 'Every entry would be removed, and `confirm` is missing.' },
  },
  examples: [
    {
      name: 'byKeys',
      summary: 'Two keys',
      before: TWO_USERS,
      request: jsonRequest('POST', TARGET, { keys: ['user:123', 'user:456'] }),
      response: { status: 200, body: { json: { invalidated: 2, success: true } } },
    },
    {
      name: 'byPattern',
      summary: 'All keys that begin with user:',
      before: TWO_USERS,
      request: jsonRequest('POST', TARGET, { pattern: 'user:*' }),
      response: { status: 200, body: { json: { invalidated: 2, success: true } } },
    },
    {
      name: 'byTag',
      summary: 'All entries with the tag',
      before: TWO_USERS,
      request: jsonRequest('POST', TARGET, { tag: 'admins' }),
      response: { status: 200, body: { json: { invalidated: 1, success: true } } },
    },
    {
      name: 'everythingUnconfirmed',
      summary: 'Removing everything must be confirmed',
      request: jsonRequest('POST', TARGET, { pattern: '*' }),
      response: {
        status: 428,
        body: { json: { error: { code: 'ERR_HTTP_PRECONDITION_REQUIRED', message: '*' } } },
      },
    },
  ],
};
