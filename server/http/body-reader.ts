import type { ByteBudget } from '../byte-budget.js';
import { ClientGoneError, RequestError } from '../error-table.js';
import type { BodyReceiver, Exchange } from './transport.js';

/**
 * Bodies that are refused by their Content-Length are skipped up to this size, so that a client
 * which sends before it reads still sees the answer; the connection of a larger one is closed.
 */
const SKIPPED_BYTES_MAX: number = 256 * 1_024 ** 2;

export interface BodyLimits {
  /** What Content-Length states; `undefined` for a chunked body. */
  readonly contentBytes: number | undefined;
  /** The largest body that is taken. */
  readonly valueBytesMax: number;
  /** Charged while the body grows; whoever gets the body gives its length back. */
  readonly budget: ByteBudget;
}

/**
 * Reads the body of a request into memory of its own, counting as it comes.
 *
 * @throws {RequestError} over the limit: by Content-Length before anything is read, else when the
 * first byte too many arrives; and when the budget of all bodies is used up
 * @throws {ClientGoneError} when the client aborts
 */
export async function readBody(exchange: Exchange, limits: BodyLimits): Promise<Uint8Array> {
  const { contentBytes, valueBytesMax } = limits;
  if (contentBytes !== undefined && contentBytes > valueBytesMax) {
    throw tooLarge(valueBytesMax, contentBytes > SKIPPED_BYTES_MAX);
  }
  return new Promise((resolve, reject) => {
    exchange.receiveBody(new BodyReader(limits, resolve, reject));
  });
}

class BodyReader implements BodyReceiver {
  private readonly limits: BodyLimits;
  private readonly resolve: (body: Uint8Array) => void;
  private readonly reject: (error: Error) => void;
  /** What came so far: one buffer when the length was stated, else the chunks. */
  private whole: Buffer | undefined;
  private chunks: Uint8Array[] = [];
  private receivedBytes = 0;
  private isSettled = false;

  constructor(
    limits: BodyLimits,
    resolve: (body: Uint8Array) => void,
    reject: (error: Error) => void,
  ) {
    this.limits = limits;
    this.resolve = resolve;
    this.reject = reject;
  }

  onChunk(chunk: Uint8Array, isLast: boolean): void {
    if (this.isSettled) return;
    const { valueBytesMax, budget } = this.limits;
    if (this.receivedBytes + chunk.length > valueBytesMax) {
      this.fail(tooLarge(valueBytesMax, true));
    } else if (!budget.tryTake(chunk.length)) {
      this.fail(new RequestError('ERR_CACHE_OVERLOADED', 'too many bodies are being received'));
    } else {
      this.keep(chunk, isLast);
      if (isLast) this.complete();
    }
  }

  onAborted(): void {
    this.fail(new ClientGoneError('the client went away while it sent the body'));
  }

  /** The chunk is lent, so its bytes are copied. */
  private keep(chunk: Uint8Array, isLast: boolean): void {
    const { contentBytes } = this.limits;
    if (contentBytes !== undefined && !(isLast && this.receivedBytes === 0)) {
      // Not cleared: the system commits the memory only as the bytes are written.
      this.whole ??= Buffer.allocUnsafeSlow(contentBytes);
      this.whole.set(chunk, this.receivedBytes);
    } else if (chunk.length > 0) {
      // Not `slice`: that of a Buffer, which node:http lends, is a view.
      this.chunks.push(new Uint8Array(chunk));
    }
    this.receivedBytes += chunk.length;
  }

  private complete(): void {
    this.isSettled = true;
    const [first] = this.chunks;
    if (this.whole !== undefined) this.resolve(this.whole.subarray(0, this.receivedBytes));
    else if (first !== undefined && this.chunks.length === 1) this.resolve(first);
    else this.resolve(Buffer.concat(this.chunks));
    this.chunks = [];
  }

  private fail(error: Error): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.limits.budget.give(this.receivedBytes);
    this.whole = undefined;
    this.chunks = [];
    this.reject(error);
  }
}

function tooLarge(valueBytesMax: number, closes: boolean): RequestError {
  return new RequestError(
    'ERR_CACHE_VALUE_TOO_LARGE',
    `the value has more than ${valueBytesMax} bytes`,
    { closes },
  );
}
