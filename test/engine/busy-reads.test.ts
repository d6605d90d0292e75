/** A shard that is held too long: reads end soon, and say busy instead of miss. */
import { expect, test } from 'vitest';
import {
  HEADER_SHARD_BYTES,
  HEADER_STRIPES,
} from '../../native-free-core/assembly/layout.js';
import { createEngine, type EngineHandle } from '../../src/index.js';
import { holdShard, shardWordIndex } from '../support/engine-kinds.js';

/** Makes every stripe of shard 0 look as if its writer were in the middle of a change. */
function openStripes(handle: EngineHandle): () => void {
  const { buffer } = handle.arena.memory;
  const words = new Int32Array(buffer);
  const view = new DataView(buffer);
  const stripeCount = view.getUint32(HEADER_STRIPES, true);
  const endOffset = view.getUint32(HEADER_SHARD_BYTES, true);
  const first = shardWordIndex(handle, 0, endOffset) - stripeCount;
  const add = (step: number): void => {
    for (let stripe = 0; stripe < stripeCount; stripe++) Atomics.add(words, first + stripe, step);
  };
  add(1);
  return () => add(1);
}

test('every kind of read ends without an answer and says that it is busy', async () => {
  const engine = await createEngine({ memory: '8mb', workers: 0 });
  await engine.set('k', 'v');
  const letGo = holdShard(engine.handle(), 0);
  const close = openStripes(engine.handle());
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
