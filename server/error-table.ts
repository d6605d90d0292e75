/**
 * The one table from failures to HTTP answers. Every answer that is a refusal is
 * `{"error":{"code":…,"message":…}}`; a stack never leaves the process.
 */
import type { CacheErrorCode } from '../src/index.js';
import {
  CONTENT_TYPE_HEADER,
  encodeErrorBody,
  HIT_HEADER,
  JSON_CONTENT_TYPE,
  type Reply,
} from './wire.js';

/** Failures that only the service knows. */
export type HttpErrorCode =
  | 'ERR_HTTP_CACHE_MISS'
  | 'ERR_HTTP_NOT_FOUND'
  | 'ERR_HTTP_METHOD_NOT_ALLOWED'
  | 'ERR_HTTP_LENGTH_REQUIRED'
  | 'ERR_HTTP_MALFORMED_REQUEST'
  | 'ERR_HTTP_UNSUPPORTED_CODING'
  | 'ERR_HTTP_MALFORMED_BODY'
  | 'ERR_HTTP_INVALID_FIELD'
  | 'ERR_HTTP_UNSUPPORTED_MEDIA_TYPE'
  | 'ERR_HTTP_NOT_ACCEPTABLE'
  | 'ERR_HTTP_BATCH_TOO_LARGE'
  | 'ERR_HTTP_PRECONDITION_FAILED'
  | 'ERR_HTTP_PRECONDITION_REQUIRED'
  | 'ERR_HTTP_EXPECTATION_FAILED'
  | 'ERR_HTTP_INVALID_CURSOR'
  | 'ERR_HTTP_FOREIGN_CURSOR'
  | 'ERR_HTTP_FOREIGN_ORIGIN'
  | 'ERR_HTTP_TOO_MANY_REQUESTS'
  | 'ERR_HTTP_UPGRADE_REQUIRED'
  | 'ERR_HTTP_TOKEN_IN_URL'
  | 'ERR_HTTP_HEADERS_TOO_LARGE'
  | 'ERR_HTTP_REQUEST_TIMEOUT'
  | 'ERR_HTTP_VERSION_NOT_SUPPORTED'
  | 'ERR_HTTP_NOT_IMPLEMENTED'
  | 'ERR_SOCKET_INVALID_FRAME'
  | 'ERR_SOCKET_UNKNOWN_OPERATION'
  | 'ERR_SOCKET_DUPLICATE_ID'
  | 'ERR_SOCKET_TOO_MANY_SUBSCRIPTIONS'
  | 'ERR_SOCKET_TOO_MANY_REQUESTS'
  | 'ERR_SOCKET_TOO_MANY_SOCKETS'
  | 'ERR_HTTP_INTERNAL';

export type ErrorCode = CacheErrorCode | HttpErrorCode;

interface StatusEntry {
  readonly status: number;
  /** Seconds after which another try makes sense. */
  readonly retryAfterSeconds?: number;
}

interface HttpErrorEntry extends StatusEntry {
  /** What leads to the error, one sentence. */
  readonly cause: string;
  /** What to do about it, one sentence. */
  readonly remedy: string;
}

const RETRY_SOON = { retryAfterSeconds: 1 };

/** What the library's codes become; their causes and remedies stand in the library. */
export const CACHE_ERROR_STATUS: Readonly<Record<CacheErrorCode, StatusEntry>> = {
  ERR_CACHE_INVALID_OPTIONS: { status: 500 },
  ERR_CACHE_INVALID_KEY: { status: 400 },
  ERR_CACHE_INVALID_TTL: { status: 422 },
  ERR_CACHE_INVALID_VALUE: { status: 422 },
  ERR_CACHE_INVALID_TAG: { status: 422 },
  ERR_CACHE_INVALID_NAMESPACE: { status: 400 },
  ERR_CACHE_NOT_A_NUMBER: { status: 409 },
  ERR_CACHE_NUMBER_OVERFLOW: { status: 409 },
  ERR_CACHE_INVALID_PATTERN: { status: 422 },
  ERR_CACHE_INCOMPATIBLE_HANDLE: { status: 500 },
  ERR_CACHE_VALUE_TOO_LARGE: { status: 413 },
  ERR_CACHE_BUFFER_TOO_SMALL: { status: 500 },
  ERR_CACHE_TOO_MANY_NAMESPACES: { status: 507 },
  ERR_CACHE_TOO_MANY_THREADS: { status: 503, ...RETRY_SOON },
  ERR_CACHE_OUT_OF_MEMORY: { status: 503, ...RETRY_SOON },
  ERR_CACHE_OVERLOADED: { status: 503, ...RETRY_SOON },
  ERR_CACHE_BUSY: { status: 503, ...RETRY_SOON },
  // PUT and DELETE may be repeated without harm, so asking for another try is right here.
  ERR_CACHE_OUTCOME_UNKNOWN: { status: 503, ...RETRY_SOON },
  ERR_CACHE_CHECKPOINT_FAILED: { status: 500 },
  ERR_CACHE_ABORTED: { status: 503, ...RETRY_SOON },
  ERR_CACHE_LOAD_FAILED: { status: 502 },
  ERR_CACHE_LOAD_TIMEOUT: { status: 504 },
  ERR_CACHE_CLOSED: { status: 503, ...RETRY_SOON },
};

/** The service's own codes. */
export const HTTP_ERRORS: Readonly<Record<HttpErrorCode, HttpErrorEntry>> = {
  ERR_HTTP_CACHE_MISS: {
    status: 404,
    cause: 'Nothing is stored under the key: it never was, it expired, or it was evicted.',
    remedy: 'Store the value; the header X-Cache-Hit tells this answer from an unknown path.',
  },
  ERR_HTTP_NOT_FOUND: {
    status: 404,
    cause: 'The service has no such path; a key is one path segment.',
    remedy: "Write a '/' inside a key as %2F, as encodeURIComponent does.",
  },
  ERR_HTTP_METHOD_NOT_ALLOWED: {
    status: 405,
    cause: 'The path is not served by this method; methods are written in capitals.',
    remedy: 'Use one of the methods that the header Allow lists.',
  },
  ERR_HTTP_LENGTH_REQUIRED: {
    status: 411,
    cause: 'A request that needs a body came with neither Content-Length nor Transfer-Encoding.',
    remedy: 'State the length; a PUT with Content-Length: 0 stores an empty value.',
  },
  ERR_HTTP_MALFORMED_REQUEST: {
    status: 400,
    cause: 'The headers can be read in more than one way, or ask for a part of a value.',
    remedy: 'Send one Host, one Content-Length or Transfer-Encoding: chunked, and whole values.',
  },
  ERR_HTTP_UNSUPPORTED_CODING: {
    status: 415,
    cause: 'The body has a Content-Encoding that the service does not know, or several.',
    remedy: 'Send the body as it is, or in one of gzip, br and lz4.',
  },
  ERR_HTTP_MALFORMED_BODY: {
    status: 400,
    cause: 'The body is not what its Content-Type says, or is cut off; the message says where.',
    remedy: 'Send complete JSON in UTF-8, nested at most 64 deep, without a byte order mark.',
  },
  ERR_HTTP_INVALID_FIELD: {
    status: 422,
    cause: 'A field of the body, a header or a parameter of the query has a value out of range.',
    remedy: 'The message names the field and what it takes.',
  },
  ERR_HTTP_UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    cause: 'Content-Type is malformed, or is none that the operation or the service takes.',
    remedy: 'Send application/json in UTF-8, or for a value what the message says.',
  },
  ERR_HTTP_NOT_ACCEPTABLE: {
    status: 406,
    cause: 'The value cannot be given in the asked form without changing it.',
    remedy: 'Leave Accept out to get the value as it was stored.',
  },
  ERR_HTTP_BATCH_TOO_LARGE: {
    status: 413,
    cause: 'A batch holds more keys than HTTP_MAX_BATCH_KEYS allows.',
    remedy: 'Send several smaller batches.',
  },
  ERR_HTTP_PRECONDITION_FAILED: {
    status: 412,
    cause: 'The entry is there, or is not, against the condition of the request.',
    remedy: 'Read the entry and decide anew.',
  },
  ERR_HTTP_PRECONDITION_REQUIRED: {
    status: 428,
    cause: 'The request would remove every entry, and does not say that it is meant.',
    remedy: 'Repeat it with confirm=true in the query.',
  },
  ERR_HTTP_EXPECTATION_FAILED: {
    status: 417,
    cause: 'The header Expect asks for something else than 100-continue.',
    remedy: 'Leave the header out.',
  },
  ERR_HTTP_INVALID_CURSOR: {
    status: 400,
    cause: 'The cursor is none that this service gave out, or is from before its restart.',
    remedy: 'Start the listing again without a cursor.',
  },
  ERR_HTTP_FOREIGN_CURSOR: {
    status: 403,
    cause: 'The cursor belongs to another listing: another namespace or another pattern.',
    remedy: 'Use a cursor only with the request that it came from.',
  },
  ERR_HTTP_FOREIGN_ORIGIN: {
    status: 403,
    cause: 'A web page of an origin that HTTP_ALLOWED_ORIGINS does not list sent the request.',
    remedy: 'Add the origin to HTTP_ALLOWED_ORIGINS, if the page is yours.',
  },
  ERR_HTTP_TOO_MANY_REQUESTS: {
    status: 429,
    ...RETRY_SOON,
    cause: 'The client sends more requests a second than HTTP_MAX_REQUESTS_PER_SECOND allows.',
    remedy: 'Wait as long as Retry-After says.',
  },
  ERR_HTTP_UPGRADE_REQUIRED: {
    status: 426,
    cause: 'The path speaks WebSocket alone, version 13.',
    remedy: 'Connect with a WebSocket client.',
  },
  ERR_HTTP_TOKEN_IN_URL: {
    status: 401,
    cause: 'A token stands in the URL, where logs and proxies keep it.',
    remedy: 'Send it in the header Authorization, and take it for known by others.',
  },
  ERR_HTTP_HEADERS_TOO_LARGE: {
    status: 431,
    cause: 'The request line and the headers are longer than the service reads, or too many.',
    remedy: 'Send fewer and shorter headers, 100 lines at most.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    cause: 'The request came too slowly; a body must come with 16 KiB a second at least.',
    remedy: 'Send the request again on a better connection.',
  },
  ERR_HTTP_VERSION_NOT_SUPPORTED: {
    status: 505,
    cause: 'The request is in another version of HTTP than 1.1.',
    remedy: 'Use a client that speaks HTTP/1.1.',
  },
  ERR_HTTP_NOT_IMPLEMENTED: {
    status: 501,
    cause: 'No path of the service knows the method, or it asks for a tunnel.',
    remedy: 'Use one of the methods of the interface, in capitals.',
  },
  ERR_SOCKET_INVALID_FRAME: {
    status: 400,
    cause: 'A message is not JSON or MessagePack, has no id, or lacks a field of its operation.',
    remedy: 'The message says what is missing; ten in a row close the socket.',
  },
  ERR_SOCKET_UNKNOWN_OPERATION: {
    status: 400,
    cause: 'The message asks for an operation that there is not.',
    remedy: 'Use one of the operations that the message lists.',
  },
  ERR_SOCKET_DUPLICATE_ID: {
    status: 409,
    cause: 'Another request of the socket with the same id is not answered yet.',
    remedy: 'Count ids up.',
  },
  ERR_SOCKET_TOO_MANY_SUBSCRIPTIONS: {
    status: 429,
    ...RETRY_SOON,
    cause: 'The socket has as many subscriptions as WS_MAX_SUBSCRIPTIONS allows.',
    remedy: 'Subscribe to a prefix instead of many keys, or end subscriptions.',
  },
  ERR_SOCKET_TOO_MANY_REQUESTS: {
    status: 429,
    ...RETRY_SOON,
    cause: 'The socket has as many unanswered requests as WS_MAX_IN_FLIGHT allows.',
    remedy: 'Wait for answers before sending more.',
  },
  ERR_SOCKET_TOO_MANY_SOCKETS: {
    status: 503,
    ...RETRY_SOON,
    cause: 'There are as many WebSockets as WS_MAX_CONNECTIONS allows.',
    remedy: 'Close those that are not used, or raise the setting.',
  },
  ERR_HTTP_INTERNAL: {
    status: 500,
    cause: 'A fault of the service; the particulars are in its log.',
    remedy: 'Report it with the lines of the log.',
  },
};

const ENTRIES: ReadonlyMap<string, StatusEntry> = new Map(
  Object.entries({ ...CACHE_ERROR_STATUS, ...HTTP_ERRORS }),
);

export interface RequestErrorDetails {
  readonly headers?: Reply['headers'];
  /** Whether the connection cannot be used after the answer. */
  readonly closes?: boolean;
}

/** A request that the service refuses by itself. The message goes to the client. */
export class RequestError extends Error {
  override readonly name: string = 'RequestError';
  readonly code: ErrorCode;
  readonly headers: Reply['headers'];
  readonly closes: boolean;

  constructor(code: ErrorCode, message: string, details: RequestErrorDetails = {}) {
    super(message);
    this.code = code;
    this.headers = details.headers ?? [];
    this.closes = details.closes ?? false;
  }
}

/** The client went away before its request was complete; there is nobody to answer. */
export class ClientGoneError extends Error {
  override readonly name: string = 'ClientGoneError';
}

/** The status that a failure is answered with. */
export function statusOf(error: unknown): number {
  return ENTRIES.get(codeOf(error) ?? '')?.status ?? HTTP_ERRORS.ERR_HTTP_INTERNAL.status;
}

/** Whether the failure is a fault of the service, whose particulars belong in the log alone. */
export function isInternal(error: unknown): boolean {
  return statusOf(error) === HTTP_ERRORS.ERR_HTTP_INTERNAL.status;
}

/** A failure as it is told to a client in a frame of its own. */
export interface ToldError {
  readonly code: string;
  readonly message: string;
  /** Whether another try makes sense. */
  readonly isRetryable: boolean;
  readonly status: number;
}

/** What a client is told about a failure, of whatever kind; of internal ones nothing. */
export function tellError(error: unknown): ToldError {
  const code = codeOf(error);
  const entry = code === undefined ? undefined : ENTRIES.get(code);
  if (code === undefined || entry === undefined || isInternal(error)) {
    const message = INTERNAL_MESSAGE;
    return { code: 'ERR_HTTP_INTERNAL', message, isRetryable: false, status: 500 };
  }
  const { message } = error as Error;
  const { status, retryAfterSeconds } = entry;
  return { code, message, isRetryable: retryAfterSeconds !== undefined, status };
}

/** The answer to a failure, of whatever kind. */
export function errorReply(error: unknown): Reply {
  const code = codeOf(error);
  if (code === undefined || isInternal(error) || !(error instanceof Error)) return INTERNAL_REPLY;
  return buildReply(code, error.message, error instanceof RequestError ? error.headers : []);
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' && ENTRIES.has(code) ? code : undefined;
}

function buildReply(code: string, message: string, extraHeaders: Reply['headers']): Reply {
  const entry = ENTRIES.get(code) ?? HTTP_ERRORS.ERR_HTTP_INTERNAL;
  const headers: [string, string][] = [[CONTENT_TYPE_HEADER, JSON_CONTENT_TYPE]];
  for (const [name, value] of extraHeaders) headers.push([name, value]);
  if (entry.retryAfterSeconds !== undefined) {
    headers.push(['Retry-After', String(entry.retryAfterSeconds)]);
  }
  return { status: entry.status, headers, body: encodeErrorBody(code, message) };
}

const INTERNAL_MESSAGE = 'the service failed to answer; its log says why';
const INTERNAL_REPLY: Reply = buildReply('ERR_HTTP_INTERNAL', INTERNAL_MESSAGE, []);

/** The answer to a key under which nothing is stored: frequent, so made once. */
export const MISS_REPLY: Reply = buildReply('ERR_HTTP_CACHE_MISS', 'nothing is stored here', [
  [HIT_HEADER, 'false'],
  ['Cache-Status', 'hotshard; fwd=miss'],
  // Other caches may keep any 404 for a while, and so hide an entry that is stored meanwhile.
  ['Cache-Control', 'no-store'],
]);
