import type {
  Socket,
  SocketListener,
  UpgradeHandler,
  UpgradeRequest,
} from '../../../server/http/transport.js';

/** A frame that came from the service, as JSON. */
export type Frame = Readonly<Record<string, unknown>>;

/** What a client sends to open a WebSocket, with what a test changes of it. */
export function upgradeRequest(
  target = '/ws',
  headers: Readonly<Record<string, string>> = {},
): UpgradeRequest {
  const [path = '', query = ''] = target.split('?');
  const lines = new Map(Object.entries({ host: 'cache.example:8080', ...headers }));
  return { path, query, remoteAddress: '127.0.0.1', header: (name) => lines.get(name) ?? '' };
}

/** A WebSocket without a connection: what the service sends is kept, in order. */
export class SocketDouble implements Socket {
  isOpen = true;
  backlogBytes = 0;
  /** Whether messages wait: `send` says `slow` then. */
  isStuck = false;
  readonly sent: Uint8Array[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  isCut = false;
  private listener: SocketListener | undefined;

  /** Opens one at the service; throws when it is refused. */
  static open(upgrade: UpgradeHandler, request: UpgradeRequest = upgradeRequest()): SocketDouble {
    const answer = upgrade(request);
    if (answer.kind === 'refuse') throw new Error(`refused: ${answer.status}`);
    const socket = new SocketDouble();
    socket.listener = answer.open(socket);
    return socket;
  }

  /** The frames that were sent, read as JSON. */
  get frames(): Frame[] {
    return this.sent.map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as Frame);
  }

  /** Frames without an id: pushes. */
  get pushes(): Frame[] {
    return this.frames.filter((frame) => 'event' in frame);
  }

  /** The answer to a request, if there is one. */
  answer(id: number): Frame | undefined {
    return this.frames.find((frame) => frame['id'] === id);
  }

  send(message: Uint8Array): 'sent' | 'slow' {
    this.sent.push(Uint8Array.from(message));
    if (this.isStuck) this.backlogBytes += message.length;
    return this.isStuck ? 'slow' : 'sent';
  }

  close(code: number, reason: string): void {
    this.closed ??= { code, reason };
  }

  cut(): void {
    this.isCut = true;
    this.leave();
  }

  /** A message of the client, as text or as an object that becomes JSON. */
  receive(message: string | Uint8Array | object, isBinary = false): void {
    const bytes =
      message instanceof Uint8Array
        ? message
        : Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
    // What the service is shown is valid during the call alone.
    const passing = Uint8Array.from(bytes);
    this.listener?.onMessage(passing, isBinary);
    passing.fill(0xff);
  }

  /** The client has taken everything. */
  drain(): void {
    this.isStuck = false;
    this.backlogBytes = 0;
    this.listener?.onDrain();
  }

  /** The connection ends. */
  leave(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.listener?.onClose();
  }
}
