import { afterAll } from 'vitest';
import type {
  Exchange,
  ExchangeHandler,
  Listener,
  Socket,
  SocketListener,
  TransportLimits,
  UpgradeHandler,
} from '../../../server/http/transport.js';
import { DEFAULT_SERVICE_SETTINGS } from '../../../server/service-settings.js';
import { openTransport, type TransportKind } from './test-service.js';

const listeners: Listener[] = [];
afterAll(() => {
  for (const listener of listeners.splice(0)) listener.close();
});

export interface ListenParts {
  readonly exchange?: ExchangeHandler;
  readonly upgrade?: UpgradeHandler;
  readonly limits?: Partial<TransportLimits>;
}

/** A transport without a service on a free port; closed after the tests of the file. */
export async function listenOn(kind: TransportKind, parts: ListenParts): Promise<Listener> {
  const transport = await openTransport(kind);
  const listener = await transport.listen(
    { host: '127.0.0.1', port: 0 },
    { exchange: parts.exchange ?? answerOk, upgrade: parts.upgrade ?? refuseUpgrade },
    { ...DEFAULT_SERVICE_SETTINGS.transport, ...parts.limits },
  );
  listeners.push(listener);
  return listener;
}

/** Answers every request with its method and target. */
export function answerOk(exchange: Exchange): undefined {
  const target = exchange.query === '' ? exchange.path : `${exchange.path}?${exchange.query}`;
  exchange.end(Buffer.from(`${exchange.method} ${target}`));
}

export const refuseUpgrade: UpgradeHandler = () => ({
  kind: 'refuse',
  status: 404,
  headers: [['X-Refused', 'yes']],
  body: Buffer.from('no sockets here'),
});

/** What became of one WebSocket, as its owner saw it. */
export class SocketLog implements SocketListener {
  readonly messages: (readonly [text: string, isBinary: boolean])[] = [];
  drainCount = 0;
  closeCount = 0;
  onText: (text: string) => void = () => undefined;

  onMessage(message: Uint8Array, isBinary: boolean): void {
    const text = Buffer.from(message).toString('latin1');
    this.messages.push([text, isBinary]);
    this.onText(text);
  }

  onDrain(): void {
    this.drainCount += 1;
  }

  onClose(): void {
    this.closeCount += 1;
  }
}

/** Accepts every upgrade and keeps the sockets with what was told of them. */
export class SocketOwner {
  readonly sockets: Socket[] = [];
  readonly logs: SocketLog[] = [];
  onOpen: (socket: Socket, log: SocketLog) => void = () => undefined;
  protocol: string | undefined;

  readonly upgrade: UpgradeHandler = () => ({
    kind: 'accept',
    protocol: this.protocol,
    open: (socket) => {
      const log = new SocketLog();
      this.sockets.push(socket);
      this.logs.push(log);
      this.onOpen(socket, log);
      return log;
    },
  });
}
