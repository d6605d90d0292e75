import { createHmac, randomBytes } from 'node:crypto';
import { type DestinationStream, destination, type Logger, pino } from 'pino';
import type { OperationName } from '../operation-names.js';
import type { Log } from '../service.js';
import type { LogSettings } from '../service-settings.js';
import type { EntryAddress } from './entry-of-path.js';
import { LineLimit } from './line-limit.js';
import type { Outcome } from './service-metrics.js';

const STDERR = 2;
const HASH_CHARACTERS = 16;
const SALT_BYTES = 32;
/** Lines a second of one kind that clients can bring about; what is above is counted. */
const LINES_PER_SECOND = 10;

/** One operation as its line tells it. */
export interface OperationLine {
  readonly requestId: string;
  /** `undefined` where nothing serves the path or the method. */
  readonly operation: OperationName | undefined;
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly entry: EntryAddress | undefined;
  /** What the client was refused with. */
  readonly code: string | undefined;
}

/**
 * The log of one thread: one JSON object a line. Values are never written; of what clients send,
 * keys, namespaces and ids are, in printable ASCII.
 */
export class ServiceLog implements Log {
  private readonly logger: Logger;
  private readonly redactsKeys: boolean;
  private readonly salt: Uint8Array;
  private readonly slowLines = new LineLimit(LINES_PER_SECOND);
  private readonly faultLines = new LineLimit(LINES_PER_SECOND);
  private readonly overloadLines = new LineLimit(LINES_PER_SECOND);

  /**
   * @param stream default: the standard error output
   * @param salt what hashes of keys depend on, the same in all threads of a process
   */
  constructor(
    { level, redactsKeys }: LogSettings,
    stream: DestinationStream = destination({ fd: STDERR, sync: true }),
    salt: Uint8Array = makeSalt(),
  ) {
    const options = { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime };
    this.logger = pino(options, stream);
    this.redactsKeys = redactsKeys;
    this.salt = salt;
  }

  /** Whether lines of operations that went well are written. */
  get tellsAll(): boolean {
    return this.logger.isLevelEnabled('debug');
  }

  info(line: string): void {
    this.logger.info(line);
  }

  warn(line: string): void {
    this.logger.warn(line);
  }

  fault(error: unknown, requestId?: string): void {
    const suppressed = this.faultLines.take();
    if (suppressed === undefined) return;
    const fields = { err: error, ...(requestId !== undefined && { requestId }) };
    this.logger.error({ ...fields, ...countOf(suppressed) }, 'fault');
  }

  /** One that went as it should, or was refused: anybody can send what is refused. */
  operation(line: OperationLine): void {
    this.logger.debug(this.fieldsOf(line), 'operation');
  }

  /** One that the service had no room for, or that failed. */
  failedOperation(line: OperationLine): void {
    const suppressed = this.overloadLines.take();
    if (suppressed === undefined) return;
    this.logger.warn({ ...this.fieldsOf(line), ...countOf(suppressed) }, 'failed operation');
  }

  slowOperation(line: OperationLine): void {
    const suppressed = this.slowLines.take();
    if (suppressed === undefined) return;
    this.logger.warn({ ...this.fieldsOf(line), ...countOf(suppressed) }, 'slow operation');
  }

  private fieldsOf({ entry, durationMs, ...fields }: OperationLine): object {
    const roundedMs = Math.round(durationMs * 1_000) / 1_000;
    if (entry === undefined) return { ...fields, durationMs: roundedMs };
    const { namespace, key } = entry;
    const shown = this.redactsKeys
      ? { namespace: namespace && this.hash(namespace), key: this.hash(key) }
      : { namespace: printable(namespace), key: printable(key) };
    return { ...fields, durationMs: roundedMs, ...shown };
  }

  /** Lines of one key can be found together, and no list of keys tells which one it is. */
  private hash(text: string): string {
    const digest = createHmac('sha256', this.salt).update(text).digest('hex');
    return `#${digest.slice(0, HASH_CHARACTERS)}`;
  }
}

export function makeSalt(): Uint8Array {
  return randomBytes(SALT_BYTES);
}

/** Keys hold what they like; terminals obey more characters than those that JSON escapes. */
function printable(text: string): string {
  return text.replace(/[^ -~]+/g, encodeURIComponent);
}

function countOf(suppressed: number): { suppressed?: number } {
  return suppressed === 0 ? {} : { suppressed };
}
