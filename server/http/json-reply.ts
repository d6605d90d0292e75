import type { ByteBudget } from '../byte-budget.js';
import { RequestError } from '../error-table.js';
import { CONTENT_TYPE_HEADER, encodeText, JSON_CONTENT_TYPE } from '../wire.js';
import { sendReply } from './reply.js';
import type { Exchange } from './transport.js';

/** Smaller answers are handed over whole, and what waits of them for slow clients not counted. */
const WHOLE_BYTES_MAX = 16_384;

/**
 * An answer in JSON that holds values of the cache: their text goes in as it is. Values count in
 * the budget until the client has taken them, or `release` is called.
 */
export class JsonReply {
  private readonly budget: ByteBudget;
  private readonly valueBytesMax: number;
  private readonly parts: Uint8Array[] = [];
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
   * Appends a value, whose bytes are kept, not copied.
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
    this.parts.push(text);
  }

  send(exchange: Exchange, status = 200): void {
    this.flush();
    const body = Buffer.concat(this.parts);
    this.parts.length = 0;
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
    if (this.pendingText === '') return;
    this.parts.push(encodeText(this.pendingText));
    this.pendingText = '';
  }
}
