import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/index.js';
import { until } from '../support/until.js';
import { CodecDouble } from './support/codec-double.js';
import { type Frame, SocketDouble } from './support/socket-double.js';
import { createSocketRig, type SocketRig } from './support/socket-rig.js';
import { openEngine } from './support/test-service.js';

let engine: Engine;
let rig: SocketRig;
let nextId = 1;

beforeAll(async () => {
  engine = await openEngine();
  rig = createSocketRig(engine);
});

function open(): SocketDouble {
  return SocketDouble.open(rig.server.upgrade);
}

/** Sends a request and gives its answer. */
async function ask(socket: SocketDouble, request: object): Promise<Frame> {
  const id = nextId++;
  socket.receive({ id, ...request });
  return answerOf(socket, id);
}

async function answerOf(socket: SocketDouble, id: number): Promise<Frame> {
  await until(`request ${id} is answered`, () => socket.answer(id) !== undefined);
  return socket.answer(id) as Frame;
}

/** The members of an answer besides its id. */
function rest({ id: _id, ...members }: Frame): Frame {
  return members;
}

describe('over a socket', () => {
  test('a value is stored, read, and removed', async () => {
    const socket = open();
    const value = { name: 'Alice', tags: [1, null, true] };
    expect(rest(await ask(socket, { op: 'set', key: 'a', value, ttlMs: 60_000 }))).toEqual({
      ok: true,
      stored: true,
    });
    const hit = await ask(socket, { op: 'get', key: 'a' });
    expect(hit).toMatchObject({ ok: true, hit: true, value });
    expect(hit['ttlMs']).toBeGreaterThan(50_000);
    expect(hit['ttlMs']).toBeLessThanOrEqual(60_000);
    expect(hit['ageMs']).toBeGreaterThanOrEqual(0);
    expect(hit['version']).toBeGreaterThan(0);
    expect(hit).not.toHaveProperty('encoding');
    expect(rest(await ask(socket, { op: 'delete', key: 'a' }))).toEqual({
      ok: true,
      deleted: true,
    });
    expect(rest(await ask(socket, { op: 'delete', key: 'a' }))).toEqual({
      ok: true,
      deleted: false,
    });
    expect(rest(await ask(socket, { op: 'get', key: 'a' }))).toEqual({ ok: true, hit: false });
  });

  test('a value keeps the text that it was sent with', async () => {
    const socket = open();
    const text = '{ "big":12345678901234567890.10, "e":1e400, "dup":"\\u0041" }';
    socket.receive(`{"id":1,"op":"set","key":"text","value": ${text} }`);
    await answerOf(socket, 1);
    socket.receive('{"id":2,"op":"get","key":"text"}');
    expect(Buffer.from(socket.sent.at(-1) ?? []).toString()).toContain(`"value":${text},`);
    expect(Buffer.from(engine.getBytes('text') ?? []).toString()).toBe(text);
  });

  test('bytes come as base64, and go as base64 that has one form', async () => {
    const socket = open();
    const bytes = Buffer.from([0, 255, 10, 13, 34]);
    const value = bytes.toString('base64');
    await ask(socket, { op: 'set', key: 'bytes', value, encoding: 'base64' });
    expect(engine.getBytes('bytes')).toEqual(bytes);
    expect(await ask(socket, { op: 'get', key: 'bytes' })).toMatchObject({
      value,
      encoding: 'base64',
    });
    for (const broken of ['AA=', 'AB==', 'A A=', '-_8=', 7, null]) {
      const answer = await ask(socket, { op: 'set', key: 'x', value: broken, encoding: 'base64' });
      expect(answer).toMatchObject({ ok: false, error: { code: 'ERR_HTTP_INVALID_FIELD' } });
    }
  });

  test('batches answer for each position, also for a key that is there twice', async () => {
    const socket = open();
    const entries = [
      { key: 'b1', value: 1 },
      { key: 'b2', value: 'two', ttlMs: 'never', tags: ['t'] },
    ];
    expect(rest(await ask(socket, { op: 'setMany', entries }))).toEqual({ ok: true, stored: 2 });
    const found = await ask(socket, { op: 'getMany', keys: ['b2', 'none', 'b1', 'b2'] });
    expect(found['entries']).toMatchObject([
      { hit: true, value: 'two', ttlMs: null },
      { hit: false },
      { hit: true, value: 1 },
      { hit: true, value: 'two' },
    ]);
    const removed = await ask(socket, { op: 'deleteMany', keys: ['b1', 'none', 'b2'] });
    expect(rest(removed)).toEqual({ ok: true, deleted: 2 });
  });

  test('conditions, and the time that is left', async () => {
    const socket = open();
    const set = (only: string) => ask(socket, { op: 'set', key: 'c', value: 1, only });
    expect(await set('present')).toMatchObject({ stored: false });
    expect(await set('absent')).toMatchObject({ stored: true });
    expect(await set('absent')).toMatchObject({ stored: false });
    expect(await ask(socket, { op: 'touch', key: 'c', ttlMs: 5_000 })).toMatchObject({
      touched: true,
    });
    expect((await ask(socket, { op: 'get', key: 'c' }))['ttlMs']).toBeLessThanOrEqual(5_000);
    await ask(socket, { op: 'touch', key: 'c', ttlMs: 'never' });
    expect((await ask(socket, { op: 'get', key: 'c' }))['ttlMs']).toBeNull();
    expect(await ask(socket, { op: 'touch', key: 'none', ttlMs: 1 })).toMatchObject({
      touched: false,
    });
  });

  test('whatever a prefix, a glob, a tag or a list names is removed', async () => {
    const socket = open();
    const keys = ['i:1', 'i:2', 'j:1', 'k:1', 'k:2'];
    const entries = keys.map((key) => ({ key, value: key, tags: [`tag:${key[0]}`] }));
    await ask(socket, { op: 'setMany', entries });
    const invalidate = async (what: object): Promise<unknown> =>
      (await ask(socket, { op: 'invalidate', ...what }))['deleted'];
    expect(await invalidate({ prefix: 'i:' })).toBe(2);
    expect(await invalidate({ tag: 'tag:j' })).toBe(1);
    expect(await invalidate({ glob: 'k:[2-9]' })).toBe(1);
    expect(await invalidate({ keys: ['k:1', 'k:2'] })).toBe(1);
  });

  test('everything is removed only when it is confirmed', async () => {
    const socket = open();
    const everything = { op: 'invalidate', namespace: 'wiped', glob: '**' };
    await ask(socket, { op: 'set', namespace: 'wiped', key: 'x', value: 1 });
    for (const glob of ['*', '**', '?*', '*?*']) {
      expect(await ask(socket, { ...everything, glob })).toMatchObject({
        error: { code: 'ERR_HTTP_PRECONDITION_REQUIRED' },
      });
    }
    expect(await ask(socket, { ...everything, confirm: true })).toMatchObject({ deleted: 1 });
  });

  test('namespaces are apart from each other', async () => {
    const socket = open();
    await ask(socket, { op: 'set', namespace: 'n', key: 'same', value: 'there' });
    await ask(socket, { op: 'set', key: 'same', value: 'here' });
    expect(await ask(socket, { op: 'get', namespace: 'n', key: 'same' })).toMatchObject({
      value: 'there',
    });
    expect(await ask(socket, { op: 'get', namespace: 'nobody', key: 'same' })).toMatchObject({
      hit: false,
    });
  });

  test('requests are carried out in their order while a value is being converted', async () => {
    const codec = new CodecDouble();
    const slow = createSocketRig(engine, { codec });
    const socket = SocketDouble.open(slow.server.upgrade);
    codec.hold();
    socket.receive({ id: 1, op: 'set', key: 'order', value: 'first' });
    socket.receive({ id: 2, op: 'set', key: 'order', value: 'second' });
    socket.receive({ id: 3, op: 'get', key: 'order' });
    expect(codec.heldCount).toBe(1);
    expect(socket.sent).toEqual([]);
    codec.release();
    expect(await answerOf(socket, 3)).toMatchObject({ value: 'second' });
    expect(socket.answer(1)).toMatchObject({ stored: true });
    expect(slow.budget.usedBytes).toBe(0);
  });

  test('operations are counted', async () => {
    const counting = createSocketRig(engine);
    const socket = SocketDouble.open(counting.server.upgrade);
    await ask(socket, { op: 'set', key: 'counted', value: 1 });
    await ask(socket, { op: 'getMany', keys: ['counted', 'none', 'none'] });
    await ask(socket, { op: 'set', key: 'counted', value: 1, ttlMs: 2 ** 50 });
    await ask(socket, { op: 'ping' });
    expect(counting.counted).toEqual([
      { operation: 'set', outcome: 'ok' },
      { operation: 'batch_get', outcome: 'ok' },
      { operation: 'set', outcome: 'refused' },
      { operation: 'status', outcome: 'ok' },
    ]);
    expect(counting.reads).toEqual({ hits: 1, misses: 2 });
  });
});

describe('what is refused', () => {
  const fields = (request: object, code: string): [object, string] => [request, code];

  test.each([
    fields({ op: 'get' }, 'ERR_SOCKET_INVALID_FRAME'),
    fields({ op: 'get', key: 7 }, 'ERR_CACHE_INVALID_KEY'),
    fields({ op: 'get', key: '' }, 'ERR_CACHE_INVALID_KEY'),
    fields({ op: 'get', key: 'k'.repeat(1_025) }, 'ERR_CACHE_INVALID_KEY'),
    fields({ op: 'get', key: '\ud800' }, 'ERR_CACHE_INVALID_KEY'),
    fields({ op: 'get', key: 'a', namespace: 7 }, 'ERR_SOCKET_INVALID_FRAME'),
    fields({ op: 'get', key: 'a', namespace: 'n'.repeat(5_000) }, 'ERR_CACHE_INVALID_NAMESPACE'),
    fields({ op: 'get', key: 'a', kye: 'b' }, 'ERR_SOCKET_INVALID_FRAME'),
    fields({ op: 'set', key: 'a' }, 'ERR_SOCKET_INVALID_FRAME'),
    fields({ op: 'set', key: 'a', value: 1, ttlMs: 0 }, 'ERR_CACHE_INVALID_TTL'),
    fields({ op: 'set', key: 'a', value: 1, ttlMs: -1 }, 'ERR_CACHE_INVALID_TTL'),
    fields({ op: 'set', key: 'a', value: 1, ttlMs: 1.5 }, 'ERR_CACHE_INVALID_TTL'),
    fields({ op: 'set', key: 'a', value: 1, ttlMs: '5m' }, 'ERR_CACHE_INVALID_TTL'),
    fields({ op: 'set', key: 'a', value: 1, ttlMs: null }, 'ERR_CACHE_INVALID_TTL'),
    fields({ op: 'set', key: 'a', value: 1, ttlMs: 2 ** 53 - 1 }, 'ERR_CACHE_INVALID_TTL'),
    fields({ op: 'set', key: 'a', value: 1, only: 'maybe' }, 'ERR_HTTP_INVALID_FIELD'),
    fields({ op: 'set', key: 'a', value: 1, encoding: 'hex' }, 'ERR_HTTP_INVALID_FIELD'),
    fields({ op: 'set', key: 'a', value: 1, tags: 'x' }, 'ERR_SOCKET_INVALID_FRAME'),
    fields({ op: 'set', key: 'a', value: 1, tags: [''] }, 'ERR_CACHE_INVALID_TAG'),
    fields({ op: 'getMany', keys: [] }, 'ERR_HTTP_INVALID_FIELD'),
    fields({ op: 'getMany', keys: new Array(1_001).fill('a') }, 'ERR_HTTP_BATCH_TOO_LARGE'),
    fields({ op: 'setMany', entries: [{ key: 'a' }] }, 'ERR_SOCKET_INVALID_FRAME'),
    fields({ op: 'setMany', entries: [7] }, 'ERR_SOCKET_INVALID_FRAME'),
    fields({ op: 'touch', key: 'a' }, 'ERR_SOCKET_INVALID_FRAME'),
    fields({ op: 'invalidate' }, 'ERR_SOCKET_INVALID_FRAME'),
    fields({ op: 'invalidate', prefix: 'a', tag: 'b' }, 'ERR_SOCKET_INVALID_FRAME'),
    fields({ op: 'invalidate', glob: '[' }, 'ERR_CACHE_INVALID_PATTERN'),
    fields({ op: 'subscribe' }, 'ERR_SOCKET_INVALID_FRAME'),
    fields({ op: 'subscribe', all: 'yes' }, 'ERR_SOCKET_INVALID_FRAME'),
    fields(
      { op: 'subscribe', namespace: 'n'.repeat(5_000), all: true },
      'ERR_CACHE_INVALID_NAMESPACE',
    ),
  ])('%j -> %s', async (request, code) => {
    const socket = open();
    const answer = await ask(socket, request);
    expect(answer).toMatchObject({ ok: false, error: { code, retryable: false } });
    expect(rig.faults).toEqual([]);
    expect(await ask(socket, { op: 'ping' })).toMatchObject({ ok: true });
  });

  test('nothing of a batch is stored when one of its entries is broken', async () => {
    const socket = open();
    const entries = [
      { key: 'half', value: 1 },
      { key: '', value: 2 },
    ];
    await ask(socket, { op: 'setMany', entries });
    expect(engine.has('half')).toBe(false);
  });

  test('a fault of the service tells its client nothing of the inside', async () => {
    const codec = new CodecDouble();
    codec.toJson = () => {
      throw new Error('secret: /a/path');
    };
    const broken = createSocketRig(engine, { codec });
    const socket = SocketDouble.open(broken.server.upgrade);
    await engine.set('fault', Buffer.from('x'));
    const answer = await ask(socket, { op: 'get', key: 'fault' });
    expect(answer).toMatchObject({ error: { code: 'ERR_HTTP_INTERNAL', retryable: false } });
    expect(JSON.stringify(answer)).not.toContain('secret');
    expect(broken.faults).toHaveLength(1);
  });
});
