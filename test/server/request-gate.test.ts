/** What every request passes before its handler: its origin, its rate, and who it says it is. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/index.js';
import { putText, RawConnection, requestText } from './support/raw-connection.js';
import {
  ask,
  expectRefusal,
  get,
  openEngine,
  serveStore,
  type TestService,
  TRANSPORT_KINDS,
} from './support/test-service.js';

const ALLOWED = 'https://app.example';
const RATE = 50;

describe.each(TRANSPORT_KINDS)('over %s', (kind) => {
  let engine: Engine;
  let service: TestService;
  let open: TestService;

  beforeAll(async () => {
    engine = await openEngine();
    service = await serveStore(engine, {}, undefined, kind);
    open = await serveStore(engine, { allowedOrigins: [ALLOWED] }, undefined, kind);
    await engine.set('kept', 'x', { contentType: 'text/plain' });
  });

  describe('origins', () => {
    test.each(['null', 'https://evil.example', 'http://localhost:1', 'http://localhost.evil', 'x'])(
      'H41: the origin %s may change nothing',
      async (origin) => {
        const headers = [`Origin: ${origin}`];
        for (const request of [
          putText('/cache/kept', 'y', headers),
          requestText('DELETE /cache/kept', headers),
          requestText('PATCH /cache/kept', [...headers, 'Content-Length: 9'], '{"ttl":1}'),
        ]) {
          for (const { port } of [service, open]) {
            expectRefusal(await ask(port, request), 403, 'ERR_HTTP_FOREIGN_ORIGIN');
          }
        }
        expect(engine.get('kept')).toBe('x');
      },
    );

    test('a page of the service itself may, also behind a proxy that ends TLS', async () => {
      for (const origin of ['http://localhost', 'https://localhost', 'HTTP://LOCALHOST']) {
        const response = await ask(service.port, putText('/cache/own', 'y', [`Origin: ${origin}`]));
        expect(response?.status).toBe(201);
        expect(response?.headers.has('access-control-allow-origin')).toBe(false);
      }
    });

    test('a page that is listed may, and may read the answer', async () => {
      const headers = [`Origin: ${ALLOWED}`];
      for (const [request, status] of [
        [putText('/cache/listed', 'y', headers), 201],
        [requestText('GET /cache/listed', headers), 200],
        [requestText('GET /cache/none', headers), 404],
        [putText('/cache/listed', 'y', [...headers, 'X-Cache-TTL: 0']), 422],
        [requestText('DELETE /cache/listed', headers), 204],
      ] as const) {
        const response = await ask(open.port, request);
        expect(response?.status).toBe(status);
        expect(response?.headers.get('access-control-allow-origin')).toBe(ALLOWED);
        expect(response?.headers.get('access-control-expose-headers')).toContain('X-Cache-Hit');
        expect(response?.headers.get('vary')).toContain('Origin');
      }
    });

    test('refusals of every kind can be read by a listed page', async () => {
      const settings = { allowedOrigins: [ALLOWED], requestsPerSecondMax: 1 };
      const strict = await serveStore(engine, settings, undefined, kind);
      const headers = [`Origin: ${ALLOWED}`];
      const requests = [
        requestText('GET /nowhere', headers),
        requestText('POST /cache/kept', [...headers, 'Content-Length: 0']),
        ...Array.from({ length: 5 }, () => requestText('GET /cache/kept', headers)),
      ];
      const statuses: (number | undefined)[] = [];
      for (const request of requests) {
        const response = await ask(strict.port, request);
        statuses.push(response?.status);
        expect(response?.headers.get('access-control-allow-origin')).toBe(ALLOWED);
      }
      expect(statuses.slice(0, 2)).toEqual([404, 405]);
      expect(statuses).toContain(429);
    });

    test('caches are told that answers depend on the origin, also by answers without one', async () => {
      await engine.set('shared', 'x', { contentType: 'text/plain' });
      for (const headers of [[], ['Origin: https://evil.example']]) {
        const response = await ask(open.port, requestText('GET /cache/shared', headers));
        expect(response?.headers.get('vary')).toContain('Origin');
        expect(response?.headers.has('access-control-allow-origin')).toBe(false);
      }
      expect((await get(service.port, '/cache/shared')).headers.has('vary')).toBe(false);
    });

    test('others read without permission, and so no page sees the answer', async () => {
      for (const { port } of [service, open]) {
        const request = requestText('GET /cache/kept', ['Origin: https://evil.example']);
        const response = await ask(port, request);
        expect(response?.status).toBe(200);
        expect(response?.headers.has('access-control-allow-origin')).toBe(false);
      }
    });

    test('a browser is told what a listed page may send, and nobody else is', async () => {
      const asked = (origin: string): string =>
        requestText('OPTIONS /cache/kept', [
          `Origin: ${origin}`,
          'Access-Control-Request-Method: PUT',
          'Access-Control-Request-Headers: x-cache-ttl',
        ]);
      const allowed = await ask(open.port, asked(ALLOWED));
      expect(allowed?.status).toBe(204);
      expect(allowed?.headers.get('access-control-allow-origin')).toBe(ALLOWED);
      expect(allowed?.headers.get('access-control-allow-methods')).toContain('PUT');
      expect(allowed?.headers.get('access-control-allow-headers')).toContain('X-Cache-TTL');
      const refused = await ask(open.port, asked('https://evil.example'));
      expectRefusal(refused, 403, 'ERR_HTTP_FOREIGN_ORIGIN');
      expectRefusal(await ask(service.port, asked(ALLOWED)), 405, 'ERR_HTTP_METHOD_NOT_ALLOWED');
    });
  });

  describe('rates', () => {
    test('H48: a token that sends too much is refused, others are not', async () => {
      const limited = await serveStore(engine, { requestsPerSecondMax: RATE }, undefined, kind);
      const flood = requestText('GET /cache/kept', ['Authorization: Bearer greedy']);
      const connection = await RawConnection.open(limited.port);
      connection.write(flood.repeat(10 * RATE));
      const statuses = new Map<number, number>();
      for (let index = 0; index < 10 * RATE; index++) {
        const response = await connection.nextResponse();
        const status = response?.status ?? 0;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status !== 429) continue;
        expectRefusal(response, 429, 'ERR_HTTP_TOO_MANY_REQUESTS');
        expect(response?.headers.get('retry-after')).toBe('1');
      }
      connection.destroy();
      expect([...statuses.keys()].sort()).toEqual([200, 429]);
      expect(statuses.get(200)).toBeGreaterThanOrEqual(RATE);
      expect(statuses.get(429)).toBeGreaterThan(0);
      const other = requestText('GET /cache/kept', ['Authorization: Bearer modest']);
      expect((await ask(limited.port, other))?.status).toBe(200);
      expect((await get(limited.port, '/cache/kept')).status).toBe(200);
      expect((await get(limited.port, '/health')).status).toBe(200);
    });

    test('H42, H48: an address that somebody writes into a header is no other client', async () => {
      const limited = await serveStore(engine, { requestsPerSecondMax: 1 }, undefined, kind);
      const statuses: (number | undefined)[] = [];
      for (let index = 0; index < 5; index++) {
        const headers = [
          `X-Forwarded-For: 203.0.113.${index}`,
          `Forwarded: for=203.0.113.${index}`,
        ];
        statuses.push((await ask(limited.port, requestText('GET /cache/kept', headers)))?.status);
      }
      expect(statuses[0]).toBe(200);
      expect(statuses).toContain(429);
    });
  });

  test('H47: two Authorization are refused where they mean anything', async () => {
    const headers = ['Authorization: Bearer a', 'Authorization: Bearer b'];
    for (const request of [
      putText('/cache/kept', 'y', headers),
      requestText('DELETE /cache/kept', headers),
    ]) {
      expectRefusal(await ask(service.port, request), 400, 'ERR_HTTP_MALFORMED_REQUEST');
    }
    expect(engine.get('kept')).toBe('x');
    const limited = await serveStore(engine, { requestsPerSecondMax: RATE }, undefined, kind);
    const read = await ask(limited.port, requestText('GET /cache/kept', headers));
    expectRefusal(read, 400, 'ERR_HTTP_MALFORMED_REQUEST');
  });
});
