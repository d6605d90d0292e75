import { ClientError, notSent } from './client-error.js';
import type { HttpTransport } from './http-transport.js';
import type { OperationName } from './operations.js';
import type { Outcome, Question } from './request-runner.js';
import type { SocketLink } from './socket-link.js';
import { fitsSocket, type SocketTransport } from './socket-transport.js';
import { orAborted } from './time-limit.js';

/** The ways to the service: the WebSocket where it is open and the question fits, else HTTP. */
export class ConnectedTransport {
  private readonly http: HttpTransport;
  private readonly link: SocketLink | undefined;
  private readonly socket: SocketTransport | undefined;

  constructor(
    http: HttpTransport,
    link: SocketLink | undefined,
    socket: SocketTransport | undefined,
  ) {
    this.http = http;
    this.link = link;
    this.socket = socket;
  }

  async ask<Name extends OperationName>(
    { name, namespace, fields }: Question<Name>,
    signal: AbortSignal,
  ): Promise<Outcome<Name>> {
    const { link, socket } = this;
    if (link !== undefined && socket !== undefined && fitsSocket(fields)) {
      if (!link.isOpen) await orAborted(link.settled(), signal);
      if (link.isOpen) {
        const answer = await socket.send(name, namespace, fields, signal);
        return { answer, isFollowed: true };
      }
    }
    if (signal.aborted) throw notSent('the time was over before the request was sent');
    try {
      return { answer: await this.http.send(name, namespace, fields, signal), isFollowed: false };
    } catch (error) {
      throw link === undefined ? error : retryableBySocket(error);
    }
  }
}

/** What HTTP cannot do the WebSocket can, once it is connected again. */
function retryableBySocket(error: unknown): unknown {
  if (!(error instanceof ClientError) || error.code !== 'ERR_CLIENT_NEEDS_SOCKET') return error;
  const details = { retryable: true, wasNotSent: true };
  return new ClientError(error.code, error.message, details);
}
