import { sendReply } from '../http/reply.js';
import { readPackageVersion } from '../package-version.js';
import type { Route } from '../router.js';
import { jsonReply, type Reply } from '../wire.js';
import { createOpenApiDocument } from './openapi-document.js';

/** `/openapi.json`: describes the routes that it is given and itself; made at its first request. */
export function createOpenApiRoute(routes: readonly Route[]): Route {
  let reply: Reply | undefined;
  const route: Route = {
    path: '/openapi.json',
    operations: {
      GET: {
        name: 'status',
        handle: (exchange) => {
          reply ??= jsonReply(200, createOpenApiDocument([...routes, route], readPackageVersion()));
          sendReply(exchange, reply);
          return undefined;
        },
        document: {
          tag: 'service',
          operationId: 'getOpenApiDocument',
          summary: 'This document.',
          responses: {
            200: {
              description: 'The interface, as OpenAPI 3.1.',
              content: { 'application/json': { schema: { type: 'object' } } },
            },
          },
          examples: [
            {
              name: 'document',
              summary: 'What the service offers',
              request: { method: 'GET', target: '/openapi.json' },
              response: { status: 200, headers: { 'Content-Type': 'application/json' } },
            },
          ],
        },
      },
    },
  };
  return route;
}
