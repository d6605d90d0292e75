import type { OperationDocument } from '../openapi/operation-document.js';

export const HEALTH_DOCUMENT: OperationDocument = {
  tag: 'service',
  operationId: 'getHealth',
  summary: 'Whether the process is alive',
  description:
    'Answers 200 as long as anything is answered, also while the service is stopping: for ' +
    'whoever restarts what does not live. Whoever spreads load asks `/ready`. The service uses no ' +
    'Redis and no broker; their fields say so.',
  responses: {
    '200': {
      description: 'The process is alive.',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            required: ['healthy', 'redis_status', 'broker_status', 'status', 'uptimeSeconds'],
            properties: {
              healthy: { const: true },
              redis_status: { const: 'disabled' },
              broker_status: { const: 'disabled' },
              status: { enum: ['ok', 'draining'] },
              uptimeSeconds: { type: 'integer', minimum: 0 },
            },
            additionalProperties: false,
          },
        },
      },
    },
  },
  examples: [
    {
      name: 'alive',
      summary: 'A process that is alive',
      request: { method: 'GET', target: '/health' },
      response: {
        status: 200,
        body: {
          json: {
            healthy: true,
            redis_status: 'disabled',
            broker_status: 'disabled',
            status: 'ok',
            uptimeSeconds: '*',
          },
        },
      },
    },
  ],
};
