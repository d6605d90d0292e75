/** The id that a refusal carries, and that its lines in the log carry too. */
import { describe, expect, test } from 'vitest';
import { putText, requestText } from './support/raw-connection.js';
import { StoreDouble } from './support/store-double.js';
import { ask, get, serveStore } from './support/test-service.js';

describe('a refusal', () => {
  test('carries the id of the client', async () => {
    const { port } = await serveStore(new StoreDouble());
    const headers = ['X-Request-Id: order-7'];
    for (const text of [
      requestText('GET /nowhere', headers),
      requestText('GET /cache/%FF', headers),
      putText('/cache/a', 'x', [...headers, 'X-Cache-TTL: soon']),
    ]) {
      const response = await ask(port, text);
      expect(response?.status).toBeGreaterThanOrEqual(400);
      expect(response?.headers.get('x-request-id')).toBe('order-7');
    }
  });

  test('carries one that was made where the client gave none, or one that is no id', async () => {
    const { port } = await serveStore(new StoreDouble());
    const first = (await get(port, '/nowhere')).headers.get('x-request-id');
    const second = await ask(port, requestText('GET /nowhere', ['X-Request-Id: a b']));
    expect(first).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/);
    expect(second?.headers.get('x-request-id')).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/);
    expect(second?.headers.get('x-request-id')).not.toBe(first);
  });

  test('and so does a fault, which is told to the operator', async () => {
    const store = new StoreDouble();
    store.failure = new Error('broken');
    const { port, faults } = await serveStore(store);
    const response = await ask(port, requestText('GET /cache/a', ['X-Request-Id: order-8']));
    expect(response?.status).toBe(500);
    expect(response?.headers.get('x-request-id')).toBe('order-8');
    expect(faults).toEqual([store.failure]);
  });
});
