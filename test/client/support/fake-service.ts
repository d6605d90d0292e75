/**
 * A service that does what a script says: it keeps entries in a map, speaks the WebSocket protocol
 * in JSON and the plain dialect of HTTP, and can be told to fail in every way.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';

export interface FakeRequest {
  readonly id: number;
  readonly op: string;
  readonly namespace?: string;
  readonly key?: string;
  readonly keys?: readonly string[];
  readonly value?: unknown;
  readonly only?: string;
  readonly all?: true;
  readonly entries?: readonly { readonly key: string; readonly value: unknown }[];
}

/** What a script does with one request: answers as usual, never, or by ending the connection. */
export type Reaction = 'answer' | 'ignore' | 'cut' | { readonly error: Record<string, unknown> };

export interface HttpReaction {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

interface HttpAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
}

export class FakeService {
  readonly entries = new Map<string, unknown>();
  /** Requests that came over WebSockets, in order. */
  readonly received: FakeRequest[] = [];
  /** Lines of the HTTP requests that came, in order. */
  readonly asked: string[] = [];
  readonly sockets = new Set<WebSocket>();
  /** Of the requests that opened WebSockets, in order. */
  readonly upgradeHeaders: IncomingMessage['headers'][] = [];
  onFrame: (request: FakeRequest) => Reaction | Promise<Reaction> = () => 'answer';
  onHttp: (line: string) => HttpReaction | 'answer' | 'ignore' = () => 'answer';
  /** Whether the handshake of a WebSocket is answered, refused, or left without an answer. */
  upgrades: 'accept' | 'refuse' | 'ignore' = 'accept';
  port = 0;
  private server: Server | undefined;
  private readonly connections = new Set<Socket>();

  /** Requests wait for their answers from now on; what it gives lets the last of them go on. */
  hold(): () => void {
    let release: () => void = () => undefined;
    this.onFrame = () =>
      new Promise((resolve) => {
        release = () => resolve('answer');
      });
    return () => release();
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get ops(): readonly string[] {
    return this.received.map(({ op }) => op);
  }

  /** On the same port as before, if there was one. */
  async start(): Promise<void> {
    const server = createServer((request, response) => this.answerHttp(request, response));
    const sockets = new WebSocketServer({ noServer: true });
    server.on('connection', (socket) => {
      this.connections.add(socket);
      socket.once('close', () => this.connections.delete(socket));
    });
    server.on('upgrade', (request, socket, head) => {
      this.upgradeHeaders.push(request.headers);
      if (this.upgrades === 'refuse') socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
      if (this.upgrades !== 'accept') return;
      sockets.handleUpgrade(request, socket, head, (opened) => this.serve(opened));
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** Ends as a killed process does: every connection breaks. */
  async stop(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.connections) socket.destroy();
    await closed;
  }

  push(frame: Record<string, unknown>): void {
    for (const socket of this.sockets) socket.send(JSON.stringify(frame));
  }

  /** A write of somebody else, told to everybody. */
  change(key: string, value: unknown, namespace = ''): void {
    this.entries.set(`${namespace}/${key}`, value);
    this.push({ event: 'invalidate', namespace, keys: [key] });
  }

  private serve(socket: WebSocket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('message', async (data) => {
      const request = JSON.parse(data.toString()) as FakeRequest;
      this.received.push(request);
      const answer = this.carryOut(request);
      const reaction = await this.onFrame(request);
      const { id } = request;
      if (reaction === 'cut') socket.terminate();
      else if (reaction === 'answer') socket.send(JSON.stringify({ id, ok: true, ...answer }));
      else if (reaction !== 'ignore') socket.send(JSON.stringify({ id, ok: false, ...reaction }));
    });
  }

  /** The state at the moment of the request, whenever the answer goes out. */
  private carryOut(request: FakeRequest): Record<string, unknown> {
    const { namespace = '', key = '', keys = [], entries = [] } = request;
    const path = (name: string): string => `${namespace}/${name}`;
    switch (request.op) {
      case 'get':
        return this.read(path(key));
      case 'getMany':
        return { entries: keys.map((name) => this.read(path(name))) };
      case 'set':
        if (request.only === 'absent' && this.entries.has(path(key))) return { stored: false };
        this.entries.set(path(key), request.value);
        return { stored: true };
      case 'setMany':
        for (const entry of entries) this.entries.set(path(entry.key), entry.value);
        return { stored: entries.length };
      case 'delete':
        return { deleted: this.entries.delete(path(key)) };
      case 'deleteMany':
        return { deleted: keys.filter((name) => this.entries.delete(path(name))).length };
      default:
        return { subscriptions: 1, touched: true, deleted: 0 };
    }
  }

  private read(path: string): Record<string, unknown> {
    if (!this.entries.has(path)) return { hit: false };
    return { hit: true, value: this.entries.get(path), ttlMs: 60_000, ageMs: 5, version: 1 };
  }

  private answerHttp(request: IncomingMessage, response: ServerResponse): void {
    const line = `${request.method} ${request.url}`;
    this.asked.push(line);
    const reaction = this.onHttp(line);
    if (reaction === 'ignore') return;
    if (reaction !== 'answer') {
      response.writeHead(reaction.status, reaction.headers).end(reaction.body);
      return;
    }
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const { status, headers, json } = this.carryOutHttp(request.method, request.url, body);
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
      response.end(json === undefined ? undefined : JSON.stringify(json));
    });
  }

  private carryOutHttp(method = '', url = '', body = ''): HttpAnswer {
    const path = decodeURIComponent(url).replace('/cache/', '/');
    if (path === '/batch/delete') {
      const { keys } = JSON.parse(body) as { readonly keys: readonly string[] };
      return { status: 200, json: this.carryOut({ id: 0, op: 'deleteMany', keys }) };
    }
    if (path === '/batch/get') {
      const { keys } = JSON.parse(body) as { readonly keys: readonly string[] };
      return { status: 200, json: { results: keys.map((key) => this.read(`/${key}`)) } };
    }
    if (method === 'PUT') {
      this.entries.set(path, JSON.parse(body));
      return { status: 201 };
    }
    if (this.entries.has(path)) {
      const headers = { 'X-Cache-Hit': 'true' };
      return { status: 200, headers, json: this.entries.get(path) };
    }
    return { status: 404, headers: { 'X-Cache-Hit': 'false' } };
  }
}

/** A running fake, stopped after the test. */
export async function startFake(): Promise<FakeService> {
  const fake = new FakeService();
  await fake.start();
  onTestFinished(() => fake.stop());
  return fake;
}
