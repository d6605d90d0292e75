import type { BodyReceiver, Exchange, HeaderVisitor } from '../../../server/http/transport.js';

/** An exchange without a socket, which keeps what was written. */
export class ExchangeDouble implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly remoteAddress = '127.0.0.1';
  requestId = '';
  isOpen = true;
  status = 200;
  closes = false;
  readonly written: [string, string][] = [];
  body: Uint8Array | undefined;
  receiver: BodyReceiver | undefined;
  private readonly lines: readonly (readonly [string, string])[];

  constructor(
    method: string,
    target: string,
    lines: readonly (readonly [string, string])[] = [['host', 'localhost']],
  ) {
    this.method = method;
    [this.path = '', this.query = ''] = target.split('?');
    this.lines = lines;
  }

  header(name: string): string {
    return this.lines.find(([known]) => known === name)?.[1] ?? '';
  }

  visitHeaders(visitor: HeaderVisitor): void {
    for (const [name, value] of this.lines) visitor(name, value);
  }

  receiveBody(receiver: BodyReceiver): void {
    this.receiver = receiver;
  }

  writeStatus(status: number): void {
    this.status = status;
  }

  writeHeader(name: string, value: string): void {
    this.written.push([name, value]);
  }

  writeHeaderLines(name: Uint8Array, valueAndLines: Uint8Array): void {
    const text = `${Buffer.from(name)}: ${Buffer.from(valueAndLines)}`;
    for (const line of text.split('\r\n')) {
      const [lineName = '', value = ''] = line.split(': ');
      this.written.push([lineName, value]);
    }
  }

  end(body: Uint8Array): void {
    this.body = body;
    this.isOpen = false;
  }

  endWithoutBody(): void {
    this.isOpen = false;
  }

  endWithLengthOnly(bodyBytes: number): void {
    this.written.push(['Content-Length', String(bodyBytes)]);
    this.isOpen = false;
  }

  endParts(parts: readonly Uint8Array[], _totalBytes: number, onSettled: () => void): void {
    this.end(Buffer.concat(parts));
    onSettled();
  }

  closeAfterResponse(): void {
    this.closes = true;
  }

  cork(write: () => void): void {
    if (this.isOpen) write();
  }
}
