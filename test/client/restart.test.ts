import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type CacheClient, createClient, type Invalidation } from '../../src/client/client.js';
import { ChildService } from '../server/support/child-service.js';
import { settles, until } from '../support/until.js';
import { codeOf, openClient } from './support/open-client.js';

const started: ChildService[] = [];

afterEach(async () => {
  for (const service of started.splice(0)) {
    if (service.isRunning) service.signal('SIGKILL');
    await service.ended;
  }
});

/**
 * A free port below those that the system gives to outgoing connections: one of a client that tries
 * to connect to a dead local service again and again could otherwise get the very port of it.
 */
async function findPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => {
      server.close(resolve);
    });
    return port;
  }
}

async function start(port: number): Promise<{ service: ChildService; port: number; url: string }> {
  const service = new ChildService({ SERVER_HTTP_PORT: `${port}`, CACHE_MAX_MEMORY_MB: '16' });
  started.push(service);
  const listening = await service.port();
  return { service, port: listening, url: `http://127.0.0.1:${listening}` };
}

async function servesNear(client: CacheClient, key: string): Promise<void> {
  await until('a copy is served', async () => {
    const { source } = await client.getWithMeta(key);
    return source === 'near';
  });
}

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'a client outlives its service, and is right after it came back: %s',
  async (signal) => {
    const { service, port, url } = await start(await findPort());
    const client = openClient({
      url,
      nearCache: {},
      timeoutMs: 1_000,
      webSocket: { reconnectMsMax: 200 },
    });
    const heard: Invalidation[] = [];
    await client.set('k', 'old');
    await client.subscribe({ keys: ['k'] }, (change) => heard.push(change));
    await servesNear(client, 'k');
    const loser = Array.from({ length: 50 }, (_, index) => codeOf(client.get(`other:${index}`)));
    service.signal(signal);
    await settles('reads in flight', Promise.all(loser));
    await service.ended;
    await until('no copy is served', async () => (await codeOf(client.get('k'))) !== undefined);
    expect(await client.getOrLoad('k', () => 'of the source')).toBe('of the source');
    heard.length = 0;

    await start(port);
    // The new service holds nothing: neither may the client.
    await until('the client is back', async () => {
      return client.get('k').then(
        (value) => value === undefined,
        () => false,
      );
    });
    await until('the resync is told', () => heard.some(({ kind }) => kind === 'resync'));
    const other = openClient({ url });
    await other.set('k', 'new');
    await until('the change is seen', async () => (await client.get('k')) === 'new');
    await servesNear(client, 'k');
    await until('the change is told', () => heard.some(({ kind }) => kind === 'keys'));
    await other.set('k', 'newer');
    await until('the next one is seen', async () => (await client.get('k')) === 'newer');
  },
);

test('a service that stands still: copies end, loaders serve, and all is well when it goes on', async () => {
  const { service, url } = await start(0);
  const client = createClient({
    url,
    nearCache: {},
    timeoutMs: 200,
    totalTimeoutMs: 500,
    webSocket: { heartbeatMs: 100, reconnectMsMax: 100 },
    breaker: { failures: 3, openMs: 50 },
  });
  try {
    await client.set('k', 1);
    await servesNear(client, 'k');
    service.signal('SIGSTOP');
    await until('no copy is served', async () => (await codeOf(client.get('k'))) !== undefined);
    expect(
      await settles(
        'the load',
        client.getOrLoad('k', () => 2),
      ),
    ).toBe(2);
    service.signal('SIGCONT');
    await until('the service answers', async () => (await codeOf(client.get('k'))) === undefined);
    await servesNear(client, 'k');
    expect(await client.get('k')).toBe(1);
  } finally {
    service.signal('SIGCONT');
    await client.close();
  }
});
