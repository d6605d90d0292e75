import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { ConstantAnswer, TransportName } from '../http-constant.js';
import { type Service, startService } from './process.js';

/** The compiled HTTP server, seen from the compiled benchmarks. */
const SERVER_SCRIPT = fileURLToPath(new URL('../../server/main.js', import.meta.url));
const CONSTANT_SCRIPT = fileURLToPath(new URL('../http-constant.js', import.meta.url));
const READY = /listening on (http:\/\/[\w.]+:\d+)/;
/** Headers that the transport writes by itself. */
const TRANSPORT_HEADERS = new Set(['date', 'uwebsockets', 'content-length', 'connection']);

/** A server under load. */
export interface HttpService {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<number | null>;
}

/** An answer, as far as the benchmark looks at it. */
export interface Answer {
  readonly status: number;
  /** Names as sent, and values. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

/** Of a stored text whose remaining seconds keep their number of digits during a run. */
export const PUT_HEADERS = { 'content-type': 'text/plain', 'x-cache-ttl': '3600' };

/** Sends one request; a PUT gives its value an hour to live. */
export function send(
  method: 'GET' | 'PUT' | 'POST',
  url: string,
  body?: Buffer,
  headers: Readonly<Record<string, string>> = method === 'PUT' ? PUT_HEADERS : {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const raw = response.rawHeaders;
        const pairs = raw.flatMap((name, at) =>
          at % 2 === 0 ? [[name, raw[at + 1] ?? ''] as const] : [],
        );
        resolve({
          status: response.statusCode ?? 0,
          headers: pairs,
          body: Buffer.concat(chunks),
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** The size of an answer on the wire, without its status line. */
export function answerBytes({ headers, body }: Answer): number {
  const headerBytes = headers.map(([name, value]) => name.length + value.length + 4);
  return headerBytes.reduce((sum, bytes) => sum + bytes, body.length + 2);
}

function serviceOf(service: Service): HttpService {
  return { url: service.readyMatch[1] ?? '', pid: service.pid, stop: () => service.stop() };
}

/** Starts the cache server on a free loopback port. */
export async function startCacheServer(
  transport: TransportName,
  nodeFlags: readonly string[] = [],
): Promise<HttpService> {
  return serviceOf(
    await startService({
      command: process.execPath,
      args: [...nodeFlags, SERVER_SCRIPT, 'serve'],
      env: {
        SERVER_HTTP_HOST: '127.0.0.1',
        SERVER_HTTP_PORT: '0',
        HTTP_TRANSPORT: transport,
        CACHE_MAX_MEMORY_MB: '64',
      },
      ready: READY,
    }),
  );
}

/** Stores a value through the server. Rejects unless it was stored. */
export async function putValue(url: string, value: Buffer): Promise<void> {
  const { status } = await send('PUT', url, value);
  if (status !== 201) {
    throw new Error(`PUT ${url} answered ${status}`);
  }
}

/** Starts the twin that answers every GET as the cache server answered `hit`. */
export async function startConstantServer(
  transport: TransportName,
  hit: Answer,
): Promise<HttpService> {
  const answer: ConstantAnswer = {
    transport,
    headers: hit.headers.filter(([name]) => !TRANSPORT_HEADERS.has(name.toLowerCase())),
    bodyBase64: hit.body.toString('base64'),
  };
  return serviceOf(
    await startService({
      command: process.execPath,
      args: [CONSTANT_SCRIPT, JSON.stringify(answer)],
      ready: READY,
    }),
  );
}
