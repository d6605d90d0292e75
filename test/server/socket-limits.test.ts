import { beforeAll, describe, expect, test } from 'vitest';
import type { UpgradeAnswer } from '../../server/http/transport.js';
import type { ServiceSettings } from '../../server/service-settings.js';
import type { Engine } from '../../src/index.js';
import { until } from '../support/until.js';
import { CodecDouble } from './support/codec-double.js';
import { SocketDouble, upgradeRequest } from './support/socket-double.js';
import { createSocketRig, type RigOptions } from './support/socket-rig.js';
import { openEngine } from './support/test-service.js';

let engine: Engine;

beforeAll(async () => {
  engine = await openEngine();
  await engine.set('large', Buffer.alloc(100_000, 'x'));
});

function upgrade(
  target: string,
  headers: Readonly<Record<string, string>> = {},
  settings: Partial<ServiceSettings> = {},
): UpgradeAnswer {
  return createSocketRig(engine, { settings }).server.upgrade(upgradeRequest(target, headers));
}

function refusal(answer: UpgradeAnswer): unknown {
  if (answer.kind === 'accept') return 'accepted';
  const body = JSON.parse(Buffer.from(answer.body).toString()) as { error: { code: string } };
  return [answer.status, body.error.code];
}

describe('a request to open a WebSocket', () => {
  test('W11 from a page of another origin is refused with 403', () => {
    const from = (origin: string): unknown => refusal(upgrade('/ws', { origin }));
    for (const origin of [
      'https://evil.example',
      'null',
      'http://cache.example',
      'http://cache.example:8081',
      'http://cache.example:8080.evil.example',
      'http://cache.example:8080/x',
      'http://user@cache.example:8080',
      'file://',
      'nonsense',
    ]) {
      expect(from(origin), origin).toEqual([403, 'ERR_HTTP_FOREIGN_ORIGIN']);
    }
    expect(from('http://cache.example:8080')).toBe('accepted');
    expect(from('https://cache.example:8080')).toBe('accepted');
    expect(refusal(upgrade('/ws'))).toBe('accepted');
  });

  test('W11 an origin of the list is taken as it stands there, and the default port too', () => {
    const allowedOrigins = ['https://app.example'];
    const from = (origin: string, host = 'h'): unknown =>
      refusal(upgrade('/ws', { origin, host }, { allowedOrigins }));
    expect(from('https://app.example')).toBe('accepted');
    expect(from('https://app.example.evil')).toEqual([403, 'ERR_HTTP_FOREIGN_ORIGIN']);
    expect(from('http://app.example')).toEqual([403, 'ERR_HTTP_FOREIGN_ORIGIN']);
    expect(from('https://web.example', 'web.example')).toBe('accepted');
    expect(from('https://web.example', 'web.example:443')).toBe('accepted');
    expect(from('http://web.example', 'web.example:443')).toEqual([403, 'ERR_HTTP_FOREIGN_ORIGIN']);
  });

  test.each([
    'token=x',
    'access_token=x',
    'a=b&Authorization=Bearer%20x',
    'authorization',
    '%74oken=x',
  ])('W11 with a token in the URL (%s) is refused with 401', (query) => {
    const answer = upgrade(`/ws?${query}`);
    expect(refusal(answer)).toEqual([401, 'ERR_HTTP_TOKEN_IN_URL']);
    if (answer.kind === 'refuse') {
      expect(answer.headers).toContainEqual(['WWW-Authenticate', 'Bearer']);
    }
    expect(JSON.stringify(refusal(answer))).not.toContain('Bearer x');
  });

  test('is served at /ws alone, with or without another query', () => {
    expect(refusal(upgrade('/'))).toEqual([404, 'ERR_HTTP_NOT_FOUND']);
    expect(refusal(upgrade('/ws/'))).toEqual([404, 'ERR_HTTP_NOT_FOUND']);
    expect(refusal(upgrade('/ws?client=7&tokens=3'))).toBe('accepted');
  });

  test('gets the first subprotocol that is known, JSON when it offers none', () => {
    const choose = (offer: string): unknown => {
      const answer = upgrade('/ws', { 'sec-websocket-protocol': offer });
      return answer.kind === 'accept' ? answer.protocol : refusal(answer);
    };
    expect(choose('')).toBeUndefined();
    expect(choose('chat, hotshard.json.v1')).toBe('hotshard.json.v1');
    expect(choose('hotshard.json.v2,chat')).toEqual([400, 'ERR_HTTP_MALFORMED_REQUEST']);
  });

  test('is refused with 503 when there are enough of them, until one is gone', () => {
    const { server } = createSocketRig(engine, { sockets: { socketsMax: 2 } });
    const first = SocketDouble.open(server.upgrade);
    SocketDouble.open(server.upgrade);
    expect(refusal(server.upgrade(upgradeRequest()))).toEqual([503, 'ERR_SOCKET_TOO_MANY_SOCKETS']);
    first.leave();
    expect(refusal(server.upgrade(upgradeRequest()))).toBe('accepted');
  });
});

function open(options: RigOptions = {}): SocketDouble {
  return SocketDouble.open(createSocketRig(engine, options).server.upgrade);
}

const BAD_FRAMES: readonly string[] = [
  '',
  'nonsense',
  '{"id":1,"op":"ping"',
  '\ufeff{"id":1,"op":"ping"}',
  '[1]',
  '7',
  '{}',
  '{"op":"ping"}',
  '{"id":"1","op":"ping"}',
  '{"id":-1,"op":"ping"}',
  '{"id":1.5,"op":"ping"}',
  '{"id":9007199254740992,"op":"ping"}',
  '{"id":1}',
  '{"id":1,"op":7}',
  '{"id":1,"op":"__proto__"}',
  '{"id":1,"op":"constructor"}',
  '{"id":1,"id":2,"op":"ping"}',
  `{"id":1,"op":"get","key":${'['.repeat(100)}${']'.repeat(100)}}`,
];

describe('messages that are no requests', () => {
  test.each(BAD_FRAMES)('W7 %j gets an error frame, and the socket stays open', (frame) => {
    const socket = open();
    socket.receive(frame);
    expect(socket.frames).toHaveLength(1);
    expect(socket.frames[0]).toMatchObject({
      ok: false,
      error: { code: expect.stringMatching(/^ERR_SOCKET_/), message: expect.any(String) },
    });
    expect(socket.closed).toBeUndefined();
    socket.receive({ id: 5, op: 'ping' });
    expect(socket.answer(5)).toEqual({ id: 5, ok: true });
  });

  test('W7 the error frame carries the id where it could be read', () => {
    const socket = open();
    socket.receive({ id: 12, op: 'fly' });
    expect(socket.frames[0]).toMatchObject({
      id: 12,
      error: { code: 'ERR_SOCKET_UNKNOWN_OPERATION' },
    });
    socket.receive('{');
    expect(socket.frames[1]).toMatchObject({ id: null });
  });

  test('W7 the tenth in a row closes with 1008, a request in between begins anew', () => {
    const socket = open();
    for (let count = 0; count < 9; count++) socket.receive('{');
    socket.receive({ id: 1, op: 'ping' });
    for (let count = 0; count < 9; count++) socket.receive({ op: 'ping' });
    expect(socket.closed).toBeUndefined();
    socket.receive({ id: 2, op: 'fly' });
    expect(socket.closed?.code).toBe(1008);
    expect(socket.frames).toHaveLength(20);
    socket.receive({ id: 3, op: 'ping' });
    expect(socket.answer(3)).toBeUndefined();
  });

  test('W7 a refusal of a field is no invalid message', () => {
    const socket = open();
    for (let id = 0; id < 20; id++) socket.receive({ id, op: 'get', key: '' });
    expect(socket.closed).toBeUndefined();
  });

  test('W7 a binary message is none where text was agreed on', () => {
    const socket = open();
    socket.receive(Buffer.from('{"id":1,"op":"ping"}'), true);
    expect(socket.frames[0]).toMatchObject({ error: { code: 'ERR_SOCKET_INVALID_FRAME' } });
  });

  test('W5 text that is not UTF-8 is refused, should a transport let it through', () => {
    const socket = open();
    socket.receive(Uint8Array.from([0x7b, 0xff, 0x7d]));
    expect(socket.frames[0]).toMatchObject({ error: { code: 'ERR_SOCKET_INVALID_FRAME' } });
  });
});

describe('requests under way', () => {
  test('W8 an id that is under way is refused, and the first request goes on', async () => {
    const codec = new CodecDouble();
    const socket = open({ codec });
    codec.hold();
    socket.receive({ id: 1, op: 'set', key: 'w8', value: 'first' });
    socket.receive({ id: 1, op: 'set', key: 'w8', value: 'second' });
    expect(socket.frames).toMatchObject([
      { id: 1, ok: false, error: { code: 'ERR_SOCKET_DUPLICATE_ID' } },
    ]);
    codec.release();
    await until('the first is answered', () => socket.frames.length === 2);
    expect(socket.frames[1]).toEqual({ id: 1, ok: true, stored: true });
    expect(engine.getBytes('w8')?.toString()).toBe('"first"');
    socket.receive({ id: 1, op: 'ping' });
    expect(socket.frames[2]).toEqual({ id: 1, ok: true });
  });

  test('are limited in number, and the refusal says that it can be tried again', () => {
    const codec = new CodecDouble();
    const socket = open({ codec, sockets: { inFlightMax: 3 } });
    codec.hold();
    for (let id = 1; id <= 4; id++) socket.receive({ id, op: 'set', key: 'x', value: id });
    expect(socket.frames).toMatchObject([
      { id: 4, error: { code: 'ERR_SOCKET_TOO_MANY_REQUESTS', retryable: true } },
    ]);
    codec.release();
  });

  test('are limited in bytes, which are given back', async () => {
    const codec = new CodecDouble();
    const rig = createSocketRig(engine, { codec, bufferBytes: 50_000 });
    const socket = SocketDouble.open(rig.server.upgrade);
    codec.hold();
    socket.receive({ id: 1, op: 'set', key: 'bytes', value: 'x'.repeat(30_000) });
    socket.receive({ id: 2, op: 'set', key: 'bytes', value: 'x'.repeat(30_000) });
    expect(socket.frames).toMatchObject([
      { id: 2, error: { code: 'ERR_CACHE_OVERLOADED', retryable: true } },
    ]);
    codec.release();
    await until('the first is answered', () => socket.answer(1) !== undefined);
    expect(rig.budget.usedBytes).toBe(0);
  });

  test('of a socket that is gone hold nothing', async () => {
    const codec = new CodecDouble();
    const rig = createSocketRig(engine, { codec });
    const socket = SocketDouble.open(rig.server.upgrade);
    codec.hold();
    socket.receive({ id: 1, op: 'set', key: 'gone', value: 'x'.repeat(30_000) });
    socket.receive({ id: 2, op: 'get', key: 'large' });
    socket.leave();
    codec.release();
    await until('the value is stored', () => engine.has('gone'));
    await until('nothing is held', () => rig.budget.usedBytes === 0);
    expect(socket.sent).toEqual([]);
    expect(rig.server.openRequests).toBe(0);
  });

  test('a batch whose values are too large together is refused', () => {
    const rig = createSocketRig(engine, { settings: { valueBytesMax: 250_000 } });
    const socket = SocketDouble.open(rig.server.upgrade);
    const keys = (count: number): string[] => new Array<string>(count).fill('large');
    socket.receive({ id: 1, op: 'getMany', keys: keys(3) });
    expect(socket.answer(1)).toMatchObject({ error: { code: 'ERR_HTTP_BATCH_TOO_LARGE' } });
    socket.receive({ id: 2, op: 'getMany', keys: keys(2) });
    expect(socket.answer(2)).toMatchObject({ ok: true });
    expect(rig.budget.usedBytes).toBe(0);
  });
});

describe('subscriptions', () => {
  test('W10 are refused above the limit, all of a request or none', () => {
    const socket = open({ sockets: { subscriptionsMax: 4 } });
    const ask = (id: number, op: string, topics: object): unknown => {
      socket.receive({ id, op, ...topics });
      return socket.answer(id);
    };
    expect(ask(1, 'subscribe', { keys: ['a', 'b', 'a'], all: true })).toMatchObject({
      subscriptions: 3,
    });
    expect(ask(2, 'subscribe', { keys: ['a'], namespace: 'other' })).toMatchObject({
      subscriptions: 4,
    });
    expect(ask(3, 'subscribe', { keys: ['a', 'b'], all: true })).toMatchObject({
      subscriptions: 4,
    });
    expect(ask(4, 'subscribe', { tags: ['t'] })).toMatchObject({
      ok: false,
      error: { code: 'ERR_SOCKET_TOO_MANY_SUBSCRIPTIONS' },
    });
    expect(ask(5, 'unsubscribe', { keys: ['b', 'unknown'] })).toMatchObject({ subscriptions: 3 });
    expect(ask(6, 'subscribe', { prefixes: ['p', 'q'] })).toMatchObject({ ok: false });
    expect(ask(7, 'subscribe', { prefixes: ['p'] })).toMatchObject({ subscriptions: 4 });
  });

  test('W10 ten thousand in one request are refused, and none of them holds', () => {
    const rig = createSocketRig(engine);
    const socket = SocketDouble.open(rig.server.upgrade);
    const keys = Array.from({ length: 10_000 }, (_, index) => `k${index}`);
    socket.receive({ id: 1, op: 'subscribe', keys });
    expect(socket.answer(1)).toMatchObject({ ok: false });
    expect(rig.feed.isWatched).toBe(false);
  });

  test('are the only reason to listen to changes', () => {
    const rig = createSocketRig(engine);
    const socket = SocketDouble.open(rig.server.upgrade);
    expect(rig.feed.isWatched).toBe(false);
    socket.receive({ id: 1, op: 'subscribe', all: true });
    expect(rig.feed.isWatched).toBe(true);
    socket.receive({ id: 2, op: 'unsubscribe', all: true });
    expect(rig.feed.isWatched).toBe(false);
    socket.receive({ id: 3, op: 'subscribe', namespace: 'n', keys: ['a'] });
    socket.leave();
    expect(rig.feed.isWatched).toBe(false);
  });
});

test('a fault while a socket is opened is told to the operator, and to the client without detail', () => {
  const rig = createSocketRig(engine);
  const request = upgradeRequest();
  const fault = new Error('a secret of the inside');
  const header = (): string => {
    throw fault;
  };
  const answer = rig.server.upgrade({ ...request, header });
  expect(refusal(answer)).toEqual([500, 'ERR_HTTP_INTERNAL']);
  expect(answer.kind === 'refuse' && Buffer.from(answer.body).toString()).not.toContain('secret');
  expect(rig.faults).toEqual([fault]);
});

test('W13 a connection that ends without a close frame leaves nothing behind', () => {
  const rig = createSocketRig(engine, { sockets: { socketsMax: 1 } });
  const socket = SocketDouble.open(rig.server.upgrade);
  socket.receive({ id: 1, op: 'subscribe', all: true });
  socket.leave();
  expect(rig.feed.isWatched).toBe(false);
  expect(refusal(rig.server.upgrade(upgradeRequest()))).toBe('accepted');
});

describe('at the end of the service', () => {
  test('requests that have come are answered, then each socket is closed with 1001', async () => {
    const codec = new CodecDouble();
    const { server } = createSocketRig(engine, { codec });
    const idle = SocketDouble.open(server.upgrade);
    const busy = SocketDouble.open(server.upgrade);
    codec.hold();
    busy.receive({ id: 1, op: 'set', key: 'drained', value: 1 });
    let isDrained = false;
    const drained = server.drain().then(() => {
      isDrained = true;
    });
    expect(idle.closed).toEqual({ code: 1001, reason: 'going away' });
    expect(busy.closed).toBeUndefined();
    expect(refusal(server.upgrade(upgradeRequest()))).toEqual([503, 'ERR_CACHE_CLOSED']);
    busy.receive({ id: 2, op: 'ping' });
    expect(busy.answer(2)).toMatchObject({ error: { code: 'ERR_CACHE_CLOSED', retryable: true } });
    codec.release();
    await until('the request is answered', () => busy.answer(1) !== undefined);
    expect(busy.answer(1)).toMatchObject({ stored: true });
    expect(busy.closed?.code).toBe(1001);
    idle.leave();
    expect(isDrained).toBe(false);
    busy.leave();
    await drained;
  });

  test('a client that does not take the close frame is cut off', async () => {
    const { server } = createSocketRig(engine);
    const socket = SocketDouble.open(server.upgrade);
    await server.drain();
    expect(socket.isCut).toBe(true);
  });
});
