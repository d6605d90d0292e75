import type { Reply } from '../wire.js';
import type { Exchange } from './transport.js';

const NO_CONTENT = 204;

/** Writes a complete reply; does nothing when the client is gone. */
export function sendReply(exchange: Exchange, reply: Reply): void {
  exchange.cork(() => {
    exchange.writeStatus(reply.status);
    for (const [name, value] of reply.headers) exchange.writeHeader(name, value);
    if (exchange.method === 'HEAD') exchange.endWithLengthOnly(reply.body.length);
    else if (reply.status === NO_CONTENT) exchange.endWithoutBody();
    else exchange.end(reply.body);
  });
}
