import { RequestError } from '../error-table.js';
import type { Route } from '../router.js';
import { SOCKET_PATH } from './upgrade-policy.js';

const MESSAGE = 'this path speaks WebSocket: connect with a WebSocket client';

/** Plain requests to the path of WebSockets: they are told to upgrade. */
export function createUpgradeRoute(): Route {
  return {
    path: SOCKET_PATH,
    operations: {
      GET: {
        name: 'status',
        handle: () => {
          throw new RequestError('ERR_HTTP_UPGRADE_REQUIRED', MESSAGE, {
            headers: [['Upgrade', 'websocket']],
          });
        },
        document: {
          tag: 'service',
          operationId: 'openWebSocket',
          summary: 'Open a WebSocket',
          description:
            'The WebSocket of the service: get, set, delete, batches, and subscriptions whose ' +
            'pushes keep copies coherent. OpenAPI cannot describe it; docs/WEBSOCKET.md does.',
          responses: {
            '101': { description: 'The connection is a WebSocket from now on.' },
            '426': {
              description: 'The request does not ask for an upgrade.',
              headers: {
                Upgrade: { description: 'What to upgrade to.', schema: { const: 'websocket' } },
              },
            },
          },
          examples: [
            {
              name: 'plainRequest',
              summary: 'A request that does not ask for an upgrade',
              request: { method: 'GET', target: SOCKET_PATH },
              response: {
                status: 426,
                headers: { Upgrade: 'websocket' },
                body: { json: { error: { code: 'ERR_HTTP_UPGRADE_REQUIRED', message: MESSAGE } } },
              },
            },
          ],
        },
      },
    },
  };
}
