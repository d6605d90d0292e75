import { expect, test } from 'vitest';
import type { CacheClient } from '../../src/client/client.js';
import { turns, until } from '../support/until.js';
import { type FakeService, startFake } from './support/fake-service.js';
import { openClient } from './support/open-client.js';

/** A client whose copies are followed, with one entry that it has a copy of. */
async function openNear(maxEntries = 100): Promise<{ fake: FakeService; client: CacheClient }> {
  const fake = await startFake();
  fake.entries.set('/k', 'v1');
  const client = openClient({ url: fake.url, nearCache: { maxEntries } });
  await serveNear(client);
  return { fake, client };
}

async function serveNear(client: CacheClient): Promise<void> {
  await until('a copy is served', async () => {
    const { source } = await client.getWithMeta('k');
    return source === 'near';
  });
}

test('a copy is served without a request until the service tells of a change', async () => {
  const { fake, client } = await openNear();
  const count = fake.received.length;
  expect(await client.getWithMeta('k')).toMatchObject({
    value: 'v1',
    source: 'near',
    state: 'hit',
  });
  expect(fake.received).toHaveLength(count);
  fake.change('k', 'v2');
  await until('the change is seen', async () => (await client.get('k')) === 'v2');
});

test.each([{ prefix: 'other' }, { glob: 'o*' }, { tag: 'some' }])(
  'an invalidation by %o drops all copies of the namespace',
  async (target) => {
    const { fake, client } = await openNear();
    fake.entries.set('/k', 'v2');
    fake.push({ event: 'invalidate', namespace: 'elsewhere', ...target });
    await turns(5);
    expect(await client.get('k')).toBe('v1');
    fake.push({ event: 'invalidate', namespace: '', ...target });
    await until('the change is seen', async () => (await client.get('k')) === 'v2');
  },
);

test('a resync drops everything and is told', async () => {
  const { fake, client } = await openNear();
  const reasons: string[] = [];
  client.on('resync', ({ reason }) => reasons.push(reason));
  fake.entries.set('/k', 'v2');
  fake.push({ event: 'resync', reason: 'slow' });
  await until('the change is seen', async () => (await client.get('k')) === 'v2');
  expect(reasons).toEqual(['slow']);
});

test('a change that is told before the answer to a read keeps the answer from being kept', async () => {
  const { fake, client } = await openNear();
  for (const push of [
    { event: 'invalidate', namespace: '', keys: ['j'] },
    { event: 'invalidate', namespace: '', tag: 't' },
    { event: 'resync', reason: 'gap' },
  ]) {
    fake.entries.set('/j', 'old');
    let release: () => void = () => undefined;
    fake.onFrame = ({ key }) =>
      key === 'j'
        ? new Promise((resolve) => {
            release = () => resolve('answer');
          })
        : 'answer';
    const count = fake.received.length;
    const read = client.getWithMeta('j');
    await until('the read is sent', () => fake.received.length > count);
    fake.entries.set('/j', 'new');
    fake.push(push);
    release();
    fake.onFrame = () => 'answer';
    await read;
    // From the service: what the read brought is not a copy.
    expect(await client.getWithMeta('j')).toMatchObject({ value: 'new', source: 'service' });
    await client.delete('j');
  }
});

test('of two reads whose answers cross, neither can leave an older copy than was seen', async () => {
  const { fake, client } = await openNear();
  fake.entries.set('/j', 'old');
  const release = fake.hold();
  const count = fake.received.length;
  const first = client.get('j');
  await until('the first is sent', () => fake.received.length > count);
  fake.onFrame = () => 'answer';
  fake.entries.set('/j', 'new');
  expect(await client.get('j')).toBe('new');
  release();
  await first;
  expect(await client.get('j')).toBe('new');
});

test("the client's own writes are seen at once", async () => {
  const { client } = await openNear();
  const written = client.set('k', 'mine');
  expect(await client.get('k')).toBe('mine');
  await written;
  expect(await client.get('k')).toBe('mine');
  await client.delete('k');
  expect(await client.get('k')).toBeUndefined();
});

test('without its connection the client serves no copies; afterwards it follows again', async () => {
  const { fake, client } = await openNear();
  const reasons: string[] = [];
  client.on('resync', ({ reason }) => reasons.push(reason));
  await fake.stop();
  await until('the loss is noticed', async () => {
    return client.get('k').then(
      () => false,
      () => true,
    );
  });
  fake.entries.set('/k', 'v2');
  await fake.start();
  await until('the service is back', async () => {
    return client.get('k').then(
      (value) => value === 'v2',
      () => false,
    );
  });
  await serveNear(client);
  await until('the resync is told', () => reasons.includes('reconnected'));
  fake.change('k', 'v3');
  await until('the change is seen', async () => (await client.get('k')) === 'v3');
});

test('a namespace whose changes the service does not tell has no copies', async () => {
  const fake = await startFake();
  fake.entries.set('/k', 'v1');
  const error = { code: 'ERR_SOCKET_TOO_MANY_SUBSCRIPTIONS', message: 'no', retryable: false };
  fake.onFrame = ({ op }) => (op === 'subscribe' ? { error } : 'answer');
  const client = openClient({ url: fake.url, nearCache: {} });
  const problems: unknown[] = [];
  client.on('problem', (problem) => problems.push(problem.error));
  await client.get('k');
  await until('the refusal came', () => problems.length > 0);
  for (let read = 0; read < 3; read++) {
    expect(await client.getWithMeta('k')).toMatchObject({ source: 'service' });
  }
  expect(problems).toMatchObject([{ code: 'ERR_SOCKET_TOO_MANY_SUBSCRIPTIONS' }]);
});

test('copies are bounded, the least recently used one leaves', async () => {
  const { fake, client } = await openNear(2);
  fake.entries.set('/a', 1);
  fake.entries.set('/b', 2);
  await client.get('a');
  await client.get('k');
  await client.get('b');
  expect(await client.getWithMeta('k')).toMatchObject({ source: 'near' });
  expect(await client.getWithMeta('b')).toMatchObject({ source: 'near' });
  expect(await client.getWithMeta('a')).toMatchObject({ source: 'service' });
});

test('namespaces are kept apart', async () => {
  const { fake, client } = await openNear();
  const other = client.namespace('other');
  fake.entries.set('other/k', 'theirs');
  await until('a copy of the other is served', async () => {
    const { source } = await other.getWithMeta('k');
    return source === 'near';
  });
  expect(await client.get('k')).toBe('v1');
  fake.change('k', 'new', 'other');
  await until('the change is seen', async () => (await other.get('k')) === 'new');
  expect(await client.getWithMeta('k')).toMatchObject({ value: 'v1', source: 'near' });
  expect(client.namespace('other')).toBe(other);
});
