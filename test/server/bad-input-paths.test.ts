/** Entries of the catalogue of bad input that concern the path, the method and the headers. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/index.js';
import { putText, RawConnection, type RawResponse, requestText } from './support/raw-connection.js';
import {
  ask,
  expectRefusal,
  get,
  openEngine,
  serveStore,
  type TestService,
  TRANSPORT_KINDS,
} from './support/test-service.js';

const [kind] = TRANSPORT_KINDS;
const GOOD_REQUEST = requestText('GET /health');

let engine: Engine;
let service: TestService;

beforeAll(async () => {
  engine = await openEngine();
  service = await serveStore(engine);
});

/**
 * Sends bad bytes in the three ways that parsers differ in: alone, behind a good request in the
 * same packet, and byte by byte. Afterwards the service must answer as before.
 */
async function askInThreeWays(
  bytes: string,
  check: (response: RawResponse | undefined) => void,
): Promise<void> {
  check(await ask(service.port, bytes));

  const behind = await RawConnection.open(service.port);
  behind.write(GOOD_REQUEST + bytes);
  expect((await behind.nextResponse())?.status).toBe(200);
  check(await behind.nextResponse());
  behind.destroy();

  const split = await RawConnection.open(service.port);
  await split.writeByteByByte(bytes);
  check(await split.nextResponse());
  split.destroy();

  expect((await ask(service.port, GOOD_REQUEST))?.status).toBe(200);
  expect(service.faults).toEqual([]);
}

async function expectStored(segment: string, key: string): Promise<void> {
  expect((await ask(service.port, putText(`/cache/${segment}`, segment)))?.status).toBe(201);
  expect(engine.has(key)).toBe(true);
  expect((await get(service.port, `/cache/${segment}`)).body.toString()).toBe(segment);
  expect((await ask(service.port, requestText(`DELETE /cache/${segment}`)))?.status).toBe(204);
  expect(engine.has(key)).toBe(false);
}

describe('keys', () => {
  test('H13: 1,000 pipelined GETs in one packet are answered in order', async () => {
    for (let index = 0; index < 1_000; index++) await engine.set(`p${index}`, `value ${index}`);
    const connection = await RawConnection.open(service.port);
    const requests = Array.from({ length: 1_000 }, (_, index) =>
      requestText(`GET /cache/p${index}`),
    );
    connection.write(requests.join(''));
    for (let index = 0; index < 1_000; index++) {
      expect((await connection.nextResponse())?.body.toString()).toBe(`value ${index}`);
    }
    connection.destroy();
  });

  test.each(['GET', 'PUT', 'PATCH', 'DELETE'])(
    'H17: an empty key is refused by %s',
    async (method) => {
      const request = requestText(`${method} /cache/`, ['Content-Length: 1'], 'x');
      await askInThreeWays(request, (response) => {
        expectRefusal(response, 400, 'ERR_CACHE_INVALID_KEY');
      });
    },
  );

  test('H17: a key of 1,024 bytes is stored, one more is refused', async () => {
    await expectStored('k'.repeat(1_024), 'k'.repeat(1_024));
    await expectStored('%C3%A9'.repeat(512), 'é'.repeat(512));
    for (const segment of ['k'.repeat(1_025), `${'%C3%A9'.repeat(512)}k`]) {
      expectRefusal(await get(service.port, `/cache/${segment}`), 400, 'ERR_CACHE_INVALID_KEY');
      const stored = await ask(service.port, putText(`/cache/${segment}`, 'x'));
      expectRefusal(stored, 400, 'ERR_CACHE_INVALID_KEY');
    }
  });

  test.each(['%', '%zz', '%4', 'a%', '%c0%ae', '%ed%a0%80', '%ff', '%e2%82', '%%41'])(
    'H18: the key %s is refused',
    async (segment) => {
      for (const request of [
        requestText(`GET /cache/${segment}`),
        putText(`/cache/${segment}`, 'x'),
        requestText(`DELETE /cache/${segment}`),
      ]) {
        await askInThreeWays(request, (response) => {
          expectRefusal(response, 400, 'ERR_CACHE_INVALID_KEY');
        });
      }
    },
  );

  test('H18: raw bytes outside ASCII are refused, so that no two of them meet in one key', async () => {
    for (const segment of ['caf\u00c3\u00a9', '\u00ff', '\u00fe', 'a\x7f']) {
      // That of node:http refuses them before the key is looked at.
      const code = kind === 'node' ? 'ERR_HTTP_MALFORMED_REQUEST' : 'ERR_CACHE_INVALID_KEY';
      expectRefusal(await get(service.port, `/cache/${segment}`), 400, code);
    }
  });

  test.each([
    ['%00', '\0'],
    ['%0d%0aset%20x%200%200%201', '\r\nset x 0 0 1'],
    ['a%00b', 'a\0b'],
  ])('H19: %s is a key like any other', (segment, key) => expectStored(segment, key));

  test.each([
    ['%2541', '%41'],
    ['..%2f', '../'],
    ['..', '..'],
    ['%2e%2e%2f%2e%2e', '../..'],
    ['a%5cb', 'a\\b'],
  ])('H20: %s is decoded once and no path is walked', (segment, key) => expectStored(segment, key));

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then'])(
    'H21: %s is an ordinary key',
    async (key) => {
      const missed = await get(service.port, `/cache/${key}`);
      expectRefusal(missed, 404, 'ERR_HTTP_CACHE_MISS');
      await expectStored(key, key);
    },
  );

  test('H21: such names are ordinary as headers too', async () => {
    const headers = ['__proto__: x', 'constructor: y', 'toString: z'];
    expect((await ask(service.port, putText('/cache/h21', 'x', headers)))?.status).toBe(201);
    expect(Object.keys({})).toEqual([]);
  });

  test('H22: composed and decomposed forms are two keys', async () => {
    await ask(service.port, putText('/cache/caf%C3%A9', 'composed'));
    await ask(service.port, putText('/cache/cafe%CC%81', 'decomposed'));
    expect((await get(service.port, '/cache/caf%C3%A9')).body.toString()).toBe('composed');
    expect((await get(service.port, '/cache/cafe%CC%81')).body.toString()).toBe('decomposed');
  });

  test('H44: what looks like a part of another path is another key, or no path', async () => {
    await ask(service.port, putText('/cache/users', 'users'));
    await ask(service.port, putText('/cache/users%2Fme', 'me'));
    const expected: readonly (readonly [string, number, string])[] = [
      ['/cache/users/me', 404, 'ERR_HTTP_NOT_FOUND'],
      ['/cache/users/me/a.css', 404, 'ERR_HTTP_NOT_FOUND'],
      ['/cache/users/', 404, 'ERR_HTTP_NOT_FOUND'],
      ['/cache/users;x.js', 404, 'ERR_HTTP_CACHE_MISS'],
      ['/cache/users%2F', 404, 'ERR_HTTP_CACHE_MISS'],
      ['/cache/users%3Fa', 404, 'ERR_HTTP_CACHE_MISS'],
      ['/cache/users%2Fme%2Fa.css', 404, 'ERR_HTTP_CACHE_MISS'],
      ['/cache%2Fusers', 404, 'ERR_HTTP_NOT_FOUND'],
    ];
    for (const [path, status, code] of expected) {
      expectRefusal(await get(service.port, path), status, code);
    }
  });
});

describe('methods and targets', () => {
  test.each(['TRACE', 'POST', 'OPTIONS'])(
    'H36: %s is refused, and the answer lists what is served',
    async (method) => {
      await askInThreeWays(requestText(`${method} /cache/a`), (response) => {
        expectRefusal(response, 405, 'ERR_HTTP_METHOD_NOT_ALLOWED');
        expect(response?.headers.get('allow')).toBe('GET, HEAD, PUT, PATCH, DELETE');
      });
    },
  );

  test('H35: ranges are not served: the whole value is the answer', async () => {
    await ask(service.port, putText('/cache/ranged', 'whole'));
    const ranges = Array.from({ length: 400 }, (_, index) => `${index}-`).join(',');
    const request = requestText('GET /cache/ranged', [`Range: bytes=${ranges}`]);
    const response = await ask(service.port, request);
    expect(response?.status).toBe(200);
    expect(response?.body.toString()).toBe('whole');
  });

  test('H42: a header cannot change the method or the path', async () => {
    await ask(service.port, putText('/cache/kept', 'x'));
    const headers = ['X-HTTP-Method-Override: DELETE', 'X-Original-URL: /cache/other'];
    const response = await ask(service.port, requestText('GET /cache/kept', headers));
    expect(response?.body.toString()).toBe('x');
    expect(engine.has('kept')).toBe(true);
  });
});

describe('times to live', () => {
  test.each(['-1', 'abc', '10abc', '', '0x10', '1e3', 'Infinity', '1.5', '0', 'NaN', '+5', '1 2'])(
    'H25: %j is refused and nothing is stored',
    async (ttl) => {
      const request = putText('/cache/ttl', 'x', [`X-Cache-TTL: ${ttl}`]);
      await askInThreeWays(request, (response) => {
        expectRefusal(response, 422, 'ERR_CACHE_INVALID_TTL');
      });
      expect(engine.has('ttl')).toBe(false);
    },
  );

  test.each([
    ['2^31 ms', 2_147_484],
    ['40 days', 3_456_000],
    ['10 years', 315_360_000],
  ])('H26: %s is exact', async (_name, seconds) => {
    const stored = await ask(
      service.port,
      putText('/cache/long', 'x', [`X-Cache-TTL: ${seconds}`]),
    );
    expect(stored?.status).toBe(201);
    expect(stored?.headers.get('x-cache-ttl')).toBe(String(seconds));
    const remaining = (await get(service.port, '/cache/long')).headers.get('x-cache-ttl-remaining');
    expect(Number(remaining)).toBeGreaterThan(seconds - 60);
    expect(Number(remaining)).toBeLessThanOrEqual(seconds);
  });

  test.each(['9007199254740992', '31557600001', '99999999999999999999999'])(
    'H26: %s seconds are refused, never an instant expiry',
    async (seconds) => {
      const request = putText('/cache/endless', 'x', [`X-Cache-TTL: ${seconds}`]);
      expectRefusal(await ask(service.port, request), 422, 'ERR_CACHE_INVALID_TTL');
      expect(engine.has('endless')).toBe(false);
    },
  );

  test('two of them are refused, and so are two content types', async () => {
    for (const headers of [
      ['X-Cache-TTL: 1', 'X-Cache-TTL: 2'],
      ['Content-Type: text/plain', 'Content-Type: text/html'],
    ]) {
      const response = await ask(service.port, putText('/cache/two', 'x', headers));
      expectRefusal(response, 400, 'ERR_HTTP_MALFORMED_REQUEST');
    }
    expect(engine.has('two')).toBe(false);
  });
});

describe('content types', () => {
  test('of any printable form are kept as they are', async () => {
    const contentType = 'text/plain; charset="utf-8"; a=b';
    await ask(service.port, putText('/cache/typed', 'x', [`Content-Type: ${contentType}`]));
    const found = await get(service.port, '/cache/typed');
    expect(found.headers.get('content-type')).toBe(contentType);
  });

  test.each([`a/${'b'.repeat(126)}`, 'text/pl\u00e4in'])(
    'that cannot stand in a header are refused: %s',
    async (contentType) => {
      const request = putText('/cache/typed-badly', 'x', [`Content-Type: ${contentType}`]);
      expectRefusal(await ask(service.port, request), 415, 'ERR_HTTP_UNSUPPORTED_MEDIA_TYPE');
      expect(engine.has('typed-badly')).toBe(false);
    },
  );
});
