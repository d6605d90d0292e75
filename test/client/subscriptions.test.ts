import { expect, test } from 'vitest';
import type { Invalidation } from '../../src/client/client.js';
import { until } from '../support/until.js';
import { startFake } from './support/fake-service.js';
import { codeOf, openClient } from './support/open-client.js';

test('a subscriber hears what concerns it, and nothing after it ended', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  const heard: Invalidation[] = [];
  const subscription = await client.subscribe({ keys: ['a'], prefixes: ['user:'] }, (change) =>
    heard.push(change),
  );
  expect(fake.received).toMatchObject([{ op: 'subscribe', keys: ['a'], prefixes: ['user:'] }]);
  const here = { event: 'invalidate', namespace: '' };
  fake.push({ ...here, keys: ['a', 'b', 'user:1'] });
  fake.push({ ...here, keys: ['b'] });
  fake.push({ ...here, namespace: 'other', keys: ['a'] });
  fake.push({ ...here, prefix: 'us' });
  fake.push({ ...here, prefix: 'user:1' });
  fake.push({ ...here, prefix: 'item:' });
  fake.push({ ...here, glob: '*' });
  fake.push({ ...here, tag: 't' });
  await until('the last came', () => heard.at(-1)?.kind === 'tag');
  expect(heard).toEqual([
    { kind: 'keys', namespace: '', keys: ['a', 'user:1'] },
    { kind: 'prefix', namespace: '', text: 'us' },
    { kind: 'prefix', namespace: '', text: 'user:1' },
    { kind: 'glob', namespace: '', text: '*' },
    { kind: 'tag', namespace: '', text: 't' },
  ]);
  await subscription.close();
  expect(fake.received.at(-1)).toMatchObject({ op: 'unsubscribe', prefixes: ['user:'] });
  fake.change('a', 1);
  await client.get('a');
  expect(heard).toHaveLength(5);
});

test('what another subscriber still wants is not given up', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  const nothing = (): undefined => undefined;
  const first = await client.subscribe({ keys: ['a', 'b'] }, nothing);
  const second = await client.subscribe({ keys: ['b', 'c'] }, nothing);
  await first.close();
  expect(fake.received.at(-1)).toMatchObject({ op: 'unsubscribe', keys: ['a'] });
  await second.close();
  expect(fake.received.at(-1)).toMatchObject({ op: 'unsubscribe', keys: ['b', 'c'] });
});

test('a new connection has the subscriptions again before the resync is told', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  const heard: string[] = [];
  await client.subscribe({ tags: ['t'] }, ({ kind }) => heard.push(kind));
  for (const socket of fake.sockets) socket.terminate();
  await until('the resync is told', () => heard.includes('resync'));
  const asked = fake.received.filter(({ op }) => op === 'subscribe');
  expect(asked).toMatchObject([{ tags: ['t'] }, { tags: ['t'] }]);
  fake.change('any', 1);
  await until('a change is told', () => heard.includes('keys'));
});

test('a subscription that is refused rejects; one without a service runs out of time', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url, timeoutMs: 50, totalTimeoutMs: 100 });
  const error = { code: 'ERR_SOCKET_TOO_MANY_SUBSCRIPTIONS', message: 'no', retryable: false };
  fake.onFrame = () => ({ error });
  const subscribe = (): Promise<unknown> => client.subscribe({ all: true }, () => undefined);
  expect(await codeOf(subscribe())).toBe('ERR_SOCKET_TOO_MANY_SUBSCRIPTIONS');
  await fake.stop();
  expect(await codeOf(subscribe())).toMatch(/^ERR_CLIENT_(?:TIMEOUT|UNREACHABLE)$/);
  const plain = openClient({ url: fake.url, webSocket: { kind: 'off' } });
  const refused = codeOf(plain.subscribe({ all: true }, () => undefined));
  expect(await refused).toBe('ERR_CLIENT_INVALID_OPTIONS');
});
