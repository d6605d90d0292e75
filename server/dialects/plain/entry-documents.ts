import type {
  Example,
  ExampleRequest,
  OperationDocument,
} from '../../openapi/operation-document.js';
import {
  ACCEPT_PARAMETER,
  CONDITION_PARAMETERS,
  HIT_HEADERS,
  IF_NONE_MATCH_PARAMETER,
  KEY_PARAMETER,
  MISS_RESPONSE,
  STORE_PARAMETERS,
} from './entry-parameters.js';

const TARGET = '/cache/user:123';
const ALICE = { name: 'Alice', email: 'alice@example.com' };
const JSON_TYPE = { 'Content-Type': 'application/json' };
/** XXH64 of the bytes of `hello`. */
const HELLO_TAG = '"26c7827d889f6da3"';

const STORE_ALICE: ExampleRequest = {
  method: 'PUT',
  target: TARGET,
  headers: { ...JSON_TYPE, 'X-Cache-TTL': '3600' },
  body: { json: ALICE },
};
const STORE_HELLO: ExampleRequest = {
  method: 'PUT',
  target: '/cache/greeting',
  headers: { 'Content-Type': 'text/plain', 'X-Cache-TTL': 'never' },
  body: { text: 'hello' },
};
const HIT_OF_ALICE = {
  'Content-Type': 'application/json',
  'X-Cache-Hit': 'true',
  'X-Cache-TTL-Remaining': '*',
  ETag: '*',
  Age: '*',
  'Cache-Control': '*',
  'Cache-Status': '*',
};
const MISS: Example['response'] = {
  status: 404,
  headers: {
    'X-Cache-Hit': 'false',
    'Cache-Status': 'hotshard; fwd=miss',
  },
  body: { json: { error: { code: 'ERR_HTTP_CACHE_MISS', message: '*' } } },
};
const ANY_VALUE = { '*/*': { schema: {} } };
const PRECONDITION_FAILED = {
  description: 'The entry is not as the request asks; nothing was changed.',
};

export const GET_ENTRY: OperationDocument = {
  tag: 'plain',
  operationId: 'getEntry',
  summary: 'Read an entry',
  parameters: [KEY_PARAMETER, IF_NONE_MATCH_PARAMETER, ACCEPT_PARAMETER],
  responses: {
    200: { description: 'The value.', headers: HIT_HEADERS, content: ANY_VALUE },
    304: { description: 'The client has the value.', headers: HIT_HEADERS },
    404: MISS_RESPONSE,
  },
  examples: [
    {
      name: 'hit',
      summary: 'A value comes back as it was stored',
      before: [STORE_ALICE],
      request: { method: 'GET', target: TARGET },
      response: { status: 200, headers: HIT_OF_ALICE, body: { json: ALICE } },
    },
    {
      name: 'endless',
      summary: 'An entry without an end says nothing of one',
      before: [STORE_HELLO],
      request: { method: 'GET', target: '/cache/greeting' },
      response: {
        status: 200,
        headers: {
          'Content-Type': 'text/plain',
          'X-Cache-Hit': 'true',
          ETag: HELLO_TAG,
          'Cache-Control': 'no-cache',
          'Cache-Status': 'hotshard; hit',
          'Accept-Ranges': 'none',
        },
        body: { text: 'hello' },
      },
    },
    {
      name: 'notModified',
      summary: 'A client that has the value gets it no second time',
      before: [STORE_HELLO],
      request: {
        method: 'GET',
        target: '/cache/greeting',
        headers: { 'If-None-Match': `"other", W/${HELLO_TAG}` },
      },
      response: { status: 304, headers: { ETag: HELLO_TAG, 'X-Cache-Hit': 'true' } },
    },
    {
      name: 'miss',
      summary: 'Nothing is stored',
      request: { method: 'GET', target: TARGET },
      response: MISS,
    },
  ],
};

export const HEAD_ENTRY: OperationDocument = {
  tag: 'plain',
  operationId: 'headEntry',
  summary: 'Read what is known about an entry, without its value',
  parameters: [KEY_PARAMETER, IF_NONE_MATCH_PARAMETER, ACCEPT_PARAMETER],
  responses: {
    200: { description: 'The headers that GET would answer with.', headers: HIT_HEADERS },
    304: { description: 'The client has the value.', headers: HIT_HEADERS },
    404: MISS_RESPONSE,
  },
  examples: [
    {
      name: 'hit',
      summary: 'Its length, its age and its time to live',
      before: [STORE_HELLO],
      request: { method: 'HEAD', target: '/cache/greeting' },
      response: {
        status: 200,
        headers: {
          'Content-Length': '5',
          'Content-Type': 'text/plain',
          'X-Cache-Hit': 'true',
          ETag: HELLO_TAG,
        },
      },
    },
    {
      name: 'miss',
      summary: 'Nothing is stored',
      request: { method: 'HEAD', target: TARGET },
      response: { status: 404, headers: { 'X-Cache-Hit': 'false' } },
    },
  ],
};

export const PUT_ENTRY: OperationDocument = {
  tag: 'plain',
  operationId: 'putEntry',
  summary: 'Store an entry',
  description:
    'The body is the value. It replaces an older one with its time to live, tags and content type.',
  parameters: [KEY_PARAMETER, ...STORE_PARAMETERS, ...CONDITION_PARAMETERS],
  requestBody: {
    description: 'Any bytes, also none. JSON must be well-formed.',
    required: true,
    content: ANY_VALUE,
  },
  responses: {
    201: {
      description: 'Stored.',
      headers: {
        'X-Cache-TTL': {
          description: 'Seconds that it will live; absent for an entry without an end.',
          schema: { type: 'integer', minimum: 1 },
        },
      },
    },
    412: PRECONDITION_FAILED,
  },
  examples: [
    {
      name: 'withTtl',
      summary: 'A value that lives for an hour',
      request: STORE_ALICE,
      response: { status: 201, headers: { 'X-Cache-TTL': '3600' } },
    },
    {
      name: 'tagged',
      summary: 'A value that belongs to others',
      request: {
        method: 'PUT',
        target: '/cache/user:123:profile',
        headers: { ...JSON_TYPE, 'X-Cache-Tags': 'user:123, profiles' },
        body: { json: ALICE },
      },
      response: { status: 201 },
    },
    {
      name: 'onlyIfAbsent',
      summary: 'A lock that somebody else has',
      before: [
        {
          method: 'PUT',
          target: '/cache/lock:resource',
          headers: { 'X-Cache-Mode': 'NX', 'X-Cache-TTL': '60' },
          body: { text: 'owner-1' },
        },
      ],
      request: {
        method: 'PUT',
        target: '/cache/lock:resource',
        headers: { 'X-Cache-Mode': 'NX', 'X-Cache-TTL': '60' },
        body: { text: 'owner-2' },
      },
      response: {
        status: 412,
        body: { json: { error: { code: 'ERR_HTTP_PRECONDITION_FAILED', message: '*' } } },
      },
    },
    {
      name: 'compareAndSet',
      summary: 'A value replaces the one that was read, and no other',
      before: [STORE_HELLO],
      request: {
        method: 'PUT',
        target: '/cache/greeting',
        headers: { 'Content-Type': 'text/plain', 'If-Match': HELLO_TAG },
        body: { text: 'good evening' },
      },
      response: { status: 201 },
    },
    {
      name: 'badTtl',
      summary: 'A time to live that is none',
      request: {
        method: 'PUT',
        target: TARGET,
        headers: { ...JSON_TYPE, 'X-Cache-TTL': '1.5' },
        body: { json: ALICE },
      },
      response: {
        status: 422,
        body: { json: { error: { code: 'ERR_CACHE_INVALID_TTL', message: '*' } } },
      },
    },
  ],
};

export const PATCH_ENTRY: OperationDocument = {
  tag: 'plain',
  operationId: 'patchEntry',
  summary: 'Change the time to live of an entry',
  description:
    'Sets it anew from now, adds to what is left, or takes it away. An entry without an end stays one when it is extended.',
  parameters: [KEY_PARAMETER],
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: {
          type: 'object',
          minProperties: 1,
          maxProperties: 1,
          additionalProperties: false,
          properties: {
            ttl: { type: 'integer', minimum: 1, description: 'Seconds from now.' },
            extend: { type: 'integer', minimum: 1, description: 'Seconds more than are left.' },
            persist: { const: true, description: 'No end any more.' },
          },
        },
      },
    },
  },
  responses: {
    200: {
      description: 'Changed.',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            required: ['ttl'],
            properties: {
              ttl: { type: ['integer', 'null'], description: 'Seconds left; null for no end.' },
            },
          },
        },
      },
    },
    404: MISS_RESPONSE,
  },
  examples: [
    {
      name: 'set',
      summary: 'Ten minutes from now',
      before: [STORE_ALICE],
      request: {
        method: 'PATCH',
        target: TARGET,
        headers: JSON_TYPE,
        body: { json: { ttl: 600 } },
      },
      response: {
        status: 200,
        headers: { 'X-Cache-TTL-Remaining': '600' },
        body: { json: { ttl: 600 } },
      },
    },
    {
      name: 'extend',
      summary: 'An hour more',
      before: [STORE_ALICE],
      request: {
        method: 'PATCH',
        target: TARGET,
        headers: JSON_TYPE,
        body: { json: { extend: 3_600 } },
      },
      response: { status: 200, body: { json: { ttl: '*' } } },
    },
    {
      name: 'persist',
      summary: 'No end any more',
      before: [STORE_ALICE],
      request: {
        method: 'PATCH',
        target: TARGET,
        headers: JSON_TYPE,
        body: { json: { persist: true } },
      },
      response: { status: 200, body: { json: { ttl: null } } },
    },
    {
      name: 'miss',
      summary: 'There is nothing to change',
      request: { method: 'PATCH', target: TARGET, headers: JSON_TYPE, body: { json: { ttl: 1 } } },
      response: MISS,
    },
  ],
};

export const DELETE_ENTRY: OperationDocument = {
  tag: 'plain',
  operationId: 'deleteEntry',
  summary: 'Remove an entry',
  parameters: [KEY_PARAMETER, ...CONDITION_PARAMETERS],
  responses: {
    204: { description: 'Nothing is stored under the key any more, whether or not it was.' },
    412: PRECONDITION_FAILED,
  },
  examples: [
    {
      name: 'stored',
      summary: 'An entry that is there',
      before: [STORE_ALICE],
      request: { method: 'DELETE', target: TARGET },
      response: { status: 204 },
    },
    {
      name: 'missing',
      summary: 'An entry that is not there: no failure',
      request: { method: 'DELETE', target: TARGET },
      response: { status: 204 },
    },
    {
      name: 'otherValue',
      summary: 'An entry that is not the one that was read',
      before: [STORE_HELLO],
      request: {
        method: 'DELETE',
        target: '/cache/greeting',
        headers: { 'If-Match': '"0000000000000000"' },
      },
      response: {
        status: 412,
        body: { json: { error: { code: 'ERR_HTTP_PRECONDITION_FAILED', message: '*' } } },
      },
    },
  ],
};
