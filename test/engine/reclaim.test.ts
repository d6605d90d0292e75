/** Expired entries of an engine without home workers, which nobody writes to. */
import { expect, test } from 'vitest';
import { createEngine } from '../../src/index.js';
import { FakeClock } from '../support/fake-clock.js';

test('reclaim removes what has expired, slice by slice, and nothing else', async () => {
  const clock = new FakeClock();
  const engine = await createEngine({ memory: '16mb', workers: 0, shards: 4, clock });
  await engine.set('stays', 1);
  const { bytes } = engine.stats();
  await engine.setMany(
    Array.from({ length: 1_000 }, (_, index) => [`k${index}`, Buffer.alloc(200)] as const),
    { ttl: 1_000 },
  );
  while (engine.reclaim());
  expect(engine.stats()).toMatchObject({ items: 1_001, expirations: 0 });
  clock.advance(2_000);
  // Never served, and still there.
  expect(engine.get('k1')).toBeUndefined();
  expect(engine.stats().items).toBe(1_001);
  let slices = 1;
  while (engine.reclaim()) slices += 1;
  expect(slices).toBeGreaterThan(2);
  expect(engine.stats()).toMatchObject({ items: 1, expirations: 1_000, evictions: 0, bytes });
  expect(engine.get('stays')).toBe(1);
  await engine.close();
  expect(() => engine.reclaim()).toThrowError(
    expect.objectContaining({ code: 'ERR_CACHE_CLOSED' }),
  );
});

test('reclaim frees a cleared namespace', async () => {
  const engine = await createEngine({ memory: '8mb', workers: 0 });
  const space = engine.namespace('n');
  for (let index = 0; index < 100; index++) await space.set(`k${index}`, 'v');
  await space.clear();
  expect(engine.stats().items).toBe(100);
  while (engine.reclaim());
  expect(engine.stats().items).toBe(0);
  await engine.close();
});

test('reclaim leaves shards to their home workers', async () => {
  const engine = await createEngine({ memory: '8mb', workers: 1 });
  expect(engine.reclaim()).toBe(false);
  await engine.close();
});
