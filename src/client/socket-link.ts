import { jitteredWaitMs } from './backoff.js';
import { notSent } from './client-error.js';
import type { ResolvedWebSocket } from './client-options.js';
import type { Frame, FrameCodec, FrameMember } from './frame-codec.js';
import { SocketConnection } from './socket-connection.js';
import { terminate, type WebSocketConstructor, type WebSocketLike } from './web-socket-like.js';

/** What a link needs to know. */
export interface LinkSettings extends ResolvedWebSocket {
  /** Of the service, `http:` or `https:`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly codec: FrameCodec;
  /** Milliseconds until a connection must be open. */
  readonly timeoutMs: number;
}

/** Hears what happens on the link. */
export interface LinkListener {
  onOpen(): void;
  onPush(frame: Frame): void;
  /** After an open connection was lost, or given up. */
  onLost(reason: string): void;
}

const RECONNECT_FIRST_MS = 100;
/** A connection that ends sooner counts as a try that failed: it may do so again and again. */
const STEADY_MS = 1_000;

/**
 * Keeps one WebSocket to the service open: connects when it is first needed, and again, after
 * jittered waits, whenever the connection is lost.
 */
export class SocketLink {
  private readonly settings: LinkSettings;
  private readonly listener: LinkListener;
  private connection: SocketConnection | undefined;
  /** A try to connect that is under way; never rejects. */
  private connecting: Promise<void> | undefined;
  private cancelConnecting: () => void = () => undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failedTries = 0;
  private isClosed = false;

  constructor(settings: LinkSettings, listener: LinkListener) {
    this.settings = settings;
    this.listener = listener;
  }

  get isOpen(): boolean {
    return this.connection !== undefined;
  }

  /** Begins to connect unless it does so already, or waits to do it again. */
  start(): void {
    if (this.isClosed || this.isOpen || this.timer !== undefined) return;
    this.connecting ??= this.connect().finally(() => {
      this.connecting = undefined;
    });
  }

  /**
   * Starts, and waits for the end of the first try: `isOpen` says how it ended. Later ones are not
   * waited for: where a proxy swallows them, each would cost its whole time.
   */
  settled(): Promise<void> {
    this.start();
    const isFirst = this.failedTries === 0;
    return (isFirst ? this.connecting : undefined) ?? Promise.resolve();
  }

  /** @throws {ClientError} as a rejection: a refusal, a lost connection, or the signal's reason */
  async request(
    members: Readonly<Record<string, FrameMember | undefined>>,
    signal: AbortSignal,
  ): Promise<Frame> {
    const { connection } = this;
    if (connection === undefined) throw notSent('the WebSocket is not connected');
    const startMs = performance.now();
    try {
      return await connection.request(members, signal);
    } catch (error) {
      if (signal.aborted) {
        const waitedMs = Math.round(performance.now() - startMs);
        if (waitedMs >= this.settings.timeoutMs) {
          connection.abandonIfSilentSince(startMs, waitedMs);
        }
      }
      throw error;
    }
  }

  /** Gives the connection up and opens another. */
  restart(reason: string): void {
    this.connection?.abandon(reason);
  }

  /** Resolves when no connection is left. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.cancelConnecting();
    await this.connection?.close();
    await this.connecting;
  }

  private async connect(): Promise<void> {
    const { url, codec } = this.settings;
    let socket: WebSocketLike;
    try {
      const implementation = await this.findImplementation();
      if (this.isClosed) return;
      socket = new implementation(`${url.replace(/^http/, 'ws')}/ws`, [codec.subprotocol]);
    } catch {
      this.retryLater();
      return;
    }
    socket.binaryType = 'arraybuffer';
    if (!(await this.whenOpen(socket))) this.retryLater();
  }

  /** At once when it opens, so that nothing that comes over it is missed. */
  private adopt(socket: WebSocketLike): void {
    const { codec, heartbeatMs } = this.settings;
    const openedMs = performance.now();
    const connection: SocketConnection = new SocketConnection(socket, codec, heartbeatMs, {
      onPush: (frame) => this.listener.onPush(frame),
      onLost: (reason) => {
        const isSteady = performance.now() - openedMs >= STEADY_MS;
        if (connection.wasHeard && isSteady) this.failedTries = 0;
        this.connection = undefined;
        this.listener.onLost(reason);
        this.retryLater();
      },
    });
    this.connection = connection;
    this.listener.onOpen();
  }

  private async findImplementation(): Promise<WebSocketConstructor> {
    const { implementation, headers } = this.settings;
    if (implementation !== undefined) return implementation;
    const found = (globalThis as { readonly WebSocket?: WebSocketConstructor }).WebSocket;
    if (found !== undefined) return found;
    // Only Node.js comes here; see the field `browser` of package.json.
    const { withHeaders } = await import('./node-web-socket.js');
    return withHeaders(headers);
  }

  /** Whether it opened in time; else it is on its way out. */
  private whenOpen(socket: WebSocketLike): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isOpen: boolean): void => {
        clearTimeout(timer);
        this.cancelConnecting = () => undefined;
        resolve(isOpen);
      };
      const giveUp = (): void => {
        terminate(socket);
        end(false);
      };
      const timer = setTimeout(giveUp, this.settings.timeoutMs);
      this.cancelConnecting = giveUp;
      socket.addEventListener('open', () => {
        this.adopt(socket);
        end(true);
      });
      socket.addEventListener('close', () => end(false));
      // An implementation may throw an error that nobody listens to; the close follows it.
      socket.addEventListener('error', () => undefined);
    });
  }

  private retryLater(): void {
    if (this.isClosed) return;
    const waitMs = jitteredWaitMs(
      this.failedTries,
      RECONNECT_FIRST_MS,
      this.settings.reconnectMsMax,
    );
    this.failedTries++;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.start();
    }, waitMs);
  }
}
