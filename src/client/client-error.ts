/** Codes of failures that the client finds itself; the service's own codes are passed on. */
export type ClientErrorCode =
  | 'ERR_CLIENT_INVALID_OPTIONS'
  | 'ERR_CLIENT_INVALID_KEY'
  | 'ERR_CLIENT_INVALID_VALUE'
  /** No connection, or one that broke before the answer came. */
  | 'ERR_CLIENT_UNREACHABLE'
  | 'ERR_CLIENT_TIMEOUT'
  /** Too many requests failed lately; this one was not sent. */
  | 'ERR_CLIENT_BREAKER_OPEN'
  /** A write that must not be repeated was sent, and its answer never came. */
  | 'ERR_CLIENT_OUTCOME_UNKNOWN'
  /** HTTP has no request for this; the WebSocket has, but is off or not connected. */
  | 'ERR_CLIENT_NEEDS_SOCKET'
  /** The answer is none that the service gives. */
  | 'ERR_CLIENT_MALFORMED_ANSWER'
  | 'ERR_CLIENT_ABORTED'
  | 'ERR_CLIENT_CLOSED';

/** Details of a failure besides its code and message. */
export interface ClientErrorDetails {
  readonly retryable?: boolean;
  readonly cause?: unknown;
  /** HTTP status, where the failure is an answer to an HTTP request. */
  readonly status?: number | undefined;
  /** Milliseconds after which the service asked to be tried again. */
  readonly retryAfterMs?: number | undefined;
  /** Whether it is known that nothing was done: the request never left, or was not read. */
  readonly wasNotSent?: boolean;
}

/** Every failure of the client; `code` is stable. */
export class ClientError extends Error {
  override readonly name: string = 'ClientError';
  /** A `ClientErrorCode`, or a code of the service such as `ERR_CACHE_INVALID_TTL`. */
  readonly code: string;
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retryable: boolean;
  /** HTTP status, where the failure is an answer to an HTTP request. */
  readonly status: number | undefined;
  /** Milliseconds after which the service asked to be tried again. */
  readonly retryAfterMs: number | undefined;
  /** Whether it is known that nothing was done: the request never left, or was not read. */
  readonly wasNotSent: boolean;

  constructor(code: string, message: string, details: ClientErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? false;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.wasNotSent = details.wasNotSent ?? false;
  }
}

export function aborted(signal: AbortSignal): ClientError {
  return new ClientError('ERR_CLIENT_ABORTED', 'the call was aborted', { cause: signal.reason });
}

export function clientClosed(): ClientError {
  return new ClientError('ERR_CLIENT_CLOSED', 'the client is closed');
}

export function unreachable(message: string, cause?: unknown): ClientError {
  return new ClientError('ERR_CLIENT_UNREACHABLE', message, { retryable: true, cause });
}

/** As `unreachable`, where nothing was done: whatever the request asks, it can be asked again. */
export function notSent(message: string, cause?: unknown): ClientError {
  const details = { retryable: true, cause, wasNotSent: true };
  return new ClientError('ERR_CLIENT_UNREACHABLE', message, details);
}

/** @param what in the words of the caller */
export function onlyBySocket(what: string): ClientError {
  return new ClientError(
    'ERR_CLIENT_NEEDS_SOCKET',
    `${what}: HTTP has no request for it, and the WebSocket is off or not connected`,
    { wasNotSent: true },
  );
}

export function timedOut(limitMs: number): ClientError {
  return new ClientError('ERR_CLIENT_TIMEOUT', `no answer within ${limitMs} ms`, {
    retryable: true,
  });
}

export function malformedAnswer(message: string, cause?: unknown): ClientError {
  return new ClientError('ERR_CLIENT_MALFORMED_ANSWER', message, { cause });
}

/** Whether the failure says that the service could not be asked, not that it refused. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof ClientError)) return false;
  const { code, status } = error;
  if (status !== undefined && status >= 500) return true;
  return UNAVAILABLE_CODES.has(code);
}

const UNAVAILABLE_CODES: ReadonlySet<string> = new Set([
  'ERR_CLIENT_UNREACHABLE',
  'ERR_CLIENT_TIMEOUT',
  'ERR_CLIENT_BREAKER_OPEN',
  'ERR_CLIENT_MALFORMED_ANSWER',
  'ERR_CACHE_OVERLOADED',
  'ERR_CACHE_BUSY',
  'ERR_CACHE_CLOSED',
  'ERR_CACHE_OUT_OF_MEMORY',
  'ERR_HTTP_INTERNAL',
]);
