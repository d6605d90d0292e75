import { connect, type Socket } from 'node:net';
import { CommandError } from '../command-error.js';

const HEAD_END = Buffer.from('\r\n\r\n');
const HEAD_BYTES_MAX = 64 * 1_024;

/** One answer: which request it is to, how long it took, and its status. */
export type OnAnswer = (request: number, durationMs: number, status: number) => void;

/** A request: its bytes, and a number to know it by. */
export interface LoadRequest {
  readonly id: number;
  readonly bytes: Buffer;
  /**
   * Whether nothing may be sent behind it until it is answered: uWebSockets.js closes a connection
   * on which a request comes while one before it, such as a PUT, is still at work.
   */
  readonly isWaitedFor: boolean;
}

/** Gives the next request; `undefined` to send no more. */
export type NextRequest = () => LoadRequest | undefined;

type PendingRequest = Pick<LoadRequest, 'id' | 'isWaitedFor'> & { readonly sentMs: number };

/**
 * One connection that always has so many requests on their way. It understands of HTTP what this
 * service answers with: a length, or no body at all.
 */
export class LoadConnection {
  private readonly socket: Socket;
  private readonly pending: PendingRequest[] = [];
  private received: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  /** @throws {CommandError} when nobody listens there */
  static open(host: string, port: number): Promise<LoadConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      const fail = (error: NodeJS.ErrnoException): void => {
        reject(new CommandError(`${host}:${port} cannot be reached: ${error.code}`));
      };
      socket.once('error', fail);
      socket.once('connect', () => {
        socket.off('error', fail);
        // The close that follows is what is told.
        socket.on('error', () => undefined);
        resolve(new LoadConnection(socket));
      });
    });
  }

  /** Sends until there is no next request; resolves with the last answer. */
  async run(depth: number, next: NextRequest, onAnswer: OnAnswer): Promise<void> {
    const { socket } = this;
    const ended = new AbortController();
    try {
      await new Promise<void>((resolve, reject) => {
        const step = (): void => {
          if (!this.send(depth, next)) resolve();
        };
        const onData = (chunk: Buffer): void => {
          try {
            this.take(chunk, onAnswer);
            step();
          } catch (error) {
            reject(error);
          }
        };
        const onClose = (): void => reject(new CommandError('the service closed a connection'));
        socket.on('data', onData).once('close', onClose);
        ended.signal.addEventListener('abort', () => {
          socket.off('data', onData).off('close', onClose);
        });
        step();
      });
    } finally {
      ended.abort();
    }
  }

  /** Sends what there is room for; whether anything is on its way. */
  private send(depth: number, next: NextRequest): boolean {
    const parts: Buffer[] = [];
    while (this.pending.length < depth && this.pending.at(-1)?.isWaitedFor !== true) {
      const request = next();
      if (request === undefined) break;
      parts.push(request.bytes);
      const { id, isWaitedFor } = request;
      this.pending.push({ id, isWaitedFor, sentMs: performance.now() });
    }
    if (parts.length > 0) this.socket.write(Buffer.concat(parts));
    return this.pending.length > 0;
  }

  close(): void {
    this.socket.destroy();
  }

  private take(chunk: Buffer, onAnswer: OnAnswer): void {
    const nowMs = performance.now();
    let bytes = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    for (;;) {
      const headEnd = bytes.indexOf(HEAD_END);
      if (headEnd === -1) {
        if (bytes.length > HEAD_BYTES_MAX) throw new CommandError('an answer has no end');
        break;
      }
      const head = bytes.toString('latin1', 0, headEnd);
      const end = headEnd + HEAD_END.length + bodyBytesOf(head);
      if (bytes.length < end) break;
      const request = this.pending.shift();
      if (request === undefined) throw new CommandError('an answer came that nobody asked for');
      onAnswer(request.id, nowMs - request.sentMs, Number(head.slice(9, 12)));
      bytes = bytes.subarray(end);
    }
    this.received = bytes;
  }
}

function bodyBytesOf(head: string): number {
  const length = /\r\ncontent-length: *([0-9]{1,15})/i.exec(head);
  if (length !== null) return Number(length[1]);
  if (/\r\ntransfer-encoding:/i.test(head)) {
    throw new CommandError('an answer comes in chunks, which this check does not understand');
  }
  return 0;
}
