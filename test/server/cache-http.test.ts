import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/index.js';
import { putText, RawConnection, requestText } from './support/raw-connection.js';
import { cacheError, StoreDouble } from './support/store-double.js';
import {
  ask,
  expectRefusal,
  get,
  openEngine,
  serveStore,
  type TestService,
} from './support/test-service.js';

const DEFAULT_TTL_MS = 90_500;

let engine: Engine;
let service: TestService;

beforeAll(async () => {
  engine = await openEngine();
  service = await serveStore(engine);
});

describe('over HTTP', () => {
  test('a value is stored, read back with its content type, and removed', async () => {
    const { url } = service;
    const stored = await fetch(`${url}/cache/user:123`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json', 'X-Cache-TTL': '3600' },
      body: '{"name":"Alice"}',
    });
    expect(stored.status).toBe(201);
    expect(stored.headers.get('x-cache-ttl')).toBe('3600');
    expect(await stored.text()).toBe('');

    const found = await fetch(`${url}/cache/user:123`);
    expect(found.status).toBe(200);
    expect(found.headers.get('x-cache-hit')).toBe('true');
    expect(found.headers.get('content-type')).toBe('application/json');
    expect(Number(found.headers.get('x-cache-ttl-remaining'))).toBeGreaterThan(3_590);
    expect(await found.json()).toEqual({ name: 'Alice' });

    const removed = await fetch(`${url}/cache/user:123`, { method: 'DELETE' });
    expect(removed.status).toBe(204);
    expect(removed.headers.get('content-length')).toBeNull();

    const missed = await fetch(`${url}/cache/user:123`);
    expect(missed.status).toBe(404);
    expect(missed.headers.get('x-cache-hit')).toBe('false');
    expect(await missed.json()).toMatchObject({ error: { code: 'ERR_HTTP_CACHE_MISS' } });
  });

  test('removing what is not there is no failure', async () => {
    expect((await fetch(`${service.url}/cache/never`, { method: 'DELETE' })).status).toBe(204);
  });

  test('an entry without a TTL says nothing of one', async () => {
    const stored = await ask(service.port, putText('/cache/eternal', 'x'));
    expect(stored?.status).toBe(201);
    expect(stored?.headers.has('x-cache-ttl')).toBe(false);
    const found = await get(service.port, '/cache/eternal');
    expect(found.headers.has('x-cache-ttl-remaining')).toBe(false);
    expect(found.headers.get('content-type')).toBe('application/octet-stream');
  });

  test('a later PUT replaces value, TTL and content type', async () => {
    const { port } = service;
    await ask(port, putText('/cache/twice', 'old', ['Content-Type: text/plain', 'X-Cache-TTL: 5']));
    await ask(port, putText('/cache/twice', 'new'));
    const found = await get(port, '/cache/twice');
    expect(found.body.toString()).toBe('new');
    expect(found.headers.get('content-type')).toBe('application/octet-stream');
    expect(found.headers.has('x-cache-ttl-remaining')).toBe(false);
  });

  test('the library and the service see the same entries', async () => {
    await engine.set('from-library', Buffer.from('shared'), { contentType: 'text/plain' });
    const found = await get(service.port, '/cache/from-library');
    expect(found.body.toString()).toBe('shared');
    expect(found.headers.get('content-type')).toBe('text/plain');
    await ask(service.port, putText('/cache/from-http', 'too'));
    expect(Buffer.from(engine.getBytes('from-http') ?? []).toString()).toBe('too');
  });

  test('the default TTL is answered where the request names none', async () => {
    const other = await serveStore(new StoreDouble(), { defaultTtlMs: DEFAULT_TTL_MS });
    const stored = await ask(other.port, putText('/cache/a', 'x'));
    expect(stored?.headers.get('x-cache-ttl')).toBe('91');
  });

  test('a chunked body is stored like any other', async () => {
    const head = requestText('PUT /cache/chunked', ['Transfer-Encoding: Chunked']);
    const stored = await ask(service.port, `${head}3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n`);
    expect(stored?.status).toBe(201);
    expect((await get(service.port, '/cache/chunked')).body.toString()).toBe('abcdefg');
  });

  test('health is answered without the cache', async () => {
    const health = await fetch(`${service.url}/health`);
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({ healthy: true });
  });

  test('an unknown path is not a missing entry', async () => {
    for (const path of ['/', '/cached', '/cache/a/b', '/metric']) {
      const response = await get(service.port, path);
      expectRefusal(response, 404, 'ERR_HTTP_NOT_FOUND');
      expect(response.headers.has('x-cache-hit')).toBe(false);
    }
  });

  test('what is refused is refused to HEAD too, without a body', async () => {
    const response = await fetch(`${service.url}/cache/${'k'.repeat(1_025)}`, { method: 'HEAD' });
    expect(response.status).toBe(400);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(0);
    expect(await response.text()).toBe('');
  });

  test('requests on one connection are answered in order, PUT among them', async () => {
    const connection = await RawConnection.open(service.port);
    connection.write(
      putText('/cache/line', '1') +
        requestText('GET /cache/line') +
        putText('/cache/line', '2') +
        requestText('GET /cache/line') +
        requestText('DELETE /cache/line') +
        requestText('GET /cache/line'),
    );
    const answers: string[] = [];
    for (let count = 0; count < 6; count++) {
      const response = await connection.nextResponse();
      answers.push(`${response?.status} ${response?.status === 200 ? response.body : ''}`);
    }
    expect(answers).toEqual(['201 ', '200 1', '201 ', '200 2', '204 ', '404 ']);
    connection.destroy();
  });
});

describe('a store that cannot answer', () => {
  test('is asked again later: busy', async () => {
    const store = new StoreDouble();
    store.absentState = 'busy';
    const { port } = await serveStore(store);
    const response = await get(port, '/cache/a');
    expectRefusal(response, 503, 'ERR_CACHE_BUSY');
    expect(response.headers.get('retry-after')).toBe('1');
    expect(response.headers.has('x-cache-hit')).toBe(false);
  });

  test.each([
    ['ERR_CACHE_OVERLOADED', 503],
    ['ERR_CACHE_CLOSED', 503],
    ['ERR_CACHE_OUTCOME_UNKNOWN', 503],
    ['ERR_CACHE_OUT_OF_MEMORY', 503],
    ['ERR_CACHE_TOO_MANY_NAMESPACES', 507],
    ['ERR_CACHE_VALUE_TOO_LARGE', 413],
    ['ERR_CACHE_INVALID_VALUE', 422],
  ] as const)('says so with its code: %s', async (code, status) => {
    const store = new StoreDouble();
    store.failure = cacheError(code);
    const { port, budget, faults } = await serveStore(store);
    for (const request of [putText('/cache/a', 'x'), requestText('DELETE /cache/a')]) {
      const response = await ask(port, request);
      expectRefusal(response, status, code);
      expect(response?.headers.has('retry-after')).toBe(status === 503);
    }
    expectRefusal(await get(port, '/cache/a'), status, code);
    expect(budget.usedBytes).toBe(0);
    expect(faults).toEqual([]);
  });

  test.each([
    ['an unknown failure', new Error('secret of the inside')],
    ['a code that no table knows', Object.assign(new Error('secret'), { code: 'ENOENT' })],
    ['a failure of the service itself', cacheError('ERR_CACHE_BUFFER_TOO_SMALL')],
  ])('tells the operator, and the client nothing: %s', async (_name, failure) => {
    const store = new StoreDouble();
    store.failure = failure;
    const { port, faults } = await serveStore(store);
    const response = await get(port, '/cache/a');
    expectRefusal(response, 500, 'ERR_HTTP_INTERNAL');
    expect(response.body.toString()).not.toContain('secret');
    expectRefusal(await ask(port, putText('/cache/a', 'x')), 500, 'ERR_HTTP_INTERNAL');
    expect(faults).toEqual([failure, failure]);
  });

  test('is refused new bodies while those being received fill the budget', async () => {
    const store = new StoreDouble();
    const { port, budget } = await serveStore(store, { valueBytesMax: 1_000 }, 1_500);
    const slow = await RawConnection.open(port);
    slow.write(requestText('PUT /cache/slow', ['Content-Length: 1000'], 'x'.repeat(999)));
    await expect.poll(() => budget.usedBytes).toBe(999);
    const refused = await ask(port, putText('/cache/a', 'y'.repeat(900)));
    expectRefusal(refused, 503, 'ERR_CACHE_OVERLOADED');
    slow.write('x');
    expect((await slow.nextResponse())?.status).toBe(201);
    slow.destroy();
    expect(budget.usedBytes).toBe(0);
    expect((await ask(port, putText('/cache/a', 'y'.repeat(900))))?.status).toBe(201);
  });
});
