/** The transport over node:http and `ws`, which works wherever Node.js does. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as NetServer, type Socket as NetSocket } from 'node:net';
import { describeListenFailure } from './listen-failure.js';
import { NodeConnection, type NodeListenerState, type ParsedRequest } from './node-connection.js';
import { type ParseError, refuseTunnel } from './node-refusals.js';
import { NodeUpgrades } from './node-upgrade.js';
import type { Handlers, ListenAddress, Listener, Transport, TransportLimits } from './transport.js';
import { ListenError } from './transport.js';

/** Slow clients are looked for so often, or four times in the idle timeout when that is shorter. */
const CHECK_MS_MAX = 1_000;

export function createNodeTransport(): Transport {
  return { name: 'node:http', kind: 'node', portSharing: findPortSharing(), listen };
}

/** The systems whose kernel spreads connections over the sockets that share a port. */
const SHARING_PLATFORMS: ReadonlySet<string> = new Set(['linux', 'freebsd', 'sunos', 'aix']);

function findPortSharing(): Transport['portSharing'] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 12) || (major === 23 && minor < 1)) {
    return {
      works: false,
      why: `node:http shares a port from Node.js 22.12 on, and this is ${process.version}`,
    };
  }
  if (!SHARING_PLATFORMS.has(process.platform)) {
    return { works: false, why: `node:http cannot share a port on ${process.platform}` };
  }
  return { works: true };
}

async function listen(
  address: ListenAddress,
  handlers: Handlers,
  limits: TransportLimits,
): Promise<Listener> {
  // Time is kept by the connections themselves, so all timeouts of node:http are off.
  const server = createServer({
    insecureHTTPParser: false,
    maxHeaderSize: limits.headerBytesMax,
    requireHostHeader: false,
    headersTimeout: 0,
    requestTimeout: 0,
    keepAliveTimeout: 0,
    noDelay: true,
  });
  server.timeout = 0;
  // The parser would leave out lines beyond its limit; all are needed to refuse too many.
  server.maxHeadersCount = 0;
  server.maxConnections = limits.connectionsMax;
  const listener = new NodeListener(server, handlers, limits);
  await new Promise<void>((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const code = error.code ?? error.message;
      reject(new ListenError(describeListenFailure(address, code), { cause: error }));
    };
    server.once('error', onError);
    const { host, port, sharesPort = false } = address;
    // `reusePort` is newer than the types; versions without it ignore it.
    const options = { host, port, exclusive: true, ...(sharesPort && { reusePort: true }) };
    server.listen(options, () => {
      server.off('error', onError);
      resolve();
    });
  });
  listener.start();
  return listener;
}

class NodeListener implements Listener {
  port = 0;
  private readonly server: Server;
  private readonly limits: TransportLimits;
  private readonly state: NodeListenerState;
  private readonly upgrades: NodeUpgrades;
  private readonly connections = new Map<NetSocket, NodeConnection>();
  private timer: NodeJS.Timeout | undefined;

  constructor(server: Server, handlers: Handlers, limits: TransportLimits) {
    this.server = server;
    this.limits = limits;
    this.state = {
      handle: handlers.exchange,
      idleTimeoutMs: limits.idleTimeoutMs,
      startedExchanges: 0,
      pendingExchanges: 0,
      isDraining: false,
    };
    this.upgrades = new NodeUpgrades(handlers.upgrade, limits);
    const serve =
      (expectation: ParsedRequest['expectation']) =>
      (request: IncomingMessage, response: ServerResponse): void => {
        this.connections.get(request.socket)?.onRequest({ request, response, expectation });
      };
    server.on('connection', (socket: NetSocket) => this.admit(socket));
    server.on('request', serve('none'));
    server.on('checkContinue', serve('continue'));
    server.on('checkExpectation', serve('unknown'));
    server.on('clientError', (error: ParseError, socket: NetSocket) => {
      if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
      else this.connections.get(socket)?.onParseError(error);
    });
    server.on('connect', (request: IncomingMessage) => {
      const connection = this.connections.get(request.socket);
      connection?.enqueue(() => connection.closeWith(refuseTunnel()));
    });
    server.on('upgrade', (request: IncomingMessage, _socket: unknown, head: Buffer) => {
      const connection = this.connections.get(request.socket);
      connection?.enqueue(() => {
        this.upgrades.serve({ connection, request, head }, () => {
          server.emit('connection', request.socket);
        });
      });
    });
  }

  start(): void {
    const address = this.server.address();
    if (address !== null && typeof address === 'object') this.port = address.port;
    const checkMs = Math.max(1, Math.min(CHECK_MS_MAX, this.limits.idleTimeoutMs / 4));
    this.timer = setInterval(() => this.checkProgress(), checkMs);
    this.timer.unref();
  }

  get openConnections(): number {
    return this.connections.size;
  }

  get startedExchanges(): number {
    return this.state.startedExchanges;
  }

  get pendingExchanges(): number {
    return this.state.pendingExchanges;
  }

  get openSockets(): number {
    return this.upgrades.sockets.size;
  }

  drain(): void {
    if (this.state.isDraining) return;
    this.state.isDraining = true;
    // That of node:http would cut idle connections, on which a request may be under way.
    NetServer.prototype.close.call(this.server);
  }

  close(): void {
    this.drain();
    clearInterval(this.timer);
    for (const [socket, connection] of this.connections) {
      socket.destroy();
      // At once, not when the system has closed it: nothing may be pending after this.
      connection.onClose();
    }
    // Also ends the timer that node:http has for each server.
    this.server.close();
  }

  private admit(socket: NetSocket): void {
    // A connection comes a second time when its upgrade to something unknown was not granted.
    if (this.connections.has(socket)) return;
    const connection = new NodeConnection(socket, this.state);
    this.connections.set(socket, connection);
    socket.once('close', () => {
      this.connections.delete(socket);
      connection.onClose();
    });
  }

  private checkProgress(): void {
    const nowMs = performance.now();
    for (const connection of this.connections.values()) connection.checkProgress(nowMs);
    this.upgrades.checkProgress(nowMs);
  }
}
