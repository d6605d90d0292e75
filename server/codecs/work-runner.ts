import { RequestError } from '../error-table.js';
import type { BodyInflater } from './body-inflater.js';
import type { CodecPool } from './codec-pool.js';
import { type CodecOutcome, type CodecTools, type CodecWork, performWork } from './codec-work.js';
import { readDecodedSize } from './lz4-block.js';
import type { ValueForm } from './value-form.js';

/** A result that is there at once where the value is small. */
export type Maybe<T> = T | Promise<T>;

/** What stored bytes became. */
export interface DecodedValue {
  /** Without a coding; converted unless `obstacle` is set. */
  readonly bytes: Uint8Array;
  /** Why the conversion was left out: it would have changed the value. */
  readonly obstacle: string | undefined;
}

/** Goes on with a result, now or when it is there. */
export function andThen<T, U>(result: Maybe<T>, next: (value: T) => U): Maybe<U> {
  return result instanceof Promise ? result.then(next) : next(result);
}

/** Decides where the work on a value is done: small values here, large ones off the event loop. */
export class WorkRunner {
  private readonly tools: CodecTools;
  private readonly pool: CodecPool;
  private readonly inflater: BodyInflater;
  private readonly poolThresholdBytes: number;

  constructor(
    tools: CodecTools,
    pool: CodecPool,
    inflater: BodyInflater,
    poolThresholdBytes: number,
  ) {
    this.tools = tools;
    this.pool = pool;
    this.inflater = inflater;
    this.poolThresholdBytes = poolThresholdBytes;
  }

  /** @throws {RequestError} when the work cannot even begin, or the pool is full */
  run(work: CodecWork): Maybe<CodecOutcome> {
    if (!hasSteps(work)) return { kind: 'unchanged' };
    const { bytes, unpacks } = work;
    const byteCount = unpacks ? readDecodedSize(bytes, this.tools.valueBytesMax) : bytes.length;
    if (byteCount > this.poolThresholdBytes) return this.pool.run(work);
    return performWork(this.tools, work);
  }

  /** Decodes gzip and Brotli, then goes on with the work on what comes out. */
  async runInflated(work: CodecWork, coding: 'gzip' | 'br'): Promise<CodecOutcome> {
    const bytes = await this.inflater.inflate(work.bytes, coding);
    const outcome = await this.run({ ...work, bytes });
    return outcome.kind === 'unchanged' ? { kind: 'done', bytes, isPacked: false } : outcome;
  }

  /**
   * Undoes the coding of stored bytes and converts them.
   *
   * @throws {RequestError} `ERR_HTTP_NOT_ACCEPTABLE` where this service cannot undo the coding
   */
  decode(
    bytes: Uint8Array,
    { coding, kind, messageType }: ValueForm,
    target: CodecWork['target'],
  ): Maybe<DecodedValue> {
    const unpacks = coding === 'lz4';
    const work = { bytes, kind, messageType, unpacks, target, checks: false, packs: false };
    const finish = (outcome: CodecOutcome): DecodedValue => {
      switch (outcome.kind) {
        case 'done':
          return { bytes: outcome.bytes, obstacle: undefined };
        case 'inexact':
          return { bytes: outcome.bytes, obstacle: outcome.message };
        case 'unchanged':
          return { bytes, obstacle: undefined };
        case 'refused':
          throw undecodable(new RequestError(outcome.code, outcome.message));
      }
    };
    if (coding === 'gzip' || coding === 'br') {
      const inflated = this.runInflated(work, coding).catch((error: unknown) => {
        throw undecodable(error);
      });
      return inflated.then(finish);
    }
    return andThen(this.begin(work), finish);
  }

  private begin(work: CodecWork): Maybe<CodecOutcome> {
    try {
      return this.run(work);
    } catch (error) {
      throw undecodable(error);
    }
  }
}

function hasSteps({ kind, unpacks, checks, target, packs }: CodecWork): boolean {
  const isChecked = checks && kind !== 'raw' && kind !== 'text';
  return unpacks || isChecked || target !== undefined || packs;
}

const UNDECODABLE_CODES: readonly string[] = [
  'ERR_HTTP_MALFORMED_BODY',
  'ERR_HTTP_UNSUPPORTED_CODING',
  'ERR_CACHE_VALUE_TOO_LARGE',
];

/** What is wrong with stored bytes is no fault of the request that reads them. */
function undecodable(error: unknown): unknown {
  if (!(error instanceof RequestError) || !UNDECODABLE_CODES.includes(error.code)) return error;
  return new RequestError(
    'ERR_HTTP_NOT_ACCEPTABLE',
    `the value can be had only in the coding that it is stored in: ${error.message}`,
  );
}
