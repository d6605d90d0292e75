import { Agent, type IncomingMessage, request } from 'node:http';
import { ReplayError } from './replay-error.js';
import type { CacheOccupancy, ReplayTarget, StoreOutcome } from './replay-target.js';
import { VALUE_BYTES_MAX, ValueSource } from './value-source.js';

const PROBES_MAX = 16 * 1024;
/** A server that refuses a body before it has read it may cut the connection under the sender. */
const CUT_BODY_BYTES_MIN = 64 * 1024;
const CONNECTION_CUT: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

interface Answer {
  readonly status: number;
  readonly bodyBytes: number;
}

/** One keep-alive connection, one request at a time. */
class HttpTarget implements ReplayTarget {
  readonly description: string;
  readonly probesMax = PROBES_MAX;
  readonly #base: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #values = new ValueSource();
  readonly #closeServer: () => Promise<void>;
  #tooLargeBytesMin = VALUE_BYTES_MAX + 1;

  constructor(base: URL, description: string, closeServer: () => Promise<void>) {
    this.#base = base;
    this.description = description;
    this.#closeServer = closeServer;
  }

  async get(key: string): Promise<boolean> {
    return (await this.#fetch(key)) !== undefined;
  }

  async set(key: string, valueBytes: number): Promise<StoreOutcome> {
    if (valueBytes >= this.#tooLargeBytesMin) return 'too-large';
    const outcome = await this.#put(key, this.#values.take(valueBytes));
    // The server's limit stays the same: the next value of that size need not travel.
    if (outcome === 'too-large') this.#tooLargeBytesMin = valueBytes;
    return outcome;
  }

  async delete(key: string): Promise<void> {
    const { status } = await this.#send('DELETE', key);
    if (status !== 204 && status !== 200 && status !== 404) {
      throw unexpectedStatus('DELETE', key, status);
    }
  }

  heldValueBytes(key: string): Promise<number | undefined> {
    return this.#fetch(key);
  }

  occupancy(): CacheOccupancy | undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await this.#closeServer();
  }

  async #fetch(key: string): Promise<number | undefined> {
    const { status, bodyBytes } = await this.#send('GET', key);
    if (status === 200) return bodyBytes;
    // 503 is the answer "busy": nothing was served.
    if (status === 404 || status === 503) return undefined;
    throw unexpectedStatus('GET', key, status);
  }

  async #put(key: string, body: Buffer): Promise<StoreOutcome> {
    let status: number;
    try {
      status = (await this.#sendOrRetry('PUT', key, body)).status;
    } catch (error) {
      // Cut twice in the middle of a large body; should the server be gone, the next get says so.
      if (isConnectionCut(error) && body.length >= CUT_BODY_BYTES_MIN) return 'too-large';
      throw this.#unreachable(error);
    }
    if (status >= 200 && status < 300) return 'stored';
    if (status === 413) return 'too-large';
    if (status === 503 || status === 507) return 'refused';
    throw unexpectedStatus('PUT', key, status);
  }

  async #send(method: string, key: string): Promise<Answer> {
    try {
      return await this.#sendOrRetry(method, key, undefined);
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  async #sendOrRetry(method: string, key: string, body: Buffer | undefined): Promise<Answer> {
    try {
      return await this.#sendOnce(method, key, body);
    } catch (error) {
      // The server may close an idle connection at the moment of its next use; once is enough,
      // because the second try opens a new one.
      if (!isConnectionCut(error)) throw error;
      return await this.#sendOnce(method, key, body);
    }
  }

  #sendOnce(method: string, key: string, body: Buffer | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request({
        host: this.#base.hostname.replace(/^\[|\]$/g, ''),
        port: this.#base.port === '' ? 80 : Number(this.#base.port),
        method,
        path: `${this.#base.pathname.replace(/\/$/, '')}/cache/${encodeURIComponent(key)}`,
        agent: this.#agent,
        headers:
          body === undefined
            ? {}
            : { 'content-type': 'application/octet-stream', 'content-length': body.length },
      });
      outgoing.once('error', reject);
      outgoing.once('response', (response) => {
        countBody(response).then(resolve, reject);
      });
      outgoing.end(body);
    });
  }

  #unreachable(error: unknown): ReplayError {
    const reason = error instanceof Error ? error.message : String(error);
    return new ReplayError(`the server at ${this.#base.origin} does not answer: ${reason}`, {
      cause: error,
    });
  }
}

function isConnectionCut(error: unknown): boolean {
  return CONNECTION_CUT.has((error as NodeJS.ErrnoException).code ?? '');
}

function countBody(response: IncomingMessage): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let bodyBytes = 0;
    response.on('data', (chunk: Buffer) => {
      bodyBytes += chunk.length;
    });
    response.once('end', () => resolve({ status: response.statusCode ?? 0, bodyBytes }));
    response.once('error', reject);
  });
}

function unexpectedStatus(method: string, key: string, status: number): ReplayError {
  return new ReplayError(
    `the server answered ${method} of key ${JSON.stringify(key)} by ${status}`,
  );
}

/** Replays against the server at `base`; `closeServer` is called when the replay ends. */
export function createHttpTarget(
  base: URL,
  description: string,
  closeServer: () => Promise<void>,
): ReplayTarget {
  return new HttpTarget(base, description, closeServer);
}
