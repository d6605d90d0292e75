/**
 * The contract between the service and whatever speaks HTTP for it. Routes know this file alone;
 * each HTTP library has one adapter (`uws-transport.ts`), and one suite of tests holds for all.
 */

/**
 * One request and its response. The object belongs to the handler until the response is complete
 * or the client is gone; every write after that is ignored, so a late answer harms nobody.
 *
 * Method, path and headers can be read only before the handler returns for the first time.
 */
export interface Exchange {
  /** As sent, its case kept: `GET`, and `get` is another method. */
  readonly method: string;
  /** The path as sent: not decoded, without the query. */
  readonly path: string;
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
}

/** A port that accepts connections, and the connections it has accepted. */
export interface Listener {
  /** The port that was taken. */
  readonly port: number;
  /** Connections that are open now, idle ones too. */
  readonly openConnections: number;
  /** Requests that were begun since the start. */
  readonly startedExchanges: number;
  /** Requests whose answers are not complete. */
  readonly pendingExchanges: number;
  /** Accepts no more connections; each open one is closed after its next response. */
  drain(): void;
  /** Cuts every connection, whatever it is doing. Idempotent. */
  close(): void;
}

export interface Transport {
  /** The library behind it, for the line that is printed at start. */
  readonly name: string;
  /** @throws {ListenError} when the address cannot be had */
  listen(address: ListenAddress, handler: ExchangeHandler): Promise<Listener>;
}

/** The address cannot be listened on; the message is one line for an operator. */
export class ListenError extends Error {
  override readonly name: string = 'ListenError';
}
