/** Writes whose callers do not wait for them any more. */
import { expect, test } from 'vitest';
import { until } from '../support/until.js';
import { startFake } from './support/fake-service.js';
import { codeOf, openClient } from './support/open-client.js';

test('a set that was given up keeps its place before later writes to its key', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  await client.get('warm');
  const release = fake.hold();
  const controller = new AbortController();
  const first = codeOf(client.set('k', 1, { signal: controller.signal }));
  await until('it is sent', () => fake.ops.includes('set'));
  controller.abort();
  expect(await first).toBe('ERR_CLIENT_ABORTED');
  fake.onFrame = () => 'answer';
  const second = client.set('k', 2);
  await client.get('other');
  expect(fake.received.filter(({ op }) => op === 'set')).toHaveLength(1);
  release();
  await second;
  expect(fake.entries.get('/k')).toBe(2);
});

test('a set that was given up before its turn is never sent', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  await client.get('warm');
  const release = fake.hold();
  const first = client.set('k', 1);
  await until('it is sent', () => fake.ops.includes('set'));
  const controller = new AbortController();
  const second = codeOf(client.set('k', 2, { signal: controller.signal }));
  controller.abort();
  expect(await second).toBe('ERR_CLIENT_ABORTED');
  fake.onFrame = () => 'answer';
  release();
  await first;
  await client.get('k');
  // Asked later than anything that the end of the first write may have let go.
  await client.get('other');
  expect(fake.received.filter(({ op }) => op === 'set')).toHaveLength(1);
});
