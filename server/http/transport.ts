/**
 * The contract between the service and whatever speaks HTTP for it. Routes know this file alone;
 * each HTTP library has one adapter (`uws-transport.ts`), and one suite of tests holds for all.
 */

/**
 * One request and its response. The object belongs to the handler until the response is complete
 * or the client is gone; every write after that is ignored, so a late answer harms nobody.
 *
 * Headers and the query can be read only before the handler returns for the first time.
 */
export interface Exchange {
  /** As sent, its case kept: `GET`, and `get` is another method. */
  readonly method: string;
  /** The path as sent: not decoded, without the query. */
  readonly path: string;
  /** What stands behind the `?`, as sent; empty for none. */
  readonly query: string;
  /** The address of the client's end of the connection, as text; empty when it is unknown. */
  readonly remoteAddress: string;
  /**
   * The id that log lines and error answers of this request carry. The router sets it before the
   * handler runs; empty on hits that nobody logs.
   */
  requestId: string;
  /** Whether the response can still be written: not complete, and the client still there. */
  readonly isOpen: boolean;

  /** The value of a header by its name in lower case; empty when absent. */
  header(name: string): string;
  /** Every header line in order, repeated ones too, names in lower case. */
  visitHeaders(visitor: HeaderVisitor): void;
  /**
   * Streams the body. Must be called before the handler returns; a body that nobody receives is
   * skipped by the transport. Neither method of the receiver may throw.
   */
  receiveBody(receiver: BodyReceiver): void;

  /** First of all writes; without it the status is 200. */
  writeStatus(status: number): void;
  /** After the status, before the body. The value must be printable ASCII. */
  writeHeader(name: string, value: string): void;
  /**
   * Several headers at once, as they stand on the wire: the first name, then its value and, each
   * behind `\r\n`, further lines. The bytes are taken before the call returns.
   */
  writeHeaderLines(name: Uint8Array, valueAndLines: Uint8Array): void;
  /**
   * Completes the response. The bytes may be a view of shared memory: they are taken before the
   * call returns.
   */
  end(body: Uint8Array): void;
  /** Completes a response that has no body and says nothing of its length (204). */
  endWithoutBody(): void;
  /** Completes the response to HEAD: the length of the body, and no body. */
  endWithLengthOnly(bodyBytes: number): void;
  /**
   * Completes the response with a body in several parts, as fast as the client takes it. The
   * parts may be views of shared memory: what the client does not take at once is copied before
   * the call returns.
   *
   * @param totalBytes the sum of all parts, above zero
   * @param onSettled called once, when all is handed over or the client is gone
   */
  endParts(parts: readonly Uint8Array[], totalBytes: number, onSettled: () => void): void;
  /** Announces with the response that the connection closes, and closes it after it. */
  closeAfterResponse(): void;
  /** Batches the writes of a response that is not written before the handler returns. */
  cork(write: () => void): void;
}

export type HeaderVisitor = (name: string, value: string) => void;

/** Takes the body of one request. */
export interface BodyReceiver {
  /** @param chunk valid during the call only */
  onChunk(chunk: Uint8Array, isLast: boolean): void;
  /** The client went away, or sent what is no body; `onChunk` is not called again. */
  onAborted(): void;
}

/**
 * Answers one exchange. Must not throw or reject. Code that goes on after the handler has returned
 * must be signalled by a promise: without one, the object may serve another request.
 */
export type ExchangeHandler = (exchange: Exchange) => Promise<void> | undefined;

export interface ListenAddress {
  /** An IP address or `localhost`. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /**
   * Whether other threads of this process listen on the same port, the system spreading the
   * connections over them. Default: nobody else may have the port.
   */
  readonly sharesPort?: boolean;
}

/** What strangers may use up at most; each is a setting. */
export interface TransportLimits {
  /** Connections at once; a further one is closed at once. */
  readonly connectionsMax: number;
  /** Milliseconds without a request, or in one without progress, until the connection closes. */
  readonly idleTimeoutMs: number;
  /** Bytes of the request line and the headers together. */
  readonly headerBytesMax: number;
  /** Bytes of one message of a WebSocket. */
  readonly messageBytesMax: number;
  /** Bytes that may wait for a slow WebSocket client before `Socket.send` says so. */
  readonly socketBacklogBytesMax: number;
}

/** What answers requests, and what talks to WebSockets; a transport serves both on one port. */
export interface Handlers {
  readonly exchange: ExchangeHandler;
  /** Called for each request to upgrade to a WebSocket, whatever its path. */
  readonly upgrade: UpgradeHandler;
}

/**
 * A request to become a WebSocket, whose handshake the transport has found well-formed: version
 * 13, a key, GET. (One that is not, it refuses by itself: 400, or 426 with
 * `Sec-WebSocket-Version: 13`.) To be answered before the handler returns.
 */
export interface UpgradeRequest {
  readonly path: string;
  readonly query: string;
  readonly remoteAddress: string;
  /** The value of a header by its name in lower case; empty when absent. */
  header(name: string): string;
}

/** What becomes of a request to upgrade. */
export type UpgradeAnswer =
  | {
      readonly kind: 'accept';
      /** The subprotocol that was chosen; `undefined` for none. */
      readonly protocol: string | undefined;
      /** Called once, with the socket that is open now. */
      readonly open: (socket: Socket) => SocketListener;
    }
  | {
      readonly kind: 'refuse';
      readonly status: number;
      readonly headers: readonly (readonly [name: string, value: string])[];
      readonly body: Uint8Array;
    };

export type UpgradeHandler = (request: UpgradeRequest) => UpgradeAnswer;

/** What a socket tells. No method may throw. */
export interface SocketListener {
  /** @param message valid during the call only; text is valid UTF-8 */
  onMessage(message: Uint8Array, isBinary: boolean): void;
  /** Nothing waits for the client any more. */
  onDrain(): void;
  /** The connection is gone; called once, last. */
  onClose(): void;
}

/** One open WebSocket. Every call after `onClose` is ignored. */
export interface Socket {
  readonly isOpen: boolean;
  /** Bytes that wait for the client. */
  readonly backlogBytes: number;
  /**
   * Hands a message over, whole.
   *
   * @returns `sent`, or `slow` when it waits in a backlog that is over the limit by now: the
   *   message is not lost, but no more should follow until `onDrain`
   */
  send(message: Uint8Array, isBinary: boolean): 'sent' | 'slow';
  /** Sends a close frame with the code and a short ASCII reason, then closes. */
  close(code: number, reason: string): void;
  /** Cuts the connection at once. */
  cut(): void;
}

/** A port that accepts connections, and the connections it has accepted. */
export interface Listener {
  /** The port that was taken. */
  readonly port: number;
  /** Connections that are open now, idle ones and WebSockets too. */
  readonly openConnections: number;
  /** Requests that were begun since the start. */
  readonly startedExchanges: number;
  /** Requests whose answers are not complete. */
  readonly pendingExchanges: number;
  /** WebSockets that are open now. */
  readonly openSockets: number;
  /**
   * Accepts no more connections; each open one is closed after its next response. WebSockets are
   * left to their owner.
   */
  drain(): void;
  /** Cuts every connection, whatever it is doing. Idempotent. */
  close(): void;
}

export interface Transport {
  /** The library behind it, for the line that is printed at start. */
  readonly name: string;
  /** Which adapter it is. */
  readonly kind: 'uws' | 'node';
  /** Whether several threads can listen on one port here; if not, why. */
  readonly portSharing: { readonly works: true } | { readonly works: false; readonly why: string };
  /** @throws {ListenError} when the address cannot be had */
  listen(address: ListenAddress, handlers: Handlers, limits: TransportLimits): Promise<Listener>;
}

/** The address cannot be listened on; the message is one line for an operator. */
export class ListenError extends Error {
  override readonly name: string = 'ListenError';
}
