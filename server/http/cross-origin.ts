import { RequestError } from '../error-table.js';
import { emptyReply } from '../wire.js';
import { sendReply } from './reply.js';
import type { BodyReceiver, Exchange, HeaderVisitor } from './transport.js';

/** Headers of the service that a script may read. */
const EXPOSED_HEADERS =
  'Age, Cache-Status, ETag, Retry-After, X-Cache-Hit, X-Cache-TTL, X-Cache-TTL-Remaining, X-Request-Id';
/** Headers of requests that the service knows and a browser asks for first. */
const ALLOWED_HEADERS =
  'Authorization, Cache-Tag, Content-Encoding, Content-Type, If-Match, If-None-Match, ' +
  'Surrogate-Key, Traceparent, X-Cache-Mode, X-Cache-Tags, X-Cache-TTL, X-Request-Id';
const PREFLIGHT_SECONDS = '600';

/**
 * Which web pages of other origins may use the service: those that the settings list. A page that
 * is not listed may send requests all the same, by forms and scripts that do not read the answer;
 * so what could change anything is refused by its `Origin`, which a page cannot choose.
 */
export class CrossOrigin {
  private readonly allowed: ReadonlySet<string>;

  /** @param allowedOrigins such as `https://app.example` */
  constructor(allowedOrigins: readonly string[]) {
    this.allowed = new Set(allowedOrigins.map((origin) => origin.toLowerCase()));
  }

  /** Whether a page of any other origin is let in at all. */
  get letsPagesIn(): boolean {
    return this.allowed.size > 0;
  }

  /**
   * The exchange to answer, whatever the answer will be: a page of a listed origin may read it.
   * Where there are such pages, every answer says that it depends on the origin: a cache in between
   * that keeps one for somebody else would hand it to the page without the permission.
   */
  open(exchange: Exchange): Exchange {
    if (!this.letsPagesIn) return exchange;
    const origin = exchange.header('origin');
    return new ReadableExchange(exchange, this.isListed(origin) ? origin : undefined);
  }

  /**
   * Judges a request by its `Origin`; only `GET` and `HEAD` are safe.
   *
   * @throws {RequestError} `ERR_HTTP_FOREIGN_ORIGIN`
   */
  check(exchange: Exchange): void {
    const origin = exchange.header('origin');
    if (origin === '' || this.isListed(origin)) return;
    const isSafe = exchange.method === 'GET' || exchange.method === 'HEAD';
    if (isSafe || isSameOrigin(origin, exchange.header('host'))) return;
    throw new RequestError(
      'ERR_HTTP_FOREIGN_ORIGIN',
      'web pages of this Origin may not change anything; HTTP_ALLOWED_ORIGINS lists those that may',
    );
  }

  /**
   * Answers what a browser asks before it lets a page send a request; whether it was that.
   *
   * @throws {RequestError} `ERR_HTTP_FOREIGN_ORIGIN`
   */
  answerPreflight(exchange: Exchange, methods: string): boolean {
    if (!this.letsPagesIn) return false;
    this.check(exchange);
    if (exchange.method !== 'OPTIONS') return false;
    if (exchange.header('access-control-request-method') === '') return false;
    if (!this.isListed(exchange.header('origin'))) return false;
    sendReply(
      exchange,
      emptyReply(204, [
        ['Access-Control-Allow-Methods', methods],
        ['Access-Control-Allow-Headers', ALLOWED_HEADERS],
        ['Access-Control-Max-Age', PREFLIGHT_SECONDS],
      ]),
    );
    return true;
  }

  private isListed(origin: string): boolean {
    return this.allowed.has(origin.toLowerCase());
  }
}

/** A page that the service itself is the origin of; TLS may end before it. */
function isSameOrigin(origin: string, host: string): boolean {
  const given = origin.toLowerCase();
  const own = host.toLowerCase();
  return host !== '' && (given === `http://${own}` || given === `https://${own}`);
}

/** An exchange whose response tells the browser whether the page may read it. */
class ReadableExchange implements Exchange {
  private readonly inner: Exchange;
  private readonly origin: string | undefined;

  /** @param origin of a page that may read the answer */
  constructor(inner: Exchange, origin: string | undefined) {
    this.inner = inner;
    this.origin = origin;
  }

  get method(): string {
    return this.inner.method;
  }

  get path(): string {
    return this.inner.path;
  }

  get query(): string {
    return this.inner.query;
  }

  get remoteAddress(): string {
    return this.inner.remoteAddress;
  }

  get requestId(): string {
    return this.inner.requestId;
  }

  set requestId(id: string) {
    this.inner.requestId = id;
  }

  get isOpen(): boolean {
    return this.inner.isOpen;
  }

  header(name: string): string {
    return this.inner.header(name);
  }

  visitHeaders(visitor: HeaderVisitor): void {
    this.inner.visitHeaders(visitor);
  }

  receiveBody(receiver: BodyReceiver): void {
    this.inner.receiveBody(receiver);
  }

  writeStatus(status: number): void {
    this.inner.writeStatus(status);
  }

  writeHeader(name: string, value: string): void {
    this.inner.writeHeader(name, value);
  }

  writeHeaderLines(name: Uint8Array, valueAndLines: Uint8Array): void {
    this.inner.writeHeaderLines(name, valueAndLines);
  }

  end(body: Uint8Array): void {
    this.writePermission();
    this.inner.end(body);
  }

  endWithoutBody(): void {
    this.writePermission();
    this.inner.endWithoutBody();
  }

  endWithLengthOnly(bodyBytes: number): void {
    this.writePermission();
    this.inner.endWithLengthOnly(bodyBytes);
  }

  endParts(parts: readonly Uint8Array[], totalBytes: number, onSettled: () => void): void {
    this.writePermission();
    this.inner.endParts(parts, totalBytes, onSettled);
  }

  closeAfterResponse(): void {
    this.inner.closeAfterResponse();
  }

  cork(write: () => void): void {
    this.inner.cork(write);
  }

  /** Behind all other headers, before the body. */
  private writePermission(): void {
    if (!this.inner.isOpen) return;
    if (this.origin !== undefined) {
      this.inner.writeHeader('Access-Control-Allow-Origin', this.origin);
      this.inner.writeHeader('Access-Control-Expose-Headers', EXPOSED_HEADERS);
    }
    this.inner.writeHeader('Vary', 'Origin');
  }
}
