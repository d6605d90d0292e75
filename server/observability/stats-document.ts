import type { OperationDocument, Schema } from '../openapi/operation-document.js';

const count: Schema = { type: 'integer', minimum: 0 };
const durationMs: Schema = { type: 'number', minimum: 0 };

/** An object that holds all of its properties, and no other. */
function record(properties: Readonly<Record<string, Schema>>): Schema {
  return {
    type: 'object',
    required: Object.keys(properties),
    properties,
    additionalProperties: false,
  };
}

const OPERATION_SCHEMA = record({
  ok: count,
  refused: count,
  failed: count,
  p50Ms: durationMs,
  p90Ms: durationMs,
  p99Ms: durationMs,
  maxBucketMs: { type: ['number', 'null'] },
});

const STATS_SCHEMA = record({
  version: { type: 'string' },
  uptimeSeconds: count,
  countedAtSeconds: { type: 'number', minimum: 0 },
  transport: { type: 'string' },
  threads: count,
  isDraining: { type: 'boolean' },
  hits: count,
  misses: count,
  hitRatio: { type: 'number', minimum: 0, maximum: 1 },
  operations: { type: 'object', additionalProperties: OPERATION_SCHEMA },
  items: count,
  bytes: count,
  memoryBytes: count,
  sets: count,
  deletes: count,
  evictions: count,
  expirations: count,
  recoveries: count,
  namespaces: count,
  tags: count,
  leasesActive: count,
  ringHighWaterBytes: count,
  pendingWrites: count,
  connections: count,
  sockets: count,
  shards: {
    type: 'array',
    items: record({ items: count, bytes: count, pages: count, freePages: count, evictions: count }),
  },
});

const ANY_NUMBERS = Object.fromEntries(
  Object.keys(STATS_SCHEMA['properties'] as object).map((name) => [name, '*']),
);

export const STATS_DOCUMENT: OperationDocument = {
  tag: 'service',
  operationId: 'getStats',
  summary: 'Counters of the service and its engine',
  description:
    'All threads together, since the start. Counters of the engine are at most as old as ' +
    'METRICS_INTERVAL says: countedAtSeconds is the uptime at which they were read. Durations are quantiles within buckets of 5 microseconds to 10 seconds.',
  responses: {
    '200': {
      description: 'The counters.',
      content: { 'application/json': { schema: STATS_SCHEMA } },
    },
  },
  examples: [
    {
      name: 'stats',
      summary: 'All counters',
      request: { method: 'GET', target: '/stats' },
      response: { status: 200, body: { json: { ...ANY_NUMBERS, isDraining: false } } },
    },
  ],
};
