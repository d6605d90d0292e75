/** What the client uses of a WebSocket, so that its types need no library of a browser. */

/** What listeners get; which members there are depends on the kind of event. */
export interface SocketEvent {
  readonly type: string;
  /** Of a message: text or an `ArrayBuffer`. */
  readonly data?: unknown;
  /** Of a close. */
  readonly code?: number;
  readonly reason?: string;
}

export interface WebSocketLike {
  binaryType: string;
  readonly protocol: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(
    type: 'open' | 'message' | 'close' | 'error',
    listener: (event: SocketEvent) => void,
  ): void;
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** Ends the connection at once where the implementation can; else by a close frame. */
export function terminate(socket: WebSocketLike & { terminate?(): void }): void {
  if (typeof socket.terminate === 'function') socket.terminate();
  else socket.close();
}
