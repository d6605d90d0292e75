import { expect, test } from 'vitest';
import { until } from '../support/until.js';
import { startFake } from './support/fake-service.js';
import { codeOf, openClient } from './support/open-client.js';

/** A loader that waits to be told what to give. */
function heldLoader(): {
  load: () => Promise<number>;
  give: (value: number) => void;
  calls: number;
} {
  const gives: ((value: number) => void)[] = [];
  const loader = {
    calls: 0,
    load: () => {
      loader.calls++;
      return new Promise<number>((resolve) => gives.push(resolve));
    },
    give: (value: number) => {
      for (const resolve of gives.splice(0)) resolve(value);
    },
  };
  return loader;
}

test('callers that miss together share one load, and the value is stored', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  const loader = heldLoader();
  const loads = Array.from({ length: 50 }, () => client.getOrLoad('k', loader.load));
  await until('the loader is called', () => loader.calls > 0);
  loader.give(7);
  expect(await Promise.all(loads)).toEqual(loads.map(() => 7));
  expect(loader.calls).toBe(1);
  expect(fake.entries.get('/k')).toBe(7);
  expect(await client.getOrLoad('k', loader.load)).toBe(7);
  expect(loader.calls).toBe(1);
});

test('what a loader throws goes to all who wait, and the next call loads again', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  const failing = (): never => {
    throw new Error('no source');
  };
  const loads = [client.getOrLoad('k', failing), client.getOrLoad('k', failing)];
  for (const load of loads) await expect(load).rejects.toThrow('no source');
  expect(await client.getOrLoad('k', () => undefined)).toBeUndefined();
  expect(fake.entries.size).toBe(0);
  expect(await client.getOrLoad('k', () => 0)).toBe(0);
});

test.each(['own', 'pushed'] as const)(
  'a load from before a change is not stored: %s',
  async (who) => {
    const fake = await startFake();
    const client = openClient({ url: fake.url, nearCache: {} });
    await client.get('warm');
    await until('changes are followed', async () => {
      fake.entries.set('/warm', 1);
      return (await client.getWithMeta('warm')).source === 'near';
    });
    const loader = heldLoader();
    const early = client.getOrLoad('k', loader.load);
    await until('the loader is called', () => loader.calls === 1);
    if (who === 'own') await client.delete('k');
    else fake.push({ event: 'invalidate', namespace: '', keys: ['k'] });
    // Answered after the change was told.
    await client.get('other');
    // Asked after the change: the load that is under way must not answer it.
    let late: Promise<number> | undefined;
    await until('another load begins', () => {
      late ??= client.getOrLoad('k', loader.load);
      return loader.calls === 2;
    });
    loader.give(1);
    expect(await early).toBe(1);
    expect(await late).toBe(1);
    const stores = fake.received.filter(({ op, key }) => op === 'set' && key === 'k');
    expect(stores).toHaveLength(1);
  },
);

test('a load during which the connection was lost is not stored', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url, nearCache: {} });
  let lostCount = 0;
  client.on('disconnected', () => {
    lostCount++;
  });
  await client.get('warm');
  const loader = heldLoader();
  const load = client.getOrLoad('k', loader.load);
  await until('the loader is called', () => loader.calls === 1);
  for (const socket of fake.sockets) socket.terminate();
  await until('the loss is noticed', () => lostCount === 1);
  // What changed meanwhile was told to nobody.
  loader.give(1);
  expect(await load).toBe(1);
  expect(await client.get('k')).toBeUndefined();
  expect(fake.entries.size).toBe(0);
});

test('what somebody stored during the load stays', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  const loader = heldLoader();
  const load = client.getOrLoad('k', loader.load);
  await until('the loader is called', () => loader.calls === 1);
  fake.entries.set('/k', 'newer');
  loader.give(1);
  expect(await load).toBe(1);
  expect(await client.get('k')).toBe('newer');
});

test('a caller can give up; the load ends when nobody waits any more', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  const [first, second] = [new AbortController(), new AbortController()];
  let signal: AbortSignal | undefined;
  const load = (context: { readonly signal: AbortSignal }): Promise<number> => {
    signal = context.signal;
    return new Promise(() => undefined);
  };
  const waits = [first, second].map((controller) =>
    codeOf(client.getOrLoad('k', load, { signal: controller.signal })),
  );
  await until('the loader is called', () => signal !== undefined);
  first.abort();
  expect(await waits[0]).toBe('ERR_CLIENT_ABORTED');
  expect(signal?.aborted).toBe(false);
  second.abort();
  expect(await waits[1]).toBe('ERR_CLIENT_ABORTED');
  expect(signal?.aborted).toBe(true);
});

test('that a loaded value could not be stored is told, and the value is served', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url, retries: 0 });
  const problems: unknown[] = [];
  client.on('problem', ({ error }) => problems.push(error));
  const error = { code: 'ERR_CACHE_OVERLOADED', message: 'busy', retryable: true };
  fake.onFrame = ({ op }) => (op === 'set' ? { error } : 'answer');
  expect(await client.getOrLoad('k', () => 1)).toBe(1);
  expect(problems).toMatchObject([{ code: 'ERR_CACHE_OVERLOADED' }]);
  // A value that can never be stored is a mistake of the program.
  expect(await codeOf(client.getOrLoad('other', () => 1n))).toBe('ERR_CLIENT_INVALID_VALUE');
});
