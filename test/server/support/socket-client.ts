import { once } from 'node:events';
import { WebSocket } from 'ws';
import { until } from '../../support/until.js';
import type { Frame } from './socket-double.js';

/** A client of a real WebSocket that speaks JSON and keeps all that it was told. */
export class SocketClient {
  readonly socket: WebSocket;
  readonly frames: Frame[] = [];
  /** With which code the socket was closed. */
  closeCode: number | undefined;
  private nextId = 1;
  private readonly answers = new Map<number, (frame: Frame) => void>();
  /** Called for each push before anything that follows it is looked at. */
  onPush: (push: Frame) => void = () => undefined;
  /** Called for each answer before anything that follows it is looked at. */
  onAnswer: (answer: Frame) => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => this.receive(JSON.parse(String(data)) as Frame));
    socket.on('close', (code) => {
      this.closeCode = code;
    });
    socket.on('error', () => undefined);
  }

  static async open(port: number, path = '/ws'): Promise<SocketClient> {
    const client = new SocketClient(new WebSocket(`ws://127.0.0.1:${port}${path}`));
    await once(client.socket, 'open');
    return client;
  }

  /** The status with which a request to open one is refused. */
  static async refusal(
    port: number,
    path: string,
    options: { readonly origin?: string; readonly protocols?: string[] } = {},
  ): Promise<number | undefined> {
    const { origin, protocols = [] } = options;
    const url = `ws://127.0.0.1:${port}${path}`;
    const socket = new WebSocket(url, protocols, origin === undefined ? {} : { origin });
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [
      unknown,
      { statusCode?: number; resume(): void },
    ];
    response.resume();
    socket.terminate();
    return response.statusCode;
  }

  get pushes(): Frame[] {
    return this.frames.filter((frame) => 'event' in frame);
  }

  /**
   * Sends a request; resolves with its answer.
   *
   * @param onSend told of the request's id before it is sent
   */
  ask(request: object, onSend: (id: number) => void = () => undefined): Promise<Frame> {
    const id = this.nextId++;
    onSend(id);
    const answer = new Promise<Frame>((resolve) => this.answers.set(id, resolve));
    this.socket.send(JSON.stringify({ id, ...request }));
    return answer;
  }

  async closed(): Promise<number> {
    await until('the socket is closed', () => this.closeCode !== undefined);
    return this.closeCode ?? 0;
  }

  private receive(frame: Frame): void {
    this.frames.push(frame);
    if ('event' in frame) {
      this.onPush(frame);
      return;
    }
    const id = frame['id'] as number;
    this.onAnswer(frame);
    this.answers.get(id)?.(frame);
    this.answers.delete(id);
  }
}
