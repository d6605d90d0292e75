import type { OperationDocument, Schema } from '../openapi/operation-document.js';

const count: Schema = { type: 'integer', minimum: 0 };
const text: Schema = { type: 'string' };

const READY_SCHEMA: Schema = {
  type: 'object',
  required: ['ready', 'status', 'engine', 'transport', 'threads'],
  properties: {
    ready: { type: 'boolean' },
    status: {
      enum: ['ok', 'degraded', 'draining', 'closed'],
      description: '`degraded` serves, though with fewer threads than it should have.',
    },
    engine: {
      type: 'object',
      properties: {
        state: { enum: ['ok', 'recovering', 'closed'] },
        workers: count,
        shards: count,
        shardsWithoutWorker: count,
        recoveries: count,
      },
    },
    transport: {
      type: 'object',
      properties: {
        name: text,
        kind: { enum: ['uws', 'node'] },
        reason: { ...text, description: 'Why it is this one.' },
      },
    },
    threads: {
      type: 'object',
      properties: {
        state: {
          enum: ['ok', 'starting', 'given-up'],
          description: '`given-up`: threads ended too often; they are not replaced any more.',
        },
        wanted: count,
        serving: count,
        replaced: count,
      },
    },
  },
  additionalProperties: false,
};

export const READY_DOCUMENT: OperationDocument = {
  tag: 'service',
  operationId: 'getReady',
  summary: 'Whether requests should be sent here',
  description: 'For load balancers: 503 once the service is stopping, before it takes no more.',
  responses: {
    '200': {
      description: 'Requests are served.',
      content: { 'application/json': { schema: READY_SCHEMA } },
    },
    '503': {
      description: 'The service is stopping, or its engine is closed.',
      content: { 'application/json': { schema: READY_SCHEMA } },
    },
  },
  examples: [
    {
      name: 'ready',
      summary: 'A service that takes requests',
      request: { method: 'GET', target: '/ready' },
      response: {
        status: 200,
        body: { json: { ready: true, status: 'ok', engine: '*', transport: '*', threads: '*' } },
      },
    },
  ],
};
