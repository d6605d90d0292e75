import type { IncomingMessage } from 'node:http';
import type { Socket as NetSocket } from 'node:net';
import { WebSocketServer } from 'ws';
import { asksForWebSocket, refuseHandshake } from './handshake.js';
import type { NodeConnection } from './node-connection.js';
import { findHeader } from './node-exchange.js';
import { refuseHead } from './node-refusals.js';
import { NodeSocket } from './node-socket.js';
import type { TransportLimits, UpgradeHandler, UpgradeRequest } from './transport.js';

/** A request to speak another protocol, after which node:http has let go of the connection. */
export interface UpgradeAttempt {
  readonly connection: NodeConnection;
  readonly request: IncomingMessage;
  /** What came behind the head. */
  readonly head: Buffer;
}

/** Makes WebSockets of requests, and knows those that are open. */
export class NodeUpgrades {
  readonly sockets: Set<NodeSocket> = new Set();
  private readonly handler: UpgradeHandler;
  private readonly limits: TransportLimits;
  private readonly library: WebSocketServer;
  /** Read by the library while it writes its answer. */
  private protocol: string | undefined;

  constructor(handler: UpgradeHandler, limits: TransportLimits) {
    this.handler = handler;
    this.limits = limits;
    this.library = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: limits.messageBytesMax,
      perMessageDeflate: false,
      handleProtocols: () => this.protocol ?? false,
    });
  }

  /**
   * Answers a request to upgrade.
   *
   * @param serveAgain takes a connection whose request is to be read as an ordinary one
   */
  serve({ connection, request, head }: UpgradeAttempt, serveAgain: () => void): void {
    const { method, rawHeaders, url = '', httpVersion } = request;
    const isHandshake = method === 'GET' && asksForWebSocket(findHeader(rawHeaders, 'upgrade'));
    const refusal = refuseHead({ httpVersion, url, rawHeaders });
    if (refusal === undefined && !isHandshake) {
      connection.socket.unshift(Buffer.concat([encodeWithoutUpgrade(request), head]));
      serveAgain();
      return;
    }
    const upgrade = describeRequest(request, connection.socket);
    const badHandshake = refusal ?? refuseHandshake(upgrade);
    if (badHandshake !== undefined) {
      connection.closeWith(badHandshake);
      return;
    }
    const answer = this.handler(upgrade);
    if (answer.kind === 'refuse') {
      connection.closeWith(answer);
      return;
    }
    this.protocol = answer.protocol;
    connection.leaveHttp();
    this.library.handleUpgrade(request, connection.socket, head, (webSocket) => {
      const { socketBacklogBytesMax } = this.limits;
      const socket = new NodeSocket(webSocket, connection.socket, socketBacklogBytesMax);
      this.sockets.add(socket);
      socket.attach(answer.open(socket), () => this.sockets.delete(socket));
    });
  }

  checkProgress(nowMs: number): void {
    for (const socket of this.sockets) socket.checkProgress(nowMs, this.limits.idleTimeoutMs);
  }
}

function describeRequest({ url = '', rawHeaders }: IncomingMessage, socket: NetSocket) {
  const queryStart = url.indexOf('?');
  return {
    path: queryStart === -1 ? url : url.slice(0, queryStart),
    query: queryStart === -1 ? '' : url.slice(queryStart + 1),
    remoteAddress: socket.remoteAddress ?? '',
    header: (name) => findHeader(rawHeaders, name),
  } satisfies UpgradeRequest;
}

/** The head of a request as it came, but for the wish to upgrade. It has been parsed once. */
function encodeWithoutUpgrade({ method, url, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const lowerCaseName = name.toLowerCase();
    if (lowerCaseName === 'upgrade') continue;
    const value = rawHeaders[index + 1] ?? '';
    const kept = lowerCaseName === 'connection' ? withoutUpgrade(value) : value;
    lines.push(`${name}: ${kept}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function withoutUpgrade(connection: string): string {
  const options = connection.split(',').map((option) => option.trim());
  return options.filter((option) => option.toLowerCase() !== 'upgrade').join(', ');
}
