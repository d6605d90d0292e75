import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { jitteredWaitMs } from '../../src/client/backoff.js';
import { settles, until } from '../support/until.js';
import { startFake } from './support/fake-service.js';
import { codeOf, openClient } from './support/open-client.js';

/** A port that takes connections and never says anything. */
async function openBlackHole(): Promise<string> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => undefined);
    socket.resume();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    for (const socket of connections) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

/** A port on which nobody listens. */
async function deadUrl(): Promise<string> {
  const fake = await startFake();
  const { url } = fake;
  await fake.stop();
  return url;
}

const OFF = { kind: 'off' } as const;
const QUICK = { timeoutMs: 60, totalTimeoutMs: 400 };

test.each(['on', 'off'] as const)(
  'a silent service ends in a timeout, WebSocket %s',
  async (kind) => {
    const client = openClient({
      url: await openBlackHole(),
      webSocket: { kind },
      ...QUICK,
      breaker: OFF,
    });
    expect(await settles('the read', codeOf(client.get('k')))).toBe('ERR_CLIENT_TIMEOUT');
    expect(await settles('the write', codeOf(client.set('k', 1)))).toBe('ERR_CLIENT_TIMEOUT');
  },
);

test.each(['on', 'off'] as const)('a dead service is unreachable, WebSocket %s', async (kind) => {
  const client = openClient({ url: await deadUrl(), webSocket: { kind }, ...QUICK });
  expect(await settles('the read', codeOf(client.get('k')))).toBe('ERR_CLIENT_UNREACHABLE');
});

test('getOrLoad serves what the loader gives while the service is dead or silent', async () => {
  for (const url of [await deadUrl(), await openBlackHole()]) {
    const client = openClient({ url, ...QUICK, breaker: { failures: 2, openMs: 60_000 } });
    let calls = 0;
    const load = (): number => ++calls;
    const loads = Array.from({ length: 20 }, () => client.getOrLoad('k', load));
    expect(await settles('the loads', Promise.all(loads))).toEqual(loads.map(() => 1));
    expect(await client.getOrLoadWithMeta('k', load)).toMatchObject({
      value: 2,
      state: 'loaded',
      source: 'loader',
    });
    // The breaker is open by now: nothing is waited for any more.
    expect(await codeOf(client.get('k'))).toBe('ERR_CLIENT_BREAKER_OPEN');
    expect(await client.getOrLoad('k', load)).toBe(3);
  }
});

test('reads of a dead service can count as misses', async () => {
  const client = openClient({ url: await deadUrl(), ...QUICK, fallback: { kind: 'miss' } });
  expect(await client.get('k')).toBeUndefined();
  expect(await client.getMany(['a', 'b'])).toEqual([undefined, undefined]);
  expect(await client.getWithMeta('k')).toMatchObject({ value: undefined, state: 'unavailable' });
  expect(await codeOf(client.set('k', 1))).not.toBeUndefined();
});

test('the breaker opens after failures in a row, lets one probe pass, and closes', async () => {
  const fake = await startFake();
  const turns: string[] = [];
  const client = openClient({
    url: fake.url,
    webSocket: { kind: 'off' },
    retries: 0,
    breaker: { failures: 3, openMs: 50 },
  });
  client.on('breakerOpened', () => turns.push('opened'));
  client.on('breakerClosed', () => turns.push('closed'));
  fake.onHttp = () => ({ status: 503 });
  for (let call = 0; call < 3; call++) await codeOf(client.get('k'));
  expect(await codeOf(client.get('k'))).toBe('ERR_CLIENT_BREAKER_OPEN');
  expect(fake.asked).toHaveLength(3);
  // One probe for each period, and no more.
  await until('a probe', async () => {
    await Promise.all([codeOf(client.get('a')), codeOf(client.delete('b'))]);
    return fake.asked.length > 3;
  });
  expect(fake.asked).toHaveLength(4);
  fake.onHttp = () => 'answer';
  await until('it closes', async () => (await codeOf(client.get('k'))) === undefined);
  expect(turns).toEqual(['opened', 'closed']);
});

test('a refusal is an answer: it is not retried and opens no breaker', async () => {
  const fake = await startFake();
  const client = openClient({
    url: fake.url,
    webSocket: { kind: 'off' },
    breaker: { failures: 1 },
  });
  const body = '{"error":{"code":"ERR_CACHE_INVALID_KEY","message":"no"}}';
  fake.onHttp = () => ({ status: 400, body });
  expect(await codeOf(client.get('k'))).toBe('ERR_CACHE_INVALID_KEY');
  expect(await codeOf(client.get('k'))).toBe('ERR_CACHE_INVALID_KEY');
  expect(fake.asked).toHaveLength(2);
});

test('busy answers are tried again, as often as allowed and not before Retry-After', async () => {
  const fake = await startFake();
  const client = openClient({
    url: fake.url,
    webSocket: { kind: 'off' },
    retries: 2,
    totalTimeoutMs: 10_000,
  });
  const startMs = performance.now();
  fake.onHttp = () =>
    fake.asked.length === 1 ? { status: 429, headers: { 'Retry-After': '1' } } : 'answer';
  expect(await client.get('k')).toBeUndefined();
  expect(fake.asked).toHaveLength(2);
  expect(performance.now() - startMs).toBeGreaterThan(990);
  fake.asked.length = 0;
  fake.onHttp = () => ({ status: 503 });
  expect(await codeOf(client.get('k'))).toBe('ERR_CLIENT_MALFORMED_ANSWER');
  expect(fake.asked).toHaveLength(3);
  fake.asked.length = 0;
  fake.onHttp = () => ({ status: 503, headers: { 'Retry-After': '3600' } });
  await codeOf(client.get('k'));
  expect(fake.asked).toHaveLength(1);
});

test('waits between tries are spread from nothing to a bound that doubles', () => {
  for (let failedTries = 0; failedTries < 40; failedTries++) {
    const boundMs = Math.min(2_000, 50 * 2 ** failedTries);
    const waits = Array.from({ length: 200 }, () => jitteredWaitMs(failedTries, 50, 2_000));
    expect(Math.max(...waits)).toBeLessThan(boundMs);
    expect(Math.max(...waits)).toBeGreaterThan(boundMs / 2);
    expect(Math.min(...waits)).toBeLessThan(boundMs / 2);
  }
});

test('a lost connection: what can be done twice is tried again, a conditional set is not', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  await client.get('warm');
  for (const key of ['read', 'write', 'gone', 'once']) {
    let cuts = 0;
    fake.onFrame = (request) => (request.key === key && ++cuts === 1 ? 'cut' : 'answer');
    if (key === 'read') expect(await client.get(key)).toBeUndefined();
    if (key === 'write') expect(await client.set(key, 1)).toBe(true);
    if (key === 'gone') expect(await codeOf(client.delete(key))).toBeUndefined();
    if (key === 'once') {
      const outcome = codeOf(client.set(key, 1, { only: 'absent' }));
      expect(await outcome).toBe('ERR_CLIENT_OUTCOME_UNKNOWN');
    }
    // Tried again over the next connection or over HTTP; what must not be repeated was not.
    if (key === 'once') expect(cuts).toBe(1);
    else expect(cuts).toBeLessThanOrEqual(2);
    await until('it is connected again', () => fake.sockets.size === 1);
    fake.onFrame = () => 'answer';
    await client.get('warm');
  }
  expect(await client.get('write')).toBe(1);
});

test('a conditional set that was not sent is tried again', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  await client.get('warm');
  const error = { code: 'ERR_CACHE_BUSY', message: 'busy', retryable: true };
  let tries = 0;
  fake.onFrame = () => (++tries === 1 ? { error } : 'answer');
  await client.delete('k');
  expect(await client.set('k', 1, { only: 'absent' })).toBe(true);
});

test('a socket that falls silent is given up, and requests go another way', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url, timeoutMs: 60 });
  await client.set('k', 1);
  fake.onFrame = () => 'ignore';
  fake.upgrades = 'refuse';
  expect(await client.get('k')).toBe(1);
  expect(fake.asked).toContain('GET /cache/k');
  expect(fake.sockets.size).toBe(0);
});

test('a silent socket is noticed without a request', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url, webSocket: { heartbeatMs: 20 } });
  const reasons: string[] = [];
  client.on('disconnected', ({ reason }) => reasons.push(reason));
  await client.get('k');
  await until('it is asked', () => fake.ops.includes('ping'));
  expect(reasons).toEqual([]);
  fake.onFrame = () => 'ignore';
  await until('it is given up', () => reasons.length > 0);
});

test('a caller can give up; others of its batch go on', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  await client.set('b', 2);
  const controller = new AbortController();
  const given = client.get('a', { signal: controller.signal });
  const other = client.get('b');
  controller.abort(new Error('enough'));
  expect(await codeOf(given)).toBe('ERR_CLIENT_ABORTED');
  expect(await other).toBe(2);
  expect(await codeOf(client.get('a', { signal: AbortSignal.abort() }))).toBe('ERR_CLIENT_ABORTED');
});

test('frames that are not understood end the connection, never the client', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  await client.set('k', 1);
  for (const frame of ['not JSON', '5', '{"id":null,"ok":false}', '[]', '{"event":"new kind"}']) {
    for (const socket of fake.sockets) socket.send(frame);
    expect(await client.get('k')).toBe(1);
  }
});
