import {
  type RefusalStatus,
  STATUS_BUSY,
  STATUS_FULL,
  STATUS_MISS,
  STATUS_NO_LEASE,
  STATUS_NO_SLOT,
  STATUS_NOT_A_NUMBER,
  STATUS_NUMBER_OVERFLOW,
  STATUS_OK,
  STATUS_OUT_OF_MEMORY,
  STATUS_OUTCOME_UNKNOWN,
  STATUS_PENDING,
  STATUS_PRESENT,
  STATUS_REFUSED,
  STATUS_STALE,
  STATUS_TOO_LARGE,
  STATUS_TOO_MANY_NAMESPACES,
  STATUS_WAIT,
  type Status,
} from '../native-free-core/status.js';

/** Every code a `CacheError` can have. Codes are stable: programs compare them. */
export type CacheErrorCode =
  | 'ERR_CACHE_INVALID_OPTIONS'
  | 'ERR_CACHE_INVALID_KEY'
  | 'ERR_CACHE_INVALID_TTL'
  | 'ERR_CACHE_INVALID_VALUE'
  | 'ERR_CACHE_INVALID_TAG'
  | 'ERR_CACHE_INVALID_NAMESPACE'
  | 'ERR_CACHE_NOT_A_NUMBER'
  | 'ERR_CACHE_NUMBER_OVERFLOW'
  | 'ERR_CACHE_INVALID_PATTERN'
  | 'ERR_CACHE_INCOMPATIBLE_HANDLE'
  | 'ERR_CACHE_VALUE_TOO_LARGE'
  | 'ERR_CACHE_BUFFER_TOO_SMALL'
  | 'ERR_CACHE_TOO_MANY_NAMESPACES'
  | 'ERR_CACHE_TOO_MANY_THREADS'
  | 'ERR_CACHE_OUT_OF_MEMORY'
  | 'ERR_CACHE_OVERLOADED'
  | 'ERR_CACHE_BUSY'
  | 'ERR_CACHE_OUTCOME_UNKNOWN'
  | 'ERR_CACHE_CHECKPOINT_FAILED'
  | 'ERR_CACHE_ABORTED'
  | 'ERR_CACHE_LOAD_FAILED'
  | 'ERR_CACHE_LOAD_TIMEOUT'
  | 'ERR_CACHE_CLOSED';

/** What is known of a code, whatever the call. */
export interface ErrorCodeEntry {
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retryable: boolean;
  /** What leads to the error, one sentence. */
  readonly cause: string;
  /** What to do about it, one sentence. */
  readonly remedy: string;
}

/** The one table of codes; the documentation of errors is written from it. */
export const ERROR_CODES: Readonly<Record<CacheErrorCode, ErrorCodeEntry>> = {
  ERR_CACHE_INVALID_OPTIONS: {
    retryable: false,
    cause: 'An option is unknown, has the wrong form, or lies outside its range.',
    remedy: 'Correct every field that the message lists; it names ranges and the nearest names.',
  },
  ERR_CACHE_INVALID_KEY: {
    retryable: false,
    cause: 'The key is no string, empty, over 1,024 bytes of UTF-8, or not well-formed UTF-16.',
    remedy: 'Use a key within these bounds; hash a key that is too long.',
  },
  ERR_CACHE_INVALID_TTL: {
    retryable: false,
    cause: 'The time to live is no duration above zero and at most 1,000 years.',
    remedy: "Give milliseconds as an integer, text such as '5m', or 'never'.",
  },
  ERR_CACHE_INVALID_VALUE: {
    retryable: false,
    cause: 'The value or its content type cannot be stored, or be read back, without loss.',
    remedy: 'Store a value that the codec carries, or encode it to a Uint8Array.',
  },
  ERR_CACHE_INVALID_TAG: {
    retryable: false,
    cause:
      'A tag is no string, empty, over 256 bytes of UTF-8, or not well-formed; or over 64 tags.',
    remedy: 'Correct the tag that the message names by its place; nothing was stored or removed.',
  },
  ERR_CACHE_INVALID_NAMESPACE: {
    retryable: false,
    cause: 'The name of a namespace is no string, empty, too long, or not well-formed UTF-16.',
    remedy: 'Use a short, well-formed name.',
  },
  ERR_CACHE_NOT_A_NUMBER: {
    retryable: false,
    cause: 'A number was to be added to a value that is not a safe integer or the text of one.',
    remedy: 'Count under a key that holds integers alone, or set the key anew.',
  },
  ERR_CACHE_NUMBER_OVERFLOW: {
    retryable: false,
    cause: 'The sum would be beyond 2^53 - 1 or below -(2^53 - 1), and so not exact.',
    remedy: 'Set the counter back before it gets there; the value was left as it was.',
  },
  ERR_CACHE_INVALID_PATTERN: {
    retryable: false,
    cause: 'The prefix or glob is no string, empty, too long, or not well-formed.',
    remedy: "Correct what the message names; '\\' takes a special character as it is.",
  },
  ERR_CACHE_INCOMPATIBLE_HANDLE: {
    retryable: false,
    cause: 'The handle is no handle of an engine, or one of another version of the library.',
    remedy: 'Pass what engine.handle() returned, and use one version in all threads.',
  },
  ERR_CACHE_VALUE_TOO_LARGE: {
    retryable: false,
    cause: 'The encoded value is over the limit: the smaller of 64 MiB and half of a shard.',
    remedy: 'Store less under one key, give the engine more memory, or fewer shards.',
  },
  ERR_CACHE_BUFFER_TOO_SMALL: {
    retryable: false,
    cause: 'The buffer given to readInto is smaller than the value.',
    remedy: 'Pass a buffer of at least the size that the message names.',
  },
  ERR_CACHE_TOO_MANY_NAMESPACES: {
    retryable: false,
    cause: 'The registry of namespaces is full; names are never given back.',
    remedy: 'Put the varying part of the name into the key.',
  },
  ERR_CACHE_TOO_MANY_THREADS: {
    retryable: true,
    cause: 'All thread slots of the engine are taken.',
    remedy: "Raise the option 'threads', or close engines of threads that no longer need them.",
  },
  ERR_CACHE_OUT_OF_MEMORY: {
    retryable: true,
    cause: 'No room was found for the entry, although others were evicted.',
    remedy: 'Try again; if it stays, give the engine more memory or store smaller values.',
  },
  ERR_CACHE_OVERLOADED: {
    retryable: true,
    cause: 'Writes come faster than they are applied, and the queue of this thread is full.',
    remedy: 'Await earlier writes before sending more, or add home workers.',
  },
  ERR_CACHE_BUSY: {
    retryable: true,
    cause: 'The shard was held for longer than a reader waits.',
    remedy: 'Try again.',
  },
  ERR_CACHE_OUTCOME_UNKNOWN: {
    retryable: false,
    cause: 'The thread that applied the command ended before it answered.',
    remedy: 'Read the entry; repeat the command where doing it twice does no harm (retryable).',
  },
  ERR_CACHE_CHECKPOINT_FAILED: {
    retryable: true,
    cause: 'The file of the engine could not be written; the one before it stays.',
    remedy: 'Read the message: free disk space, or give a path that this user alone may write to.',
  },
  ERR_CACHE_ABORTED: {
    retryable: true,
    cause: 'The signal of the call was aborted before the call was through.',
    remedy: 'Call again to go on; what was done until then stays done, as the message tells.',
  },
  ERR_CACHE_LOAD_FAILED: {
    retryable: true,
    cause: 'The loader of another thread, for whose result this call waited, has failed.',
    remedy: 'See the message, which is that of its error; try again when the source is back.',
  },
  ERR_CACHE_LOAD_TIMEOUT: {
    retryable: true,
    cause: 'No loader delivered the value within waitMs, or within the lifetime of its lease.',
    remedy: 'Try again, or raise waitMs and leaseMs above the time that the source takes.',
  },
  ERR_CACHE_CLOSED: {
    retryable: false,
    cause: 'The engine was closed, here or by the thread that created it.',
    remedy: 'Use the engine before close() is called.',
  },
};

/** Particulars of one error. */
export interface CacheErrorDetails {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** Overrides the code's own entry: some outcomes depend on the command. */
  readonly retryable?: boolean;
}

// Registered, not unique: copies of this module in one process agree on it.
const BRAND: symbol = Symbol.for('hotshard.CacheError');

/**
 * A failure of a call, told apart by `code`. `instanceof` and `CacheError.is` also recognise
 * errors of another copy of this library in the same thread.
 */
export class CacheError extends Error {
  /** The stable name of the failure. */
  readonly code: CacheErrorCode;
  /** Whether the same call may succeed later, unchanged. */
  readonly retryable: boolean;

  constructor(code: CacheErrorCode, message: string, details: CacheErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.retryable = details.retryable ?? ERROR_CODES[code].retryable;
  }

  /** Whether the value is a `CacheError`, of whichever copy of this library. */
  static is(value: unknown): value is CacheError {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

// A subclass inherits this method, and not every CacheError is an instance of it.
function hasInstance(this: unknown, value: unknown): boolean {
  if (this === CacheError) return CacheError.is(value);
  return Function.prototype[Symbol.hasInstance].call(this as typeof CacheError, value);
}

Object.defineProperties(CacheError.prototype, {
  [BRAND]: { value: true },
  // On the prototype, so that the stack, which is written by the constructor, begins with it.
  name: { value: 'CacheError', configurable: true, writable: true },
});
Object.defineProperty(CacheError, Symbol.hasInstance, { value: hasInstance });

/** Numbers that make the message of a refusal useful; each is optional. */
export interface RefusalContext {
  /** The method that was called, for example `set`. */
  readonly operation: string;
  /** Bytes of the encoded value. */
  readonly valueBytes?: number;
  /** The largest value that this engine stores, in bytes. */
  readonly valueBytesMax?: number;
  /** Namespaces that one engine can hold. */
  readonly namespacesMax?: number;
  /** Threads that can be attached at once. */
  readonly threadsMax?: number;
  /** Whether the command may be applied twice without harm. */
  readonly isIdempotent?: boolean;
}

/**
 * The error for a refusal of the core.
 *
 * @throws {TypeError} when the status is an answer, or none that the core gives: a fault of the
 * calling code
 */
export function statusError(status: Status, context: RefusalContext): CacheError {
  switch (status) {
    case STATUS_OK:
    case STATUS_REFUSED:
    case STATUS_PENDING:
    case STATUS_MISS:
    case STATUS_STALE:
    case STATUS_PRESENT:
    case STATUS_WAIT:
    case STATUS_NO_LEASE:
      throw new TypeError(`${context.operation}: status ${status} is an answer, not a refusal`);
    case STATUS_BUSY:
    case STATUS_FULL:
    case STATUS_TOO_LARGE:
    case STATUS_OUT_OF_MEMORY:
    case STATUS_OUTCOME_UNKNOWN:
    case STATUS_TOO_MANY_NAMESPACES:
    case STATUS_NO_SLOT:
    case STATUS_NOT_A_NUMBER:
    case STATUS_NUMBER_OVERFLOW:
      return refusalError(status, context);
    default:
      return unknownStatus(status, context);
  }
}

function refusalError(status: RefusalStatus, context: RefusalContext): CacheError {
  const { operation } = context;
  switch (status) {
    case STATUS_BUSY:
      return refused('ERR_CACHE_BUSY', `${operation}: the shard is busy`);
    case STATUS_FULL:
      return refused('ERR_CACHE_OVERLOADED', `${operation}: too many writes are waiting`);
    case STATUS_TOO_LARGE:
      return valueTooLarge(operation, context.valueBytes, context.valueBytesMax);
    case STATUS_OUT_OF_MEMORY:
      return refused(
        'ERR_CACHE_OUT_OF_MEMORY',
        `${operation}: no room for${size(context.valueBytes, ' a value of ', ' the entry')}`,
      );
    case STATUS_OUTCOME_UNKNOWN:
      return new CacheError(
        'ERR_CACHE_OUTCOME_UNKNOWN',
        `${operation}: the thread that applied the command ended before it answered`,
        { retryable: context.isIdempotent ?? false },
      );
    case STATUS_TOO_MANY_NAMESPACES:
      return refused(
        'ERR_CACHE_TOO_MANY_NAMESPACES',
        `${operation}: all${count(context.namespacesMax)} namespaces are in use`,
      );
    case STATUS_NO_SLOT:
      return refused(
        'ERR_CACHE_TOO_MANY_THREADS',
        `${operation}: all${count(context.threadsMax)} thread slots are taken; ` +
          "see the option 'threads'",
      );
    case STATUS_NOT_A_NUMBER:
      return refused(
        'ERR_CACHE_NOT_A_NUMBER',
        `${operation}: the value is neither a safe integer nor the decimal text of one`,
      );
    case STATUS_NUMBER_OVERFLOW:
      return refused(
        'ERR_CACHE_NUMBER_OVERFLOW',
        `${operation}: the sum lies outside of -(2^53 - 1) to 2^53 - 1`,
      );
  }
}

function refused(code: CacheErrorCode, message: string): CacheError {
  return new CacheError(code, message);
}

function unknownStatus(status: never, context: RefusalContext): never {
  throw new TypeError(`${context.operation}: the core gave the unknown status ${String(status)}`);
}

function size(bytes: number | undefined, before: string, otherwise: string): string {
  return bytes === undefined ? otherwise : `${before}${bytes} bytes`;
}

function count(value: number | undefined): string {
  return value === undefined ? '' : ` ${value}`;
}

/** `ERR_CACHE_INVALID_KEY`; the problem completes the sentence that begins with "key". */
export function invalidKey(problem: string): CacheError {
  return new CacheError('ERR_CACHE_INVALID_KEY', `key ${problem}`);
}

/** `ERR_CACHE_INVALID_PATTERN`; the subject is `prefix` or `glob`. */
export function invalidPattern(subject: string, problem: string): CacheError {
  return new CacheError('ERR_CACHE_INVALID_PATTERN', `${subject} ${problem}`);
}

/** `ERR_CACHE_ABORTED` with the reason that the signal gives. */
export function aborted(operation: string, soFar: string, signal: AbortSignal): CacheError {
  return new CacheError('ERR_CACHE_ABORTED', `${operation}: aborted; ${soFar}`, {
    cause: signal.reason,
  });
}

/** `ERR_CACHE_INVALID_TTL`; the field is what the caller called it, for example `ttl`. */
export function invalidTtl(field: string, problem: string): CacheError {
  return new CacheError('ERR_CACHE_INVALID_TTL', `${field}: ${problem}`);
}

/** `ERR_CACHE_INVALID_TAG`; the field is what the caller called it, for example `tags[2]`. */
export function invalidTag(field: string, problem: string): CacheError {
  return new CacheError('ERR_CACHE_INVALID_TAG', `${field}: ${problem}`);
}

/** `ERR_CACHE_INVALID_VALUE`, with what the codec threw, where it did. */
export function invalidValue(problem: string, details: CacheErrorDetails = {}): CacheError {
  return new CacheError('ERR_CACHE_INVALID_VALUE', `value ${problem}`, details);
}

/** `ERR_CACHE_VALUE_TOO_LARGE`; sizes in bytes, where they are known. */
export function valueTooLarge(
  operation: string,
  valueBytes?: number,
  valueBytesMax?: number,
): CacheError {
  const limit = size(valueBytesMax, ' is over the limit of ', ' is over the limit');
  return refused(
    'ERR_CACHE_VALUE_TOO_LARGE',
    `${operation}: the value${size(valueBytes, ' of ', '')}${limit}`,
  );
}

/** `ERR_CACHE_BUFFER_TOO_SMALL`; both sizes in bytes. */
export function bufferTooSmall(valueBytes: number, bufferBytes: number): CacheError {
  return refused(
    'ERR_CACHE_BUFFER_TOO_SMALL',
    `the value has ${valueBytes} bytes, the buffer only ${bufferBytes}`,
  );
}

/** `ERR_CACHE_CLOSED` for the method that was called. */
export function engineClosed(operation: string): CacheError {
  return refused('ERR_CACHE_CLOSED', `${operation}: the engine is closed`);
}

/** `ERR_CACHE_CHECKPOINT_FAILED`, with what the system said, where it did. */
export function checkpointFailed(problem: string, cause?: unknown): CacheError {
  return new CacheError('ERR_CACHE_CHECKPOINT_FAILED', `checkpoint: ${problem}`, { cause });
}

/** `ERR_CACHE_INVALID_OPTIONS` with every problem, one a line, each `field: problem`. */
export function invalidOptions(subject: string, problems: readonly string[]): CacheError {
  const listed = problems.length === 1 ? ` ${problems[0]}` : `\n  ${problems.join('\n  ')}`;
  return refused('ERR_CACHE_INVALID_OPTIONS', `invalid ${subject}:${listed}`);
}
