/** Entries of the catalogue of bad input that concern where a message ends, and its body. */
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
  VALUE_BYTES_MAX,
} from './support/test-service.js';

const MIB = 1_024 ** 2;
const CHUNKED = 'Transfer-Encoding: chunked';

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

function put(headers: readonly string[], body = 'abcde'): string {
  return requestText('PUT /cache/framed', headers, body);
}

describe('messages that end in more than one way', () => {
  test('H1: both Content-Length and Transfer-Encoding', () =>
    expectClosing(put(['Content-Length: 5', CHUNKED], '5\r\nabcde\r\n0\r\n\r\n'), 400));

  test.each([
    [['Content-Length: 3', 'Content-Length: 5']],
    [['Content-Length: 5', 'Content-Length: 5']],
  ])('H2: two Content-Length: %j', (headers) => expectClosing(put(headers), 400));

  test.each(['+5', '-1', '5, 5', '5a', '', '18446744073709551616', '0x5', '5.0'])(
    'H3: Content-Length %j',
    (length) => expectClosing(put([`Content-Length: ${length}`]), 400),
  );

  test.each(['xchunked', 'identity', 'chunked, chunked', 'gzip, chunked', ''])(
    'H4: Transfer-Encoding %j',
    (coding) =>
      expectClosing(put([`Transfer-Encoding: ${coding}`], '5\r\nabcde\r\n0\r\n\r\n'), 400),
  );

  test('H4: two Transfer-Encoding', () =>
    expectClosing(put([CHUNKED, CHUNKED], '5\r\nabcde\r\n0\r\n\r\n'), 400));

  test.each(['-1', '0x5', '11111111111111111', '5;note=1', `5;${'a'.repeat(5_000)}`])(
    'H5: a chunk size that begins with %.20s',
    (size) => expectClosing(put([CHUNKED], `${size}\r\nabcde\r\n0\r\n\r\n`), 400),
  );

  test.each(['GET', 'PUT'])('H7: %s without a Host', (method) =>
    expectClosing(`${method} /cache/framed HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde`, 400),
  );

  test('H5: a chunk without a size, which the parser takes for the last one', async () => {
    const connection = await RawConnection.open(service.port);
    connection.write(requestText('PUT /cache/sizeless', [CHUNKED], '\r\nabcde\r\n0\r\n\r\n'));
    expect((await connection.nextResponse())?.status).toBe(201);
    connection.destroy();
    expect(engine.getBytes('sizeless')?.length).toBe(0);
  });

  test.each([[['Host:']], [['Host: a', 'Host: b']]])('H7: %j before a write', (headers) =>
    expectClosing(put([...headers, 'Content-Length: 5']), 400),
  );

  test('H6: a header without a name hides those behind it from the parser', async () => {
    await expectClosing(put([': x', 'Content-Length: 5']), 411);
    const hidden = await ask(
      service.port,
      requestText('GET /health', [': x', 'Content-Length: x']),
    );
    expect(hidden?.status).toBe(200);
  });

  test.each(['GET /cache/a HTTP/1.0', 'GET /cache/a HTTP/9.9', 'PRI * HTTP/2.0'])(
    'H8: %s is no HTTP/1.1',
    (line) => expectClosing(`${line}\r\nHost: localhost\r\n\r\n`, 505),
  );

  test('H8: a TLS hello on the plain port', () =>
    expectClosing('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 505));

  test.each([
    ['a header block over 4 KiB', requestText('GET /cache/a', [`A: ${'b'.repeat(5_000)}`])],
    [
      '101 headers',
      requestText(
        'GET /cache/a',
        Array.from({ length: 101 }, (_, index) => `H${index}: b`),
      ),
    ],
    ['a target over 4 KiB', requestText(`GET /cache/${'a'.repeat(5_000)}`)],
  ])('H9: %s', (_name, bytes) => expectClosing(bytes, 431));

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

  test('H16: the parser says 100 Continue by itself, and the refusal follows', async () => {
    const connection = await RawConnection.open(service.port);
    connection.write(
      requestText('PUT /cache/large', [
        'Expect: 100-continue',
        `Content-Length: ${VALUE_BYTES_MAX + 1}`,
      ]),
    );
    expect((await connection.nextResponse())?.status).toBe(100);
    expectRefusal(await connection.nextResponse(), 413, 'ERR_CACHE_VALUE_TOO_LARGE');
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

  test('by pipelining behind an answer that is not there yet is cut by the parser', async () => {
    const store = new StoreDouble();
    const held = await serveStore(store);
    store.hold();
    const connection = await RawConnection.open(held.port);
    connection.write(putText('/cache/a', 'x') + requestText('GET /cache/a'));
    expect(await connection.remainingResponses()).toEqual([]);
    store.release();
    expect((await get(held.port, '/health')).status).toBe(200);
    expect(held.faults).toEqual([]);
  });
});
