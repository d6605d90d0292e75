import { ClientError, malformedAnswer, notSent, unreachable } from './client-error.js';
import type { Frame, FrameCodec, FrameMember } from './frame-codec.js';
import { type SocketEvent, terminate, type WebSocketLike } from './web-socket-like.js';

/** Hears what happens on one connection. */
export interface ConnectionListener {
  onPush(frame: Frame): void;
  /** Called once; every request without an answer has been rejected by then. */
  onLost(reason: string): void;
}

interface Pending {
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: unknown) => void;
}

/** Unanswered requests on the connection; more wait here, so that the service refuses none. */
const IN_FLIGHT_MAX = 256;
const SILENT_BEATS_MAX = 2;
const NORMAL_CLOSURE = 1_000;
const GOING_AWAY = 1_001;
/** The service answers a goodbye at once, if it is there. */
const GOODBYE_MS_MAX = 500;

/** One WebSocket that is open: requests with ids, answers in any order, pushes between them. */
export class SocketConnection {
  private readonly socket: WebSocketLike;
  private readonly codec: FrameCodec;
  private readonly listener: ConnectionListener;
  private readonly pending = new Map<number, Pending>();
  /** Requests that wait for others to be answered, first come, first sent. */
  private readonly waiting: (() => void)[] = [];
  private readonly heartbeat: ReturnType<typeof setInterval>;
  private nextId = 1;
  private heardMs: number = performance.now();
  private isLost = false;
  private heardCount = 0;
  private silentBeats = 0;

  constructor(
    socket: WebSocketLike,
    codec: FrameCodec,
    heartbeatMs: number,
    listener: ConnectionListener,
  ) {
    this.socket = socket;
    this.codec = codec;
    this.listener = listener;
    socket.addEventListener('message', (event) => this.receive(event));
    socket.addEventListener('close', (event) => {
      const reason = `the service closed the connection (${event.code ?? 'no code'})`;
      this.lose(reason, isGoodbye(event) ? notSent : unreachable);
    });
    this.heartbeat = setInterval(() => this.beat(), heartbeatMs);
  }

  /** Whether anything ever came over it. */
  get wasHeard(): boolean {
    return this.heardCount > 0;
  }

  /**
   * Sends a request and gives the frame that answers it.
   *
   * @throws {ClientError} for a refusal, a lost connection, and as the signal says
   */
  request(
    members: Readonly<Record<string, FrameMember | undefined>>,
    signal: AbortSignal,
  ): Promise<Frame> {
    return new Promise<Frame>((resolve, reject) => {
      if (this.isLost) {
        reject(notSent('the connection is lost'));
        return;
      }
      const id = this.nextId++;
      const onAbort = (): void => {
        this.pending.delete(id);
        reject(signal.reason);
        this.sendWaiting();
      };
      const settle = (): void => signal.removeEventListener('abort', onAbort);
      const pending: Pending = {
        resolve: (frame) => {
          settle();
          resolve(frame);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const send = (): void => this.send(id, members, pending, signal);
      if (this.pending.size >= IN_FLIGHT_MAX) this.waiting.push(send);
      else send();
    });
  }

  /** Says goodbye; what is unanswered is rejected. Resolves when the connection is gone. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        terminate(this.socket);
        resolve();
      }, GOODBYE_MS_MAX);
      this.socket.addEventListener('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.socket.close(NORMAL_CLOSURE);
      this.lose('the client closed the connection');
    });
  }

  /** Gives the connection up at once: it is of no use, and may never say so itself. */
  abandon(reason: string): void {
    terminate(this.socket);
    this.lose(reason);
  }

  /** For a request that got no answer in time: silence since then means that nobody is there. */
  abandonIfSilentSince(sinceMs: number, limitMs: number): void {
    if (this.heardMs < sinceMs) this.abandon(`nothing came for ${limitMs} ms`);
  }

  private send(
    id: number,
    members: Readonly<Record<string, FrameMember | undefined>>,
    pending: Pending,
    signal: AbortSignal,
  ): void {
    if (signal.aborted) return;
    if (this.isLost) {
      pending.reject(notSent('the connection was lost before the request was sent'));
      return;
    }
    this.pending.set(id, pending);
    try {
      const data = this.codec.encode({ id, ...members });
      this.socket.send(data as string | Uint8Array<ArrayBuffer>);
    } catch (error) {
      this.pending.delete(id);
      pending.reject(notSent('the request could not be sent', error));
    }
  }

  private sendWaiting(): void {
    while (this.pending.size < IN_FLIGHT_MAX) {
      const send = this.waiting.shift();
      if (send === undefined) return;
      send();
    }
  }

  private receive(event: SocketEvent): void {
    if (this.isLost) return;
    this.heardMs = performance.now();
    this.heardCount++;
    this.silentBeats = 0;
    try {
      this.dispatch(this.codec.decode(event.data));
    } catch (error) {
      // Nobody knows which answer or which push this was: all copies and requests are in doubt.
      const reason = error instanceof Error ? error.message : 'a frame was not understood';
      this.abandon(reason);
    }
  }

  private dispatch(frame: Frame): void {
    if (frame['event'] !== undefined) {
      this.listener.onPush(frame);
      return;
    }
    const pending = this.pending.get(Number(frame['id']));
    // Of a request that was given up, or an error about a frame whose id was not readable.
    if (pending === undefined) return;
    this.pending.delete(Number(frame['id']));
    if (frame['ok'] === true) pending.resolve(frame);
    else pending.reject(readError(frame['error']));
    this.sendWaiting();
  }

  /**
   * Asks after one silent beat and gives up after three: the beat between lets this thread read
   * what has come, should it be the one that stood still.
   */
  private beat(): void {
    this.silentBeats++;
    if (this.silentBeats === 1) this.ping();
    if (this.silentBeats > SILENT_BEATS_MAX) this.abandon('nothing came, not even when asked');
  }

  private ping(): void {
    const id = this.nextId++;
    const ignore = (): void => undefined;
    // That anything came is noticed whatever it is; that nothing came, by the next beats.
    this.pending.set(id, { resolve: ignore, reject: ignore });
    try {
      this.socket.send(this.codec.encode({ id, op: 'ping' }) as string | Uint8Array<ArrayBuffer>);
    } catch (error) {
      this.abandon(error instanceof Error ? error.message : 'nothing can be sent');
    }
  }

  /** @param fail what becomes of requests without an answer */
  private lose(reason: string, fail: typeof unreachable = unreachable): void {
    if (this.isLost) return;
    this.isLost = true;
    clearInterval(this.heartbeat);
    const unanswered = [...this.pending.values()];
    this.pending.clear();
    for (const { reject } of unanswered) {
      reject(fail(`the connection was lost before the answer came: ${reason}`));
    }
    for (const send of this.waiting.splice(0)) send();
    this.listener.onLost(reason);
  }
}

/**
 * Whether the service stops, in order: it has answered all requests that it read, and reads none of
 * those that come after its goodbye.
 */
function isGoodbye({ code, reason }: SocketEvent): boolean {
  return code === GOING_AWAY && reason === 'going away';
}

function readError(error: unknown): ClientError {
  if (typeof error !== 'object' || error === null) return malformedAnswer('a refusal has no error');
  const { code, message, retryable } = error as Record<string, unknown>;
  return new ClientError(String(code), String(message), { retryable: retryable === true });
}
