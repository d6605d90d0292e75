import type {
  ExampleRequest,
  OperationDocument,
  ParameterDocument,
} from '../../openapi/operation-document.js';
import {
  COUNT_SCHEMA,
  jsonContent,
  KEY_SCHEMA,
  NAMESPACE_SCHEMA,
  objectSchema,
} from '../body-schemas.js';

const PATTERN: ParameterDocument = {
  name: 'pattern',
  in: 'query',
  description:
    'A glob for whole keys: `*` any run of characters, `?` one, `[a-z]` one of a class, `[^a-z]` ' +
    'one outside of it; `\\` takes the next character as it is. At most 256 bytes.',
  schema: { type: 'string', minLength: 1 },
};
const PREFIX: ParameterDocument = {
  name: 'prefix',
  in: 'query',
  description: 'The begin of the keys. At most 1,024 bytes.',
  schema: { type: 'string' },
};
const NAMESPACE: ParameterDocument = {
  name: 'namespace',
  in: 'query',
  description: 'Left out for the default namespace.',
  schema: NAMESPACE_SCHEMA,
};

function put(target: string, tags = ''): ExampleRequest {
  const headers = {
    'Content-Type': 'application/json',
    ...(tags !== '' && { 'X-Cache-Tags': tags }),
  };
  return { method: 'PUT', target, headers, body: { json: { name: 'Alice' } } };
}

const ORDERS = [put('/cache/user:123:orders'), put('/cache/user:123:profile')];

export const DELETE_SELECTION: OperationDocument = {
  tag: 'plain',
  operationId: 'deleteEntries',
  summary: 'Removes entries by pattern, prefix or tag',
  description:
    'Exactly one of the three must be given. Works in small slices: reads and writes go on, and ' +
    'see removed entries as missing at once. What is written after the request began stays.',
  parameters: [
    PATTERN,
    PREFIX,
    {
      name: 'tag',
      in: 'query',
      description: 'A tag that the entries have. At most 256 bytes.',
      schema: { type: 'string', minLength: 1 },
    },
    {
      name: 'confirm',
      in: 'query',
      description: 'Must be `true` where every entry would be removed.',
      schema: { enum: ['true', 'false'] },
    },
    NAMESPACE,
  ],
  responses: {
    200: {
      description: 'The number of entries that were removed.',
      content: jsonContent(objectSchema({ deleted: COUNT_SCHEMA, status: { const: 'completed' } })),
    },
    428: { description: 'Every entry would be removed, and `confirm=true` is missing.' },
  },
  examples: [
    {
      name: 'byPattern',
      summary: 'All keys that begin with user:123:',
      before: [...ORDERS, put('/cache/user:12')],
      request: { method: 'DELETE', target: '/cache?pattern=user:123:*' },
      response: { status: 200, body: { json: { deleted: 2, status: 'completed' } } },
    },
    {
      name: 'byPrefix',
      summary: 'The same by a prefix',
      before: ORDERS,
      request: { method: 'DELETE', target: '/cache?prefix=user:123:' },
      response: { status: 200, body: { json: { deleted: 2, status: 'completed' } } },
    },
    {
      name: 'byTag',
      summary: 'All entries that were stored with the tag',
      before: [put('/cache/profile', 'user:123'), put('/cache/cart', 'user:123, carts')],
      request: { method: 'DELETE', target: '/cache?tag=user:123' },
      response: { status: 200, body: { json: { deleted: 2, status: 'completed' } } },
    },
    {
      name: 'everythingUnconfirmed',
      summary: 'Removing everything must be confirmed',
      request: { method: 'DELETE', target: '/cache?pattern=*' },
      response: {
        status: 428,
        body: { json: { error: { code: 'ERR_HTTP_PRECONDITION_REQUIRED', message: '*' } } },
      },
    },
    {
      name: 'everything',
      summary: 'Removing everything',
      before: ORDERS,
      request: { method: 'DELETE', target: '/cache?pattern=*&confirm=true' },
      response: { status: 200, body: { json: { deleted: 2, status: 'completed' } } },
    },
  ],
};

export const LIST_KEYS: OperationDocument = {
  tag: 'plain',
  operationId: 'listKeys',
  summary: 'Lists keys, page by page',
  description:
    'In no order. A key that is there from the first page to the last is listed at least once, ' +
    'and again when it was rewritten meanwhile. A page may be empty and still have a cursor.',
  parameters: [
    PATTERN,
    PREFIX,
    {
      name: 'limit',
      in: 'query',
      description: 'Most keys of the page. Default: 100.',
      schema: { type: 'integer', minimum: 1, maximum: 10_000 },
    },
    {
      name: 'cursor',
      in: 'query',
      description: 'Of the page before, which had the same namespace and pattern or prefix.',
      schema: { type: 'string' },
    },
    NAMESPACE,
  ],
  responses: {
    200: {
      description: 'A page; its cursor is null on the last one.',
      content: jsonContent(
        objectSchema({
          keys: { type: 'array', items: KEY_SCHEMA },
          cursor: { type: ['string', 'null'] },
        }),
      ),
    },
  },
  examples: [
    {
      name: 'byPrefix',
      summary: 'The only key with the prefix',
      before: [put('/cache/user:123'), put('/cache/order:7')],
      request: { method: 'GET', target: '/cache?prefix=user:&limit=10' },
      response: { status: 200, body: { json: { keys: ['user:123'], cursor: null } } },
    },
    {
      name: 'nothing',
      summary: 'An empty cache',
      request: { method: 'GET', target: '/cache' },
      response: { status: 200, body: { json: { keys: [], cursor: null } } },
    },
  ],
};
