import { App, us_listen_socket_close, us_socket_local_port } from 'uWebSockets.js';

/** What the twin answers to every GET, whatever the key. */
export interface ConstantAnswer {
  /** Name and value, as the cache server sent them with a hit; without those of the transport. */
  readonly headers: readonly (readonly [string, string])[];
  readonly bodyBase64: string;
}

/**
 * The twin of the cache server: the same transport, route and headers, but the answer is always
 * the same bytes. What it reaches is what a hit could reach if the cache cost nothing.
 */
function serveConstant({ headers, bodyBase64 }: ConstantAnswer): void {
  const body = new Uint8Array(Buffer.from(bodyBase64, 'base64'));
  App()
    .get('/cache/:key', (response) => {
      for (const [name, value] of headers) {
        response.writeHeader(name, value);
      }
      response.end(body);
    })
    .listen('127.0.0.1', 0, (socket) => {
      if (socket === false) {
        throw new Error('cannot listen on 127.0.0.1');
      }
      process.stdout.write(
        `constant listening on http://127.0.0.1:${us_socket_local_port(socket)}\n`,
      );
      process.once('SIGTERM', () => {
        us_listen_socket_close(socket);
        process.exit(0);
      });
    });
}

serveConstant(JSON.parse(process.argv[2] ?? 'null') as ConstantAnswer);
