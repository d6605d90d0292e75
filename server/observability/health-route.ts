import { sendReply } from '../http/reply.js';
import type { OperationDocument } from '../openapi/operation-document.js';
import type { Operation, Route } from '../router.js';
import { jsonReply } from '../wire.js';
import { HEALTH_DOCUMENT } from './health-document.js';
import type { ObservedService } from './observed-service.js';

/** `/health`: 200 as long as the process serves at all, while it is stopping too. */
export function createHealthRoute({ block }: ObservedService): Route {
  const serve = (document?: OperationDocument): Operation => ({
    name: 'status',
    handle: (exchange) => {
      const report = {
        healthy: true,
        redis_status: 'disabled',
        broker_status: 'disabled',
        status: block.isDraining ? 'draining' : 'ok',
        uptimeSeconds: Math.floor(block.uptimeSeconds),
      };
      sendReply(exchange, jsonReply(200, report));
      return undefined;
    },
    ...(document !== undefined && { document }),
  });
  return { path: '/health', operations: { GET: serve(HEALTH_DOCUMENT), HEAD: serve() } };
}
