import { randomUUID } from 'node:crypto';
import type { RequestObserver } from '../router.js';

/** Gives requests their ids. */
export function createRequestObserver(): RequestObserver {
  return {
    wantsRequestIds: false,
    readRequestId: (exchange) => exchange.header('x-request-id') || randomUUID(),
    onEnd: () => undefined,
  };
}
