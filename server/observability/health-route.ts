import { sendReply } from '../http/reply.js';
import type { Route } from '../router.js';
import { jsonReply } from '../wire.js';

export interface HealthSource {
  /** Whether the service is stopping: load balancers then send their requests elsewhere. */
  readonly isDraining: boolean;
  /** Milliseconds since the service began to listen. */
  readonly uptimeMs: number;
}

/** `/health`: 200 while the service takes requests, 503 once it is stopping. */
export function createHealthRoute(source: HealthSource): Route {
  return {
    path: '/health',
    operations: {
      GET: {
        name: 'status',
        handle: (exchange) => {
          const uptimeSeconds = Math.floor(source.uptimeMs / 1_000);
          const status = source.isDraining ? 'draining' : 'ok';
          sendReply(exchange, jsonReply(source.isDraining ? 503 : 200, { status, uptimeSeconds }));
          return undefined;
        },
      },
    },
  };
}
