/** `/cache/batch/…`, `/api/v1/cache/{namespace}/batch/…`: many keys in one request. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/index.js';
import { call, refusal, send } from './support/json-client.js';
import { StoreDouble } from './support/store-double.js';
import { openEngine, serveStore, type TestService } from './support/test-service.js';

const KEYS_MAX = 50;
const STRANGE = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'caf\u00e9',
  'cafe\u0301',
];

let engine: Engine;
let service: TestService;

beforeAll(async () => {
  engine = await openEngine();
  service = await serveStore(engine, { batchKeysMax: KEYS_MAX });
});

beforeEach(async () => {
  await engine.clear();
  await engine.namespace('n').clear();
});

function post(path: string, body: unknown): ReturnType<typeof call> {
  return call(service, `POST ${path}`, body);
}

describe('plain', () => {
  test('sets, gets and deletes, one answer for each position', async () => {
    const entries = [
      { key: 'a', value: { x: [1, null] }, ttl: 60, tags: ['t'] },
      { key: 'b', value: 'text' },
      { key: 'bytes', value: 'AP8=', encoding: 'base64' },
    ];
    expect(await post('/cache/batch/set', { entries })).toEqual([200, { stored: 3 }]);
    expect(await post('/cache/batch/get', { keys: ['b', 'none', 'a', 'b', 'bytes'] })).toEqual([
      200,
      {
        results: [
          { key: 'b', hit: true, value: 'text', ttl: null },
          { key: 'none', hit: false },
          { key: 'a', hit: true, value: { x: [1, null] }, ttl: 60 },
          { key: 'b', hit: true, value: 'text', ttl: null },
          { key: 'bytes', hit: true, value: 'AP8=', encoding: 'base64', ttl: null },
        ],
      },
    ]);
    expect(Buffer.from(engine.getBytes('bytes') ?? [])).toEqual(Buffer.of(0, 0xff));
    expect(await engine.invalidateTag('t')).toBe(1);
    const keys = ['a', 'b', 'b', 'bytes'];
    expect(await post('/cache/batch/delete', { keys })).toEqual([200, { deleted: 2 }]);
  });

  test('of a key that comes twice the last value stays', async () => {
    const entries = [
      { key: 'a', value: 1 },
      { key: 'a', value: 2 },
    ];
    expect(await post('/cache/batch/set', { entries })).toEqual([200, { stored: 2 }]);
    expect(await post('/cache/batch/get', { keys: ['a'] })).toEqual([
      200,
      { results: [{ key: 'a', hit: true, value: 2, ttl: null }] },
    ]);
  });

  test.each<readonly [string, unknown, RegExp]>([
    [
      'entries[1].key',
      { entries: [{ key: 'a', value: 1 }, { value: 1 }] },
      /^entries\[1\]\.key: is/,
    ],
    ['entries[0].value', { entries: [{ key: 'a' }] }, /^entries\[0\]\.value: is missing/],
    ['entries[0]', { entries: [7] }, /^entries\[0\]: must be an object, not number/],
    ['entries', { entries: {} }, /^entries: must be an array, not object/],
    ['no entries', { entries: [] }, /^entries: must hold 1 to 50, not none/],
    ['the body', [], /^the body: must be an object, not array/],
    ['a wrong name', { entris: [] }, /did you mean entries\?/],
    ['a wrong name', { entries: [{ kay: 1 }] }, /^entries\[0\]: .*did you mean key\?/],
    ['tags', { entries: [{ key: 'a', value: 1, tags: 't' }] }, /^entries\[0\]\.tags: must be an/],
    ['tags', { entries: [{ key: 'a', value: 1, tags: [1] }] }, /^entries\[0\]\.tags\[0\]: must be/],
    ['encoding', { entries: [{ key: 'a', value: 'x', encoding: 'hex' }] }, /^encoding: must be/],
    ['base64', { entries: [{ key: 'a', value: 'A', encoding: 'base64' }] }, /must be base64/],
    ['base64', { entries: [{ key: 'a', value: 1, encoding: 'base64' }] }, /must be a string/],
  ])('a fault in %s is told by its place, and nothing is stored', async (_name, body, message) => {
    await engine.set('there', 1);
    const [status, answer] = await post('/cache/batch/set', body);
    expect(status).toBe(422);
    expect(answer).toEqual(refusal('ERR_HTTP_INVALID_FIELD', message));
    expect(engine.has('a')).toBe(false);
  });

  test.each([0, -1, 1.5, '60', null, true, 1e300, 31_557_600_001])(
    'H25, H26: a time to live of %j is refused',
    async (ttl) => {
      const entries = [{ key: 'a', value: 1, ttl }];
      const [status, answer] = await post('/cache/batch/set', { entries });
      expect(status).toBe(422);
      expect(answer).toEqual(
        refusal('ERR_CACHE_INVALID_TTL', /^entries\[0\]\.ttl: must be a whole/),
      );
    },
  );

  test.each([
    ['an empty key', '', /^keys\[1\]: the key is empty/],
    ['a long key', 'k'.repeat(1_025), /^keys\[1\]: the key has more than 1024 bytes/],
    ['half of a pair', '\ud800', /^keys\[1\]: the key has half of a surrogate pair/],
  ])('%s is refused by its place', async (_name, key, message) => {
    for (const operation of ['get', 'delete']) {
      const [status, answer] = await post(`/cache/batch/${operation}`, { keys: ['a', key] });
      expect(status).toBe(400);
      expect(answer).toEqual(refusal('ERR_CACHE_INVALID_KEY', message));
    }
  });

  test('values that are too many bytes together are refused', async () => {
    const store = new StoreDouble();
    const small = await serveStore(store, { valueBytesMax: 1_000 });
    for (const key of ['a', 'b']) store.values.set(key, Buffer.alloc(600, '7'));
    const [status, answer] = await call(small, 'POST /cache/batch/get', { keys: ['a', 'b'] });
    expect(status).toBe(413);
    expect(answer).toEqual(refusal('ERR_HTTP_BATCH_TOO_LARGE', /more than 1000 bytes together/));
    expect(small.budget.usedBytes).toBe(0);
  });

  test('one entry that cannot be stored fails the batch, and the budget is given back', async () => {
    const entries = Array.from({ length: 5 }, (_, index) => ({ key: `k${index}`, value: index }));
    const store = new StoreDouble();
    const failing = await serveStore(store);
    store.failure = Object.assign(new Error('lost'), { code: 'ERR_CACHE_OUT_OF_MEMORY' });
    const [status, answer] = await call(failing, 'POST /cache/batch/set', { entries });
    expect(status).toBe(503);
    expect(answer).toEqual(refusal('ERR_CACHE_OUT_OF_MEMORY'));
    expect(failing.budget.usedBytes).toBe(0);
  });
});

describe('H23, H24: the number of keys', () => {
  const indexes = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => String(index));

  test.each(['/cache/batch/get', '/cache/batch/delete', '/api/v1/cache/n/batch/get'])(
    'H24: %s takes 1 to the limit, and duplicates',
    async (path) => {
      const [emptyStatus, empty] = await post(path, { keys: [] });
      expect(emptyStatus).toBe(422);
      expect(empty).toEqual(
        refusal('ERR_HTTP_INVALID_FIELD', /^keys: must hold 1 to 50, not none/),
      );
      expect((await post(path, { keys: Array(KEYS_MAX).fill('same') }))[0]).toBe(200);
      for (const count of [KEYS_MAX + 1, 100_000]) {
        const [status, answer] = await post(path, { keys: indexes(count) });
        expect(status).toBe(413);
        const message = /^keys: has more than 50, the most that HTTP_MAX_BATCH_KEYS allows/;
        expect(answer).toEqual(refusal('ERR_HTTP_BATCH_TOO_LARGE', message));
      }
    },
  );

  test('H24: entries are bounded too', async () => {
    const keys = indexes(KEYS_MAX + 1);
    const list = keys.map((key) => ({ key, value: 0 }));
    expect((await post('/cache/batch/set', { entries: list }))[0]).toBe(413);
    const object = Object.fromEntries(keys.map((key) => [key, 0]));
    expect((await post('/api/v1/cache/n/batch/set', { entries: object }))[0]).toBe(413);
    expect((await post('/api/v1/cache/n/batch/set', { entries: {} }))[0]).toBe(422);
    expect((await engine.scanKeys()).keys).toEqual([]);
    expect((await engine.namespace('n').scanKeys()).keys).toEqual([]);
  });

  test('H23: 2^17 keys that look like indexes do not hold the service up', async () => {
    const count = 2 ** 17;
    // Multiples of a power of two meet in a table whose hash is the number itself.
    const spread = indexes(count);
    const crafted = spread.map((index) => String(Number(index) * 2 ** 12));
    const durationMs = async (keys: readonly string[]): Promise<number> => {
      const names = `{"entries":{${keys.map((key) => `"${key}":0`).join(',')}}}`;
      const startMs = performance.now();
      expect((await post('/cache/batch/get', { keys }))[0]).toBe(413);
      const answer = await send(service, 'POST /api/v1/cache/n/batch/set', names);
      expect(answer.status).toBe(413);
      return performance.now() - startMs;
    };
    await durationMs(spread);
    const fairMs = Math.min(await durationMs(spread), await durationMs(spread));
    const craftedMs = Math.min(await durationMs(crafted), await durationMs(crafted));
    expect(craftedMs).toBeLessThan(10 * fairMs + 10);
  });
});

describe('namespaced', () => {
  test('sets by name and gets by name, with the keys that are missing', async () => {
    const entries = { 1: { a: 1 }, '': undefined, x: 'y' };
    const set = await post('/api/v1/cache/n/batch/set', { entries, ttl_seconds: 60 });
    expect(set).toEqual([200, { success: true, stored_count: 2 }]);
    await engine.namespace('n').set('raw', Buffer.of(0, 0xff));
    expect(
      await post('/api/v1/cache/n/batch/get', { keys: ['x', '1', 'none', 'x', 'raw', 'none'] }),
    ).toEqual([
      200,
      {
        values: { x: 'y', 1: { a: 1 }, raw: 'AP8=' },
        missing_keys: ['none'],
        base64_keys: ['raw'],
      },
    ]);
    const { ttlMs } = engine.namespace('n').getWithMeta('x');
    expect(ttlMs).toBeLessThanOrEqual(60_000);
    expect(ttlMs).toBeGreaterThan(1_000);
  });

  test('reading makes no namespace', async () => {
    const { namespaces } = engine.stats();
    const body = { keys: ['a'] };
    expect(await post('/api/v1/cache/unseen/batch/get', body)).toEqual([
      200,
      { values: {}, missing_keys: ['a'] },
    ]);
    expect((await call(service, 'GET /api/v1/cache/unseen/a'))[0]).toBe(404);
    expect((await call(service, 'DELETE /api/v1/cache/unseen/a'))[1]).toEqual({ deleted: false });
    expect(engine.stats().namespaces).toBe(namespaces);
  });

  test('H21, H22: keys are data, whatever they are called and however composed', async () => {
    const text = `{"entries":{${STRANGE.map((key, index) => `${JSON.stringify(key)}:${index}`)}}}`;
    const stored = await send(service, 'POST /api/v1/cache/__proto__/batch/set', text);
    expect(stored.text).toBe(`{"success":true,"stored_count":${STRANGE.length}}`);
    const found = await send(
      service,
      'POST /api/v1/cache/__proto__/batch/get',
      JSON.stringify({ keys: [...STRANGE, 'valueOf'] }),
    );
    const values = STRANGE.map((key, index) => `${JSON.stringify(key)}:${index}`).join(',');
    expect(found.text).toBe(`{"values":{${values}},"missing_keys":["valueOf"]}`);
    expect(engine.findNamespace('__proto__')?.getMany(STRANGE)).toHaveLength(STRANGE.length);
    expect(({} as Record<string, unknown>)['caf\u00e9']).toBeUndefined();
  });

  test('a key that is none is refused by its place', async () => {
    const [status, answer] = await post('/api/v1/cache/n/batch/set', { entries: { a: 1, '': 2 } });
    expect(status).toBe(400);
    expect(answer).toEqual(
      refusal('ERR_CACHE_INVALID_KEY', /^entries, member 2: the key is empty/),
    );
    expect(engine.namespace('n').has('a')).toBe(false);
  });
});
