import { STATUS_CODES } from 'node:http';
import { copyPartsFrom } from './body-parts.js';
import type { BodyReceiver, Exchange, HeaderVisitor } from './transport.js';
import type { UwsRequest, UwsResponse } from './uws-binding.js';

/** What all exchanges of one listener have in common. */
export interface UwsListenerState {
  pendingExchanges: number;
  startedExchanges: number;
  openConnections: number;
  openSockets: number;
  isDraining: boolean;
}

const statusLines = new Map<number, string>(
  Object.entries(STATUS_CODES).map(([code, reason]) => [Number(code), `${code} ${reason}`]),
);

/** The status with its reason, as the library writes it. */
export function reasonLine(status: number): string {
  return statusLines.get(status) ?? `${status} Unknown`;
}

/**
 * Every response has a handler of aborts from the start. Without one the library ends the process
 * when it cannot write a response to a client that is gone already, although the response was
 * ended: as soon as what is written in one go is more than its buffer of 16 KiB, pipelined
 * responses together.
 */
export function ignoreAbort(): void {
  // Nobody waits for the client any more.
}

const ignoreBody: BodyReceiver = {
  onChunk: () => undefined,
  onAborted: () => undefined,
};

/**
 * One exchange over uWebSockets.js. An object whose exchange was answered before its handler
 * returned serves the next request too, so that a hit allocates nothing here.
 */
export class UwsExchange implements Exchange {
  method = '';
  path = '';
  requestId = '';
  isOpen = false;

  private readonly listener: UwsListenerState;
  private request: UwsRequest | undefined;
  private response: UwsResponse | undefined;
  private closes = false;
  /** Whether the handler has returned: from then on writes are corked by hand. */
  private isDetached = false;
  private receiver: BodyReceiver = ignoreBody;
  private onSettled: (() => void) | undefined;

  constructor(listener: UwsListenerState) {
    this.listener = listener;
  }

  begin(method: string, response: UwsResponse, request: UwsRequest): void {
    this.method = method;
    this.path = request.getUrl();
    this.request = request;
    this.response = response;
    response.onAborted(ignoreAbort);
    this.requestId = '';
    this.closes = this.listener.isDraining;
    this.isOpen = true;
  }

  /** The handler has returned. An open exchange lives on by itself from here. */
  leaveHandler(): void {
    this.request = undefined;
    if (!this.isOpen) return;
    this.isDetached = true;
    this.listener.pendingExchanges += 1;
    // In the place of the one that it has.
    this.response?.onAborted(() => this.abort());
  }

  get query(): string {
    return this.openRequest().getQuery() ?? '';
  }

  get remoteAddress(): string {
    const address = this.response?.getRemoteAddressAsText();
    return address === undefined ? '' : Buffer.from(address).toString('latin1');
  }

  header(name: string): string {
    return this.openRequest().getHeader(name);
  }

  visitHeaders(visitor: HeaderVisitor): void {
    this.openRequest().forEach(visitor);
  }

  receiveBody(receiver: BodyReceiver): void {
    this.openRequest();
    this.receiver = receiver;
    this.response?.onData((chunk, isLast) => {
      if (this.receiver === receiver) receiver.onChunk(new Uint8Array(chunk), isLast);
    });
  }

  writeStatus(status: number): void {
    if (this.isOpen) this.response?.writeStatus(reasonLine(status));
  }

  writeHeader(name: string, value: string): void {
    if (this.isOpen) this.response?.writeHeader(name, value);
  }

  writeHeaderLines(name: Uint8Array, valueAndLines: Uint8Array): void {
    // The library copies name and value as they are, so a value may hold whole lines.
    if (this.isOpen) this.response?.writeHeader(name, valueAndLines);
  }

  end(body: Uint8Array): void {
    if (!this.isOpen) return;
    this.response?.end(body, this.closes);
    this.finish();
  }

  endWithoutBody(): void {
    const response = this.response;
    if (!this.isOpen || response === undefined) return;
    // Arguments would make the library state a length, which a response such as 204 must not.
    if (this.closes) response.writeHeader('Connection', 'close');
    response.endWithoutBody();
    this.finish();
  }

  endWithLengthOnly(bodyBytes: number): void {
    // The library takes a response for incomplete while a length that it was told is outstanding.
    this.writeHeader('Content-Length', String(bodyBytes));
    this.endWithoutBody();
  }

  endParts(parts: readonly Uint8Array[], totalBytes: number, onSettled: () => void): void {
    const response = this.response;
    if (!this.isOpen || response === undefined) {
      onSettled();
      return;
    }
    this.onSettled = onSettled;
    // tryEnd knows no close flag: the client closes by the header, or is cut at the end of a drain.
    if (this.closes) response.writeHeader('Connection', 'close');
    for (const part of parts) {
      const [isTaken, isComplete] = response.tryEnd(part, totalBytes);
      if (isComplete) {
        this.finish();
        return;
      }
      if (!isTaken) {
        this.endPartsLater(response, parts, totalBytes);
        return;
      }
    }
    // The parts were shorter than their total: no body can be completed with them.
    response.close();
    this.abort();
  }

  closeAfterResponse(): void {
    this.closes = true;
  }

  cork(write: () => void): void {
    if (!this.isOpen) return;
    // The library corks by itself until the handler returns.
    if (this.isDetached) this.response?.cork(write);
    else write();
  }

  /** The socket is full: keeps a copy of the rest, because views of shared memory do not last. */
  private endPartsLater(
    response: UwsResponse,
    parts: readonly Uint8Array[],
    totalBytes: number,
  ): void {
    const takenBytes = response.getWriteOffset();
    const rest = copyPartsFrom(parts, takenBytes, totalBytes);
    response.onWritable((offset) => {
      const [isTaken, isComplete] = response.tryEnd(rest.subarray(offset - takenBytes), totalBytes);
      if (isComplete) this.finish();
      return isTaken;
    });
  }

  private openRequest(): UwsRequest {
    if (this.request === undefined) {
      throw new Error('a request can be read only before its handler returns');
    }
    return this.request;
  }

  private finish(): void {
    this.isOpen = false;
    this.receiver = ignoreBody;
    if (this.isDetached) this.listener.pendingExchanges -= 1;
    this.settle();
  }

  private abort(): void {
    if (!this.isOpen) return;
    const receiver = this.receiver;
    this.finish();
    receiver.onAborted();
  }

  private settle(): void {
    const onSettled = this.onSettled;
    this.onSettled = undefined;
    onSettled?.();
  }
}
