import type { ChangeFeed } from '../changes/change-feed.js';
import type { DialectParts } from '../dialects/dialect-parts.js';
import { errorReply, RequestError } from '../error-table.js';
import type { UpgradeHandler } from '../http/transport.js';

/** The WebSockets of one thread. */
export interface SocketServer {
  readonly upgrade: UpgradeHandler;
  /** Asks every client to go elsewhere; resolves when all are gone. */
  drain(): Promise<void>;
}

export function createSocketServer(_parts: DialectParts, _feed: ChangeFeed): SocketServer {
  return {
    upgrade: () => {
      const { status, headers, body } = errorReply(
        new RequestError('ERR_HTTP_NOT_FOUND', 'no WebSocket is served here'),
      );
      return { kind: 'refuse', status, headers, body };
    },
    drain: () => Promise.resolve(),
  };
}
