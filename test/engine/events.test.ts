/** Events of an engine: who is told, and that no listener can disturb the engine. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, expect, test } from 'vitest';
import type { WorkerLostEvent } from '../../src/index.js';
import { runChild } from '../support/child-run.js';
import { holdShard, ownerMark } from '../support/held-shards.js';
import { WatchedEngine } from '../support/home-workers.js';
import { settles, until } from '../support/until.js';

const opened: WatchedEngine[] = [];

async function open(): Promise<WatchedEngine> {
  const watched = await WatchedEngine.create({ memory: '16mb', workers: 1, shards: 2 });
  opened.push(watched);
  return watched;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((watched) => settles('close', watched.close())));
});

test('listeners hear events until they are taken off, or once', async () => {
  const watched = await open();
  const { engine } = watched;
  const heard: Record<string, WorkerLostEvent[]> = { on: [], once: [], off: [] };
  const off = (event: WorkerLostEvent): number | undefined => heard['off']?.push(event);
  engine.on('worker-lost', (event) => heard['on']?.push(event));
  engine.once('worker-lost', (event) => heard['once']?.push(event));
  expect(engine.on('worker-lost', off).off('worker-lost', off)).toBe(engine);
  for (let loss = 0; loss < 2; loss++) await watched.lose(watched.workers.at(-1));
  expect(heard['on']).toEqual(watched.losses);
  expect(heard['once']).toEqual(watched.losses.slice(0, 1));
  expect(heard['off']).toEqual([]);
});

test('a recovered shard is told with its cause, and published', async () => {
  const watched = await open();
  const { engine } = watched;
  const published: unknown[] = [];
  const note = (event: unknown): number => published.push(event);
  subscribe('hotshard:shard-recovered', note);
  const [threadId = 0] = watched.homes;
  holdShard(engine.handle(), 1, ownerMark(engine.handle(), threadId));
  await watched.lose(watched.workers[0]);
  await until('the shard is recovered', () => watched.recoveries.length > 0);
  unsubscribe('hotshard:shard-recovered', note);
  expect(watched.recoveries).toMatchObject([
    { shard: 1, reason: 'worker-lost', threadId, workerIndex: 0 },
  ]);
  expect(published).toEqual(watched.recoveries);
});

test('names and listeners are checked', async () => {
  const { engine } = await open();
  expect(() => engine.on('worker-losd' as never, () => undefined)).toThrow(
    "'worker-losd' is unknown; did you mean 'worker-lost'?",
  );
  expect(() => engine.once('' as never, () => undefined)).toThrow('known are shard-recovered');
  expect(() => engine.off('worker-lost', undefined as never)).toThrow('must be a function');
});

test('listeners and subscribers that throw disturb neither supervision nor writes', async () => {
  const child = await runChild('throwing-listeners.mjs', []);
  expect(child).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(JSON.parse(child.stdout)).toEqual({
    seen: [{ workerIndex: 0, restarted: true }],
    uncaught: ['from a listener', 'from a subscriber', 'from a subscriber of writes'],
    stored: 16,
    failedWrites: 4,
  });
});
