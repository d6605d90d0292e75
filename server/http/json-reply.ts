import type { ByteBudget } from '../byte-budget.js';
import { RequestError } from '../error-table.js';
import { CONTENT_TYPE_HEADER, JSON_CONTENT_TYPE } from '../wire.js';
import { sendReply } from './reply.js';
import type { Exchange } from './transport.js';

/** Smaller answers are handed over whole, and what waits of them for slow clients not counted. */
const WHOLE_BYTES_MAX = 16_384;
const FIRST_BYTES = 4_096;
/** Of one unit of UTF-16. */
const UTF8_BYTES_MAX = 3;

/**
 * An answer in JSON that holds values of the cache: their text goes in as it is. Values count in
 * the budget until the client has taken them, or `release` is called.
 */
export class JsonReply {
  private readonly budget: ByteBudget;
  private readonly valueBytesMax: number;
  /** The answer so far, and room behind it. */
  private buffer: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  private length = 0;
  /** Text that follows: put together here, because each write into the buffer has its price. */
  private pendingText = '';
  private valueBytes = 0;
  private takenBytes = 0;

  /** @param valueBytesMax bytes of all values together */
  constructor(budget: ByteBudget, valueBytesMax: number) {
    this.budget = budget;
    this.valueBytesMax = valueBytesMax;
  }

  /** Appends JSON text of the service's own making. */
  write(text: string): void {
    this.pendingText += text;
  }

  /**
   * Appends a value.
   *
   * @throws {RequestError} `ERR_HTTP_BATCH_TOO_LARGE` over the limit, `ERR_CACHE_OVERLOADED` when
   * the budget is used up
   */
  writeValue(text: Uint8Array): void {
    this.valueBytes += text.length;
    if (this.valueBytes > this.valueBytesMax) {
      throw new RequestError(
        'ERR_HTTP_BATCH_TOO_LARGE',
        `the values have more than ${this.valueBytesMax} bytes together: ask for fewer at once`,
      );
    }
    if (!this.budget.tryTake(text.length)) {
      throw new RequestError('ERR_CACHE_OVERLOADED', 'too many large values are being sent');
    }
    this.takenBytes += text.length;
    this.flush();
    this.makeRoom(text.length);
    this.buffer.set(text, this.length);
    this.length += text.length;
  }

  send(exchange: Exchange, status = 200): void {
    this.flush();
    const body = this.buffer.subarray(0, this.length);
    const headers = [[CONTENT_TYPE_HEADER, JSON_CONTENT_TYPE]] as const;
    if (body.length <= WHOLE_BYTES_MAX || exchange.method === 'HEAD') {
      sendReply(exchange, { status, headers, body });
      this.release();
      return;
    }
    if (!exchange.isOpen) {
      this.release();
      return;
    }
    exchange.cork(() => {
      exchange.writeStatus(status);
      for (const [name, value] of headers) exchange.writeHeader(name, value);
      exchange.endParts([body], body.length, () => this.release());
    });
  }

  /** Gives the budget back. Idempotent. */
  release(): void {
    this.budget.give(this.takenBytes);
    this.takenBytes = 0;
  }

  private flush(): void {
    const text = this.pendingText;
    this.pendingText = '';
    this.makeRoom(text.length * UTF8_BYTES_MAX);
    this.length += this.buffer.write(text, this.length);
  }

  private makeRoom(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.buffer.length));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}
