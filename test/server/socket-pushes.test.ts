import { beforeAll, describe, expect, test } from 'vitest';
import type { Change } from '../../server/changes/change-feed.js';
import { ThreadFeed } from '../../server/changes/thread-feed.js';
import type { Engine } from '../../src/index.js';
import { until } from '../support/until.js';
import { CodecDouble } from './support/codec-double.js';
import { SocketDouble } from './support/socket-double.js';
import { createSocketRig, type RigOptions, type SocketRig } from './support/socket-rig.js';
import { openEngine } from './support/test-service.js';

let engine: Engine;

beforeAll(async () => {
  engine = await openEngine();
});

interface Opened {
  readonly rig: SocketRig;
  readonly feed: ThreadFeed;
  open(topics?: object): SocketDouble;
}

function serve(options: RigOptions = {}): Opened {
  const feed = new ThreadFeed();
  const rig = createSocketRig(engine, { ...options, feed });
  const open = (topics?: object): SocketDouble => {
    const socket = SocketDouble.open(rig.server.upgrade);
    if (topics !== undefined) {
      socket.receive({ id: 0, op: 'subscribe', ...topics });
      expect(socket.answer(0)).toMatchObject({ ok: true });
    }
    return socket;
  };
  return { rig, feed, open };
}

function update(keys: readonly string[], tags: readonly string[] = [], namespace = ''): Change {
  return { kind: 'keys', namespace, keys, action: 'update', tags };
}

describe('pushes', () => {
  test('tell of the keys that a socket has subscribed to, and of no other', () => {
    const { feed, open } = serve();
    const keys = open({ keys: ['a', 'b'] });
    const prefix = open({ prefixes: ['user:', 'u'] });
    const tag = open({ tags: ['red'] });
    const all = open({ all: true });
    const other = open({ namespace: 'other', all: true });
    feed.publish(update(['a', 'user:1', 'c']));
    feed.publish(update(['d', 'e'], ['red', 'blue']));
    feed.publish(update(['a'], [], 'other'));
    const push = (...list: string[]): object => ({
      event: 'invalidate',
      namespace: '',
      keys: list,
    });
    expect(keys.pushes).toEqual([push('a')]);
    expect(prefix.pushes).toEqual([push('user:1')]);
    expect(tag.pushes).toEqual([push('d', 'e')]);
    expect(all.pushes).toEqual([push('a', 'user:1', 'c'), push('d', 'e')]);
    expect(other.pushes).toEqual([{ event: 'invalidate', namespace: 'other', keys: ['a'] }]);
  });

  test('tell of a prefix, a glob or a tag to whom it may concern', () => {
    const { feed, open } = serve();
    const key = open({ keys: ['user:1'] });
    const prefix = open({ prefixes: ['user:1'] });
    const tag = open({ tags: ['red'] });
    const stranger = open({ namespace: 'other', all: true });
    const events = (socket: SocketDouble): unknown[] =>
      socket.pushes.map(({ prefix: text, glob, tag: name }) => text ?? glob ?? name);
    feed.publish({ kind: 'prefix', namespace: '', text: 'user:' });
    feed.publish({ kind: 'prefix', namespace: '', text: 'user:12' });
    feed.publish({ kind: 'glob', namespace: '', text: 'user:?' });
    feed.publish({ kind: 'glob', namespace: '', text: 'order:*' });
    feed.publish({ kind: 'tag', namespace: '', text: 'blue' });
    feed.publish({ kind: 'tag', namespace: '', text: 'red' });
    expect(events(key)).toEqual(['user:', 'user:?', 'blue', 'red']);
    expect(events(prefix)).toEqual(['user:', 'user:12', 'user:?', 'blue', 'red']);
    expect(events(tag)).toEqual(['user:', 'user:12', 'user:?', 'order:*', 'red']);
    expect(stranger.pushes).toEqual([]);
  });

  test('go to the socket that made the change too, and before its answer', async () => {
    const { open } = serve();
    const socket = open({ keys: ['own'] });
    socket.receive({ id: 1, op: 'set', key: 'own', value: 1 });
    await until('the write is answered', () => socket.answer(1) !== undefined);
    expect(socket.frames.slice(1)).toMatchObject([
      { event: 'invalidate', keys: ['own'] },
      { id: 1, stored: true },
    ]);
  });

  test('are encoded once for all sockets that are told the same', () => {
    const { feed, open } = serve();
    const sockets = [open({ keys: ['a'] }), open({ prefixes: ['a'] }), open({ all: true })];
    const sent: Uint8Array[] = [];
    for (const socket of sockets) {
      socket.send = (message) => {
        sent.push(message);
        return 'sent';
      };
    }
    feed.publish(update(['a']));
    expect(sent).toHaveLength(3);
    expect(new Set(sent).size).toBe(1);
    feed.publish(update(['a', 'ab', 'c']));
    expect(new Set(sent.slice(3)).size).toBe(3);
  });

  test('a gap means that everybody with a subscription must resync', () => {
    const { feed, open } = serve();
    const subscriber = open({ keys: ['a'] });
    const other = open();
    feed.publish({ kind: 'gap' });
    expect(subscriber.pushes).toEqual([{ event: 'resync', reason: 'gap' }]);
    expect(other.pushes).toEqual([]);
  });

  test('never overtake the answer to a read that was begun before', async () => {
    const codec = new CodecDouble();
    const { feed, open, rig } = serve({ codec });
    const socket = open({ all: true });
    await engine.set('r', Buffer.from('1'), { contentType: 'application/json' });
    codec.hold();
    socket.receive({ id: 1, op: 'get', key: 'r' });
    feed.publish(update(['r']));
    socket.receive({ id: 2, op: 'getMany', keys: ['r'] });
    feed.publish(update(['s']));
    expect(socket.frames).toHaveLength(1);
    // The second is converted first.
    codec.release();
    await until('both are answered', () => socket.frames.length === 5);
    const order = socket.frames.slice(1).map(({ id, keys }) => id ?? keys);
    expect(order.indexOf(1)).toBeLessThan(order.findIndex((item) => String(item) === 'r'));
    expect(order.indexOf(2)).toBeLessThan(order.findIndex((item) => String(item) === 's'));
    expect(order.filter(Array.isArray)).toEqual([['r'], ['s']]);
    expect(rig.budget.usedBytes).toBe(0);
  });

  test('that would wait in great numbers become one resync', async () => {
    const codec = new CodecDouble();
    const { feed, open } = serve({ codec });
    const socket = open({ all: true });
    await engine.set('r', Buffer.from('1'), { contentType: 'application/json' });
    codec.hold();
    socket.receive({ id: 1, op: 'get', key: 'r' });
    for (let count = 0; count < 1_500; count++) feed.publish(update([`k${count}`]));
    codec.release();
    await until('the read is answered', () => socket.answer(1) !== undefined);
    await until('the pushes follow', () => socket.frames.length > 2);
    expect(socket.pushes[0]).toEqual({ event: 'resync', reason: 'slow' });
    expect(socket.pushes.at(-1)).toMatchObject({ keys: ['k1499'] });
    expect(socket.pushes.length).toBeLessThan(1_001);
  });
});

describe('W9 a subscriber that does not read', () => {
  test('gets no more pushes, and one resync once it has drained', () => {
    const { feed, open } = serve();
    const socket = open({ all: true });
    socket.isStuck = true;
    feed.publish(update(['first']));
    feed.publish(update(['second']));
    feed.publish({ kind: 'gap' });
    expect(socket.pushes).toMatchObject([{ keys: ['first'] }]);
    socket.drain();
    expect(socket.pushes.slice(1)).toEqual([{ event: 'resync', reason: 'slow' }]);
    feed.publish(update(['third']));
    expect(socket.pushes.at(-1)).toMatchObject({ keys: ['third'] });
  });

  test('is told nothing when it has missed nothing', () => {
    const { feed, open } = serve();
    const socket = open({ all: true });
    socket.isStuck = true;
    feed.publish(update(['first']));
    socket.drain();
    expect(socket.pushes).toHaveLength(1);
  });

  test('is closed with 1013 when it does not drain in time, and then cut off', async () => {
    const { feed, open, rig } = serve({ sockets: { slowTimeoutMs: 30 } });
    const socket = open({ all: true });
    socket.isStuck = true;
    feed.publish(update(['first']));
    await until('it is closed', () => socket.closed !== undefined);
    expect(socket.closed?.code).toBe(1013);
    feed.publish(update(['second']));
    expect(socket.pushes).toHaveLength(1);
    await until('it is cut off', () => socket.isCut);
    expect(rig.feed.isWatched).toBe(false);
  });

  test('has its requests wait, within their limits, and then carried out in order', async () => {
    const { open, rig } = serve({ sockets: { inFlightMax: 3 } });
    const socket = open();
    await engine.set('w9', Buffer.alloc(50_000, 'x'));
    socket.isStuck = true;
    socket.receive({ id: 1, op: 'get', key: 'w9' });
    expect(rig.budget.usedBytes).toBeGreaterThanOrEqual(50_000);
    socket.receive({ id: 2, op: 'set', key: 'w9', value: 2 });
    socket.receive({ id: 3, op: 'get', key: 'w9' });
    socket.receive({ id: 4, op: 'get', key: 'w9' });
    expect(socket.frames).toHaveLength(1);
    socket.receive({ id: 5, op: 'get', key: 'w9' });
    expect(socket.answer(5)).toMatchObject({ error: { code: 'ERR_SOCKET_TOO_MANY_REQUESTS' } });
    socket.drain();
    expect(socket.answer(3)).toMatchObject({ value: 2 });
    expect(socket.answer(4)).toMatchObject({ value: 2 });
    await until('the write is answered', () => socket.answer(2) !== undefined);
    expect(rig.budget.usedBytes).toBe(0);
  });

  test('is closed with 1013 when it goes on asking for refusals', () => {
    const { open } = serve({ sockets: { inFlightMax: 10 } });
    const socket = open();
    socket.isStuck = true;
    for (let id = 1; id <= 50; id++) socket.receive({ id, op: 'get', key: '' });
    expect(socket.closed?.code).toBe(1013);
    expect(socket.frames.length).toBeLessThanOrEqual(13);
  });
});
