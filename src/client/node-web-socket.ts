/**
 * The WebSocket of Node.js. Bundlers for browsers leave this file out: the field `browser` of
 * package.json says so.
 */
import { WebSocket } from 'ws';
import type { WebSocketConstructor, WebSocketLike } from './web-socket-like.js';

/** A class that sends these headers with the request that opens a socket. */
export function withHeaders(headers: Readonly<Record<string, string>>): WebSocketConstructor {
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { headers });
    }
  } as new (
    url: string,
    protocols: string[],
  ) => WebSocketLike;
}
