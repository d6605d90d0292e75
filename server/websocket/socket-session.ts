import type { StoredValue } from '../codecs/stored-value.js';
import type { DialectParts } from '../dialects/dialect-parts.js';
import { RequestError, tellError } from '../error-table.js';
import type { Socket, SocketListener } from '../http/transport.js';
import type { EntryAddress } from '../observability/entry-of-path.js';
import type { MessageObserver } from '../observability/message-observer.js';
import type { Outcome } from '../observability/service-metrics.js';
import type { FrameFormat, MessageObject, MessageValue } from './frame-format.js';
import { invalidFrame } from './frame-refusals.js';
import { Outbox, type ReservedPlace } from './outbox.js';
import { composeResync, type ResyncReason } from './push-messages.js';
import { RequestFields } from './request-fields.js';
import {
  type Answer,
  admitValues,
  carryOut,
  OPERATION_NAMES_OF_SOCKETS,
  type TopicsOfSocket,
} from './socket-operations.js';
import { readRequest, type SocketRequest } from './socket-request.js';

/** Codes of RFC 6455 with which sockets are closed. */
const CLOSE_GOING_AWAY = 1001;
const CLOSE_POLICY = 1008;
const CLOSE_TRY_AGAIN_LATER = 1013;
/** Messages in a row that are no requests. */
const BAD_FRAMES_MAX = 10;
/** Larger messages take their part of what all requests may hold on the heap. */
const UNCOUNTED_BYTES_MAX = 16_384;
/** A client that does not take the close frame is cut off after so long. */
const CLOSE_TIMEOUT_MS = 1_000;

/** What all sockets of a thread share with each other. */
export interface SharedParts {
  readonly parts: DialectParts;
  readonly isDraining: boolean;
  readonly observer: MessageObserver;
  /** Tells the operator of a fault of the service. */
  readonly report: (error: unknown) => void;
}

/** What belongs to one socket alone. */
export interface OwnParts {
  /** What the ids of its requests begin with. */
  readonly id: string;
  readonly topics: TopicsOfSocket;
  /** Called once, when the socket is gone. */
  readonly onGone: () => void;
}

/** A request that was read and is not answered yet. */
interface OpenRequest {
  readonly id: number;
  readonly request: SocketRequest;
  readonly startMs: number;
  /** Bytes of the budget that its message holds. */
  heldBytes: number;
}

/** One open WebSocket: its requests in their order, and its pushes. */
export class SocketSession implements SocketListener {
  readonly format: FrameFormat;
  private readonly socket: Socket;
  private readonly shared: SharedParts;
  private readonly own: OwnParts;
  private readonly outbox: Outbox;
  /** Ids of requests that are not answered yet. */
  private readonly openIds = new Set<number>();
  /** Requests that wait for the one before them, or for the client to take answers. */
  private queue: OpenRequest[] = [];
  private isConverting = false;
  private isSlow = false;
  private hasSkippedPushes = false;
  private slowTimer: NodeJS.Timeout | undefined;
  private refusalsWhileSlow = 0;
  private badFrames = 0;
  /** Bytes of the budget that answers hold which wait for the client. */
  private answerBytes = 0;
  /** Nothing is read any more. */
  private isEnding = false;
  private isGone = false;

  constructor(socket: Socket, format: FrameFormat, shared: SharedParts, own: OwnParts) {
    this.socket = socket;
    this.format = format;
    this.shared = shared;
    this.own = own;
    const resync = format.write(composeResync('slow'));
    this.outbox = new Outbox((push) => this.sendPush(push), resync);
  }

  /** Requests that are not answered yet. */
  get openRequests(): number {
    return this.openIds.size;
  }

  onMessage(message: Uint8Array, isBinary: boolean): void {
    if (this.isEnding) return;
    const startMs = performance.now();
    let id: number | null = null;
    let open: OpenRequest | undefined;
    try {
      if (isBinary !== this.format.isBinary) {
        throw invalidFrame(`messages must be ${isBinary ? 'text' : 'binary'} here`);
      }
      // A copy: what is valid during the call alone is needed until a value of it is stored.
      const fields = new RequestFields(this.format.read(Buffer.from(message)));
      id = fields.id();
      const { settings } = this.shared.parts;
      const { subscriptionsMax } = settings.sockets;
      const { batchKeysMax } = settings;
      const request = readRequest(fields, { batchKeysMax, subscriptionsMax });
      this.badFrames = 0;
      open = { id, request, startMs, heldBytes: 0 };
      this.take(open, message.length);
    } catch (error) {
      if (open === undefined) this.shared.parts.metrics.recordUnrouted();
      else this.noteEnd(open, error);
      this.refuse(id, error);
    }
  }

  /** Tells the client of a change. */
  push(message: Uint8Array): void {
    this.outbox.push(message);
  }

  /** Tells the client that it may have missed changes. */
  resync(reason: ResyncReason): void {
    this.outbox.push(this.format.write(composeResync(reason)));
  }

  onDrain(): void {
    if (!this.isSlow) return;
    this.isSlow = false;
    this.refusalsWhileSlow = 0;
    clearTimeout(this.slowTimer);
    this.giveAnswerBytes();
    if (this.hasSkippedPushes) {
      this.hasSkippedPushes = false;
      this.resync('slow');
    }
    this.goOn();
  }

  onClose(): void {
    this.isEnding = true;
    this.isGone = true;
    // Answers that come from now on hold nothing.
    this.isSlow = false;
    clearTimeout(this.slowTimer);
    this.giveAnswerBytes();
    for (const open of this.queue.splice(0)) this.giveBack(open);
    this.openIds.clear();
    this.own.onGone();
  }

  /** Closes the socket once the requests that have come are answered. */
  drain(): void {
    if (this.openIds.size === 0) this.end(CLOSE_GOING_AWAY, 'going away');
  }

  /** @throws {RequestError} when the socket has too much under way already */
  private take(open: OpenRequest, messageBytes: number): void {
    const { parts, isDraining } = this.shared;
    const { inFlightMax } = parts.settings.sockets;
    if (isDraining) throw new RequestError('ERR_CACHE_CLOSED', 'the service is stopping');
    if (this.openIds.has(open.id)) {
      throw new RequestError(
        'ERR_SOCKET_DUPLICATE_ID',
        'a request with this id is not answered yet',
      );
    }
    if (this.openIds.size >= inFlightMax) {
      const problem = `${inFlightMax} requests of this socket are not answered yet`;
      throw new RequestError('ERR_SOCKET_TOO_MANY_REQUESTS', problem);
    }
    const isWaiting = this.isConverting || this.isSlow;
    if (isWaiting || messageBytes > UNCOUNTED_BYTES_MAX) {
      if (!parts.budget.tryTake(messageBytes)) {
        throw new RequestError('ERR_CACHE_OVERLOADED', 'too many requests wait to be carried out');
      }
      open.heldBytes = messageBytes;
    }
    this.openIds.add(open.id);
    if (isWaiting) this.queue.push(open);
    else this.start(open);
  }

  /** Carries out the requests that waited, as far as it goes. */
  private goOn(): void {
    while (!this.isConverting && !this.isSlow) {
      const open = this.queue.shift();
      if (open === undefined) return;
      this.start(open);
    }
  }

  private start(open: OpenRequest): void {
    try {
      const values = admitValues(this.shared.parts, this.format, open.request);
      if (!(values instanceof Promise)) {
        this.run(open, values);
        return;
      }
      this.isConverting = true;
      const end = (then: () => void): void => {
        this.isConverting = false;
        then();
        this.goOn();
      };
      values.then(
        (admitted) => end(() => this.run(open, admitted)),
        (error: unknown) => end(() => this.fail(open, error)),
      );
    } catch (error) {
      this.fail(open, error);
    }
  }

  private run(open: OpenRequest, values: readonly StoredValue[]): void {
    try {
      const { parts } = this.shared;
      const result = carryOut(parts, this.format, open.request, values, this.own.topics);
      if (!(result instanceof Promise)) {
        this.succeed(open, result);
        return;
      }
      const isRead = open.request.op === 'get' || open.request.op === 'getMany';
      const place = isRead ? this.outbox.reserve() : undefined;
      result
        .then(
          (answer) => this.succeed(open, answer),
          (error: unknown) => this.fail(open, error),
        )
        .finally(() => this.settle(place));
    } catch (error) {
      this.fail(open, error);
    }
  }

  private settle(place: ReservedPlace | undefined): void {
    if (place !== undefined) this.outbox.settle(place);
  }

  private succeed(open: OpenRequest, { members, heldBytes }: Answer): void {
    const message = new Map<string, MessageValue>([
      ['id', open.id],
      ['ok', true],
    ]);
    for (const [name, value] of members) message.set(name, value);
    // Given back at once, unless the client does not take the answer.
    this.answerBytes += heldBytes;
    this.finish(open, message, undefined);
    if (!this.isSlow) this.giveAnswerBytes();
  }

  private fail(open: OpenRequest, error: unknown): void {
    this.finish(open, this.composeError(open.id, error), error);
  }

  private finish(open: OpenRequest, message: MessageObject, error: unknown): void {
    this.openIds.delete(open.id);
    this.giveBack(open);
    this.noteEnd(open, error);
    this.send(message);
    if (this.shared.isDraining) this.drain();
  }

  private noteEnd({ id, request, startMs }: OpenRequest, error: unknown): void {
    const { observer, parts } = this.shared;
    const durationMs = performance.now() - startMs;
    const operation = OPERATION_NAMES_OF_SOCKETS[request.op];
    parts.metrics.recordOperation(operation, outcomeOf(error), durationMs);
    if (!observer.wantsMessage(durationMs, error)) return;
    const requestId = `${this.own.id}-${id}`;
    observer.onMessageEnd({ operation, requestId, durationMs, error, entry: entryOf(request) });
  }

  /** Answers a message that did not become a request. */
  private refuse(id: number | null, error: unknown): void {
    const { code } = tellError(error);
    const isBad = code === 'ERR_SOCKET_INVALID_FRAME' || code === 'ERR_SOCKET_UNKNOWN_OPERATION';
    this.badFrames = isBad ? this.badFrames + 1 : 0;
    this.send(this.composeError(id, error));
    if (this.badFrames >= BAD_FRAMES_MAX) {
      this.end(CLOSE_POLICY, 'too many invalid messages');
      return;
    }
    if (!this.isSlow) return;
    // Refusals wait like answers do, and nothing else bounds how many a client asks for.
    this.refusalsWhileSlow += 1;
    const { inFlightMax } = this.shared.parts.settings.sockets;
    if (this.refusalsWhileSlow > inFlightMax) this.end(CLOSE_TRY_AGAIN_LATER, 'too slow');
  }

  private composeError(id: number | null, error: unknown): MessageObject {
    const { code, message, isRetryable } = tellError(error);
    if (code === 'ERR_HTTP_INTERNAL') this.shared.report(error);
    return new Map<string, MessageValue>([
      ['id', id],
      ['ok', false],
      [
        'error',
        new Map<string, MessageValue>([
          ['code', code],
          ['message', message],
          ['retryable', isRetryable],
        ]),
      ],
    ]);
  }

  private send(message: MessageObject): void {
    this.hand(this.format.write(message));
  }

  private sendPush(message: Uint8Array): void {
    if (this.isSlow) this.hasSkippedPushes = true;
    else this.hand(message);
  }

  private hand(bytes: Uint8Array): void {
    if (!this.socket.isOpen) return;
    const state = this.socket.send(bytes, this.format.isBinary);
    if (state === 'slow' && !this.isSlow) this.becomeSlow();
  }

  private becomeSlow(): void {
    this.isSlow = true;
    const { slowTimeoutMs } = this.shared.parts.settings.sockets;
    this.slowTimer = setTimeout(() => this.end(CLOSE_TRY_AGAIN_LATER, 'too slow'), slowTimeoutMs);
  }

  /** Closes the socket; what comes from now on is not read. */
  private end(code: number, reason: string): void {
    if (this.isEnding) return;
    this.isEnding = true;
    clearTimeout(this.slowTimer);
    this.socket.close(code, reason);
    if (!this.isGone) this.slowTimer = setTimeout(() => this.socket.cut(), CLOSE_TIMEOUT_MS);
  }

  private giveBack(open: OpenRequest): void {
    this.shared.parts.budget.give(open.heldBytes);
    open.heldBytes = 0;
  }

  private giveAnswerBytes(): void {
    this.shared.parts.budget.give(this.answerBytes);
    this.answerBytes = 0;
  }
}

function outcomeOf(error: unknown): Outcome {
  if (error === undefined) return 'ok';
  return tellError(error).status < 500 ? 'refused' : 'failed';
}

function entryOf(request: SocketRequest): EntryAddress | undefined {
  const { namespace } = request;
  if ('key' in request) return { namespace, key: request.key };
  return 'entry' in request ? { namespace, key: request.entry.key } : undefined;
}
