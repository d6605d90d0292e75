/** One entry in the plain dialect, as HTTP sees it: headers, conditions, time to live. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import xxhash from 'xxhash-wasm';
import { createEngine, type Engine } from '../../src/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { holdShards } from '../support/held-shards.js';
import { putText, type RawResponse, requestText } from './support/raw-connection.js';
import {
  ask,
  expectRefusal,
  get,
  serveStore,
  type TestService,
  TRANSPORT_KINDS,
} from './support/test-service.js';

const TEXT = 'Content-Type: text/plain';

describe.each(TRANSPORT_KINDS)('one entry over %s', (kind) => {
  let engine: Engine;
  let service: TestService;
  const clock = new FakeClock();

  beforeAll(async () => {
    engine = await createEngine({ memory: '16mb', workers: 0, clock });
    service = await serveStore(engine, {}, undefined, kind);
  });
  afterAll(() => engine.close());

  function put(key: string, body: string, headers: readonly string[] = []): Promise<RawResponse> {
    return send(putText(`/cache/${key}`, body, [TEXT, ...headers]));
  }

  async function send(request: string): Promise<RawResponse> {
    return (await ask(service.port, request)) as RawResponse;
  }

  function patch(key: string, body: string, headers: readonly string[] = []): Promise<RawResponse> {
    const all = [`Content-Length: ${body.length}`, 'Content-Type: application/json', ...headers];
    return send(requestText(`PATCH /cache/${key}`, all, body));
  }

  async function tagOf(key: string): Promise<string> {
    return (await get(service.port, `/cache/${key}`)).headers.get('etag') ?? '';
  }

  test('a hit tells age, remaining time and tag, whoever keeps the value', async () => {
    const { h64ToString } = await xxhash();
    await put('told', 'value', ['X-Cache-TTL: 3600']);
    for (const ageSeconds of [0, 1, 12, 600]) {
      clock.advance(ageSeconds * 1_000 - (engine.getView('told')?.ageMs ?? 0));
      const { headers, body } = await get(service.port, '/cache/told');
      const left = String(3_600 - ageSeconds);
      expect(body.toString()).toBe('value');
      expect(Object.fromEntries(headers)).toMatchObject({
        'x-cache-hit': 'true',
        'content-type': 'text/plain',
        'accept-ranges': 'none',
        age: String(ageSeconds),
        etag: `"${h64ToString('value')}"`,
        'cache-control': `max-age=${left}`,
        'cache-status': `hotshard; hit; ttl=${left}`,
        'x-cache-ttl-remaining': left,
      });
    }
  });

  test('an entry without an end is to be asked for anew each time', async () => {
    const other = await serveStore(engine, { defaultTtlMs: 5_000 }, undefined, kind);
    const stored = await ask(other.port, putText('/cache/endless', 'x', ['X-Cache-TTL: never']));
    expect(stored?.headers.has('x-cache-ttl')).toBe(false);
    const { headers } = await get(service.port, '/cache/endless');
    expect(headers.get('cache-control')).toBe('no-cache');
    expect(headers.get('cache-status')).toBe('hotshard; hit');
    expect(headers.has('x-cache-ttl-remaining')).toBe(false);
  });

  test('a miss is kept by nobody', async () => {
    const { headers } = await get(service.port, '/cache/missed');
    expect(headers.get('cache-status')).toBe('hotshard; fwd=miss');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test.each([
    ['empty', 0],
    ['small', 5],
    ['large', 300_000],
  ])('HEAD of a value that is %s is GET without the value', async (_, bytes) => {
    await put('headed', 'x'.repeat(bytes), ['X-Cache-TTL: 100']);
    const found = await get(service.port, '/cache/headed');
    const head = await fetch(`${service.url}/cache/headed`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
    expect(head.headers.get('content-length')).toBe(String(bytes));
    for (const name of ['etag', 'age', 'cache-control', 'content-type', 'x-cache-ttl-remaining']) {
      expect(head.headers.get(name), name).toBe(found.headers.get(name));
    }
    const missed = await fetch(`${service.url}/cache/headless`, { method: 'HEAD' });
    expect([missed.status, await missed.text()]).toEqual([404, '']);
  });

  test('who has the value is not sent it again', async () => {
    await put('known', 'value', ['X-Cache-TTL: 100']);
    const tag = await tagOf('known');
    for (const condition of [tag, `W/${tag}`, `"a", ${tag}`, '*']) {
      for (const method of ['GET', 'HEAD']) {
        const headers = { 'If-None-Match': condition };
        const answer = await fetch(`${service.url}/cache/known`, { method, headers });
        expect(answer.status, condition).toBe(304);
        expect(answer.headers.get('etag')).toBe(tag);
        expect(answer.headers.get('cache-control')).toBe('max-age=100');
        expect(await answer.text()).toBe('');
      }
    }
    for (const condition of ['"a"', 'W/"a", "b"', '""']) {
      const headers = { 'If-None-Match': condition };
      const answer = await fetch(`${service.url}/cache/known`, { headers });
      expect([answer.status, await answer.text()]).toEqual([200, 'value']);
    }
    await put('known', 'another');
    const headers = { 'If-None-Match': tag };
    expect((await fetch(`${service.url}/cache/known`, { headers })).status).toBe(200);
  });

  describe('conditions of writes', () => {
    test.each([
      ['X-Cache-Mode: NX', 'absent'],
      ['X-Cache-Mode: nx', 'absent'],
      ['If-None-Match: *', 'absent'],
      ['X-Cache-Mode: XX', 'present'],
      ['If-Match: *', 'present'],
    ])('%s stores only if the entry is %s', async (header, state) => {
      await engine.delete('cond');
      const whenAbsent = await put('cond', 'first', [header]);
      await engine.set('cond', 'present');
      const whenPresent = await put('cond', 'second', [header]);
      const [met, refused] = state === 'absent' ? [0, 1] : [1, 0];
      const answers = [whenAbsent, whenPresent];
      expect(answers[met]?.status).toBe(201);
      expectRefusal(answers[refused], 412, 'ERR_HTTP_PRECONDITION_FAILED');
      expect(engine.get('cond')?.toString()).toBe(state === 'absent' ? 'present' : 'second');
    });

    test('If-Match replaces and removes the value that was read, and no other', async () => {
      await put('swap', 'one');
      const one = await tagOf('swap');
      expect((await put('swap', 'two', [`If-Match: "x", ${one}`])).status).toBe(201);
      const two = await tagOf('swap');
      expectRefusal(await put('swap', 'three', [`If-Match: ${one}`]), 412, PRECONDITION);
      const removal = requestText('DELETE /cache/swap', [`If-Match: ${one}`]);
      expectRefusal(await send(removal), 412, PRECONDITION);
      expect(engine.get('swap')?.toString()).toBe('two');
      expect((await send(removal.replace(one, two))).status).toBe(204);
      expect(engine.has('swap')).toBe(false);
      expectRefusal(await put('swap', 'four', [`If-Match: ${two}`]), 412, PRECONDITION);
      expectRefusal(await send(removal), 412, PRECONDITION);
    });

    test('If-None-Match with tags refuses a value that the client has', async () => {
      await put('unlike', 'one');
      const one = await tagOf('unlike');
      expectRefusal(await put('unlike', 'x', [`If-None-Match: W/${one}`]), 412, PRECONDITION);
      expect((await put('unlike', 'two', ['If-None-Match: "x"'])).status).toBe(201);
      await engine.delete('unlike');
      expect((await put('unlike', 'three', [`If-None-Match: ${one}`])).status).toBe(201);
    });

    test('of many that replace one value at once, one does', async () => {
      await put('race', 'start');
      for (let round = 0; round < 10; round++) {
        const tag = await tagOf('race');
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            put('race', `${round} ${index}`, [`If-Match: ${tag}`]),
          ),
        );
        const statuses = answers.map(({ status }) => status).sort();
        expect(statuses).toEqual([201, ...Array.from({ length: 19 }, () => 412)]);
      }
    });

    test.each(['Bad', '"open', 'W/x', '"a" "b"', ','])(
      'H34: %j is no condition, and changes nothing',
      async (text) => {
        await engine.set('h34', 'kept', { contentType: 'text/plain' });
        const requests = [
          requestText('GET /cache/h34', [`If-None-Match: ${text}`]),
          putText('/cache/h34', 'x', [`If-Match: ${text}`]),
          putText('/cache/h34', 'x', [`If-None-Match: ${text}`]),
          requestText('DELETE /cache/h34', [`If-Match: ${text}`]),
        ];
        for (const request of requests) {
          expectRefusal(await send(request), 400, 'ERR_HTTP_MALFORMED_REQUEST');
        }
        expect(engine.get('h34')?.toString()).toBe('kept');
      },
    );

    test('H34: a weak tag proves nothing of a value that is to be replaced', async () => {
      await put('weak', 'kept');
      const headers = [`If-Match: W/${await tagOf('weak')}`];
      expectRefusal(await put('weak', 'x', headers), 412, PRECONDITION);
      expectRefusal(await send(requestText('DELETE /cache/weak', headers)), 412, PRECONDITION);
    });

    test('H34: two conditions at once are refused', async () => {
      await engine.set('both', 'kept', { contentType: 'text/plain' });
      const both = ['If-Match: "a"', 'If-None-Match: "b"'];
      for (const request of [
        requestText('GET /cache/both', both),
        putText('/cache/both', 'x', both),
        putText('/cache/both', 'x', ['If-Match: *', 'X-Cache-Mode: XX']),
        requestText('DELETE /cache/both', both),
      ]) {
        expectRefusal(await send(request), 400, 'ERR_HTTP_MALFORMED_REQUEST');
      }
      expectRefusal(await put('both', 'x', ['X-Cache-Mode: MAYBE']), 422, 'ERR_HTTP_INVALID_FIELD');
      expect(engine.get('both')?.toString()).toBe('kept');
    });
  });

  describe('tags', () => {
    test('come by three headers, and repeated ones count once', async () => {
      const headers = ['X-Cache-Tags: a, b,,b', 'Cache-Tag: c', 'Surrogate-Key: d  e a'];
      for (const tag of ['a', 'b', 'c', 'd', 'e']) {
        expect((await put('tagged', 'x', headers)).status).toBe(201);
        expect(await engine.invalidateTag(tag), tag).toBe(1);
      }
      await put('tagged', 'x', ['X-Cache-Tags:']);
      expect(await engine.invalidateTag('a')).toBe(0);
    });

    test.each(['__proto__', 'constructor', 'toString'])('H21: %s is a tag', async (tag) => {
      await put('h21', 'x', [`X-Cache-Tags: ${tag}`]);
      expect(await engine.invalidateTag(tag)).toBe(1);
    });

    test.each([
      ['65 tags', Array.from({ length: 65 }, (_, index) => `t${index}`).join(',')],
      ['a tag of 257 bytes', 't'.repeat(257)],
      ['bytes outside of ASCII', 'caf\u00e9s'],
    ])('%s are refused', async (_, tags) => {
      const answer = await put('badly-tagged', 'x', [`X-Cache-Tags: ${tags}`]);
      expectRefusal(answer, 422, 'ERR_CACHE_INVALID_TAG');
      expect(engine.has('badly-tagged')).toBe(false);
    });
  });

  describe('PATCH', () => {
    test('sets, extends and takes away the time to live', async () => {
      await put('timed', 'x', ['X-Cache-TTL: 100']);
      const expectLeft = async (body: string, left: number | null): Promise<void> => {
        const answer = await patch('timed', body);
        expect(answer.status).toBe(200);
        expect(JSON.parse(answer.body.toString())).toEqual({ ttl: left });
        const found = await get(service.port, '/cache/timed');
        const expected = left === null ? undefined : String(left);
        expect(answer.headers.get('x-cache-ttl-remaining')).toBe(expected);
        expect(found.headers.get('x-cache-ttl-remaining')).toBe(expected);
        expect(found.body.toString()).toBe('x');
      };
      await expectLeft('{"ttl":600}', 600);
      clock.advance(100_000);
      await expectLeft(' { "extend" : 50 } ', 550);
      await expectLeft('{"persist":true}', null);
      await expectLeft('{"extend":50}', null);
      await expectLeft('{"ttl":1}', 1);
      clock.advance(1_000);
      expectRefusal(await patch('timed', '{"extend":50}'), 404, 'ERR_HTTP_CACHE_MISS');
    });

    test('of nothing is a miss', async () => {
      for (const body of ['{"ttl":1}', '{"extend":1}', '{"persist":true}']) {
        const answer = await patch('untimed', body);
        expectRefusal(answer, 404, 'ERR_HTTP_CACHE_MISS');
        expect(answer.headers.get('x-cache-hit')).toBe('false');
      }
    });

    test.each([
      ['{}', 422, FIELD],
      ['[]', 422, FIELD],
      ['5', 422, FIELD],
      ['{"ttl":1,"persist":true}', 422, FIELD],
      ['{"persist":false}', 422, FIELD],
      ['{"__proto__":{"ttl":1}}', 422, FIELD],
      ['{"ttl":0}', 422, FIELD],
      ['{"ttl":-1}', 422, FIELD],
      ['{"ttl":1.5}', 422, FIELD],
      ['{"ttl":1e3}', 422, FIELD],
      ['{"ttl":"60"}', 422, FIELD],
      ['{"ttl":null}', 422, FIELD],
      ['{"ttl":9007199254740993}', 422, FIELD],
      ['{"ttl":31557600001}', 422, 'ERR_CACHE_INVALID_TTL'],
      ['{"extend":31557600000}', 422, 'ERR_CACHE_INVALID_TTL'],
      ['', 400, 'ERR_HTTP_MALFORMED_BODY'],
      ['{"ttl":1', 400, 'ERR_HTTP_MALFORMED_BODY'],
      ['{"ttl":1,"ttl":2}', 400, 'ERR_HTTP_MALFORMED_BODY'],
      [`{"ttl":${' '.repeat(2_000)}1}`, 413, 'ERR_CACHE_VALUE_TOO_LARGE'],
    ])('H25, H26, H27: %.30s is refused', async (body, status, code) => {
      await engine.set('unpatched', 'x', { ttl: 60_000 });
      expectRefusal(await patch('unpatched', body), status, code);
      expect(engine.getWithMeta('unpatched').ttlMs).toBe(60_000);
      expect(service.budget.usedBytes).toBe(0);
    });

    test('H30: takes JSON alone, and no conditions', async () => {
      await engine.set('unpatched', 'x', { ttl: 60_000 });
      const body = '{"ttl":1}';
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', '']) {
        const headers = [`Content-Length: ${body.length}`, `Content-Type: ${type}`];
        const answer = await send(requestText('PATCH /cache/unpatched', headers, body));
        expectRefusal(answer, 415, 'ERR_HTTP_UNSUPPORTED_MEDIA_TYPE');
      }
      const coded = await patch('unpatched', body, ['Content-Encoding: gzip']);
      expectRefusal(coded, 415, 'ERR_HTTP_UNSUPPORTED_CODING');
      const conditional = await patch('unpatched', body, ['If-Match: *']);
      expectRefusal(conditional, 400, 'ERR_HTTP_MALFORMED_REQUEST');
      expect(engine.getWithMeta('unpatched').ttlMs).toBe(60_000);
    });
  });

  test.each(['gzip, gzip', 'x-unknown', 'gzip, br', 'identity, gzip'])(
    'H33: the Content-Encoding %s is refused',
    async (coding) => {
      const answer = await put('coded', 'x', [`Content-Encoding: ${coding}`]);
      expectRefusal(answer, 415, 'ERR_HTTP_UNSUPPORTED_CODING');
      expect(engine.has('coded')).toBe(false);
    },
  );
});

const PRECONDITION = 'ERR_HTTP_PRECONDITION_FAILED';
const FIELD = 'ERR_HTTP_INVALID_FIELD';

test('a condition waits for a write of the same thread that is on its way', async () => {
  await using engine = await createEngine({ memory: '8mb', writes: { kind: 'ring' } });
  const { port } = await serveStore(engine);
  await engine.set('k', 'old');
  const letGo = holdShards(engine);
  const pending = engine.set('k', 'new');
  const { h64ToString } = await xxhash();
  const headers = [`If-Match: "${h64ToString('new')}"`];
  const answer = ask(port, putText('/cache/k', 'newest', headers));
  expect((await get(port, '/cache/k')).body.toString()).toBe('new');
  letGo();
  await pending;
  expect((await answer)?.status).toBe(201);
  expect(engine.get('k')?.toString()).toBe('newest');
});
