import { Packr } from 'msgpackr';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createValueCodec } from '../../server/codecs/value-codec.js';
import { DEFAULT_SERVICE_SETTINGS } from '../../server/service-settings.js';
import type { Engine } from '../../src/index.js';
import { until } from '../support/until.js';
import { SocketDouble, upgradeRequest } from './support/socket-double.js';
import { createSocketRig, type SocketRig } from './support/socket-rig.js';
import { openEngine } from './support/test-service.js';

const packr = new Packr({ useRecords: false });

let engine: Engine;
let rig: SocketRig;
let codec: Awaited<ReturnType<typeof createValueCodec>>;
let nextId = 1;

beforeAll(async () => {
  engine = await openEngine();
  codec = await createValueCodec(DEFAULT_SERVICE_SETTINGS);
  rig = createSocketRig(engine, { codec });
});
afterAll(() => codec.close());

function open(): SocketDouble {
  const headers = { 'sec-websocket-protocol': 'hotshard.msgpack.v1' };
  return SocketDouble.open(rig.server.upgrade, upgradeRequest('/ws', headers));
}

function read(bytes: Uint8Array): Record<string, unknown> {
  return packr.unpack(Buffer.from(bytes)) as Record<string, unknown>;
}

async function ask(socket: SocketDouble, request: object): Promise<Record<string, unknown>> {
  const id = nextId++;
  socket.receive(packr.pack({ id, ...request }), true);
  const find = (): Record<string, unknown> | undefined =>
    socket.sent.map(read).find((frame) => frame['id'] === id);
  await until(`request ${id} is answered`, () => find() !== undefined);
  return find() ?? {};
}

describe('over a socket that speaks MessagePack', () => {
  test.each([
    ['an object', { name: 'Alice', list: [1, -1, 2.5, null, true] }],
    ['a number above 2^32', 2 ** 40],
    ['a large integer', 2n ** 63n],
    ['bytes inside', { data: Buffer.of(0, 255) }],
    ['a date', new Date(1_700_000_000_000)],
    ['text', 'é🐱'],
    ['null', null],
  ])('a value comes back as it was sent: %s', async (_title, value) => {
    const socket = open();
    expect(await ask(socket, { op: 'set', key: 'v', value })).toMatchObject({ stored: true });
    const found = await ask(socket, { op: 'get', key: 'v' });
    expect(found['value']).toEqual(value);
    expect(found).not.toHaveProperty('encoding');
  });

  test('bytes are bin, and stored as they are', async () => {
    const socket = open();
    const value = Buffer.from([1, 2, 0xff]);
    await ask(socket, { op: 'set', key: 'bytes', value });
    expect(engine.getBytes('bytes')).toEqual(value);
    expect((await ask(socket, { op: 'get', key: 'bytes' }))['value']).toEqual(value);
    const given = await ask(socket, { op: 'set', key: 'x', value: 'AA==', encoding: 'base64' });
    expect(given).toMatchObject({ error: { code: 'ERR_HTTP_INVALID_FIELD' } });
  });

  test('what was stored as JSON or as text is read as MessagePack, and the reverse', async () => {
    const socket = open();
    const text = SocketDouble.open(rig.server.upgrade);
    text.receive({ id: 1, op: 'set', key: 'json', value: { a: [1, 'two'] } });
    await until('it is stored', () => text.answer(1) !== undefined);
    expect((await ask(socket, { op: 'get', key: 'json' }))['value']).toEqual({ a: [1, 'two'] });
    await ask(socket, { op: 'set', key: 'packed', value: { b: [2, 'three'] } });
    text.receive({ id: 2, op: 'get', key: 'packed' });
    expect(text.answer(2)).toMatchObject({ value: { b: [2, 'three'] } });
    await engine.set('text', Buffer.from('plain é'), { contentType: 'text/plain' });
    expect((await ask(socket, { op: 'get', key: 'text' }))['value']).toBe('plain é');
    text.receive({ id: 3, op: 'get', key: 'text' });
    expect(text.answer(3)).toMatchObject({ value: 'plain é' });
  });

  test('JSON that MessagePack cannot carry comes as its text, and says so', async () => {
    const socket = open();
    const json = Buffer.from('{"n":1e400}');
    await engine.set('exact', json, { contentType: 'application/json' });
    const found = await ask(socket, { op: 'get', key: 'exact' });
    expect(found).toMatchObject({ hit: true, value: json, encoding: 'json' });
  });

  test('batches, and pushes of many keys', async () => {
    const socket = open();
    await ask(socket, { op: 'subscribe', all: true });
    const keys = Array.from({ length: 40 }, (_, index) => `many:${index}`);
    const entries = keys.map((key, value) => ({ key, value }));
    expect(await ask(socket, { op: 'setMany', entries })).toMatchObject({ stored: 40 });
    const found = await ask(socket, { op: 'getMany', keys: [...keys, 'none'] });
    const list = found['entries'] as Record<string, unknown>[];
    expect(list.map(({ value }) => value)).toEqual([...keys.keys(), undefined]);
    rig.feed.publish({ kind: 'keys', namespace: '', keys, action: 'update', tags: [] });
    expect(read(socket.sent.at(-1) ?? Buffer.of())).toEqual({
      event: 'invalidate',
      namespace: '',
      keys,
    });
  });

  test('a large value is compressed, and comes back', async () => {
    const socket = open();
    const value = { text: 'abc'.repeat(100_000) };
    await ask(socket, { op: 'set', key: 'large', value });
    expect(engine.getView('large')?.sizeBytes).toBeLessThan(100_000);
    expect((await ask(socket, { op: 'get', key: 'large' }))['value']).toEqual(value);
    expect(rig.budget.usedBytes).toBe(0);
  });

  test.each([
    ['nothing', []],
    ['what is cut off', [0x82, 0xa2, 0x69]],
    ['a length beyond the end', [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ['a value and more', [0x80, 0x80]],
    ['the byte that is never used', [0xc1]],
    ['no object', [0x01]],
    ['a name that is a number', [0x81, 0x01, 0x02]],
    ['a name twice', [0x82, 0xa2, 0x69, 0x64, 1, 0xa2, 0x69, 0x64, 2]],
    ['nesting without end', new Array<number>(200).fill(0x91)],
  ])('W7 %s gets an error frame', async (_title, bytes) => {
    const socket = open();
    socket.receive(Uint8Array.from(bytes), true);
    expect(socket.sent.map(read)).toMatchObject([
      { id: null, ok: false, error: { code: 'ERR_SOCKET_INVALID_FRAME', retryable: false } },
    ]);
    expect(await ask(socket, { op: 'ping' })).toMatchObject({ ok: true });
  });

  test('W7 text is no message here', () => {
    const socket = open();
    socket.receive('{"id":1,"op":"ping"}');
    expect(read(socket.sent[0] ?? Buffer.of())).toMatchObject({
      error: { code: 'ERR_SOCKET_INVALID_FRAME' },
    });
  });
});
