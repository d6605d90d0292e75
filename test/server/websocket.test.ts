import { connect } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { ServiceSettings } from '../../server/service-settings.js';
import { DEFAULT_SERVICE_SETTINGS } from '../../server/service-settings.js';
import type { Engine } from '../../src/index.js';
import { until } from '../support/until.js';
import { SocketClient } from './support/socket-client.js';
import { StoreDouble } from './support/store-double.js';
import {
  expectRefusal,
  get,
  openEngine,
  serveStore,
  type TestService,
  TRANSPORT_KINDS,
} from './support/test-service.js';

let engine: Engine;

beforeAll(async () => {
  engine = await openEngine();
});

describe.each(TRANSPORT_KINDS)('WebSockets of the service over %s', (kind) => {
  const serve = (settings: Partial<ServiceSettings> = {}): Promise<TestService> =>
    serveStore(engine, settings, undefined, kind);

  test('W1 a plain GET is told to upgrade', async () => {
    const { port } = await serve();
    const response = await get(port, '/ws');
    expectRefusal(response, 426, 'ERR_HTTP_UPGRADE_REQUIRED');
    expect(response.headers.get('upgrade')).toBe('websocket');
  });

  test('W11 foreign origins and tokens in the URL are refused before the upgrade', async () => {
    const { port } = await serve({ allowedOrigins: ['https://app.example'] });
    const origin = 'https://evil.example';
    expect(await SocketClient.refusal(port, '/ws', { origin })).toBe(403);
    expect(await SocketClient.refusal(port, '/ws?token=secret')).toBe(401);
    expect(await SocketClient.refusal(port, '/elsewhere')).toBe(404);
    expect(await SocketClient.refusal(port, '/ws', { protocols: ['chat'] })).toBe(400);
    await SocketClient.open(port);
  });

  test('a thousand requests in one burst are all answered', async () => {
    const { port } = await serve();
    const client = await SocketClient.open(port);
    const writes = Array.from({ length: 500 }, (_, value) => {
      return client.ask({ op: 'set', key: `burst:${value % 50}`, value });
    });
    const reads = Array.from({ length: 500 }, (_, index) => {
      return client.ask({ op: 'get', key: `burst:${index % 50}` });
    });
    for (const answer of await Promise.all(writes)) expect(answer['stored']).toBe(true);
    for (const [index, answer] of (await Promise.all(reads)).entries()) {
      expect(answer['value']).toBe(450 + (index % 50));
    }
  });

  test('what is changed over HTTP is pushed, and what was stored there is read here', async () => {
    const { port, url } = await serve();
    const client = await SocketClient.open(port);
    await client.ask({ op: 'subscribe', prefixes: ['user:'] });
    const headers = { 'Content-Type': 'application/json' };
    const body = '{"name":"Alice"}';
    await fetch(`${url}/cache/user:1`, { method: 'PUT', headers, body });
    await until('the push has come', () => client.pushes.length === 1);
    expect(client.pushes[0]).toEqual({ event: 'invalidate', namespace: '', keys: ['user:1'] });
    expect(await client.ask({ op: 'get', key: 'user:1' })).toMatchObject({ hit: true });
    await fetch(`${url}/cache/user:1`, { method: 'DELETE' });
    await until('the second has come', () => client.pushes.length === 2);
    expect(await client.ask({ op: 'get', key: 'user:1' })).toMatchObject({ hit: false });
  });

  test('W3 a message above the limit ends the socket, and no other', async () => {
    const { transport } = DEFAULT_SERVICE_SETTINGS;
    const { port } = await serve({ transport: { ...transport, messageBytesMax: 1_000 } });
    const other = await SocketClient.open(port);
    const client = await SocketClient.open(port);
    const padding = 'x'.repeat(900);
    expect(await client.ask({ op: 'set', key: 'w3', value: padding })).toMatchObject({ ok: true });
    void client.ask({ op: 'set', key: 'w3', value: 'x'.repeat(2_000) });
    expect([1006, 1009]).toContain(await client.closed());
    expect(await other.ask({ op: 'ping' })).toMatchObject({ ok: true });
    expect(await other.ask({ op: 'get', key: 'w3' })).toMatchObject({ value: padding });
  });

  test.each([
    ['W4 an unmasked frame', [0x81, 0x02, 0x7b, 0x7d]],
    ['W4 a reserved bit', [0xc1, 0x80, 0, 0, 0, 0]],
    ['W4 a reserved opcode', [0x83, 0x80, 0, 0, 0, 0]],
    ['W4 a ping in fragments', [0x09, 0x80, 0, 0, 0, 0]],
    ['W4 a ping of 126 bytes', [0x89, 0xfe, 0, 126, 0, 0, 0, 0, ...new Array<number>(126).fill(0)]],
    ['W5 text that is not UTF-8', [0x81, 0x81, 0, 0, 0, 0, 0xff]],
  ])('%s closes the socket, and no other', async (_title, frame) => {
    const { port } = await serve();
    const other = await SocketClient.open(port);
    const connection = connect(port, '127.0.0.1');
    let received = '';
    let isClosed = false;
    connection.on('data', (bytes) => {
      received += bytes.toString('latin1');
    });
    connection.on('error', () => undefined);
    connection.on('close', () => {
      isClosed = true;
    });
    connection.write(
      'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await until('it is a WebSocket', () => received.includes('\r\n\r\n'));
    connection.write(Buffer.from(frame));
    await until('it is closed', () => isClosed || connection.readableEnded);
    connection.destroy();
    expect(await other.ask({ op: 'ping' })).toMatchObject({ ok: true });
  });

  test('W7 the tenth invalid message in a row closes with 1008', async () => {
    const { port } = await serve();
    const client = await SocketClient.open(port);
    for (let count = 0; count < 10; count++) client.socket.send('{');
    expect(await client.closed()).toBe(1008);
    expect(client.frames).toHaveLength(10);
  });

  test('W9 a subscriber that stops reading and goes on is told to resync', async () => {
    const { transport, sockets } = DEFAULT_SERVICE_SETTINGS;
    const { port, service, budget } = await serve({
      transport: { ...transport, socketBacklogBytesMax: 20_000 },
      sockets: { ...sockets, slowTimeoutMs: 60_000 },
    });
    const slow = await SocketClient.open(port);
    const writer = await SocketClient.open(port);
    await slow.ask({ op: 'subscribe', all: true });
    slow.socket.pause();
    const count = await floodUntilSlow(writer, 30_000);
    slow.socket.resume();
    await until('it is told', () => slow.pushes.some(({ event }) => event === 'resync'));
    expect(slow.pushes.filter(({ event }) => event === 'resync')).toHaveLength(1);
    expect(slow.pushes.find(({ event }) => event === 'resync')?.['reason']).toBe('slow');
    expect(slow.pushes.length).toBeLessThan(count);
    const known = slow.pushes.length;
    await writer.ask({ op: 'set', key: 'after', value: 1 });
    await until('pushes go on', () => slow.pushes.length > known);
    expect(slow.pushes.at(-1)).toMatchObject({ event: 'invalidate', keys: ['after'] });
    expect(budget.usedBytes).toBe(0);
    expect(service.port).toBe(port);
  });

  test('W9 a subscriber that does not go on is closed, and held nothing for', async () => {
    const { transport, sockets } = DEFAULT_SERVICE_SETTINGS;
    const { port } = await serve({
      transport: { ...transport, socketBacklogBytesMax: 20_000 },
      sockets: { ...sockets, slowTimeoutMs: 100, socketsMax: 2 },
    });
    const slow = await SocketClient.open(port);
    const writer = await SocketClient.open(port);
    await slow.ask({ op: 'subscribe', all: true });
    slow.socket.pause();
    await floodUntilSlow(writer, 30_000);
    // There is room for another one as soon as the slow one is gone.
    await until('the service has let go of it', async () => {
      const next = new WebSocket(`ws://127.0.0.1:${port}/ws`);
      const outcome = await new Promise<string>((resolve) => {
        next.on('open', () => resolve('open'));
        next.on('error', () => resolve('refused'));
      });
      next.terminate();
      return outcome === 'open';
    });
    slow.socket.resume();
    expect([1006, 1013]).toContain(await slow.closed());
    expect(await writer.ask({ op: 'ping' })).toMatchObject({ ok: true });
  });

  test('a client that asks for much and does not read is served when it reads', async () => {
    const { transport } = DEFAULT_SERVICE_SETTINGS;
    const { port, budget } = await serve({
      transport: { ...transport, socketBacklogBytesMax: 20_000 },
    });
    await engine.set('big', Buffer.from(JSON.stringify('x'.repeat(500_000))), {
      contentType: 'application/json',
    });
    const client = await SocketClient.open(port);
    client.socket.pause();
    const answers = Array.from({ length: 100 }, () => client.ask({ op: 'get', key: 'big' }));
    await until('some are held', () => budget.usedBytes > 0);
    expect(budget.usedBytes).toBeLessThan(2_000_000);
    client.socket.resume();
    for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ hit: true });
    await until('nothing is held', () => budget.usedBytes === 0);
  });

  test('the end of the service waits for a request that is under way', async () => {
    const store = new StoreDouble();
    const { port, service } = await serveStore(store, {}, undefined, kind);
    const client = await SocketClient.open(port);
    store.hold();
    const begun = store.nextWrite();
    const answer = client.ask({ op: 'set', key: 'late', value: 1 });
    await begun;
    let isStopped = false;
    const stopped = service.stop().then((outcome) => {
      isStopped = true;
      return outcome;
    });
    const startMs = performance.now();
    await until('idle connections would have been cut', () => performance.now() - startMs > 400);
    expect(isStopped).toBe(false);
    store.release();
    expect(await answer).toMatchObject({ ok: true, stored: true });
    expect(await client.closed()).toBe(1001);
    expect(await stopped).toBe('drained');
  });

  test('the end of the service closes with 1001', async () => {
    const { port, service } = await serve();
    const client = await SocketClient.open(port);
    await client.ask({ op: 'set', key: 'a', value: 1 });
    expect(await service.stop()).toBe('drained');
    expect(await client.closed()).toBe(1001);
  });
});

/** Writes keys with long names, each of which is pushed, until so many have been. */
async function floodUntilSlow(writer: SocketClient, countMax: number): Promise<number> {
  const batch = 1_000;
  const name = 'k'.repeat(1_000);
  let count = 0;
  // Enough for what the system keeps of a connection that nobody reads, some MiB.
  while (count < countMax && count * name.length < 20_000_000) {
    const keys = Array.from({ length: batch }, (_, index) => `${name}${index % 10}`);
    await writer.ask({
      op: 'setMany',
      entries: keys.map((key) => ({ key, value: 1 })),
    });
    count += batch;
  }
  return count;
}
