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
  private chunks: Buffer[] = [];
  private receivedBytes = 0;
  /** Fewer bytes than this hold no whole response. */
  private neededBytes = 1;
  private isClosed = false;
  private wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.receivedBytes += chunk.length;
      if (this.receivedBytes >= this.neededBytes) this.wake();
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

  /**
   * The request line in one packet and then each byte in one of its own, as far as the system
   * allows. A request line in pieces is a matter of its own: see `request-line.test.ts`.
   */
  async writeByteByByte(bytes: string): Promise<void> {
    const lineEnd = bytes.indexOf('\r\n') + 2;
    this.write(bytes.slice(0, lineEnd));
    for (const byte of Buffer.from(bytes.slice(lineEnd), 'latin1')) {
      await nextTurn();
      if (this.isClosed) return;
      this.socket.write(Buffer.of(byte));
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
      const response = this.takeResponse();
      if (response !== undefined) return response;
      if (this.isClosed) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  private takeResponse(): RawResponse | undefined {
    if (this.receivedBytes < this.neededBytes) return undefined;
    const bytes = Buffer.concat(this.chunks);
    this.chunks = [bytes];
    const parsed = parseResponse(bytes);
    if (typeof parsed === 'number') {
      this.neededBytes = parsed;
      return undefined;
    }
    this.chunks = [parsed.rest];
    this.receivedBytes = parsed.rest.length;
    this.neededBytes = 1;
    return parsed.response;
  }

  /** Everything that comes until the server closes, as it is. */
  async remainingBytes(): Promise<Buffer> {
    await this.closed;
    return Buffer.concat(this.chunks);
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

/** The first response and what follows it, or how many bytes there must be to look again. */
function parseResponse(bytes: Buffer): { response: RawResponse; rest: Buffer } | number {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd === -1) return bytes.length + 1;
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
  const bodyBytes = isBodiless
    ? 0
    : length === undefined
      ? bytes.length - bodyStart
      : Number(length);
  if (bytes.length < bodyStart + bodyBytes) return bodyStart + bodyBytes;
  const body = bytes.subarray(bodyStart, bodyStart + bodyBytes);
  return { response: { status, headers, body }, rest: bytes.subarray(bodyStart + bodyBytes) };
}

/** A request as text: the line, the headers and the body; `Host` is added unless it is given. */
export function requestText(line: string, headers: readonly string[] = [], body = ''): string {
  const host = headers.some((header) => /^host\b/i.test(header)) ? [] : ['Host: localhost'];
  return `${[`${line} HTTP/1.1`, ...host, ...headers].join('\r\n')}${HEAD_END}${body}`;
}

/** A PUT whose length is stated correctly. */
export function putText(path: string, body: string, headers: readonly string[] = []): string {
  return requestText(`PUT ${path}`, [`Content-Length: ${body.length}`, ...headers], body);
}
