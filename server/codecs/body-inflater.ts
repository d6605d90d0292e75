import {
  type BrotliDecompress,
  brotliDecompress,
  type Gunzip,
  gunzip,
  type InputType,
  type ZlibOptions,
} from 'node:zlib';
import { ByteBudget } from '../byte-budget.js';
import { RequestError } from '../error-table.js';
import { WorkGate } from './work-gate.js';

/** Values that are decoded at once; each may come to fill the limit on values. */
const ACTIVE_MAX = 4;
const WAITING_MAX = 256;
/** Compressed bytes that are being decoded or wait for it, in values of the largest size. */
const LARGEST_VALUES_MAX = 8;

/** What `node:zlib` gives when it is asked for the engine too, which its types leave out. */
interface Inflated {
  readonly buffer: Buffer;
  readonly engine: Gunzip | BrotliDecompress;
}
type Inflate = (
  input: InputType,
  options: ZlibOptions,
  callback: (error: NodeJS.ErrnoException | null, result: Inflated) => void,
) => void;

const INFLATERS = {
  gzip: gunzip as unknown as Inflate,
  br: brotliDecompress as unknown as Inflate,
} as const;

/** Decodes gzip and Brotli off the event loop, never to more than a limit. */
export class BodyInflater {
  private readonly valueBytesMax: number;
  private readonly gate = new WorkGate(ACTIVE_MAX, WAITING_MAX);
  private readonly budget: ByteBudget;

  constructor(valueBytesMax: number) {
    this.valueBytesMax = valueBytesMax;
    this.budget = new ByteBudget(LARGEST_VALUES_MAX * valueBytesMax);
  }

  /**
   * Decodes a copy of the bytes: they are the caller's again at once.
   *
   * @throws {RequestError} when they are not in the coding, or too large when decoded
   */
  async inflate(bytes: Uint8Array, coding: 'gzip' | 'br'): Promise<Uint8Array> {
    const byteCount = bytes.length;
    if (!this.budget.tryTake(byteCount)) {
      throw new RequestError('ERR_CACHE_OVERLOADED', 'too many values are being decoded');
    }
    try {
      const copy = new Uint8Array(bytes);
      return await this.gate.run(() => this.inflateNow(copy, coding));
    } finally {
      this.budget.give(byteCount);
    }
  }

  private inflateNow(bytes: Uint8Array, coding: 'gzip' | 'br'): Promise<Uint8Array> {
    const options = { maxOutputLength: this.valueBytesMax, info: true };
    return new Promise((resolve, reject) => {
      INFLATERS[coding](bytes, options, (error, result) => {
        if (error !== null) reject(this.describe(error, coding));
        else if (result.engine.bytesWritten === bytes.length) resolve(result.buffer);
        else reject(malformed(coding, 'something follows the compressed data'));
      });
    });
  }

  private describe(error: NodeJS.ErrnoException, coding: string): RequestError {
    if (error.code === 'ERR_BUFFER_TOO_LARGE') {
      return new RequestError(
        'ERR_CACHE_VALUE_TOO_LARGE',
        `the decoded body has more than ${this.valueBytesMax} bytes`,
      );
    }
    return malformed(coding, error.message === '' ? 'it is damaged' : error.message);
  }
}

function malformed(coding: string, reason: string): RequestError {
  const message = `the body cannot be decoded as Content-Encoding: ${coding}: ${reason}`;
  return new RequestError('ERR_HTTP_MALFORMED_BODY', message);
}
