/** What the client makes of connections that end, or that never open. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { settles, until } from '../support/until.js';
import { startFake } from './support/fake-service.js';
import { codeOf, openClient } from './support/open-client.js';

test.each([
  { code: 1001, reason: 'going away', isRepeated: true },
  { code: 1001, reason: 'of a proxy', isRepeated: false },
  { code: 1013, reason: 'going away', isRepeated: false },
])(
  'a write with a condition is repeated only where the service says that it did not read it: %o',
  async ({ code, reason, isRepeated }) => {
    const fake = await startFake();
    const client = openClient({ url: fake.url });
    await client.get('warm');
    fake.onFrame = () => 'ignore';
    const stored = client.set('k', 1, { only: 'absent' });
    const refusal = codeOf(stored);
    await until('it is sent', () => fake.received.some(({ op }) => op === 'set'));
    fake.onFrame = () => 'answer';
    fake.entries.delete('/k');
    for (const socket of fake.sockets) socket.close(code, reason);
    expect(await settles('the write', refusal)).toBe(
      isRepeated ? undefined : 'ERR_CLIENT_OUTCOME_UNKNOWN',
    );
    expect(fake.entries.get('/k')).toBe(isRepeated ? 1 : undefined);
  },
);

test('connections that break soon after they opened are tried at ever longer intervals', async () => {
  const random = vi.spyOn(Math, 'random').mockReturnValue(1);
  onTestFinished(() => random.mockRestore());
  const fake = await startFake();
  const error = { code: 'ERR_CACHE_OVERLOADED', message: 'busy', retryable: true };
  const subscribedMs: number[] = [];
  fake.onFrame = ({ op }) => {
    if (op !== 'subscribe') return 'answer';
    subscribedMs.push(performance.now());
    return { error };
  };
  const client = openClient({ url: fake.url, nearCache: {} });
  await client.get('k');
  await until('it was tried some times', () => subscribedMs.length === 5);
  const [, , , fourth = 0, fifth = 0] = subscribedMs;
  // 100 ms, 200 ms, 400 ms, 800 ms: timers may be late, not early.
  expect(fifth - fourth).toBeGreaterThanOrEqual(790);
});

test('where upgrades are swallowed, requests wait for the first one alone', async () => {
  const fake = await startFake();
  fake.entries.set('/k', 'v');
  fake.upgrades = 'ignore';
  const client = openClient({
    url: fake.url,
    timeoutMs: 500,
    retries: 0,
    breaker: { kind: 'off' },
    webSocket: { reconnectMsMax: 1 },
  });
  expect(await codeOf(client.get('k'))).toBe('ERR_CLIENT_TIMEOUT');
  for (let read = 0; read < 20; read++) expect(await client.get('k')).toBe('v');
});

test('in Node.js headers go with the WebSocket too, whatever class the runtime has', async () => {
  const fake = await startFake();
  vi.stubGlobal(
    'WebSocket',
    class {
      constructor() {
        throw new Error('not this one');
      }
    },
  );
  onTestFinished(() => void vi.unstubAllGlobals());
  const client = openClient({ url: fake.url, headers: { 'X-Who': 'me' } });
  await client.get('k');
  expect(fake.ops).toEqual(['get']);
  expect(fake.upgradeHeaders).toMatchObject([{ 'x-who': 'me' }]);
});

test('an answer whose body never ends keeps no connection', async () => {
  const connections = new Set<Socket>();
  const server = createServer((_request, response) => {
    response.writeHead(201);
    response.write(' ');
  });
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const client = openClient({ url, webSocket: { kind: 'off' }, timeoutMs: 100 });
  expect(await settles('the write', client.set('k', 1))).toBe(true);
  await client.close();
  await until('no connection is left', () => connections.size === 0, 5_000);
});
