/**
 * Entries of the catalogue of bad input that concern bodies. Messages that end in more than one way
 * are in `transport/bad-requests.test.ts`.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/index.js';
import { putText, RawConnection, requestText } from './support/raw-connection.js';
import { StoreDouble } from './support/store-double.js';
import {
  ask,
  expectRefusal,
  get,
  openEngine,
  serveStore,
  type TestService,
  TRANSPORT_KINDS,
  VALUE_BYTES_MAX,
} from './support/test-service.js';

const MIB = 1_024 ** 2;
const CHUNKED = 'Transfer-Encoding: chunked';
const [kind] = TRANSPORT_KINDS;

let engine: Engine;
let service: TestService;

beforeAll(async () => {
  engine = await openEngine();
  service = await serveStore(engine);
});

/** Sends bytes alone and byte by byte; each time the answer has the status and ends all. */
async function expectClosing(bytes: string, status: number): Promise<void> {
  for (const isSplit of [false, true]) {
    const connection = await RawConnection.open(service.port);
    if (isSplit) await connection.writeByteByByte(bytes);
    else connection.write(bytes);
    const responses = await connection.remainingResponses();
    expect(responses.map((response) => response.status)).toEqual([status]);
    expect(responses[0]?.body.toString()).not.toMatch(/\.[jt]s:\d|\n\s+at /);
    await connection.closed;
    connection.destroy();
  }
  expect((await get(service.port, '/health')).status).toBe(200);
  expect(engine.has('framed')).toBe(false);
  expect(service.faults).toEqual([]);
}

describe('bodies that are no whole value', () => {
  test('H33 a body in an unknown coding, in two, or a part of a body is refused', async () => {
    for (const coding of ['zstd', 'gzip, gzip']) {
      const request = putText('/cache/framed', 'x', [`Content-Encoding: ${coding}`]);
      expectRefusal(await ask(service.port, request), 415, 'ERR_HTTP_UNSUPPORTED_CODING');
    }
    const part = await ask(
      service.port,
      putText('/cache/framed', 'x', ['Content-Range: bytes 0-0/2']),
    );
    expectRefusal(part, 400, 'ERR_HTTP_MALFORMED_REQUEST');
    expect(engine.has('framed')).toBe(false);
  });
});

describe('bodies over the limit', () => {
  test('H14: a Content-Length over it is refused before any body, and the connection lives on', async () => {
    const connection = await RawConnection.open(service.port);
    connection.write(requestText('PUT /cache/large', [`Content-Length: ${VALUE_BYTES_MAX + 1}`]));
    expectRefusal(await connection.nextResponse(), 413, 'ERR_CACHE_VALUE_TOO_LARGE');
    connection.write(Buffer.alloc(VALUE_BYTES_MAX + 1, 'x'));
    connection.write(requestText('GET /cache/large'));
    expectRefusal(await connection.nextResponse(), 404, 'ERR_HTTP_CACHE_MISS');
    connection.destroy();
  });

  test('H14: so large a Content-Length that skipping the body makes no sense closes', async () => {
    const connection = await RawConnection.open(service.port);
    connection.write(requestText('PUT /cache/large', ['Content-Length: 9007199254740991']));
    expectRefusal(await connection.nextResponse(), 413, 'ERR_CACHE_VALUE_TOO_LARGE');
    await connection.closed;
    connection.destroy();
  });

  test('H14: a chunked body is cut off at the limit', async () => {
    const connection = await RawConnection.open(service.port);
    connection.write(requestText('PUT /cache/large', [CHUNKED]));
    const chunk = 'x'.repeat(65_536);
    for (let sentBytes = 0; sentBytes <= VALUE_BYTES_MAX; sentBytes += chunk.length) {
      connection.write(`10000\r\n${chunk}\r\n`);
    }
    expectRefusal(await connection.nextResponse(), 413, 'ERR_CACHE_VALUE_TOO_LARGE');
    await connection.closed;
    connection.destroy();
    expect(engine.has('large')).toBe(false);
    expect(service.budget.usedBytes).toBe(0);
  });

  test('H15: no Content-Length and no Transfer-Encoding', async () => {
    await expectClosing(requestText('PUT /cache/framed'), 411);
    const response = await ask(service.port, requestText('PUT /cache/framed'));
    expectRefusal(response, 411, 'ERR_HTTP_LENGTH_REQUIRED');
  });

  test.each([['Content-Length: 0'], [CHUNKED]])(
    'H15: %s and nothing is an empty value',
    async (header) => {
      const body = header === CHUNKED ? '0\r\n\r\n' : '';
      const stored = await ask(service.port, requestText('PUT /cache/empty', [header], body));
      expect(stored?.status).toBe(201);
      const found = await get(service.port, '/cache/empty');
      expect(found.status).toBe(200);
      expect(found.headers.get('content-length')).toBe('0');
      await engine.delete('empty');
    },
  );

  test('H16: a refusal says nothing of 100 Continue, where the parser leaves it to us', async () => {
    const connection = await RawConnection.open(service.port);
    connection.write(
      requestText('PUT /cache/large', [
        'Expect: 100-continue',
        `Content-Length: ${VALUE_BYTES_MAX + 1}`,
      ]),
    );
    if (kind === 'uws') expect((await connection.nextResponse())?.status).toBe(100);
    expectRefusal(await connection.nextResponse(), 413, 'ERR_CACHE_VALUE_TOO_LARGE');
    // What comes next is either the body or another request, and nobody can tell which.
    if (kind === 'node') await connection.closed;
    connection.destroy();
  });

  test('Expect: 100-continue within the limit is answered and the body stored', async () => {
    const connection = await RawConnection.open(service.port);
    connection.write(
      requestText('PUT /cache/expected', ['Expect: 100-continue', 'Content-Length: 3']),
    );
    expect((await connection.nextResponse())?.status).toBe(100);
    connection.write('abc');
    expect((await connection.nextResponse())?.status).toBe(201);
    connection.destroy();
  });
});

describe('H45: values come back byte for byte', () => {
  const allBytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

  test.each([
    ['no byte', Buffer.alloc(0)],
    ['one byte', Buffer.of(0)],
    ['all 256 bytes', allBytes],
    ['16 KiB, sent whole', Buffer.alloc(16_384, allBytes)],
    ['16 KiB and one, sent in parts', Buffer.alloc(16_385, allBytes)],
    ['100,003 bytes', Buffer.alloc(100_003, allBytes)],
    ['the exact limit', Buffer.alloc(VALUE_BYTES_MAX, allBytes)],
  ])('%s', async (_name, value) => {
    const stored = await fetch(`${service.url}/cache/bytes`, { method: 'PUT', body: value });
    expect(stored.status).toBe(201);
    const found = await fetch(`${service.url}/cache/bytes`);
    expect(Buffer.from(await found.arrayBuffer()).equals(value)).toBe(true);
  });

  test('a large value to a client that reads late, while it is overwritten', async () => {
    const store = new StoreDouble();
    const large = await serveStore(store, { valueBytesMax: 32 * MIB }, 64 * MIB);
    const value = Buffer.alloc(24 * MIB, allBytes);
    const shared = Buffer.from(new SharedArrayBuffer(value.length));
    value.copy(shared);
    store.values.set('large', shared);
    const connection = await RawConnection.open(large.port);
    connection.stopReading();
    connection.write(requestText('GET /cache/large'));
    await expect.poll(() => large.budget.usedBytes).toBe(value.length);
    // The view was good for the answer's first bytes only; the rest is a copy.
    shared.fill(0);
    connection.resumeReading();
    const response = await connection.nextResponse();
    expect(response?.body.equals(value)).toBe(true);
    expect(large.budget.usedBytes).toBe(0);
    connection.destroy();
  });

  test('large replies that nobody reads are bounded together', async () => {
    const store = new StoreDouble();
    const large = await serveStore(store, { valueBytesMax: 32 * MIB }, 40 * MIB);
    store.values.set('large', Buffer.alloc(24 * MIB, allBytes));
    const lazy = await RawConnection.open(large.port);
    lazy.stopReading();
    lazy.write(requestText('GET /cache/large'));
    await expect.poll(() => large.budget.usedBytes).toBe(24 * MIB);
    expectRefusal(await get(large.port, '/cache/large'), 503, 'ERR_CACHE_OVERLOADED');
    lazy.destroy();
    await expect.poll(() => large.budget.usedBytes).toBe(0);
    expect((await get(large.port, '/cache/large')).status).toBe(200);
  });
});

describe('H12: a client that goes away', () => {
  test('in the middle of its body has changed nothing', async () => {
    await engine.set('aborted', 'before');
    for (const header of ['Content-Length: 1000', CHUNKED]) {
      const connection = await RawConnection.open(service.port);
      const body = header === CHUNKED ? `1f4\r\n${'x'.repeat(500)}\r\n` : 'x'.repeat(500);
      connection.write(requestText('PUT /cache/aborted', [header], body));
      await expect.poll(() => service.budget.usedBytes).toBe(500);
      connection.destroy();
      await expect.poll(() => service.budget.usedBytes).toBe(0);
      expect((await get(service.port, '/cache/aborted')).body.toString()).toBe('before');
    }
    expect(service.faults).toEqual([]);
  });

  test('in the middle of its head has changed nothing', async () => {
    const bytes = putText('/cache/headless', 'x');
    for (let length = 0; length < bytes.length; length++) {
      const connection = await RawConnection.open(service.port);
      connection.write(bytes.slice(0, length));
      connection.destroy();
    }
    expect((await get(service.port, '/cache/headless')).status).toBe(404);
  });

  test('while its answer is awaited harms nobody', async () => {
    const store = new StoreDouble();
    const held = await serveStore(store);
    store.hold();
    for (const request of [putText('/cache/a', 'x'), requestText('DELETE /cache/a')]) {
      const connection = await RawConnection.open(held.port);
      const begun = store.nextWrite();
      connection.write(request);
      await begun;
      connection.destroy();
    }
    const waiting = await RawConnection.open(held.port);
    const begun = store.nextWrite();
    waiting.write(putText('/cache/b', 'y'));
    await begun;
    store.release();
    expect((await waiting.nextResponse())?.status).toBe(201);
    waiting.destroy();
    expect((await get(held.port, '/cache/b')).body.toString()).toBe('y');
    expect(held.faults).toEqual([]);
    expect(held.budget.usedBytes).toBe(0);
  });

  test('by pipelining behind an answer that is not there yet, where the parser cuts it', async () => {
    const store = new StoreDouble();
    const held = await serveStore(store);
    store.hold();
    const connection = await RawConnection.open(held.port);
    const begun = store.nextWrite();
    connection.write(putText('/cache/a', 'x') + requestText('GET /cache/a'));
    if (kind === 'uws') {
      expect(await connection.remainingResponses()).toEqual([]);
      store.release();
    } else {
      await begun;
      store.release();
      expect((await connection.nextResponse())?.status).toBe(201);
      expect((await connection.nextResponse())?.body.toString()).toBe('x');
    }
    connection.destroy();
    expect((await get(held.port, '/health')).status).toBe(200);
    expect(held.faults).toEqual([]);
  });
});
