/** A shard that is held too long: reads end soon, and say busy instead of miss. */
import { expect, test } from 'vitest';
import { createEngine } from '../../src/index.js';
import { holdShard, openStripes } from '../support/held-shards.js';

test('every kind of read ends without an answer and says that it is busy', async () => {
  const engine = await createEngine({ memory: '8mb', workers: 0 });
  await engine.set('k', 'v');
  const letGo = holdShard(engine.handle(), 0);
  const close = openStripes(engine.handle(), 0);
  expect(engine.get('k')).toBeUndefined();
  expect(engine.readState()).toBe('busy');
  expect(engine.getWithMeta('k')).toMatchObject({ state: 'busy', value: undefined });
  expect(engine.getView('k')).toBeUndefined();
  expect(engine.getBytes('k')).toBeUndefined();
  expect(engine.readInto('k', Buffer.alloc(9))).toBe(-1);
  expect(engine.has('k')).toBe(false);
  expect(engine.readState()).toBe('busy');
  close();
  letGo();
  expect(engine.get('k')).toBe('v');
  expect(engine.readState()).toBe('hit');
  const stats = engine.stats();
  expect(stats.busyReads).toBeGreaterThanOrEqual(5);
  expect(stats.readRetries).toBeGreaterThan(stats.busyReads);
  expect(stats.misses).toBe(0);
  await engine.close();
});

test('a shard that is only held is read as ever: readers need no lock', async () => {
  const engine = await createEngine({ memory: '8mb', workers: 1 });
  await engine.set('k', 'v');
  await engine.set('large', Buffer.alloc(60_000, 1));
  const letGo = holdShard(engine.handle(), 0);
  for (let round = 0; round < 10_000; round++) expect(engine.getView('k')?.sizeBytes).toBe(1);
  expect(engine.getView('large')?.sizeBytes).toBe(60_000);
  letGo();
  expect(engine.stats()).toMatchObject({ busyReads: 0, readRetries: 0 });
  await engine.close();
});
