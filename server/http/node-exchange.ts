import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { copyPartsFrom, sumLengths } from './body-parts.js';
import type { BodyReceiver, Exchange, HeaderVisitor } from './transport.js';

/** Bodies are handed to the system in pieces of this size, so that a slow client is noticed. */
const SLICE_BYTES = 65_536;
const NO_CONTENT = 204;
const NOT_MODIFIED = 304;
const NO_BYTES = new Uint8Array(0);

/** What an exchange tells the connection that it came on. */
export interface ExchangeOwner {
  /** Part of the response was handed to the system. */
  onProgress(): void;
}

export interface NodeExchangeParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly owner: ExchangeOwner;
  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
}

/** One exchange over node:http. */
export class NodeExchange implements Exchange {
  readonly method: string;
  readonly path: string;
  requestId = '';
  isOpen = true;
  /** Whether the response was handed over as a whole, though the client may not have it yet. */
  isAnswered = false;
  /** Whether a byte of the response was written. */
  hasBegun = false;
  /** Whether the connection closes after the response. */
  closes = false;

  private readonly parts: NodeExchangeParts;
  private readonly queryText: string;
  private isReadable = true;
  private receiver: BodyReceiver | undefined;
  private status = 200;
  private headers: string[] = [];
  private onSettled: (() => void) | undefined;
  /** What a slow client has not taken yet, a copy. */
  private rest: Uint8Array = NO_BYTES;
  private restOffset = 0;

  constructor(parts: NodeExchangeParts) {
    this.parts = parts;
    const { method = '', url = '' } = parts.request;
    this.method = method;
    const queryStart = url.indexOf('?');
    this.path = queryStart === -1 ? url : url.slice(0, queryStart);
    this.queryText = queryStart === -1 ? '' : url.slice(queryStart + 1);
  }

  /** The handler has returned; a body that it did not ask for is skipped. */
  leaveHandler(): void {
    this.isReadable = false;
    const { request, expectsContinue } = this.parts;
    if (this.receiver === undefined && !expectsContinue) request.resume();
  }

  /** Whether bytes of the body are on their way, as far as the client knows. */
  get awaitsBody(): boolean {
    const { request, expectsContinue } = this.parts;
    return !request.complete && !(expectsContinue && this.receiver === undefined);
  }

  get query(): string {
    this.checkReadable();
    return this.queryText;
  }

  get remoteAddress(): string {
    return this.parts.socket.remoteAddress ?? '';
  }

  header(name: string): string {
    this.checkReadable();
    return findHeader(this.parts.request.rawHeaders, name);
  }

  visitHeaders(visitor: HeaderVisitor): void {
    this.checkReadable();
    const { rawHeaders } = this.parts.request;
    for (let index = 0; index < rawHeaders.length; index += 2) {
      visitor((rawHeaders[index] ?? '').toLowerCase(), rawHeaders[index + 1] ?? '');
    }
  }

  receiveBody(receiver: BodyReceiver): void {
    this.checkReadable();
    const { request, response, expectsContinue } = this.parts;
    this.receiver = receiver;
    if (expectsContinue) response.writeContinue();
    request.on('data', (chunk: Buffer) => this.receiver?.onChunk(chunk, false));
    request.on('end', () => this.receiver?.onChunk(NO_BYTES, true));
  }

  writeStatus(status: number): void {
    this.status = status;
  }

  writeHeader(name: string, value: string): void {
    this.headers.push(name, value);
  }

  writeHeaderLines(name: Uint8Array, valueAndLines: Uint8Array): void {
    const text = `${decodeLatin1(name)}: ${decodeLatin1(valueAndLines)}`;
    for (const part of splitHeaderLines(text)) this.headers.push(part);
  }

  end(body: Uint8Array): void {
    if (!this.isOpen) return;
    if (body.length > SLICE_BYTES) {
      this.endParts([body], body.length, () => undefined);
      return;
    }
    this.writeHead(body.length);
    // A copy, because what the client does not take at once is kept until it does.
    this.complete(Buffer.from(body));
  }

  endWithoutBody(): void {
    if (!this.isOpen) return;
    const hasNoLength = this.status === NO_CONTENT || this.status === NOT_MODIFIED;
    this.writeHead(hasNoLength || this.method === 'HEAD' ? undefined : 0);
    this.complete();
  }

  endWithLengthOnly(bodyBytes: number): void {
    if (!this.isOpen) return;
    this.writeHead(bodyBytes);
    this.complete();
  }

  endParts(parts: readonly Uint8Array[], totalBytes: number, onSettled: () => void): void {
    if (!this.isOpen) {
      onSettled();
      return;
    }
    this.onSettled = onSettled;
    if (sumLengths(parts) !== totalBytes) {
      // No body can be completed with them.
      this.parts.socket.destroy();
      this.abort();
      return;
    }
    this.writeHead(totalBytes);
    this.parts.response.flushHeaders();
    const takenBytes = this.sendAtOnce(parts);
    if (takenBytes === totalBytes) {
      this.complete();
    } else {
      this.rest = copyPartsFrom(parts, takenBytes, totalBytes);
      this.sendRest();
    }
  }

  closeAfterResponse(): void {
    this.closes = true;
  }

  cork(write: () => void): void {
    if (!this.isOpen) return;
    write();
  }

  /** The client has taken what was handed to the system. */
  onDrain(): void {
    if (this.isOpen && this.rest.length > 0) this.sendRest();
  }

  /** The client is gone, or what it sends is no request: nothing more is written. */
  abort(): void {
    if (!this.isOpen) return;
    const { receiver } = this;
    this.finish();
    receiver?.onAborted();
  }

  /** Hands over as much as the system takes without keeping anything; gives how much that was. */
  private sendAtOnce(parts: readonly Uint8Array[]): number {
    const { socket } = this.parts;
    const slice = Buffer.allocUnsafeSlow(SLICE_BYTES);
    let takenBytes = 0;
    for (const part of parts) {
      for (let offset = 0; offset < part.length; offset += SLICE_BYTES) {
        const piece = part.subarray(offset, offset + SLICE_BYTES);
        slice.set(piece);
        socket.write(slice.subarray(0, piece.length));
        takenBytes += piece.length;
        // What the system did not take refers to the slice, which must not change from now on.
        if (socket.writableLength > 0) return takenBytes;
      }
    }
    return takenBytes;
  }

  private sendRest(): void {
    const { socket, owner } = this.parts;
    owner.onProgress();
    while (this.restOffset < this.rest.length) {
      const start = this.restOffset;
      this.restOffset = Math.min(this.rest.length, start + SLICE_BYTES);
      if (!socket.write(this.rest.subarray(start, this.restOffset))) break;
    }
    if (this.restOffset === this.rest.length) this.complete();
  }

  private writeHead(contentBytes: number | undefined): void {
    const { response, request, expectsContinue } = this.parts;
    const { headers } = this;
    if (contentBytes !== undefined) headers.push('Content-Length', String(contentBytes));
    // A client that waits for leave to send its body may now send it or not: nobody can tell what
    // the next byte is.
    if (expectsContinue && this.receiver === undefined && !request.complete) this.closes = true;
    if (this.closes) headers.push('Connection', 'close');
    this.hasBegun = true;
    response.writeHead(this.status, headers);
  }

  private complete(body?: Uint8Array): void {
    const { response, owner } = this.parts;
    this.isAnswered = true;
    owner.onProgress();
    if (body === undefined) response.end();
    else response.end(body);
    this.finish();
  }

  private finish(): void {
    this.isOpen = false;
    this.receiver = undefined;
    this.rest = NO_BYTES;
    const { onSettled } = this;
    this.onSettled = undefined;
    onSettled?.();
  }

  private checkReadable(): void {
    if (!this.isReadable) throw new Error('a request can be read only before its handler returns');
  }
}

/** The first value of a header by its name in lower case; empty when absent. */
export function findHeader(rawHeaders: readonly string[], name: string): string {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const given = rawHeaders[index] ?? '';
    if (given.length === name.length && given.toLowerCase() === name) {
      return rawHeaders[index + 1] ?? '';
    }
  }
  return '';
}

function decodeLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

let lastLines = '';
let lastParts: readonly string[] = [];

/** Names and values in turn. Hits on one kind of entry repeat their lines, so the last is kept. */
function splitHeaderLines(text: string): readonly string[] {
  if (text !== lastLines) {
    lastParts = text.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
    lastLines = text;
  }
  return lastParts;
}
