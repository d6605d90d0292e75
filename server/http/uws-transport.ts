/**
 * The transport over uWebSockets.js, the fast one. The package is optional and brings native
 * binaries for some versions of Node.js only, so it is loaded when a service starts, never before.
 */
import { createServer } from 'node:net';
import { describeListenFailure } from './listen-failure.js';
import type { Handlers, ListenAddress, Listener, Transport, TransportLimits } from './transport.js';
import { ListenError } from './transport.js';
import type { UwsApp, UwsListenSocket, UwsModule, UwsRequest, UwsResponse } from './uws-binding.js';
import { UwsExchange, type UwsListenerState } from './uws-exchange.js';
import { createSocketBehavior } from './uws-socket.js';

/** uWebSockets.js is missing, or has no binary for this machine. */
export class TransportUnavailableError extends Error {
  override readonly name: string = 'TransportUnavailableError';
  /** The first sentence of the message: what went wrong, without what to do about it. */
  readonly reason: string;

  constructor(reason: string, remedy: string, options?: ErrorOptions) {
    super(`${reason} ${remedy}`, options);
    this.reason = reason;
  }
}

/** Loads a module by name; tests put a failing one in its place. */
export type ModuleLoader = (specifier: string) => Promise<unknown>;

export const loadModule: ModuleLoader = (specifier) => import(specifier);

/**
 * Sets how many bytes a request line and its headers may have together. The library reads it from
 * the environment, once, when its binary is loaded: for all listeners of the process.
 */
export function limitUwsHeaders(headerBytesMax: number): void {
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] = String(headerBytesMax);
}

/**
 * Loads uWebSockets.js.
 *
 * @throws {TransportUnavailableError} when it cannot be loaded here
 */
export async function createUwsTransport(load: ModuleLoader = loadModule): Promise<Transport> {
  let module: unknown;
  try {
    module = await load('uWebSockets.js');
  } catch (error) {
    throw new TransportUnavailableError(explainLoadFailure(error), REMEDY, { cause: error });
  }
  const uws = module as UwsModule;
  return {
    name: 'uWebSockets.js',
    kind: 'uws',
    portSharing: { works: true },
    listen: (address, handlers, limits) => listen(uws, address, handlers, limits),
  };
}

const REMEDY =
  'It has binaries for Node.js 20 and 22 on Linux with glibc, macOS and Windows: use one of ' +
  'these, and install the optional dependencies (npm ci --include=optional), or serve with ' +
  'node:http (HTTP_TRANSPORT=node).';

function explainLoadFailure(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  const firstLine = reason.split('\n', 1)[0] ?? '';
  return (
    `uWebSockets.js cannot be loaded by Node.js ${process.version} on ` +
    `${process.platform} ${process.arch}: ${firstLine}`
  );
}

async function listen(
  uws: UwsModule,
  address: ListenAddress,
  handlers: Handlers,
  limits: TransportLimits,
): Promise<Listener> {
  const state: UwsListenerState = {
    pendingExchanges: 0,
    startedExchanges: 0,
    openConnections: 0,
    openSockets: 0,
    isDraining: false,
  };
  const app = uws.App();
  const countConnection = (response: UwsResponse, change: number): void => {
    state.openConnections += change;
    if (change > 0 && state.openConnections > limits.connectionsMax) response.close();
  };
  app.filter(countConnection);
  app.ws('/*', createSocketBehavior(uws, state, handlers.upgrade, limits));
  routeAll(app, state, handlers.exchange);
  const socket = await new Promise<UwsListenSocket | false>((resolve) => {
    app.listen(
      address.host,
      address.port,
      address.sharesPort ? 0 : uws.LIBUS_LISTEN_EXCLUSIVE_PORT,
      resolve,
    );
  });
  if (socket === false) throw new ListenError(await explainListenFailure(address));
  return new UwsListener(uws, app, socket, state);
}

/** One handler for every path; the methods served most are known without asking the library. */
function routeAll(app: UwsApp, state: UwsListenerState, handler: Handlers['exchange']): void {
  let spare = new UwsExchange(state);
  const serve = (method: string, response: UwsResponse, request: UwsRequest): void => {
    state.startedExchanges += 1;
    const exchange = spare;
    exchange.begin(method, response, request);
    const pending = handler(exchange);
    exchange.leaveHandler();
    // Code that still runs may hold the exchange: only one that nobody holds serves again.
    if (pending !== undefined || exchange.isOpen) spare = new UwsExchange(state);
  };
  app.get('/*', (response, request) => serve('GET', response, request));
  app.put('/*', (response, request) => serve('PUT', response, request));
  app.del('/*', (response, request) => serve('DELETE', response, request));
  app.any('/*', (response, request) => {
    serve(request.getCaseSensitiveMethod(), response, request);
  });
}

class UwsListener implements Listener {
  readonly port: number;
  private readonly uws: UwsModule;
  private readonly app: UwsApp;
  private readonly state: UwsListenerState;
  private socket: UwsListenSocket | undefined;
  private isClosed = false;

  constructor(uws: UwsModule, app: UwsApp, socket: UwsListenSocket, state: UwsListenerState) {
    this.port = uws.us_socket_local_port(socket);
    this.uws = uws;
    this.app = app;
    this.socket = socket;
    this.state = state;
  }

  get openConnections(): number {
    return this.state.openConnections;
  }

  get openSockets(): number {
    return this.state.openSockets;
  }

  get startedExchanges(): number {
    return this.state.startedExchanges;
  }

  get pendingExchanges(): number {
    return this.state.pendingExchanges;
  }

  drain(): void {
    this.state.isDraining = true;
    if (this.socket !== undefined) this.uws.us_listen_socket_close(this.socket);
    this.socket = undefined;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.drain();
    this.app.close();
  }
}

/** The library says only that it failed; trying the same address with node:net says why. */
async function explainListenFailure(address: ListenAddress): Promise<string> {
  const { host, port } = address;
  const code = await new Promise<string>((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve('')));
  });
  return describeListenFailure(address, code);
}
