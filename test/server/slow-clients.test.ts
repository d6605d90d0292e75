/** What the transport does with clients that are too slow: it closes after some ten seconds. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { RawConnection, requestText } from './support/raw-connection.js';
import { StoreDouble } from './support/store-double.js';
import { get, serveStore, type TestService } from './support/test-service.js';

const VALUE_BYTES = 24 * 1_024 ** 2;

let service: TestService;
const store = new StoreDouble();

beforeAll(async () => {
  store.values.set('large', new Uint8Array(VALUE_BYTES));
  service = await serveStore(store, { valueBytesMax: VALUE_BYTES });
});

/** Writes a byte whenever the loop has turned a while, until the server closes. */
async function drip(connection: RawConnection, byte: string): Promise<void> {
  let isClosed = false;
  void connection.closed.then(() => {
    isClosed = true;
  });
  let turnedAtMs = performance.now();
  while (!isClosed) {
    await Promise.race([connection.closed, pauseMs(50)]);
    if (performance.now() - turnedAtMs < 1_000) continue;
    turnedAtMs = performance.now();
    connection.write(byte);
  }
}

async function pauseMs(durationMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  await nextTurn();
}

describe.concurrent('a connection is closed, and the service goes on', () => {
  test('H10: whose headers come byte by byte', async () => {
    const connection = await RawConnection.open(service.port);
    connection.write('GET /cache/a HTTP/1.1\r\nHost: localhost\r\nA: ');
    await drip(connection, 'a');
    expect((await get(service.port, '/health')).status).toBe(200);
  });

  test('H11: whose body comes byte by byte', async () => {
    const connection = await RawConnection.open(service.port);
    connection.write(requestText('PUT /cache/slow', ['Content-Length: 1000']));
    await drip(connection, 'a');
    expect(store.values.has('slow')).toBe(false);
  });

  test.each([
    ['H6: a space before the colon', 'GET /cache/a HTTP/1.1\r\nHost : localhost\r\n\r\n'],
    ['H6: a folded header', 'GET /cache/a HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n'],
    ['H6: a zero byte in a header', 'GET /cache/a HTTP/1.1\r\nHost: localhost\r\nA: b\0c\r\n\r\n'],
    ['H7: no Host', 'GET /cache/a HTTP/1.1\r\n\r\n'],
  ])('that sent %s, which the parser leaves unanswered', async (_name, bytes) => {
    const connection = await RawConnection.open(service.port);
    connection.write(bytes);
    expect(await connection.remainingResponses()).toEqual([]);
  });

  test('H46: that does not read a large reply', async () => {
    const connection = await RawConnection.open(service.port);
    connection.stopReading();
    connection.write(requestText('GET /cache/large'));
    await expect.poll(() => service.budget.usedBytes).toBe(VALUE_BYTES);
    await expect.poll(() => service.budget.usedBytes, { timeout: 30_000, interval: 50 }).toBe(0);
    connection.destroy();
  });

  test('that is idle', async () => {
    const connection = await RawConnection.open(service.port);
    await connection.closed;
  });
});
