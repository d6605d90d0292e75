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
  /** What stands behind the `?`, not decoded; empty for none. */
  getQuery(): string;
  /** `getMethod` would lower the case in place, for this method too. */
  getCaseSensitiveMethod(): string;
  forEach(visit: (lowerCaseName: string, value: string) => void): void;
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
}
