/**
 * The part of uWebSockets.js that the adapter uses, declared here because the package is optional:
 * the service must compile where it is not installed. Rules of the library that the types cannot
 * say stand beside the members.
 */

/** Bytes cross into the library without a copy, views of shared memory too. */
type UwsText = string | Uint8Array;

/** Lives on the stack of the library: unusable after the handler has returned. */
export interface UwsRequest {
  getHeader(lowerCaseName: string): string;
  /** The path without the query, not decoded. */
  getUrl(): string;
  /** What stands behind the `?`, not decoded; `undefined` where there is no `?`. */
  getQuery(): string | undefined;
  /** `getMethod` would lower the case in place, for this method too. */
  getCaseSensitiveMethod(): string;
  forEach(visit: (lowerCaseName: string, value: string) => void): void;
  /** With `true` the handler leaves the request to the next one that fits. */
  setYield(isLeft: boolean): UwsRequest;
}

/** Throws on any use after the response is complete or `onAborted` was called. */
export interface UwsResponse {
  writeStatus(status: UwsText): UwsResponse;
  writeHeader(name: UwsText, value: UwsText): UwsResponse;
  end(body?: UwsText, closeConnection?: boolean): UwsResponse;
  endWithoutBody(): UwsResponse;
  /** Gives `[took all of the part, response is complete]`; what was not taken is not kept. */
  tryEnd(part: UwsText, totalBytes: number): [boolean, boolean];
  /** Bytes of the body that were taken so far. */
  getWriteOffset(): number;
  /** The handler gives `false` to be called again, with the bytes of the body taken so far. */
  onWritable(handler: (offset: number) => boolean): UwsResponse;
  /** A response that is not complete when its handler returns must have one. */
  onAborted(handler: () => void): UwsResponse;
  /** The chunk is detached when the handler returns. */
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): UwsResponse;
  cork(write: () => void): UwsResponse;
  close(): UwsResponse;
  getRemoteAddressAsText(): ArrayBuffer;
  /** Calls `open` before it returns; `protocol` and `extensions` are those of the answer. */
  upgrade<Data>(
    data: Data,
    key: string,
    protocol: string,
    extensions: string,
    context: UwsSocketContext,
  ): void;
}

/** Opaque. */
export type UwsSocketContext = object;

/** Throws on any use after `close` was called. */
export interface UwsWebSocket<Data> {
  getUserData(): Data;
  /**
   * Gives 1 when all was handed over, 0 when some of it waits, and 2 when it was dropped because
   * more than `maxBackpressure` waits already.
   */
  send(message: UwsText, isBinary: boolean, isCompressed: boolean): number;
  getBufferedAmount(): number;
  /** Sends a close frame; calls the handler of `close` before it returns. */
  end(code: number, reason: string): void;
  /** Cuts the connection; calls the handler of `close` before it returns. */
  close(): void;
}

export interface UwsSocketBehavior<Data> {
  readonly compression: number;
  /** Bytes; a connection with a longer message is cut without a close frame. */
  readonly maxPayloadLength: number;
  /** Seconds, 8 to 960. */
  readonly idleTimeout: number;
  readonly sendPingsAutomatically: boolean;
  /** Bytes that may wait before a message is dropped; 0 for no limit. */
  readonly maxBackpressure: number;
  readonly closeOnBackpressureLimit: boolean;
  /** Called for GET with a key of 24 characters; all else falls through to the routes. */
  upgrade(response: UwsResponse, request: UwsRequest, context: UwsSocketContext): void;
  open(socket: UwsWebSocket<Data>): void;
  /** The message is detached when the handler returns. */
  message(socket: UwsWebSocket<Data>, message: ArrayBuffer, isBinary: boolean): void;
  dropped(socket: UwsWebSocket<Data>): void;
  drain(socket: UwsWebSocket<Data>): void;
  close(socket: UwsWebSocket<Data>): void;
}

/** Opaque. */
export type UwsListenSocket = object;

type UwsHandler = (response: UwsResponse, request: UwsRequest) => void;

export interface UwsApp {
  /** Methods are matched in capitals; others fall through to `any`. */
  get(pattern: string, handler: UwsHandler): UwsApp;
  put(pattern: string, handler: UwsHandler): UwsApp;
  del(pattern: string, handler: UwsHandler): UwsApp;
  any(pattern: string, handler: UwsHandler): UwsApp;
  ws<Data>(pattern: string, behavior: UwsSocketBehavior<Data>): UwsApp;
  /** Called with 1 for a connection that opens and with -1 for one that closes. */
  filter(handler: (response: UwsResponse, change: number) => void): UwsApp;
  listen(
    host: string,
    port: number,
    options: number,
    onListen: (socket: UwsListenSocket | false) => void,
  ): UwsApp;
  /** Cuts all connections and closes the listening socket. */
  close(): UwsApp;
}

export interface UwsModule {
  App(): UwsApp;
  us_listen_socket_close(socket: UwsListenSocket): void;
  us_socket_local_port(socket: UwsListenSocket): number;
  /** Without it a second process can take the same port unnoticed. */
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number;
  readonly DISABLED: number;
}
