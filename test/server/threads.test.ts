/** A service of several threads: one port, one memory, and what becomes of a thread that dies. */
import { BroadcastChannel } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createNodeTransport } from '../../server/http/node-transport.js';
import { ListenError, type Transport } from '../../server/http/transport.js';
import { DEFAULT_SERVICE_SETTINGS } from '../../server/service-settings.js';
import { ReplacementLimit } from '../../server/threads/replacement-limit.js';
import {
  countThreads,
  startThreads,
  type ThreadedService,
  type ThreadsPlan,
} from '../../server/threads/service-threads.js';
import { shareBufferBytes, shareSettings } from '../../server/threads/thread-setup.js';
import { createEngine, type EngineOptions } from '../../src/index.js';
import { until } from '../support/until.js';
import { putText, RawConnection, requestText } from './support/raw-connection.js';
import { ask, get, openTransport, TRANSPORT_KINDS } from './support/test-service.js';

const transport = await openTransport(TRANSPORT_KINDS[0] ?? 'node');
/** With node:http ports are shared by newer versions of Node.js alone. */
const isAlone = !transport.portSharing.works;
const FAILING_THREAD = new URL('../support/fixtures/failing-http-thread.mjs', import.meta.url);
const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function start(
  plan: Partial<ThreadsPlan> = {},
  options: EngineOptions = {},
): Promise<ThreadedService> {
  const engine = await createEngine({ memory: '16mb', workers: 1, ...options });
  opened.push(() => engine.close());
  const service = await startThreads(engine, {
    threadCount: 2,
    bufferBytes: 64 * 1_024 ** 2,
    messageDescriptorsPath: '',
    transport,
    transportReason: 'the test wants it',
    workerModule: FAILING_THREAD,
    ...plan,
    settings: {
      ...DEFAULT_SERVICE_SETTINGS,
      port: 0,
      metrics: { isEnabled: true, path: '/metrics', intervalMs: 10 },
      log: { level: 'silent', redactsKeys: false },
      ...plan.settings,
    },
  });
  opened.push(() => service.stop(AbortSignal.abort()));
  return service;
}

/** Connections one after the other until each thread has answered one. */
async function connectToAll({ port, block }: ThreadedService): Promise<RawConnection[]> {
  const found = new Map<number, RawConnection>();
  await until('each thread has a connection', async () => {
    const before = countsOf(block);
    const connection = await RawConnection.open(port);
    connection.write(requestText('GET /cache/absent'));
    await connection.nextResponse();
    const thread = countsOf(block).findIndex((count, index) => count !== before[index]);
    if (found.has(thread)) connection.destroy();
    else found.set(thread, connection);
    return found.size === block.threadCount;
  });
  const byThread = [...found].toSorted(([left], [right]) => left - right);
  return byThread.map(([, connection]) => connection);
}

interface Subscriber {
  readonly socket: WebSocket;
  /** Messages that were pushed. */
  readonly pushes: unknown[];
}

/** Sockets that listen to all keys, until each thread has one; in the order of the threads. */
async function subscribeToAll({ port, block }: ThreadedService): Promise<Subscriber[]> {
  const found = new Map<number, Subscriber>();
  const socketsOf = (): number[] =>
    Array.from({ length: block.threadCount }, (_, thread) => block.gaugesOf(thread).sockets);
  await until('each thread has a socket', async () => {
    const before = socketsOf();
    const subscriber = await subscribe(port);
    let thread = -1;
    await until('the socket is counted', () => {
      thread = socketsOf().findIndex((count, index) => count > (before[index] ?? 0));
      return thread !== -1;
    });
    if (!found.has(thread)) found.set(thread, subscriber);
    return found.size === block.threadCount;
  });
  const byThread = [...found].toSorted(([left], [right]) => left - right);
  return byThread.map(([, subscriber]) => subscriber);
}

async function subscribe(port: number): Promise<Subscriber> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
  opened.push(async () => socket.terminate());
  // What becomes of a socket whose thread dies is no matter of the test.
  socket.on('error', () => undefined);
  const pushes: unknown[] = [];
  const isSubscribed = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as Record<string, unknown>;
      if (message['id'] === 1) resolve();
      else pushes.push(message);
    });
  });
  socket.on('open', () => socket.send(JSON.stringify({ id: 1, op: 'subscribe', all: true })));
  await isSubscribed;
  return { socket, pushes };
}

function countsOf(block: ThreadedService['block']): number[] {
  return Array.from({ length: block.threadCount }, (_, thread) => block.operationsOf(thread));
}

function failThread(thread: number): void {
  const channel = new BroadcastChannel('hotshard-test-fail-http-thread');
  channel.postMessage(thread);
  channel.close();
}

describe.skipIf(isAlone)('two threads', () => {
  test('serve one memory on one port, and tell of each other', async () => {
    const service = await start();
    const [first, second] = await connectToAll(service);
    first?.write(putText('/cache/a', 'from the first'));
    expect((await first?.nextResponse())?.status).toBe(201);
    second?.write(requestText('GET /cache/a'));
    expect((await second?.nextResponse())?.body.toString()).toBe('from the first');
    second?.write(putText('/cache/a', 'from the second'));
    expect((await second?.nextResponse())?.status).toBe(201);
    first?.write(requestText('GET /cache/a'));
    expect((await first?.nextResponse())?.body.toString()).toBe('from the second');
    // Each thread tells what both have counted, and what both have open.
    for (const connection of [first, second]) {
      await until('both connections are counted', async () => {
        connection?.write(requestText('GET /stats'));
        const stats = JSON.parse((await connection?.nextResponse())?.body.toString() ?? '');
        expect(stats).toMatchObject({ threads: 2, operations: { set: { ok: 2 } }, items: 1 });
        return stats.connections === 2;
      });
      connection?.write(requestText('GET /ready'));
      expect(JSON.parse((await connection?.nextResponse())?.body.toString() ?? '')).toMatchObject({
        ready: true,
        status: 'ok',
        transport: { reason: 'the test wants it' },
        threads: { state: 'ok', wanted: 2, serving: 2, replaced: 0 },
      });
    }
    for (const connection of [first, second]) connection?.destroy();
  });

  test('go on with the cursors of each other', async () => {
    const service = await start();
    const [first, second] = await connectToAll(service);
    for (const key of ['a', 'b', 'c']) {
      first?.write(putText(`/cache/${key}`, 'x'));
      expect((await first?.nextResponse())?.status).toBe(201);
    }
    first?.write(requestText('GET /cache?limit=2'));
    const { keys, cursor } = JSON.parse(String((await first?.nextResponse())?.body));
    second?.write(requestText(`GET /cache?limit=2&cursor=${cursor}`));
    const rest = JSON.parse(String((await second?.nextResponse())?.body));
    expect([...keys, ...rest.keys].toSorted()).toEqual(['a', 'b', 'c']);
  });

  test('tell subscribers of both what was written in either', async () => {
    const service = await start();
    const subscribers = await subscribeToAll(service);
    const connections = await connectToAll(service);
    for (const [thread, connection] of connections.entries()) {
      connection.write(putText(`/cache/by-${thread}`, 'x'));
      expect((await connection.nextResponse())?.status).toBe(201);
      for (const { pushes } of subscribers) {
        const push = { event: 'invalidate', namespace: '', keys: [`by-${thread}`] };
        await until('the subscriber is told', () => pushes.length === thread + 1);
        expect(pushes.at(-1)).toEqual(push);
      }
    }
    for (const connection of connections) connection.destroy();
  });

  test('stop together, each after what it has in flight', async () => {
    const service = await start();
    const connections = await connectToAll(service);
    for (const [index, connection] of connections.entries()) {
      connection.write(requestText(`PUT /cache/k${index}`, ['Content-Length: 3'], 'a'));
    }
    await until('both bodies are waited for', () => {
      return service.block.sumGauge('pendingRequests') === 2;
    });
    const stopping = service.stop();
    await until('all threads drain', () => service.block.isDraining);
    for (const connection of connections) connection.write('bc');
    for (const connection of connections) {
      expect((await connection.nextResponse())?.status).toBe(201);
    }
    expect(await stopping).toBe('drained');
    expect(service.block.threadsIn('ended')).toEqual([0, 1]);
    await expect(RawConnection.open(service.port)).rejects.toThrow('ECONNREFUSED');
  });

  test('are hastened together', async () => {
    const service = await start();
    const connections = await connectToAll(service);
    for (const connection of connections) {
      connection.write(requestText('PUT /cache/a', ['Content-Length: 3'], 'a'));
    }
    await until('both bodies are waited for', () => {
      return service.block.sumGauge('pendingRequests') === 2;
    });
    const hasten = new AbortController();
    const stopping = service.stop(hasten.signal);
    hasten.abort();
    expect(await stopping).toBe('hastened');
    await Promise.all(connections.map(({ closed }) => closed));
  });
});

describe.skipIf(isAlone)('a thread that dies', () => {
  test('is replaced, and the others serve meanwhile', async () => {
    const service = await start();
    const connections = await connectToAll(service);
    const counted = service.block.operationsOf(1);
    failThread(1);
    await connections[1]?.closed;
    connections[0]?.write(putText('/cache/a', 'kept'));
    expect((await connections[0]?.nextResponse())?.status).toBe(201);
    await until('it is replaced', () => {
      return service.block.replacedThreads === 1 && service.block.stateOf(1) === 'serving';
    });
    // The counts of the dead thread stay, and its place in the port is served again.
    expect(service.block.operationsOf(1)).toBeGreaterThanOrEqual(counted);
    for (const connection of await connectToAll(service)) {
      connection.write(requestText('GET /cache/a'));
      expect((await connection.nextResponse())?.body.toString()).toBe('kept');
      connection.destroy();
    }
    connections[0]?.destroy();
  });

  test('leaves a gap that subscribers of the others are told of', async () => {
    const service = await start();
    const [first, second] = await subscribeToAll(service);
    const isClosed = new Promise((resolve) => second?.socket.once('close', resolve));
    failThread(1);
    await isClosed;
    await until('the gap is told', () => (first?.pushes.length ?? 0) > 0);
    expect(first?.pushes).toEqual([{ event: 'resync', reason: 'gap' }]);
  });

  test('is replaced five times in a minute, no more, and readiness says so', async () => {
    const service = await start();
    for (let death = 1; death <= 5; death++) {
      failThread(1);
      await until(`death ${death} is made up for`, () => {
        return service.block.replacedThreads === death && service.block.stateOf(1) === 'serving';
      });
    }
    failThread(1);
    await until('it is given up', () => service.block.hasGivenUp);
    const ready = await get(service.port, '/ready');
    expect(ready.status).toBe(200);
    expect(JSON.parse(ready.body.toString())).toMatchObject({
      ready: true,
      status: 'degraded',
      threads: { state: 'given-up', wanted: 2, serving: 1, replaced: 5 },
    });
    expect((await ask(service.port, putText('/cache/a', 'x')))?.status).toBe(201);
    expect(await service.stop()).toBe('drained');
  });

  test('leaves a service that can be stopped at any moment of its replacement', async () => {
    for (const delayTurns of [0, 1, 5, 50]) {
      const service = await start();
      failThread(1);
      for (let turn = 0; turn < delayTurns; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(['drained', 'timed-out']).toContain(await service.stop());
    }
  });
});

describe.skipIf(isAlone)('threads that cannot start', () => {
  test('say that the port is taken, by whoever has it', async () => {
    const { port } = await start();
    const settings = { ...DEFAULT_SERVICE_SETTINGS, port };
    const second = start({ settings });
    await expect(second).rejects.toThrow(ListenError);
    await expect(second).rejects.toThrow(`port ${port} on 127.0.0.1 is already in use`);
  });

  test('say that there are too many for the memory, and leave nothing behind', async () => {
    const many = start({ threadCount: 9 }, { memory: '8mb' });
    await expect(many).rejects.toThrow(/threads/);
  });
});

test('several threads are refused where the port cannot be shared, with the reason', () => {
  const alone: Transport = {
    ...createNodeTransport(),
    portSharing: { works: false, why: 'node:http shares a port from Node.js 22.12 on' },
  };
  const sharing: Transport = { ...alone, portSharing: { works: true } };
  expect(() => countThreads(2, alone)).toThrow(ListenError);
  expect(() => countThreads(2, alone)).toThrow(
    'HTTP_THREADS: 2 threads cannot share a port: node:http shares a port from Node.js 22.12 on',
  );
  expect(countThreads(1, alone)).toBe(1);
  expect(countThreads('auto', alone)).toBe(1);
  expect(countThreads(2, sharing)).toBe(2);
  expect(countThreads('auto', sharing)).toBeGreaterThanOrEqual(1);
});

test('what is bounded for the process is divided among its threads', () => {
  const settings = shareSettings(DEFAULT_SERVICE_SETTINGS, 3);
  expect(settings.sharesPort).toBe(true);
  expect(settings.transport.connectionsMax).toBe(3_334);
  expect(settings.sockets.socketsMax).toBe(3_334);
  expect(settings.transport.idleTimeoutMs).toBe(10_000);
  expect(shareBufferBytes(300, { ...settings, valueBytesMax: 50 }, 3)).toBe(100);
  expect(shareBufferBytes(300, { ...settings, valueBytesMax: 150 }, 3)).toBe(150);
  expect(shareSettings(DEFAULT_SERVICE_SETTINGS, 1)).toEqual(DEFAULT_SERVICE_SETTINGS);
});

test('replacements are bounded in any period, not in all', () => {
  const limit = new ReplacementLimit(2, 100);
  expect([0, 10, 20, 99, 100, 105, 110].map((nowMs) => limit.tryTake(nowMs))).toEqual([
    true,
    true,
    false,
    false,
    true,
    false,
    true,
  ]);
});
