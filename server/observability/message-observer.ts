import type { UpgradeRequest } from '../http/transport.js';
import type { OperationName } from '../operation-names.js';
import type { EntryAddress } from './entry-of-path.js';

/** A request that came over a WebSocket and has ended. */
export interface EndedMessage {
  readonly operation: OperationName;
  /** Of its socket and of the message. */
  readonly requestId: string;
  readonly durationMs: number;
  /** What it was refused with, or failed by; `undefined` for one that went well. */
  readonly error: unknown;
  /** The one entry that it is about, if it is about one. */
  readonly entry: EntryAddress | undefined;
}

/** Watches over WebSockets as a `RequestObserver` does over HTTP. */
export interface MessageObserver {
  /** What the ids of all requests of a socket begin with. */
  readSocketId(request: UpgradeRequest): string;
  /** Whether anybody wants to hear of a request that ended like this. */
  wantsMessage(durationMs: number, error: unknown): boolean;
  onMessageEnd(message: EndedMessage): void;
}
