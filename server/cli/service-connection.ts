import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { CommandError } from './command-error.js';
import { DEFAULT_URL } from './service-options.js';

export interface ServiceRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Path and query, encoded. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** @throws {CommandError} when the text is no address of a service */
export function checkUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && ['http:', 'https:'].includes(url.protocol)) return url;
  throw new CommandError(`--url: ${text} is no address such as ${DEFAULT_URL}`, 2);
}

/**
 * A running service, asked over HTTP. Values go through it as bytes, whatever they are, and paths
 * as they were written: `fetch` would take a key of two dots for a step upwards.
 */
export class ServiceConnection {
  private readonly base: URL;
  private readonly agent: HttpAgent;

  /** @throws {CommandError} when the text is no address of a service */
  constructor(url: string) {
    const parsed = checkUrl(url);
    this.base = parsed;
    const options = { keepAlive: true };
    this.agent = parsed.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** Such as `http://127.0.0.1:8080`; without user and password. */
  get address(): string {
    return this.base.origin;
  }

  /**
   * Asks, and gives the answer whatever its status is.
   *
   * @throws {CommandError} when there is no answer
   */
  async ask({ method, target, headers = {}, body }: ServiceRequest): Promise<ServiceAnswer> {
    const folder = this.base.pathname.replace(/\/+$/, '');
    const send = this.base.protocol === 'https:' ? httpsRequest : httpRequest;
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const request = send(this.base, {
          method,
          path: `${folder}${target}`,
          agent: this.agent,
          headers: { ...headers, ...(body !== undefined && { 'Content-Length': body.length }) },
        });
        request.once('response', resolve);
        request.once('error', reject);
        request.end(body);
      });
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const { statusCode = 0 } = response;
      return { status: statusCode, headers: response.headers, body: Buffer.concat(chunks) };
    } catch (error) {
      throw new CommandError(`${this.address} cannot be reached: ${explain(error)}`, 1, {
        cause: error,
      });
    }
  }

  /**
   * Asks for a JSON document.
   *
   * @throws {CommandError} when there is none
   */
  async askJson<T>(request: ServiceRequest): Promise<T> {
    const answer = await this.ask(request);
    if (!isSuccess(answer)) throw refusalOf(answer);
    try {
      return JSON.parse(answer.body.toString()) as T;
    } catch (error) {
      throw new CommandError(`${this.address} answers with something else than JSON`, 1, {
        cause: error,
      });
    }
  }
}

export function isSuccess({ status }: ServiceAnswer): boolean {
  return status >= 200 && status < 300;
}

/** Nothing is stored under the key; a path that nobody serves has the same status. */
export function isMiss({ status, headers }: ServiceAnswer): boolean {
  return status === 404 && headers['x-cache-hit'] === 'false';
}

/** The same in a namespace, where the answer says so itself. */
export function isNamedMiss({ status, body }: ServiceAnswer): boolean {
  return status === 404 && body.toString().startsWith('{"found":false,');
}

/** What the service said instead of doing it. */
export function refusalOf({ status, body }: ServiceAnswer): CommandError {
  try {
    const { error } = JSON.parse(body.toString()) as {
      readonly error?: { readonly code?: unknown; readonly message?: unknown };
    };
    if (typeof error?.message === 'string') {
      return new CommandError(`${error.message} (${String(error.code)})`);
    }
  } catch {
    // No answer of ours: the status is all that is known.
  }
  return new CommandError(`the answer was HTTP ${status}: is a hotshard service listening there?`);
}

/** The path of an entry; the empty namespace is the default one. */
export function entryTarget(key: string, namespace = ''): string {
  const folder = namespace === '' ? '/cache' : `/api/v1/cache/${encodeSegment(namespace)}`;
  return `${folder}/${encodeSegment(key)}`;
}

function encodeSegment(text: string): string {
  // Dots alone would be taken for steps of the path.
  return text === '.' || text === '..' ? text.replaceAll('.', '%2E') : encodeURIComponent(text);
}

function explain(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there (hotshard serve starts a service)';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'there is no such host';
    default:
      return code ?? message;
  }
}
