import type { OperationDocument } from '../openapi/operation-document.js';

export const METRICS_DOCUMENT: OperationDocument = {
  tag: 'service',
  operationId: 'getMetrics',
  summary: 'Metrics for Prometheus',
  description:
    'All threads of the service together, in the text format 0.0.4. METRICS_PATH moves it, ' +
    'METRICS_ENABLED=false takes it away. No label holds anything that a client sent.',
  responses: {
    '200': {
      description: 'The metrics.',
      headers: {
        'Cache-Control': { description: 'Never to be stored.', schema: { const: 'no-store' } },
      },
      content: { 'text/plain': { schema: { type: 'string' } } },
    },
  },
  examples: [
    {
      name: 'metrics',
      summary: 'All metrics',
      request: { method: 'GET', target: '/metrics' },
      response: {
        status: 200,
        headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' },
      },
    },
  ],
};
