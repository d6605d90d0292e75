import { ClientError, notSent } from './client-error.js';
import type { HttpTransport } from './http-transport.js';
import type { OperationName } from './operations.js';
import type { Outcome, Question } from './request-runner.js';
import type { SocketLink } from './socket-link.js';
import { SOCKET_WEIGHT_MAX, type SocketTransport, weightOfFields } from './socket-transport.js';
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
    question: Question<Name>,
    signal: AbortSignal,
  ): Promise<Outcome<Name>> {
    const { name, namespace, fields } = question;
    const weight = weightOfFields(fields);
    if (weight <= SOCKET_WEIGHT_MAX) {
      await orAborted(this.link?.settled() ?? Promise.resolve(), signal);
      if (this.link?.isOpen === true) return this.askSocket(question, signal);
    }
    if (signal.aborted) throw notSent('the time was over before the request was sent');
    try {
      return { answer: await this.http.send(name, namespace, fields, signal), isFollowed: false };
    } catch (error) {
      if (this.link === undefined || !needsSocket(error)) throw error;
      if (weight <= FRAME_WEIGHT_MAX && this.link.isOpen) return this.askSocket(question, signal);
      // The next try may find it connected again.
      const { code, message } = error;
      throw new ClientError(code, message, { retryable: true, wasNotSent: true });
    }
  }

  private async askSocket<Name extends OperationName>(
    { name, namespace, fields }: Question<Name>,
    signal: AbortSignal,
  ): Promise<Outcome<Name>> {
    if (this.socket === undefined) throw notSent('there is no WebSocket');
    const answer = await this.socket.send(name, namespace, fields, signal);
    return { answer, isFollowed: true };
  }
}

/** What HTTP cannot do goes over the WebSocket up to here: below the service's default limit. */
const FRAME_WEIGHT_MAX = 900 * 1_024;

function needsSocket(error: unknown): error is ClientError {
  return error instanceof ClientError && error.code === 'ERR_CLIENT_NEEDS_SOCKET';
}
