import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { ListenError } from '../../server/http/transport.js';
import { createUwsTransport, TransportUnavailableError } from '../../server/http/uws-transport.js';
import { listenForStop } from '../../server/lifecycle.js';
import { putText, RawConnection, requestText } from './support/raw-connection.js';
import { StoreDouble } from './support/store-double.js';
import { get, serveStore } from './support/test-service.js';

describe('a service that stops', () => {
  test('refuses new connections at once', async () => {
    const { service, port } = await serveStore(new StoreDouble());
    const stopping = service.stop();
    await expect(RawConnection.open(port)).rejects.toThrow('ECONNREFUSED');
    expect(await stopping).toBe('drained');
  });

  test('closes idle connections after a moment', async () => {
    const { service, port } = await serveStore(new StoreDouble());
    const idle = await RawConnection.open(port);
    idle.write(requestText('GET /health'));
    expect((await idle.nextResponse())?.status).toBe(200);
    expect(await service.stop()).toBe('drained');
    await idle.closed;
  });

  test('answers what still arrives, and says that the connection closes', async () => {
    const { service, port } = await serveStore(new StoreDouble());
    const connection = await RawConnection.open(port);
    const idle = await RawConnection.open(port);
    for (const each of [connection, idle]) {
      each.write(requestText('GET /health'));
      await each.nextResponse();
    }
    const stopping = service.stop();
    connection.write(requestText('GET /ready'));
    const ready = await connection.nextResponse();
    expect(ready?.status).toBe(503);
    expect(ready?.headers.get('connection')).toBe('close');
    expect(JSON.parse(ready?.body.toString() ?? '')).toMatchObject({ status: 'draining' });
    idle.write(requestText('GET /health'));
    const health = await idle.nextResponse();
    expect(health?.status).toBe(200);
    expect(JSON.parse(health?.body.toString() ?? '')).toMatchObject({ status: 'draining' });
    await connection.closed;
    expect(await stopping).toBe('drained');
  });

  test('finishes a body that is on its way and a write that is pending', async () => {
    const store = new StoreDouble();
    const { service, port } = await serveStore(store);
    store.hold();
    const pending = await RawConnection.open(port);
    const begun = store.nextWrite();
    pending.write(putText('/cache/pending', 'x'));
    await begun;
    const arriving = await RawConnection.open(port);
    arriving.write(requestText('PUT /cache/arriving', ['Content-Length: 3'], 'a'));
    arriving.write('b');
    const stopping = service.stop();
    arriving.write('c');
    store.release();
    expect((await pending.nextResponse())?.status).toBe(201);
    expect((await arriving.nextResponse())?.status).toBe(201);
    expect(await stopping).toBe('drained');
    expect([...store.values.keys()].sort()).toEqual(['arriving', 'pending']);
  });

  test('cuts what is in flight when time is up', async () => {
    const { service, port, budget } = await serveStore(new StoreDouble(), { drainTimeoutMs: 20 });
    const stuck = await RawConnection.open(port);
    stuck.write(requestText('PUT /cache/stuck', ['Content-Length: 3'], 'a'));
    await expect.poll(() => budget.usedBytes).toBe(1);
    expect(await service.stop()).toBe('timed-out');
    await stuck.closed;
    expect(budget.usedBytes).toBe(0);
  });

  test('cuts what is in flight when it is told to hurry', async () => {
    const { service, port, budget } = await serveStore(new StoreDouble(), {
      drainTimeoutMs: 3_600_000,
    });
    const stuck = await RawConnection.open(port);
    stuck.write(requestText('PUT /cache/stuck', ['Content-Length: 3'], 'a'));
    await expect.poll(() => budget.usedBytes).toBe(1);
    const hasten = new AbortController();
    const stopping = service.stop(hasten.signal);
    hasten.abort();
    expect(await stopping).toBe('hastened');
    await stuck.closed;
  });
});

test('the first signal asks for the stop, the second hastens it, more change nothing', async () => {
  const source = new EventEmitter();
  const stop = listenForStop(source);
  source.emit('SIGTERM');
  await stop.requested;
  expect(stop.hastened.aborted).toBe(false);
  source.emit('SIGINT');
  expect(stop.hastened.aborted).toBe(true);
  source.emit('SIGTERM');
});

describe('a service that cannot start', () => {
  test('says that the port is taken', async () => {
    const { port } = await serveStore(new StoreDouble());
    const second = serveStore(new StoreDouble(), { port });
    await expect(second).rejects.toThrow(ListenError);
    await expect(second).rejects.toThrow(`port ${port} on 127.0.0.1 is already in use`);
    expect((await get(port, '/health')).status).toBe(200);
  });

  test('says that the address is not one of the machine', async () => {
    const foreign = serveStore(new StoreDouble(), { host: '192.0.2.1' });
    await expect(foreign).rejects.toThrow('192.0.2.1 is no address of this machine');
  });

  test('says that uWebSockets.js is missing, and what to do', async () => {
    const missing = createUwsTransport(() => Promise.reject(new Error('no binary\n\nmore')));
    await expect(missing).rejects.toThrow(TransportUnavailableError);
    await expect(missing).rejects.toThrow(/cannot be loaded by Node.js v\d+.*: no binary .*npm ci/);
  });
});
