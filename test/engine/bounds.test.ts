/** Bounds by count and by bytes, and what the engine counts. */
import { describe, expect, test } from 'vitest';
import { attachEngine, createEngine, type Engine } from '../../src/index.js';
import { AttachedThread } from '../support/attached-thread.js';
import { ENGINE_KINDS, useEngine } from '../support/engine-kinds.js';
import { verifyEngine } from '../support/held-shards.js';
import { until } from '../support/until.js';

const MIB = 1_024 ** 2;

describe.each(ENGINE_KINDS)('maxEntries with %s', (_, options) => {
  test('is never passed, and the entries used last stay', async () => {
    const engine = await createEngine({ ...options, maxEntries: 100 });
    for (let index = 0; index < 1_000; index++) {
      await engine.set(`k${index}`, index);
      expect(engine.stats().items).toBeLessThanOrEqual(100);
    }
    const kept = Array.from({ length: 1_000 }, (__, index) => index).filter((index) =>
      engine.has(`k${index}`),
    );
    const shards = options.shards ?? 1;
    expect(kept.length).toBeGreaterThan(60);
    // With one shard the order is exact; with more each shard has its own.
    if (shards === 1) expect(kept).toEqual(Array.from({ length: 100 }, (__, index) => 900 + index));
    expect(engine.get('k999')).toBe(999);
    expect(engine.stats().evictions).toBe(1_000 - kept.length);
    await engine.close();
  });

  test('counts keys, not writes: overwriting evicts nobody', async () => {
    const engine = await createEngine({ ...options, maxEntries: 100 });
    for (let index = 0; index < 40; index++) await engine.set(`k${index}`, 0);
    for (let round = 0; round < 50; round++) {
      await engine.set(`k${round % 40}`, 'x'.repeat(round * 700));
    }
    expect(engine.stats()).toMatchObject({ items: 40, evictions: 0 });
    await engine.close();
  });
});

describe.each(ENGINE_KINDS)('the byte limit with %s', (_, options) => {
  test('holds ten times over with mixed sizes, and every entry is whole', async () => {
    const engine = await createEngine(options);
    const sizes = [10, 150, 900, 3_000, 9_000, 40_000, 200_000];
    let writtenBytes = 0;
    for (let index = 0; writtenBytes < 80 * MIB; index++) {
      const bytes = sizes[index % sizes.length] ?? 1;
      // Sizes come in phases, so that pages move between classes.
      const size = Math.floor(index / 500) % 3 === 0 ? bytes : Math.ceil(bytes / 40);
      await engine.set(`k${index}`, Buffer.alloc(size, index));
      writtenBytes += size + 100;
      if (index % 97 === 0) {
        const stats = engine.stats();
        expect(stats.bytes).toBeLessThanOrEqual(stats.memoryBytes);
        const read = engine.getBytes(`k${index}`) as Uint8Array;
        expect(Buffer.compare(read, Buffer.alloc(size, index))).toBe(0);
      }
    }
    const stats = engine.stats();
    expect(stats.memoryBytes).toBe(8 * MIB);
    expect(stats.evictions).toBeGreaterThan(0);
    expect(stats.shards.some((shard) => shard.pagesMoved > 0)).toBe(true);
    expect(verifyEngine(engine)).toEqual([]);
    await engine.close();
  });
});

test('a full engine evicts what was used longest ago', async () => {
  const engine = await createEngine({ memory: '8mb', workers: 0 });
  for (let index = 0; engine.stats().evictions === 0; index++) {
    await engine.set(`k${index}`, Buffer.alloc(1_000));
    engine.get('k3');
  }
  for (let index = 0; index < 3_000; index++) {
    await engine.set(`more ${index}`, Buffer.alloc(1_000));
    if (index % 100 === 0) engine.get('k3');
  }
  expect(engine.has('k3')).toBe(true);
  expect(engine.has('k4')).toBe(false);
  expect(engine.has('more 2999')).toBe(true);
  await engine.close();
});

describe.each(ENGINE_KINDS)('stats with %s', (_, options) => {
  const opened = useEngine(options);

  test('count hits, misses, sets, deletes and items', async () => {
    const { engine } = opened;
    const before = engine.stats();
    await engine.set('a', 1);
    await engine.set('a', 2);
    await engine.set('b', 3);
    await engine.set('b', 4, { only: 'absent' });
    engine.getMany(['a', 'a', 'none']);
    engine.getView('a');
    engine.getBytes('none');
    engine.readInto('b', Buffer.alloc(8));
    engine.getWithMeta('b');
    engine.has('a');
    engine.has('none');
    await engine.delete('a');
    await engine.delete('never there');
    const after = engine.stats();
    expect(after.hits - before.hits).toBe(5);
    expect(after.misses - before.misses).toBe(2);
    expect(after.sets - before.sets).toBe(3);
    expect(after.deletes - before.deletes).toBe(1);
    expect(after.items - before.items).toBe(1);
    expect(after.bytes).toBeGreaterThan(before.bytes);
    expect(after).toMatchObject({ failedWrites: 0, pendingWrites: 0, busyReads: 0 });
    expect(after.memoryBytes).toBe(8 * MIB);
    expect(after.shards).toHaveLength(options.shards ?? 1);
    expect(after.threads).toHaveLength((options.workers ?? 0) + 1);
  });

  test('tell what went through rings and what was applied in place', async () => {
    const { engine } = opened;
    const sum = (): readonly [number, number] => {
      const { threads } = engine.stats();
      return [
        threads.reduce((total, thread) => total + thread.inPlaceWrites, 0),
        threads.reduce((total, thread) => total + thread.queuedWrites, 0),
      ];
    };
    const before = sum();
    for (let index = 0; index < 100; index++) await engine.set('path', index);
    const after = sum();
    expect(after[0] - before[0] + (after[1] - before[1])).toBe(100);
    const isRing = options.writes?.kind === 'ring' && options.workers !== 0;
    if (isRing) expect(after[1] - before[1]).toBe(100);
    else expect(after[0]).toBeGreaterThan(before[0]);
    if (isRing) expect(engine.stats().ringHighWater).toBeGreaterThan(0);
  });

  test('sums are the sums of shards and threads', async () => {
    const { engine } = opened;
    for (let index = 0; index < 50; index++) await engine.set(`sum ${index}`, index);
    const stats = engine.stats();
    for (const field of [
      'sets',
      'deletes',
      'items',
      'bytes',
      'evictions',
      'expirations',
    ] as const) {
      expect(stats.shards.reduce((sum, shard) => sum + shard[field], 0)).toBe(stats[field]);
    }
    for (const field of ['hits', 'misses', 'busyReads', 'readRetries'] as const) {
      expect(stats.threads.reduce((sum, thread) => sum + thread[field], 0)).toBe(stats[field]);
    }
    for (const shard of stats.shards) {
      expect(shard.homeThreadId >= 0).toBe(options.workers !== 0);
      expect(shard.freePages).toBeLessThanOrEqual(shard.pages);
    }
  });

  test('after a clear, items and bytes fall without a read', async () => {
    const { engine } = opened;
    const space = engine.namespace('swept');
    const before = engine.stats();
    for (let index = 0; index < 500; index++) await space.set(`k${index}`, Buffer.alloc(500));
    expect(engine.stats().items).toBe(before.items + 500);
    await space.clear();
    await until('the sweep is over', async () => {
      // Without home workers upkeep comes with the commands of this thread.
      if (options.workers === 0) await engine.delete('nothing');
      return engine.stats().items === before.items;
    });
    expect(engine.stats().bytes).toBe(before.bytes);
  });
});

test('reads and writes of all threads count, also of those that have left', async () => {
  const engine: Engine = await createEngine({ memory: '8mb', workers: 1 });
  const thread = new AttachedThread(engine.handle());
  await thread.call('attach');
  await thread.call('set', 'k', 1);
  await thread.call('getMany', ['k', 'k', 'none']);
  expect(engine.stats()).toMatchObject({ hits: 2, misses: 1, sets: 1 });
  expect(engine.stats().threads).toHaveLength(3);
  await thread.call('close');
  expect(engine.stats()).toMatchObject({ hits: 2, misses: 1, sets: 1 });
  expect(engine.stats().threads).toHaveLength(2);
  const same = attachEngine(engine.handle());
  same.get('k');
  expect(engine.stats().hits).toBe(3);
  await same.close();
  await thread.terminate();
  await engine.close();
});
