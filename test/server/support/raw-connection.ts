import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** One response as it stood on the wire. */
export interface RawResponse {
  readonly status: number;
  /** By name in lower case; of a repeated header the last line. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

const HEAD_END = '\r\n\r\n';

/** A connection on which a test writes what it likes and reads whole responses. */
export class RawConnection {
  /** Resolves when the server has closed the connection, cleanly or not. */
  readonly closed: Promise<void>;
  private readonly socket: Socket;
  private received: Buffer = Buffer.alloc(0);
  private isClosed = false;
  private wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.wake();
    });
    // The close event follows; which error it was is of no interest.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      const onEnd = (): void => {
        this.isClosed = true;
        this.wake();
        resolve();
      };
      socket.once('end', onEnd);
      socket.once('close', onEnd);
    });
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect({ port, host: '127.0.0.1' });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawConnection(socket);
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Each byte in a packet of its own, as far as the system allows. */
  async writeByteByByte(bytes: string): Promise<void> {
    for (const byte of Buffer.from(bytes, 'latin1')) {
      if (this.isClosed) return;
      this.socket.write(Buffer.of(byte));
      await nextTurn();
    }
  }

  /** Stops taking bytes off the connection, as a client does that does not read. */
  stopReading(): void {
    this.socket.pause();
  }

  resumeReading(): void {
    this.socket.resume();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** The next response; `undefined` when the connection closed before it was complete. */
  async nextResponse(): Promise<RawResponse | undefined> {
    for (;;) {
      const taken = takeResponse(this.received);
      if (taken !== undefined) {
        this.received = taken.rest;
        return taken.response;
      }
      if (this.isClosed) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** Every response until the server closes. */
  async remainingResponses(): Promise<RawResponse[]> {
    const responses: RawResponse[] = [];
    for (;;) {
      const response = await this.nextResponse();
      if (response === undefined) return responses;
      responses.push(response);
    }
  }
}

function takeResponse(bytes: Buffer): { response: RawResponse; rest: Buffer } | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd === -1) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(statusLine.split(' ')[1]);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const bodyStart = headEnd + HEAD_END.length;
  const length = headers.get('content-length');
  // What the parser itself refuses has no length: the body ends with the connection.
  const isBodiless = status < 200 || status === 204;
  const bodyBytes = isBodiless ? 0 : length === undefined ? bytes.length - bodyStart : Number(length);
  if (bytes.length < bodyStart + bodyBytes) return undefined;
  const body = bytes.subarray(bodyStart, bodyStart + bodyBytes);
  return { response: { status, headers, body }, rest: bytes.subarray(bodyStart + bodyBytes) };
}

/** A request as text: the line, the headers and the body; `Host` is added unless it is given. */
export function requestText(
  line: string,
  headers: readonly string[] = [],
  body = '',
): string {
  const host = headers.some((header) => /^host\b/i.test(header)) ? [] : ['Host: localhost'];
  return `${[`${line} HTTP/1.1`, ...host, ...headers].join('\r\n')}${HEAD_END}${body}`;
}

/** A PUT whose length is stated correctly. */
export function putText(path: string, body: string, headers: readonly string[] = []): string {
  return requestText(`PUT ${path}`, [`Content-Length: ${body.length}`, ...headers], body);
}
