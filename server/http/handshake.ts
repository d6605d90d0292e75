/** What a request must say to become a WebSocket (RFC 6455), checked the same in all transports. */
import { errorReply, RequestError } from '../error-table.js';
import type { Reply } from '../wire.js';
import type { UpgradeRequest } from './transport.js';

/** 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;
const VERSION = '13';

/** Whether a request that asks for another protocol asks for this one. */
export function asksForWebSocket(upgrade: string): boolean {
  return upgrade.toLowerCase() === 'websocket';
}

/** The refusal of a handshake that is not well-formed; `undefined` for one that is. */
export function refuseHandshake(request: UpgradeRequest): Reply | undefined {
  if (request.header('sec-websocket-version') !== VERSION) {
    return errorReply(
      new RequestError('ERR_HTTP_UPGRADE_REQUIRED', 'only version 13 of WebSocket is served', {
        headers: [['Sec-WebSocket-Version', VERSION]],
      }),
    );
  }
  if (!KEY.test(request.header('sec-websocket-key'))) {
    return errorReply(
      new RequestError(
        'ERR_HTTP_MALFORMED_REQUEST',
        'Sec-WebSocket-Key must be 16 bytes in base64',
      ),
    );
  }
  return undefined;
}
