/** The namespaced and the enveloped dialect, field by field, and values across all dialects. */
import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/index.js';
import { call, refusal, send } from './support/json-client.js';
import { requestText } from './support/raw-connection.js';
import { StoreDouble } from './support/store-double.js';
import { ask as askRaw, openEngine, serveStore, type TestService } from './support/test-service.js';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const STRANGE = [
  '__proto__',
  'constructor',
  'toString',
  'caf\u00e9',
  'cafe\u0301',
  'a/b%',
  '\u0000',
];

let engine: Engine;
let service: TestService;

beforeAll(async () => {
  engine = await openEngine();
  service = await serveStore(engine, { defaultTtlMs: 3_600_000 });
});

beforeEach(() => engine.clear());

function ask(line: string, body?: unknown): ReturnType<typeof call> {
  return call(service, line, body);
}

/** A request that no client has tidied up. */
async function sendRaw(line: string): Promise<{ status: number; text: string }> {
  const response = await askRaw(service.port, requestText(line));
  return { status: response?.status ?? 0, text: response?.body.toString() ?? '' };
}

/** Seconds from now to an instant of an answer. */
function secondsUntil(instant: unknown): number {
  expect(instant).toMatch(INSTANT);
  return (Date.parse(String(instant)) - Date.now()) / 1_000;
}

describe('namespaced', () => {
  const path = '/api/v1/cache/users/user:123';

  test('an entry is stored, found and removed', async () => {
    const body = { value: { id: 123, name: 'John' }, ttl_seconds: 60, tags: ['t'] };
    expect(await ask(`PUT ${path}`, body)).toEqual([200, { success: true }]);
    expect(await ask(`GET ${path}`)).toEqual([
      200,
      {
        found: true,
        value: { id: 123, name: 'John' },
        source: 'CACHE_SOURCE_LOCAL',
        ttl_seconds: 60,
      },
    ]);
    expect(engine.has('user:123')).toBe(false);
    expect(await engine.namespace('users').invalidateTag('t')).toBe(1);
    await ask(`PUT ${path}`, body);
    expect(await ask(`DELETE ${path}`)).toEqual([200, { deleted: true }]);
    expect(await ask(`DELETE ${path}`)).toEqual([200, { deleted: false }]);
    expect(await ask(`GET ${path}`)).toEqual([
      404,
      {
        found: false,
        value: null,
        source: 'CACHE_SOURCE_UNSPECIFIED',
        error: { code: 'ERR_HTTP_CACHE_MISS', message: 'nothing is stored here' },
      },
    ]);
  });

  test('bytes go through base64', async () => {
    const body = { value: 'AP8=', encoding: 'base64' };
    expect((await ask(`PUT ${path}`, body))[0]).toBe(200);
    expect((await ask(`GET ${path}`))[1]).toMatchObject(body);
    const { ttlMs } = engine.namespace('users').getWithMeta('user:123');
    expect(ttlMs).toBe(Number.POSITIVE_INFINITY);
  });

  test('what is asked to be encrypted is not stored', async () => {
    await ask(`DELETE ${path}`);
    const [status, answer] = await ask(`PUT ${path}`, { value: 1, encrypt: true });
    expect(status).toBe(422);
    expect(answer).toEqual(refusal('ERR_HTTP_INVALID_FIELD', /^encrypt: encryption is not conf/));
    expect((await ask(`GET ${path}`))[0]).toBe(404);
    expect((await ask(`PUT ${path}`, { value: 1, encrypt: false }))[0]).toBe(200);
    expect((await ask(`PUT ${path}`, { value: 1, encrypt: 'yes' }))[0]).toBe(422);
  });

  test.each([
    ['a step of a path', '%2E%2E', /^the namespace is a step of a path$/],
    ['one dot', '%2E', /^the namespace is a step of a path$/],
    ['129 bytes', 'n'.repeat(129), /^the namespace has more than 128 bytes$/],
    ['129 bytes, escaped', '%C3%A4'.repeat(65), /^the namespace has more than 128 bytes$/],
    ['nothing', '', /^the namespace is empty$/],
    ['a broken escape', '%zz', /^the namespace holds a percent sign that begins no escape/],
    ['bytes that are no UTF-8', '%ff', /escapes that are not UTF-8$/],
  ])('%s is no namespace', async (_name, segment, message) => {
    // A client may take `..` out of a path, so the request is written by hand.
    for (const line of [`GET /api/v1/cache/${segment}/k`, `DELETE /api/v1/cache/${segment}/k`]) {
      const { status, text } = await sendRaw(line);
      expect(status).toBe(400);
      expect(JSON.parse(text)).toEqual(refusal('ERR_CACHE_INVALID_NAMESPACE', message));
    }
  });

  test('H17, H18, H20: keys are decoded once, and checked', async () => {
    for (const segment of ['%', '%zz', '%c0%ae', '%ed%a0%80', 'k'.repeat(1_025)]) {
      expect((await sendRaw(`GET /api/v1/cache/n/${segment}`)).status).toBe(400);
    }
    expect((await ask('PUT /api/v1/cache/n/%2541', { value: 1 }))[0]).toBe(200);
    expect(engine.namespace('n').has('%41')).toBe(true);
    expect((await sendRaw(`GET /api/v1/cache/n/${'k'.repeat(1_024)}`)).status).toBe(404);
  });

  test('H21, H22: namespaces and keys are plain names', async () => {
    for (const name of STRANGE) {
      const target = `/api/v1/cache/${encodeURIComponent(name)}/${encodeURIComponent(name)}`;
      expect((await ask(`PUT ${target}`, { value: name, tags: [name] }))[0]).toBe(200);
    }
    for (const name of STRANGE) {
      const target = `/api/v1/cache/${encodeURIComponent(name)}/${encodeURIComponent(name)}`;
      expect((await ask(`GET ${target}`))[1]).toMatchObject({ found: true, value: name });
      expect(await engine.namespace(name).invalidateTag(name)).toBe(1);
    }
  });

  test('names of namespaces are bounded, and those in use go on', async () => {
    const own = await openEngine();
    const small = await serveStore(own, { namespacesMax: 2 });
    for (const name of ['a', 'b']) {
      expect((await call(small, `PUT /api/v1/cache/${name}/k`, { value: 1 }))[0]).toBe(200);
    }
    const [status, answer] = await call(small, 'PUT /api/v1/cache/c/k', { value: 1 });
    expect(status).toBe(507);
    expect(answer).toEqual(refusal('ERR_CACHE_TOO_MANY_NAMESPACES', /CACHE_MAX_NAMESPACES/));
    expect((await call(small, 'PUT /api/v1/cache/b/k', { value: 2 }))[0]).toBe(200);
  });
});

describe('enveloped', () => {
  const path = '/api/cache/user:123';

  test('an entry is stored, found and removed', async () => {
    const body = { key: 'user:123', value: { id: 123, name: 'John' }, ttl: 600 };
    const [status, answer] = await ask(`PUT ${path}`, body);
    expect(status).toBe(200);
    expect(answer).toEqual({ success: true, expires_at: expect.stringMatching(INSTANT) });
    const until = secondsUntil((answer as { expires_at: unknown }).expires_at);
    expect(until).toBeGreaterThan(500);
    expect(until).toBeLessThanOrEqual(601);
    const [, found] = await ask(`GET ${path}`);
    expect(found).toEqual({
      value: { id: 123, name: 'John' },
      hit: true,
      source: 'l1',
      cached_at: expect.stringMatching(INSTANT),
      expires_at: expect.stringMatching(INSTANT),
    });
    const { cached_at: cachedAt, expires_at: expiresAt } = found as Record<string, unknown>;
    expect(secondsUntil(cachedAt)).toBeLessThanOrEqual(0);
    expect(secondsUntil(cachedAt)).toBeGreaterThan(-100);
    expect(secondsUntil(expiresAt)).toBeGreaterThan(500);
    expect(await ask(`DELETE ${path}`)).toEqual([200, { success: true }]);
    expect(await ask(`DELETE ${path}`)).toEqual([200, { success: true }]);
    expect(await ask(`GET ${path}`)).toEqual([
      200,
      { value: null, hit: false, source: null, cached_at: null, expires_at: null },
    ]);
  });

  test('the default time to live is told; an entry without an end has none', async () => {
    const [, answer] = await ask(`PUT ${path}`, { value: 1 });
    expect(secondsUntil((answer as { expires_at: unknown }).expires_at)).toBeGreaterThan(3_000);
    await engine.set('user:123', Buffer.from('1'), { ttl: 'never' });
    expect((await ask(`GET ${path}`))[1]).toMatchObject({ hit: true, expires_at: null });
  });

  test('H26: times to live up to 1,000 years are exact, longer ones refused', async () => {
    for (const ttl of [2_147_484, 40 * 86_400, 31_557_600_000]) {
      expect((await ask(`PUT ${path}`, { value: 1, ttl }))[0]).toBe(200);
      const { ttlMs } = engine.getWithMeta('user:123');
      expect(Math.ceil(ttlMs / 60_000)).toBe(Math.ceil(ttl / 60));
      expect((await ask(`GET ${path}`))[1]).toMatchObject({
        expires_at: expect.stringMatching(INSTANT),
      });
    }
    for (const ttl of [31_557_600_001, 2 ** 53]) {
      const [status, answer] = await ask(`PUT ${path}`, { value: 1, ttl });
      expect(status).toBe(422);
      expect(answer).toEqual(refusal('ERR_CACHE_INVALID_TTL', /^ttl: must be a whole number/));
    }
  });

  test.each<readonly [string, unknown, RegExp]>([
    ['another key', { key: 'other', value: 1 }, /^key: must be the key of the path/],
    ['a key that is no text', { key: 1, value: 1 }, /^key: must be a string, not number/],
    ['no value', { key: 'user:123' }, /^value: is missing/],
    ['a wrong name', { valeu: 1 }, /has valeu, a name that is not known.*did you mean value\?/],
    ['a field of another dialect', { value: 1, ttl_seconds: 1 }, /ttl_seconds/],
  ])('%s is refused', async (_name, body, message) => {
    const [status, answer] = await ask(`PUT ${path}`, body);
    expect(status).toBe(422);
    expect(answer).toEqual(refusal('ERR_HTTP_INVALID_FIELD', message));
    expect(engine.has('user:123')).toBe(false);
  });

  test('entries are invalidated by keys, pattern, prefix or tag', async () => {
    const fill = async (): Promise<void> => {
      await engine.clear();
      for (const id of [1, 2, 3]) {
        await ask(`PUT /api/cache/user:${id}`, { value: id, tags: id === 1 ? ['admin'] : [] });
      }
    };
    const target = 'POST /api/cache/invalidate';
    for (const [body, invalidated] of [
      [{ keys: ['user:1', 'user:2', 'user:9', 'user:1'] }, 2],
      [{ pattern: 'user:[12]' }, 2],
      [{ prefix: 'user:' }, 3],
      [{ tag: 'admin' }, 1],
      [{ tag: 'nobody' }, 0],
      [{ pattern: '*', confirm: true }, 3],
      [{ prefix: '', confirm: true }, 3],
    ] as const) {
      await fill();
      expect(await ask(target, body)).toEqual([200, { invalidated, success: true }]);
    }
    await fill();
    for (const body of [{ pattern: '*' }, { pattern: '**' }, { pattern: '?*' }, { prefix: '' }]) {
      const [status, answer] = await ask(target, body);
      expect(status).toBe(428);
      expect(answer).toEqual(refusal('ERR_HTTP_PRECONDITION_REQUIRED', /confirm=true/));
    }
    for (const body of [{}, { keys: ['a'], tag: 'b' }, { pattern: 1 }, { confirm: true }]) {
      expect((await ask(target, body))[0]).toBe(422);
    }
    expect((await engine.scanKeys()).keys).toHaveLength(3);
  });

  test('every counter of the document is there', async () => {
    const before = (await ask('GET /api/cache/metrics'))[1] as Record<string, number>;
    await ask(`PUT ${path}`, { value: 1 });
    await ask(`GET ${path}`);
    await ask('GET /api/cache/none');
    await ask(`DELETE ${path}`);
    const after = (await ask('GET /api/cache/metrics'))[1] as Record<string, number>;
    expect(Object.keys(after)).toEqual([
      ...['hits', 'misses', 'hit_rate', 'sets', 'deletes', 'evictions', 'l1_size'],
      ...['l2_hits', 'l2_misses', 'l2_errors'],
    ]);
    for (const name of ['hits', 'misses', 'sets', 'deletes']) {
      expect((after[name] ?? 0) - (before[name] ?? 0), name).toBe(1);
    }
    const reads = (after['hits'] ?? 0) + (after['misses'] ?? 0);
    expect(after['hit_rate']).toBeCloseTo((after['hits'] ?? 0) / reads, 3);
    expect(after['l1_size']).toBe(engine.stats().items);
    expect([after['l2_hits'], after['l2_misses'], after['l2_errors']]).toEqual([0, 0, 0]);
  });
});

describe('one cache behind all dialects', () => {
  test('the text of a value is the same however it was stored and wherever it is read', async () => {
    const writers: readonly ((text: string) => readonly [line: string, body: string])[] = [
      (text) => ['PUT /cache/k', text],
      (text) => ['POST /cache/batch/set', `{"entries":[{"key":"k","value":${text}}]}`],
      (text) => ['PUT /api/cache/k', `{"value":${text},"ttl":60}`],
    ];
    const space = fc.constantFrom('', ' ', '\n', '  ');
    const number = fc.constantFrom('1e400', '9007199254740993', '-0', '1.10', '"\\ud800"', '"\\/"');
    const form = fc.record({ json: fc.json({ maxDepth: 5 }), space, number });
    const writer = fc.nat({ max: writers.length - 1 });
    await fc.assert(
      fc.asyncProperty(form, writer, async ({ json, space: indent, number: odd }, index) => {
        const value = `{"a":${JSON.stringify(JSON.parse(json), undefined, indent)},"b":[${odd}]}`;
        const [line, body] = writers[index]?.(value) ?? ['', ''];
        expect((await send(service, line, body)).status).toBeLessThan(300);
        expect((await send(service, 'GET /cache/k')).text).toBe(value);
        expect((await send(service, 'GET /api/cache/k')).text).toContain(`{"value":${value},"hit"`);
        const batch = await send(service, 'POST /cache/batch/get', '{"keys":["k"]}');
        expect(batch.text).toContain(`"hit":true,"value":${value},"ttl":`);
      }),
      { numRuns: 60 },
    );
  });

  test('a busy entry is no miss', async () => {
    const store = new StoreDouble();
    store.absentState = 'busy';
    const busy = await serveStore(store);
    for (const line of ['GET /api/cache/k', 'GET /api/v1/cache/n/k']) {
      expect(await call(busy, line)).toEqual([503, refusal('ERR_CACHE_BUSY')]);
    }
    const answer = await call(busy, 'POST /cache/batch/get', { keys: ['k'] });
    expect(answer).toEqual([503, refusal('ERR_CACHE_BUSY')]);
    expect(busy.budget.usedBytes).toBe(0);
  });

  test('a large value is counted in the budget until it was sent', async () => {
    const value = `"${'x'.repeat(100_000)}"`;
    await send(service, 'PUT /api/cache/large', `{"value":${value}}`);
    expect((await send(service, 'GET /api/cache/large')).text).toContain(value);
    expect(service.budget.usedBytes).toBe(0);
    const small = await serveStore(engine, {}, 50_000);
    expect(await call(small, 'GET /api/cache/large')).toEqual([
      503,
      refusal('ERR_CACHE_OVERLOADED', /too many large values/),
    ]);
    expect(small.budget.usedBytes).toBe(0);
  });

  test('fixed paths are served by their methods alone', async () => {
    expect((await ask('GET /api/cache/invalidate'))[0]).toBe(405);
    expect((await ask('PUT /api/cache/metrics', { value: 1 }))[0]).toBe(405);
    expect((await ask('GET /cache/batch/get'))[0]).toBe(405);
    expect((await ask('GET /api/v1/cache/n'))[0]).toBe(404);
  });
});
