import { createServer } from 'node:http';

/** Which of its HTTP libraries a server uses. */
export type TransportName = 'uws' | 'node';

/** What the twin answers to everything, whatever the path. */
export interface ConstantAnswer {
  readonly transport: TransportName;
  /** Name and value, as the cache server sent them with a hit; without those of the transport. */
  readonly headers: readonly (readonly [string, string])[];
  readonly bodyBase64: string;
}

/**
 * The twin of the cache server: the same transport and headers, but the answer is always the same
 * bytes, handed over in the way that costs the least. What it reaches is what a hit could reach if
 * the cache cost nothing. A WebSocket gets the body for every message.
 */
async function serveByUws({ headers, bodyBase64 }: ConstantAnswer): Promise<void> {
  const { App, us_listen_socket_close, us_socket_local_port } = await import('uWebSockets.js');
  const body = new Uint8Array(Buffer.from(bodyBase64, 'base64'));
  const [first, ...others] = headers;
  // One call for all headers, as the cache server does it: names and values are copied as they are.
  const name = new TextEncoder().encode(first?.[0] ?? 'X');
  const lines = others.map((header) => `\r\n${header.join(': ')}`).join('');
  const value = new TextEncoder().encode(`${first?.[1] ?? ''}${lines}`);
  App()
    .ws('/*', { message: (socket) => void socket.send(body, false) })
    .any('/*', (response) => {
      response.writeHeader(name, value);
      response.end(body);
    })
    .listen('127.0.0.1', 0, (socket) => {
      if (socket === false) throw new Error('cannot listen on 127.0.0.1');
      announce(us_socket_local_port(socket), () => us_listen_socket_close(socket));
    });
}

function serveByNode({ headers, bodyBase64 }: ConstantAnswer): void {
  const body = Buffer.from(bodyBase64, 'base64');
  const lines = [...headers.flat(), 'Content-Length', String(body.length)];
  const server = createServer((_request, response) => {
    response.writeHead(200, lines);
    response.end(body);
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    announce(port, () => server.close());
  });
}

function announce(port: number, close: () => void): void {
  process.stdout.write(`constant listening on http://127.0.0.1:${port}\n`);
  process.once('SIGTERM', () => {
    close();
    process.exit(0);
  });
}

const answer = JSON.parse(process.argv[2] ?? 'null') as ConstantAnswer;
if (answer.transport === 'uws') await serveByUws(answer);
else serveByNode(answer);
