import type { Socket as NetSocket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Socket, SocketListener } from './transport.js';

/** One open WebSocket over the library `ws`. */
export class NodeSocket implements Socket {
  private readonly webSocket: WebSocket;
  private readonly connection: NetSocket;
  private readonly backlogBytesMax: number;
  private isClosing = false;
  /** Bytes that had come when the client was last heard of, and when that was. */
  private heardBytes = 0;
  private heardMs: number = performance.now();
  private isPinged = false;
  /** Whether the listener waits to hear that nothing waits any more. */
  private isSlow = false;
  /**
   * The system has taken a message. The event `drain` would not do: it comes only when more waited
   * than Node.js thinks much, which is above our limit where that is a small one.
   */
  private onSent: () => void = () => undefined;

  constructor(webSocket: WebSocket, connection: NetSocket, backlogBytesMax: number) {
    this.webSocket = webSocket;
    this.connection = connection;
    this.backlogBytesMax = backlogBytesMax;
  }

  /** Tells the listener of everything from now on. */
  attach(listener: SocketListener, onGone: () => void): void {
    const { webSocket } = this;
    webSocket.on('message', (data, isBinary) => {
      // With this library's default settings a message is always one buffer.
      if (this.isOpen) listener.onMessage(data as Buffer, isBinary);
    });
    this.onSent = () => {
      if (!this.isSlow || !this.isOpen || this.backlogBytes > 0) return;
      this.isSlow = false;
      listener.onDrain();
    };
    // What was wrong with a frame is told to the client by the library; the close event follows.
    webSocket.on('error', () => undefined);
    webSocket.once('close', () => {
      this.isClosing = true;
      onGone();
      listener.onClose();
    });
  }

  get isOpen(): boolean {
    return !this.isClosing && this.webSocket.readyState === this.webSocket.OPEN;
  }

  get backlogBytes(): number {
    return this.webSocket.bufferedAmount;
  }

  send(message: Uint8Array, isBinary: boolean): 'sent' | 'slow' {
    if (!this.isOpen) return 'sent';
    // A copy, because the library keeps what the system does not take at once.
    this.webSocket.send(Buffer.from(message), { binary: isBinary }, () => this.onSent());
    if (this.backlogBytes <= this.backlogBytesMax) return 'sent';
    this.isSlow = true;
    return 'slow';
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.isClosing = true;
    this.webSocket.close(code, reason);
  }

  cut(): void {
    this.webSocket.terminate();
  }

  /** Pings a client that says nothing, and cuts one that does not answer. */
  checkProgress(nowMs: number, idleTimeoutMs: number): void {
    const { bytesRead } = this.connection;
    if (bytesRead !== this.heardBytes) {
      this.heardBytes = bytesRead;
      this.heardMs = nowMs;
      this.isPinged = false;
      return;
    }
    const silentMs = nowMs - this.heardMs;
    if (silentMs >= idleTimeoutMs) this.cut();
    else if (silentMs >= idleTimeoutMs / 2 && !this.isPinged && this.isOpen) {
      this.isPinged = true;
      this.webSocket.ping();
    }
  }
}
