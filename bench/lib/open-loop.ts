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
/** Requests under way on one connection; the server is too slow for the rate beyond it. */
const IN_FLIGHT_MAX = 65_536;
const READ_BUFFER_BYTES = 65_536;
const ANSWERS_TIMEOUT_MS = 5000;
const STATUS_OK = 'HTTP/1.1 200';

interface Connection {
  readonly socket: Socket;
  /** Scheduled times of the requests under way, a ring. */
  readonly scheduledMs: Float64Array;
  sentCount: number;
  answeredCount: number;
  /** Bytes of an answer that has not arrived whole. */
  partialBytes: number;
  /** Requests to write in this turn. */
  owedCount: number;
}

/** Bytes of the whole answer to the request. Every later answer must have as many. */
async function learnAnswerBytes(socket: Socket, request: Buffer): Promise<number> {
  let answer = '';
  socket.write(request);
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    answer += chunk.toString('latin1');
    const headBytes = answer.indexOf('\r\n\r\n') + 4;
    const bodyBytes = Number(/content-length: (\d+)/i.exec(answer)?.[1]);
    if (headBytes >= 4 && answer.length >= headBytes + bodyBytes) {
      if (!answer.startsWith(STATUS_OK)) {
        throw new Error(`expected a hit, got ${answer}`);
      }
      return headBytes + bodyBytes;
    }
  }
}

/** One run: connections, schedule and what has been measured so far. */
class OpenLoop {
  readonly #load: OpenLoad;
  readonly #request: Buffer;
  readonly #answerBytes: number;
  readonly #latencies: RecordableHistogram = createHistogram();
  readonly #connections: Connection[] = [];
  #startMs = 0;
  #recordFromMs = 0;
  #sentCount = 0;
  failure: unknown;

  constructor(load: OpenLoad, request: Buffer, answerBytes: number) {
    this.#load = load;
    this.#request = request;
    this.#answerBytes = answerBytes;
  }

  async connect(host: string, port: number): Promise<void> {
    for (let count = 0; count < this.#load.connections; count++) {
      const buffer = Buffer.alloc(READ_BUFFER_BYTES);
      const callback = (bytes: number): boolean => {
        this.#receive(connection, buffer, bytes);
        return true;
      };
      const socket = connect({ host, port, noDelay: true, onread: { buffer, callback } });
      const connection: Connection = {
        socket,
        scheduledMs: new Float64Array(IN_FLIGHT_MAX),
        sentCount: 0,
        answeredCount: 0,
        partialBytes: 0,
        owedCount: 0,
      };
      this.#connections.push(connection);
      await once(socket, 'connect');
      socket.on('error', (error) => this.#fail(error));
    }
  }

  async run(): Promise<OpenLoadSample> {
    const { seconds, requestsPerSecond } = this.#load;
    const requestCount = Math.floor(requestsPerSecond * seconds);
    this.#startMs = performance.now();
    this.#recordFromMs = this.#startMs + seconds * 1000 * WARM_UP_SHARE;
    // Immediates instead of timers: a timer's step of 1 ms would bunch the requests.
    while (this.#sentCount < requestCount && this.failure === undefined) {
      this.#sendDue(requestCount);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const sentMs = performance.now() - this.#startMs;
    await this.#answers();
    return {
      requestsPerSecond: (requestCount * 1000) / sentMs,
      p50Ms: this.#latencies.percentile(50) / 1000,
      p99Ms: this.#latencies.percentile(99) / 1000,
    };
  }

  close(): void {
    for (const { socket } of this.#connections) {
      socket.destroy();
    }
  }

  #fail(error: unknown): void {
    this.failure ??= error;
  }

  #sendDue(requestCount: number): void {
    const periodMs = 1000 / this.#load.requestsPerSecond;
    const elapsedMs = performance.now() - this.#startMs;
    const dueCount = Math.min(requestCount, Math.floor(elapsedMs / periodMs));
    while (this.#sentCount < dueCount) {
      const scheduledMs = this.#startMs + this.#sentCount * periodMs;
      this.#schedule(this.#sentCount % this.#connections.length, scheduledMs);
      this.#sentCount += 1;
    }
    for (const connection of this.#connections) {
      if (connection.owedCount > 0) {
        const requests = Array<Buffer>(connection.owedCount).fill(this.#request);
        connection.socket.write(requests.length === 1 ? this.#request : Buffer.concat(requests));
        connection.owedCount = 0;
      }
    }
  }

  #schedule(index: number, scheduledMs: number): void {
    const connection = this.#connections[index] as Connection;
    if (connection.sentCount - connection.answeredCount >= IN_FLIGHT_MAX) {
      this.#fail(new Error('the server does not keep up with the rate'));
      return;
    }
    connection.scheduledMs[connection.sentCount % IN_FLIGHT_MAX] = scheduledMs;
    connection.sentCount += 1;
    connection.owedCount += 1;
  }

  #receive(connection: Connection, buffer: Buffer, bytes: number): void {
    if (connection.partialBytes === 0) {
      const start = buffer.toString('latin1', 0, Math.min(bytes, STATUS_OK.length));
      if (!STATUS_OK.startsWith(start)) {
        this.#fail(new Error(`expected a hit, got ${buffer.toString('latin1', 0, bytes)}`));
      }
    }
    const total = connection.partialBytes + bytes;
    const answerCount = Math.floor(total / this.#answerBytes);
    connection.partialBytes = total % this.#answerBytes;
    const nowMs = performance.now();
    for (let count = 0; count < answerCount; count++) {
      const slot = connection.answeredCount % IN_FLIGHT_MAX;
      const scheduledMs = connection.scheduledMs[slot] as number;
      connection.answeredCount += 1;
      if (scheduledMs >= this.#recordFromMs) {
        this.#latencies.record(Math.max(1, Math.round((nowMs - scheduledMs) * 1000)));
      }
    }
  }

  async #answers(): Promise<void> {
    const deadlineMs = performance.now() + ANSWERS_TIMEOUT_MS;
    const isOpen = ({ sentCount, answeredCount }: Connection) => answeredCount < sentCount;
    while (this.failure === undefined && this.#connections.some(isOpen)) {
      if (performance.now() > deadlineMs) {
        this.#fail(new Error('answers are missing'));
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (this.failure !== undefined) {
      throw this.failure;
    }
  }
}

/**
 * Sends GETs at a fixed rate, whether or not earlier ones were answered. All answers must have
 * the same size: they are told apart by counting bytes. Rejects when the server falls behind.
 */
export async function loadOpenly(load: OpenLoad): Promise<OpenLoadSample> {
  const { hostname, port, pathname, host } = new URL(load.url);
  const request = Buffer.from(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 'latin1');
  const first = connect(Number(port), hostname);
  const answerBytes = await learnAnswerBytes(first, request);
  first.destroy();
  const loop = new OpenLoop(load, request, answerBytes);
  try {
    await loop.connect(hostname, Number(port));
    return await loop.run();
  } finally {
    loop.close();
  }
}
