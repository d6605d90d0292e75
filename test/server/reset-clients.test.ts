/**
 * Clients that are gone before their answers are written. A library that is native can end the
 * whole process over it, so the service is a process of its own here.
 */
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { ChildService } from './support/child-service.js';
import { putText, requestText } from './support/raw-connection.js';
import { ask, get, TRANSPORT_KINDS } from './support/test-service.js';

const CLIENTS = 300;
const AT_ONCE = 20;

/** Sends the bytes and resets the connection at once. */
function sendAndReset(port: number, bytes: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    // Which error it was is of no interest: the next client sees whether the service is there.
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
    socket.once('connect', () => {
      socket.write(bytes, 'latin1');
      socket.resetAndDestroy();
    });
  });
}

test.each(TRANSPORT_KINDS)('resets before the answer harm nobody, over %s', async (transport) => {
  const service = new ChildService({
    SERVER_HTTP_PORT: '0',
    HTTP_TRANSPORT: transport,
    CACHE_MAX_MEMORY_MB: '16',
  });
  const port = await service.port();
  const put = await ask(port, putText('/cache/a', 'x'.repeat(12_000)));
  expect(put?.status).toBe(201);
  const requests = [
    requestText('GET /openapi.json'),
    requestText('GET /cache/a').repeat(10),
    requestText('GET /cache/none').repeat(200),
    requestText('POST /cache/batch/get', ['Content-Length: 1000']),
    requestText('GET /ws', ['Upgrade: websocket', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==']),
  ];
  for (const request of requests) {
    for (let count = 0; count < CLIENTS; count += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, () => sendAndReset(port, request)));
    }
    expect((await get(port, '/cache/a')).body.length).toBe(12_000);
  }
  service.signal('SIGTERM');
  expect(await service.ended).toMatchObject({ code: 0 });
});
