/** What the transport does with clients that are too slow: it closes after some ten seconds. */
import { beforeAll, describe, test } from 'vitest';
import { RawConnection, requestText } from './support/raw-connection.js';
import { StoreDouble } from './support/store-double.js';
import { get, serveStore, type TestService, TRANSPORT_KINDS } from './support/test-service.js';

const [kind] = TRANSPORT_KINDS;
const VALUE_BYTES = 24 * 1_024 ** 2;

let service: TestService;
const store = new StoreDouble();

beforeAll(async () => {
  store.values.set('large', new Uint8Array(VALUE_BYTES));
  service = await serveStore(store, { valueBytesMax: VALUE_BYTES });
});

/** Writes a byte once a second, until the server closes. */
async function drip(connection: RawConnection, byte: string): Promise<void> {
  const timer = setInterval(() => connection.write(byte), 1_000);
  await connection.closed;
  clearInterval(timer);
}

describe.concurrent('a connection is closed, and the service goes on', () => {
  test('H10: whose headers come byte by byte', async ({ expect }) => {
    const connection = await RawConnection.open(service.port);
    connection.write('GET /cache/a HTTP/1.1\r\nHost: localhost\r\nA: ');
    await drip(connection, 'a');
    expect((await get(service.port, '/health')).status).toBe(200);
  });

  test('H11: whose body comes byte by byte', async ({ expect }) => {
    const connection = await RawConnection.open(service.port);
    connection.write(requestText('PUT /cache/slow', ['Content-Length: 1000']));
    await drip(connection, 'a');
    expect(store.values.has('slow')).toBe(false);
  });

  test.runIf(kind === 'uws')(
    'H6: that sent what the parser leaves unanswered',
    async ({ expect }) => {
      const heads = [
        'Host : localhost',
        'Host: localhost\r\nA: b\r\n c',
        'Host: localhost\r\nA: b\0c',
        '',
      ];
      const answers = heads.map(async (head) => {
        const connection = await RawConnection.open(service.port);
        connection.write(`GET /cache/a HTTP/1.1\r\n${head}${head === '' ? '' : '\r\n'}\r\n`);
        return connection.remainingResponses();
      });
      expect(await Promise.all(answers)).toEqual(heads.map(() => []));
    },
  );

  test('H46: that does not read a large reply', async ({ expect }) => {
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
