import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Reply } from '../wire.js';
import { type ExchangeOwner, NodeExchange } from './node-exchange.js';
import {
  encodeClosingReply,
  type ParseError,
  refuseExpectation,
  refuseHead,
  refuseSlowBody,
  refuseSlowHead,
  refuseUnreadable,
} from './node-refusals.js';
import type { ExchangeHandler } from './transport.js';

/** Bytes of a body that must come in each second, as in uWebSockets.js. */
const BODY_BYTES_PER_SECOND_MIN = 16_384;
/**
 * Milliseconds that a connection is still read after it was told to close. Closing it with unread
 * bytes would reset it, and the client might never see the last answer.
 */
const LINGER_MS = 1_000;

/** What all connections of one listener have in common. */
export interface NodeListenerState {
  readonly handle: ExchangeHandler;
  readonly idleTimeoutMs: number;
  startedExchanges: number;
  pendingExchanges: number;
  isDraining: boolean;
}

/** A request that has been parsed. */
export interface ParsedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly expectation: 'none' | 'continue' | 'unknown';
}

/**
 * One connection. Requests that were sent ahead are begun one after the other, each when the answer
 * to the one before has left: a GET behind a PUT sees what was put, and a client that does not
 * read makes nothing pile up.
 */
export class NodeConnection implements ExchangeOwner {
  readonly socket: Socket;
  private readonly state: NodeListenerState;
  private current: NodeExchange | undefined;
  /** The request that was begun last; its body may still arrive after its answer. */
  private request: IncomingMessage | undefined;
  private readonly waiting: (() => void)[] = [];
  /** What is sent when the requests before it are answered. */
  private failure: Reply | undefined;
  private closingSinceMs: number | undefined;
  private isUpgraded = false;
  /** When the last answer left, or its last part. */
  private progressMs: number;
  private progressBytesRead = 0;
  /** Since when, and from which count on, the speed of the body is measured. */
  private windowStartMs = 0;
  private windowBytesRead = 0;

  constructor(socket: Socket, state: NodeListenerState) {
    this.socket = socket;
    this.state = state;
    this.progressMs = performance.now();
    socket.on('drain', () => this.current?.onDrain());
    // The close event follows; which error it was is of no interest.
    socket.on('error', () => undefined);
    // node:http calls this after the last response.
    socket.destroySoon = () => this.closeGently();
  }

  onRequest(parsed: ParsedRequest): void {
    this.enqueue(() => this.begin(parsed));
  }

  onProgress(): void {
    this.progressMs = performance.now();
  }

  /** Runs the task when all requests before it are answered, unless the connection closes first. */
  enqueue(task: () => void): void {
    if (this.closingSinceMs !== undefined || this.failure !== undefined) return;
    if (this.current === undefined && this.waiting.length === 0) {
      task();
      return;
    }
    this.waiting.push(task);
    // What was read already is still parsed, so at most one packet's worth of requests waits.
    this.socket.pause();
  }

  /** From now on the connection is a WebSocket. */
  leaveHttp(): void {
    this.isUpgraded = true;
  }

  /** What was read is no request; those before it are answered first. */
  onParseError(error: ParseError): void {
    this.fail(refuseUnreadable(error));
  }

  /** Sends a last answer, of a connection on which no request is being answered. */
  closeWith(reply: Reply): void {
    if (this.closingSinceMs !== undefined) return;
    this.socket.write(encodeClosingReply(reply));
    this.closeGently();
  }

  /** The connection is gone. */
  onClose(): void {
    this.waiting.length = 0;
    const exchange = this.current;
    if (exchange === undefined) return;
    this.settle();
    exchange.abort();
  }

  /** Closes the connection if its client is too slow, or has nothing to say. */
  checkProgress(nowMs: number): void {
    const { idleTimeoutMs } = this.state;
    if (this.isUpgraded) return;
    if (this.closingSinceMs !== undefined) {
      // What is left to send is sent first, as long as the client takes it.
      const lingerMs = this.socket.writableLength > 0 ? idleTimeoutMs : LINGER_MS;
      if (nowMs - this.closingSinceMs >= lingerMs) this.socket.destroy();
    } else if (this.current?.hasBegun) {
      if (nowMs - this.progressMs >= idleTimeoutMs) this.socket.destroy();
    } else if (this.current !== undefined) {
      if (this.current.awaitsBody) this.checkBodySpeed(nowMs);
    } else if (this.request?.complete === false) {
      this.checkBodySpeed(nowMs);
    } else if (nowMs - this.progressMs >= idleTimeoutMs) {
      // Somebody who has begun a request is told; somebody who never did may not expect an answer.
      if (this.socket.bytesRead > this.progressBytesRead) this.closeWith(refuseSlowHead());
      else this.socket.destroy();
    }
  }

  private begin({ request, response, expectation }: ParsedRequest): void {
    this.request = request;
    const { state, socket } = this;
    // What could not be parsed may be the body of this one, which then never ends.
    const ownFailure = request.complete ? undefined : this.failure;
    const refusal =
      ownFailure ??
      refuseHead({
        httpVersion: request.httpVersion,
        url: request.url ?? '',
        rawHeaders: request.rawHeaders,
      }) ??
      (expectation === 'unknown' ? refuseExpectation() : undefined);
    if (refusal !== undefined) {
      this.closeWith(refusal);
      return;
    }
    const exchange = new NodeExchange({
      request,
      response,
      socket,
      owner: this,
      expectsContinue: expectation === 'continue',
    });
    // A trace would give away what proxies have added to the request.
    if (state.isDraining || request.method === 'TRACE') exchange.closeAfterResponse();
    this.current = exchange;
    state.startedExchanges += 1;
    state.pendingExchanges += 1;
    this.windowStartMs = performance.now();
    this.windowBytesRead = socket.bytesRead;
    response.once('finish', () => this.onFinish(exchange));
    state.handle(exchange);
    exchange.leaveHandler();
  }

  /** The answer has left; node:http was told first and has assigned the socket to the next one. */
  private onFinish(exchange: NodeExchange): void {
    if (this.current !== exchange) return;
    this.settle();
    this.progressMs = performance.now();
    this.progressBytesRead = this.socket.bytesRead;
    if (exchange.closes) this.closeGently();
    else this.goOn();
  }

  private goOn(): void {
    while (this.current === undefined && this.closingSinceMs === undefined) {
      const task = this.waiting.shift();
      if (task === undefined) break;
      task();
    }
    if (this.current !== undefined || this.closingSinceMs !== undefined) return;
    if (this.failure !== undefined) this.closeWith(this.failure);
    else this.socket.resume();
  }

  private settle(): void {
    this.current = undefined;
    this.state.pendingExchanges -= 1;
  }

  private checkBodySpeed(nowMs: number): void {
    const elapsedMs = nowMs - this.windowStartMs;
    if (elapsedMs < this.state.idleTimeoutMs) return;
    const receivedBytes = this.socket.bytesRead - this.windowBytesRead;
    if (receivedBytes < (BODY_BYTES_PER_SECOND_MIN * elapsedMs) / 1_000) {
      this.fail(refuseSlowBody());
    }
    this.windowStartMs = nowMs;
    this.windowBytesRead = this.socket.bytesRead;
  }

  private fail(reply: Reply): void {
    if (this.closingSinceMs !== undefined || this.failure !== undefined) return;
    const { current, request } = this;
    if (current !== undefined && request?.complete) {
      this.failure = reply;
    } else if (current?.hasBegun) {
      current.closes = true;
    } else if (current !== undefined) {
      // The end of its own body is what is wrong.
      this.settle();
      current.abort();
      this.closeWith(reply);
    } else if (request?.complete === false) {
      // It was answered, and its body was being skipped: no second answer.
      this.closeGently();
    } else {
      this.closeWith(reply);
    }
  }

  /** Says that nothing more comes, and reads on for a moment. */
  private closeGently(): void {
    if (this.closingSinceMs !== undefined) return;
    this.closingSinceMs = performance.now();
    this.waiting.length = 0;
    this.socket.end();
    this.socket.resume();
  }
}
