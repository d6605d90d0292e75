import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** A load whose rate does not depend on the answers. */
export interface OpenLoad {
  readonly url: string;
  readonly connections: number;
  readonly requestsPerSecond: number;
  readonly seconds: number;
}

/** Latencies count from the moment at which the schedule wanted a request sent. */
export interface OpenLoadSample {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Part of a load at its start that is not recorded. */
const WARM_UP_SHARE = 0.2;
const READ_BUFFER_BYTES = 65_536;
/** A run that takes this many times its length is cut short; what it took so far tells enough. */
const DEADLINE_FACTOR = 3;
const STATUS_OK = 'HTTP/1.1 200';

interface Connection {
  readonly socket: Socket;
  /** When the request under way should have been sent. */
  scheduledMs: number;
  /** Bytes of the answer that have arrived. */
  arrivedBytes: number;
  /** Of the answer that arrives now. */
  answerBytes: number;
}

/** Rejects unless the request is answered with a hit. */
async function requireHit(socket: Socket, request: Buffer): Promise<void> {
  socket.write(request);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  const answer = chunk.toString('latin1');
  if (!answer.startsWith(STATUS_OK)) throw new Error(`expected a hit, got ${answer}`);
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH_NAME = Buffer.from('ontent-');
const LENGTH_LINE = /^ontent-length: (\d+)\r\n/i;
const LENGTH_LINE_BYTES = 40;

/** Bytes of the answer whose first bytes these are; its head must be complete. */
function answerBytesOf(buffer: Buffer, bytes: number): number {
  const headEnd = buffer.indexOf(HEAD_END);
  if (headEnd === -1 || headEnd > bytes) throw new Error('the head of an answer came in pieces');
  let at = buffer.indexOf(LENGTH_NAME);
  while (at !== -1 && at < headEnd) {
    const line = LENGTH_LINE.exec(buffer.toString('latin1', at, at + LENGTH_LINE_BYTES));
    if (line !== null) return headEnd + HEAD_END.length + Number(line[1]);
    at = buffer.indexOf(LENGTH_NAME, at + 1);
  }
  throw new Error('an answer states no length');
}

/** One run: connections, schedule and what has been measured so far. */
class OpenLoop {
  readonly #load: OpenLoad;
  readonly #request: Buffer;
  readonly #requestCount: number;
  readonly #latencies: RecordableHistogram = createHistogram();
  readonly #connections: Connection[] = [];
  readonly #idle: Connection[] = [];
  #startMs = 0;
  #sentCount = 0;
  #failure: Error | undefined;

  constructor(load: OpenLoad, request: Buffer) {
    this.#load = load;
    this.#request = request;
    this.#requestCount = Math.floor(load.requestsPerSecond * load.seconds);
  }

  async connect(host: string, port: number): Promise<void> {
    for (let count = 0; count < this.#load.connections; count++) {
      const buffer = Buffer.alloc(READ_BUFFER_BYTES);
      const callback = (bytes: number): boolean => {
        this.#receive(connection, buffer, bytes);
        return true;
      };
      const socket = connect({ host, port, noDelay: true, onread: { buffer, callback } });
      const connection: Connection = { socket, scheduledMs: 0, arrivedBytes: 0, answerBytes: 0 };
      this.#connections.push(connection);
      this.#idle.push(connection);
      await once(socket, 'connect');
      socket.on('error', (error) => this.#fail(error));
      socket.on('close', () => this.#fail(new Error('the server closed a connection')));
    }
  }

  async run(): Promise<OpenLoadSample> {
    this.#startMs = performance.now();
    const deadlineMs = this.#startMs + DEADLINE_FACTOR * this.#load.seconds * 1000;
    // Immediates instead of timers: a timer's step of 1 ms would bunch the requests.
    while (!this.#isFinished() && performance.now() < deadlineMs) {
      this.#sendDue();
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#failure !== undefined) {
        throw this.#failure;
      }
    }
    const elapsedMs = performance.now() - this.#startMs;
    return {
      requestsPerSecond: (this.#sentCount * 1000) / elapsedMs,
      p50Ms: this.#latencies.percentile(50) / 1000,
      p99Ms: this.#latencies.percentile(99) / 1000,
    };
  }

  close(): void {
    for (const { socket } of this.#connections) {
      socket.removeAllListeners('close');
      socket.destroy();
    }
  }

  #isFinished(): boolean {
    const isAnswered = this.#idle.length === this.#connections.length;
    return isAnswered && this.#sentCount === this.#requestCount;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
  }

  #scheduledMs(requestIndex: number): number {
    return this.#startMs + (requestIndex * 1000) / this.#load.requestsPerSecond;
  }

  /** Sends what the schedule asks for, as far as connections are free. */
  #sendDue(): void {
    const nowMs = performance.now();
    while (this.#sentCount < this.#requestCount && this.#scheduledMs(this.#sentCount) <= nowMs) {
      const connection = this.#idle.pop();
      if (connection === undefined) {
        return;
      }
      connection.scheduledMs = this.#scheduledMs(this.#sentCount);
      this.#sentCount += 1;
      connection.socket.write(this.#request);
    }
  }

  #receive(connection: Connection, buffer: Buffer, bytes: number): void {
    if (connection.arrivedBytes === 0) {
      const start = buffer.toString('latin1', 0, Math.min(bytes, STATUS_OK.length));
      if (!STATUS_OK.startsWith(start)) {
        this.#fail(new Error(`expected a hit, got ${buffer.toString('latin1', 0, bytes)}`));
        return;
      }
      connection.answerBytes = answerBytesOf(buffer, bytes);
    }
    connection.arrivedBytes += bytes;
    if (connection.arrivedBytes < connection.answerBytes) {
      return;
    }
    connection.arrivedBytes = 0;
    if (this.#sentCount > this.#requestCount * WARM_UP_SHARE) {
      const latencyMs = performance.now() - connection.scheduledMs;
      this.#latencies.record(Math.max(1, Math.round(latencyMs * 1000)));
    }
    this.#idle.push(connection);
  }
}

/**
 * Sends GETs at a fixed rate, whether or not earlier ones were answered; one that finds no free
 * connection waits, and its wait counts. All answers must have the same size: they are told apart
 * by counting bytes. A rate that the machine cannot reach shows as the lower one and as latency.
 */
export async function loadOpenly(load: OpenLoad): Promise<OpenLoadSample> {
  const { hostname, port, pathname, host } = new URL(load.url);
  const request = Buffer.from(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 'latin1');
  const first = connect(Number(port), hostname);
  await requireHit(first, request);
  first.destroy();
  const loop = new OpenLoop(load, request);
  try {
    await loop.connect(hostname, Number(port));
    return await loop.run();
  } finally {
    loop.close();
  }
}
