/**
 * What uWebSockets.js does with a request line that arrives in pieces. Its parser takes a line
 * that ends right after the method, or anywhere between the target and the end of the line, for
 * another version of HTTP. That is recorded here, because no adapter can mend it: the answer is
 * 505 and the connection closes, so nothing is ever misread.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { putText, RawConnection } from './support/raw-connection.js';
import { StoreDouble } from './support/store-double.js';
import { get, serveStore, type TestService } from './support/test-service.js';

const TURNS_BETWEEN_PIECES = 20;

let service: TestService;
const store = new StoreDouble();

beforeAll(async () => {
  service = await serveStore(store);
});

async function askInTwoPieces(bytes: string, firstLength: number): Promise<number | undefined> {
  const connection = await RawConnection.open(service.port);
  connection.write(bytes.slice(0, firstLength));
  for (let turn = 0; turn < TURNS_BETWEEN_PIECES; turn++) await nextTurn();
  connection.write(bytes.slice(firstLength));
  const response = await connection.nextResponse();
  connection.destroy();
  return response?.status;
}

test('a request split at any place is served, or refused with 505, and never misread', async () => {
  const bytes = putText('/cache/split', 'value');
  const methodEnd = bytes.indexOf(' ') + 1;
  const targetEnd = bytes.indexOf(' ', methodEnd) + 1;
  const lineEnd = bytes.indexOf('\n');
  for (let length = 1; length < bytes.length; length++) {
    const isAtFault = length === methodEnd || (length >= targetEnd && length <= lineEnd);
    store.values.clear();
    const status = await askInTwoPieces(bytes, length);
    // Where both pieces were read at once there is no fault to see.
    if (isAtFault) expect([201, 505]).toContain(status);
    else expect(status).toBe(201);
    expect([...store.values.keys()]).toEqual(status === 201 ? ['split'] : []);
  }
  expect((await get(service.port, '/health')).status).toBe(200);
});
