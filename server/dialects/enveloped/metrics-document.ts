import type { OperationDocument, Schema } from '../../openapi/operation-document.js';
import { COUNT_SCHEMA, jsonContent, objectSchema } from '../body-schemas.js';
import { jsonRequest } from '../json-request.js';

const NO_TIER: Schema = { const: 0, description: 'There is no second tier.' };

export const GET_METRICS: OperationDocument = {
  tag: 'enveloped',
  operationId: 'getCacheMetrics',
  summary: 'Counters of the cache since its start',
  description: 'Of all threads and all ways to reach the cache. What expired is no eviction.',
  responses: {
    200: {
      description: 'The counters.',
      content: jsonContent(
        objectSchema({
          hits: COUNT_SCHEMA,
          misses: COUNT_SCHEMA,
          hit_rate: { type: 'number', minimum: 0, maximum: 1 },
          sets: COUNT_SCHEMA,
          deletes: COUNT_SCHEMA,
          evictions: COUNT_SCHEMA,
          l1_size: { ...COUNT_SCHEMA, description: 'Entries.' },
          l2_hits: NO_TIER,
          l2_misses: NO_TIER,
          l2_errors: NO_TIER,
        }),
      ),
    },
  },
  examples: [
    {
      name: 'afterHitAndMiss',
      summary: 'After a write, a hit and a miss',
      before: [
        jsonRequest('PUT', '/api/cache/user:123', { value: 1 }),
        { method: 'GET', target: '/api/cache/user:123' },
        { method: 'GET', target: '/api/cache/user:456' },
      ],
      request: { method: 'GET', target: '/api/cache/metrics' },
      response: {
        status: 200,
        body: {
          json: {
            hits: '*',
            misses: '*',
            hit_rate: '*',
            sets: '*',
            deletes: '*',
            evictions: '*',
            l1_size: '*',
            l2_hits: 0,
            l2_misses: 0,
            l2_errors: 0,
          },
        },
      },
    },
  ],
};
