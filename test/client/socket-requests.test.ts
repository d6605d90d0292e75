import { expect, test } from 'vitest';
import { until } from '../support/until.js';
import { startFake } from './support/fake-service.js';
import { codeOf, openClient } from './support/open-client.js';

test('values come back as they were stored, null and falsy ones too', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  const values: unknown[] = [null, 0, '', false, { a: [1, { b: 'ü' }] }, [], 'text', -1.5];
  for (const [index, value] of values.entries()) await client.set(`v${index}`, value);
  const keys = values.map((_value, index) => `v${index}`);
  expect(await client.getMany(keys)).toEqual(values);
  expect(await client.get('absent')).toBeUndefined();
  expect(await client.getWithMeta('v0')).toEqual({
    value: null,
    state: 'hit',
    source: 'service',
    ttlMs: 60_000,
    ageMs: 5,
  });
  expect(await client.has('v0')).toBe(true);
  expect(await client.has('absent')).toBe(false);
  expect(fake.asked).toEqual([]);
});

test('what is done to a value after it was handed over is not stored', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  const value = { count: 1 };
  const stored = client.set('k', value);
  value.count = 2;
  await stored;
  expect(await client.get('k')).toEqual({ count: 1 });
});

test('gets of one turn are one getMany with each key once, sets one setMany', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  await Promise.all([client.set('a', 1), client.set('b', 2), client.set('c', 3)]);
  expect(fake.ops).toEqual(['setMany']);
  const reads = ['a', 'b', 'a', 'nothing'].map((key) => client.get(key));
  expect(await Promise.all(reads)).toEqual([1, 2, 1, undefined]);
  expect(fake.ops).toEqual(['setMany', 'getMany']);
  expect(fake.received[1]?.keys).toEqual(['a', 'b', 'nothing']);
});

test('batches are bounded', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  const keys = Array.from({ length: 250 }, (_, index) => `k${index}`);
  await client.setMany(keys.map((key) => [key, key]));
  expect(await client.getMany(keys)).toEqual(keys);
  const sizes = fake.received.map(({ keys: asked, entries }) => (asked ?? entries)?.length);
  expect(sizes).toEqual([100, 100, 50, 100, 100, 50]);
});

test('requests are pipelined, and writes to one key keep their order', async () => {
  const fake = await startFake();
  const held: (() => void)[] = [];
  const client = openClient({ url: fake.url });
  await client.get('warm');
  fake.onFrame = (request) =>
    request.key === 'slow'
      ? new Promise((resolve) => held.push(() => resolve('answer')))
      : 'answer';
  const slow = client.set('slow', 1, { only: 'absent' });
  const slower = client.set('slow', 2);
  const read = client.get('slow');
  // The other key is not held up by the first one.
  expect(await client.set('quick', 1)).toBe(true);
  expect(fake.received.filter(({ key }) => key === 'slow')).toHaveLength(1);
  while (held.length < 3) {
    held.at(-1)?.();
    const count = held.length;
    await until('the next one is sent', () => held.length > count || count === 3);
  }
  held.at(-1)?.();
  expect(await slow).toBe(true);
  expect(await slower).toBe(true);
  expect(await read).toBe(2);
});

test('answers may come in another order', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  await client.setMany([
    ['a', 'A'],
    ['b', 'B'],
  ]);
  let release: () => void = () => undefined;
  fake.onFrame = (request) =>
    request.key === 'a'
      ? new Promise((resolve) => {
          release = () => resolve('answer');
        })
      : 'answer';
  const first = client.get('a');
  await until('the first is sent', () => fake.received.some(({ key }) => key === 'a'));
  expect(await client.get('b')).toBe('B');
  release();
  expect(await first).toBe('A');
});

test('one entry that the service refuses does not fail the others of its batch', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  const error = { code: 'ERR_CACHE_VALUE_TOO_LARGE', message: 'too large', retryable: false };
  fake.onFrame = ({ op, key }) => (op === 'setMany' || key === 'big' ? { error } : 'answer');
  const outcomes = await Promise.all([
    codeOf(client.set('small', 1)),
    codeOf(client.set('big', 2)),
    codeOf(client.set('other', 3)),
  ]);
  expect(outcomes).toEqual([undefined, 'ERR_CACHE_VALUE_TOO_LARGE', undefined]);
});

test('large values go over HTTP, where a message would be too long', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  const large = 'x'.repeat(600_000);
  await client.set('large', large);
  expect(fake.asked).toEqual(['PUT /cache/large']);
  expect(await client.get('large')).toBe(large);
});

test('without a WebSocket everything goes over HTTP', async () => {
  const fake = await startFake();
  fake.upgrades = 'refuse';
  for (const webSocket of [{ kind: 'off' }, { kind: 'on' }] as const) {
    const client = openClient({ url: fake.url, webSocket });
    await client.set('a/ü', { n: 1 });
    expect(await client.get('a/ü')).toEqual({ n: 1 });
    expect(await client.delete('a/ü')).toBe(true);
    expect(await client.get('a/ü')).toBeUndefined();
  }
  expect(fake.received).toEqual([]);
  expect(fake.asked.slice(0, 2)).toEqual(['PUT /cache/a%2F%C3%BC', 'GET /cache/a%2F%C3%BC']);
});

test('more requests than may be unanswered wait their turn', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  await client.get('warm');
  const held: (() => void)[] = [];
  fake.onFrame = () => new Promise((resolve) => held.push(() => resolve('answer')));
  const touches = Array.from({ length: 400 }, (_, index) => client.touch(`k${index}`, '5m'));
  await until('the limit is reached', () => held.length === 256);
  fake.onFrame = () => 'answer';
  for (const release of held) release();
  expect(await Promise.all(touches)).toEqual(touches.map(() => true));
});

test('keys and tags count where a message could be too long', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  await client.get('warm');
  const long = '\u0001'.repeat(1_000);
  const names = Array.from({ length: 300 }, (_, index) => `${long}${index}`);
  await client.deleteMany(names);
  expect(fake.asked).toEqual(['POST /cache/batch/delete']);
  const tags = names.slice(0, 100);
  await client.setMany(
    ['a', 'b', 'c', 'd'].map((key) => [key, 1]),
    { tags },
  );
  expect(fake.ops).toEqual(['get', 'setMany', 'setMany']);
});
