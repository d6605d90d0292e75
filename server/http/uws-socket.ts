import type { Reply } from '../wire.js';
import { asksForWebSocket, refuseHandshake } from './handshake.js';
import type {
  Socket,
  SocketListener,
  TransportLimits,
  UpgradeAnswer,
  UpgradeHandler,
  UpgradeRequest,
} from './transport.js';
import type {
  UwsModule,
  UwsRequest,
  UwsResponse,
  UwsSocketBehavior,
  UwsWebSocket,
} from './uws-binding.js';
import { ignoreAbort, reasonLine, type UwsListenerState } from './uws-exchange.js';

const IDLE_SECONDS_MIN = 8;
const IDLE_SECONDS_MAX = 960;

/** What the library keeps with each socket. */
interface SocketData {
  readonly accept: Extract<UpgradeAnswer, { kind: 'accept' }>;
  socket: UwsSocket | undefined;
  listener: SocketListener | undefined;
}

/** One open WebSocket over uWebSockets.js. */
class UwsSocket implements Socket {
  private webSocket: UwsWebSocket<SocketData> | undefined;
  private readonly backlogBytesMax: number;

  constructor(webSocket: UwsWebSocket<SocketData>, backlogBytesMax: number) {
    this.webSocket = webSocket;
    this.backlogBytesMax = backlogBytesMax;
  }

  get isOpen(): boolean {
    return this.webSocket !== undefined;
  }

  get backlogBytes(): number {
    return this.webSocket?.getBufferedAmount() ?? 0;
  }

  send(message: Uint8Array, isBinary: boolean): 'sent' | 'slow' {
    this.webSocket?.send(message, isBinary, false);
    return this.backlogBytes > this.backlogBytesMax ? 'slow' : 'sent';
  }

  close(code: number, reason: string): void {
    this.webSocket?.end(code, reason);
  }

  cut(): void {
    this.webSocket?.close();
  }

  /** The library throws on any use of the socket from now on. */
  forget(): void {
    this.webSocket = undefined;
  }
}

/** How the library is to treat WebSockets, on whatever path. */
export function createSocketBehavior(
  uws: UwsModule,
  state: UwsListenerState,
  handler: UpgradeHandler,
  limits: TransportLimits,
): UwsSocketBehavior<SocketData> {
  const idleSeconds = Math.ceil(limits.idleTimeoutMs / 1_000);
  return {
    compression: uws.DISABLED,
    maxPayloadLength: limits.messageBytesMax,
    idleTimeout: Math.min(IDLE_SECONDS_MAX, Math.max(IDLE_SECONDS_MIN, idleSeconds)),
    sendPingsAutomatically: true,
    // Beyond its own limit the library skips messages silently: `send` keeps to ours instead.
    maxBackpressure: 0,
    closeOnBackpressureLimit: false,
    upgrade: (response, request, context) => {
      if (!asksForWebSocket(request.getHeader('upgrade'))) {
        request.setYield(true);
        return;
      }
      response.onAborted(ignoreAbort);
      const upgrade = describeRequest(response, request);
      const badHandshake = refuseHandshake(upgrade);
      if (badHandshake !== undefined) {
        refuse(response, badHandshake);
        return;
      }
      const answer = handler(upgrade);
      if (answer.kind === 'refuse') {
        refuse(response, answer);
        return;
      }
      const data: SocketData = { accept: answer, socket: undefined, listener: undefined };
      const key = request.getHeader('sec-websocket-key');
      response.upgrade(data, key, answer.protocol ?? '', '', context);
    },
    open: (webSocket) => {
      const data = webSocket.getUserData();
      state.openSockets += 1;
      data.socket = new UwsSocket(webSocket, limits.socketBacklogBytesMax);
      data.listener = data.accept.open(data.socket);
    },
    message: (webSocket, message, isBinary) => {
      webSocket.getUserData().listener?.onMessage(new Uint8Array(message), isBinary);
    },
    // Not expected without a limit; a gap that nobody is told of would be worse than a cut.
    dropped: (webSocket) => webSocket.close(),
    drain: (webSocket) => {
      const { socket, listener } = webSocket.getUserData();
      // Later, because the library forgets to go on with what is sent in here and does not fit.
      setImmediate(() => {
        if (socket?.isOpen && socket.backlogBytes === 0) listener?.onDrain();
      });
    },
    close: (webSocket) => {
      const { socket, listener } = webSocket.getUserData();
      state.openSockets -= 1;
      // The filter that counts connections is not told of those that have become sockets.
      state.openConnections -= 1;
      socket?.forget();
      listener?.onClose();
    },
  };
}

function describeRequest(response: UwsResponse, request: UwsRequest): UpgradeRequest {
  return {
    path: request.getUrl(),
    query: request.getQuery() ?? '',
    get remoteAddress(): string {
      return Buffer.from(response.getRemoteAddressAsText()).toString('latin1');
    },
    header: (name) => request.getHeader(name),
  };
}

function refuse(response: UwsResponse, { status, headers, body }: Reply): void {
  response.writeStatus(reasonLine(status));
  for (const [name, value] of headers) response.writeHeader(name, value);
  response.end(body, true);
}
