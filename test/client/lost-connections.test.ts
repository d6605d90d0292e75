/** What the client makes of connections that end, or that never open. */
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
