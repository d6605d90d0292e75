/** Soft expiry: stale entries are a miss for all reads but the one that asks for them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../src/index.js';
import { AttachedThread } from '../support/attached-thread.js';
import { ENGINE_KINDS, useEngine } from '../support/engine-kinds.js';
import { FakeClock } from '../support/fake-clock.js';
import { verifyEngine } from '../support/held-shards.js';

async function keysOf(engine: Engine, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of engine.keys({ prefix })) keys.push(key);
  return keys.sort();
}

describe.each(ENGINE_KINDS)('with %s', (_, options) => {
  const shared = useEngine(options);

  test('every read misses, getWithMeta answers with the value', async () => {
    const { engine } = shared;
    const sizes = [10, 5_000, 100_000];
    for (const size of sizes) {
      await engine.set(`read:${size}`, Buffer.alloc(size, 7), { ttl: '1h', contentType: 'a/b' });
    }
    expect(await engine.expirePrefix('read:')).toMatchObject({ expired: 3 });
    for (const size of sizes) {
      const key = `read:${size}`;
      expect(engine.get(key)).toBeUndefined();
      expect(engine.readState()).toBe('miss');
      expect(engine.getBytes(key)).toBeUndefined();
      expect(engine.readInto(key, new Uint8Array(size))).toBe(-1);
      expect(engine.getView(key)).toBeUndefined();
      expect(engine.has(key)).toBe(false);
      expect(engine.getMany([key])).toEqual([undefined]);
      const misses = engine.stats().misses;
      const meta = engine.getWithMeta<Uint8Array>(key);
      expect(engine.readState()).toBe('stale');
      expect(meta).toMatchObject({ state: 'stale', sizeBytes: size });
      expect(meta.value?.[size - 1]).toBe(7);
      expect(meta.ttlMs).toBeGreaterThan(3_000_000);
      expect(meta.version).toBeGreaterThan(0);
      expect(engine.stats().misses).toBe(misses + 1);
    }
    expect(await keysOf(engine, 'read:')).toEqual([]);
    expect(await engine.expirePrefix('read:')).toMatchObject({ expired: 0, scanned: 0 });
    expect(verifyEngine(engine)).toEqual([]);
  });

  test('a new value makes the key fresh', async () => {
    const { engine } = shared;
    await engine.set('again:1', 'old');
    await engine.set('again:2', 'old');
    // Read before, so that decoded copies of this thread have to notice.
    expect(engine.getMany(['again:1', 'again:2', 'again:1'])).toEqual(['old', 'old', 'old']);
    await engine.expireGlob('again:[12]');
    expect(engine.getMany(['again:1', 'again:2'])).toEqual([undefined, undefined]);
    await engine.set('again:1', 'new');
    expect(engine.get('again:1')).toBe('new');
    expect(engine.getWithMeta('again:1').state).toBe('hit');
    expect(engine.getWithMeta('again:2')).toMatchObject({ state: 'stale', value: 'old' });
    expect(await engine.getAndSet('again:2', 'new')).toBeUndefined();
    expect(engine.get('again:2')).toBe('new');
    expect(await engine.expirePrefix('again:')).toMatchObject({ expired: 2 });
  });

  test('conditions take it for absent', async () => {
    const { engine } = shared;
    await engine.set('only:1', 'old');
    await engine.expirePrefix('only:');
    expect(await engine.set('only:1', 'x', { only: 'present' })).toBe(false);
    expect(engine.getWithMeta('only:1').state).toBe('stale');
    expect(await engine.set('only:1', 'new', { only: 'absent' })).toBe(true);
    expect(engine.get('only:1')).toBe('new');
    expect(await engine.set('only:1', 'x', { only: 'absent' })).toBe(false);
  });

  test('touch and persist leave it stale and say that there is nothing', async () => {
    const { engine } = shared;
    await engine.set('touch:1', 'old', { ttl: '1h' });
    await engine.expirePrefix('touch:');
    expect(await engine.touch('touch:1', '2h')).toBe(false);
    expect(await engine.persist('touch:1')).toBe(false);
    const meta = engine.getWithMeta('touch:1');
    expect(meta.state).toBe('stale');
    expect(meta.ttlMs).toBeLessThanOrEqual(3_600_000);
  });

  test('delete and hard invalidation remove it: there was an entry', async () => {
    const { engine } = shared;
    await engine.setMany([
      ['gone:1', 1],
      ['gone:2', 2],
    ]);
    await engine.expirePrefix('gone:');
    expect(await engine.delete('gone:1')).toBe(true);
    expect(engine.getWithMeta('gone:1').state).toBe('miss');
    expect(await engine.invalidatePrefix('gone:')).toMatchObject({ deleted: 1 });
    expect(engine.getWithMeta('gone:2').state).toBe('miss');
    expect(await engine.delete('gone:2')).toBe(false);
  });

  test('every thread sees it stale', async () => {
    const { engine } = shared;
    const thread = new AttachedThread(engine.handle());
    await thread.call('attach');
    await engine.set('other:1', 'old');
    expect(await thread.call('get', 'other:1')).toBe('old');
    expect(engine.get('other:1')).toBe('old');
    await thread.call('expirePrefix', 'other:');
    expect(engine.get('other:1')).toBeUndefined();
    expect(await thread.call('getWithMeta', 'other:1')).toMatchObject({
      state: 'stale',
      value: 'old',
    });
    await thread.call('close');
    await thread.terminate();
  });
});

describe('on a clock driven by hand', () => {
  const clock = new FakeClock();
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ memory: '8mb', workers: 0, clock, defaultTtl: '1m' });
  });
  afterAll(() => engine.close());

  test('the time to live of a stale entry goes on', async () => {
    await engine.set('k', 'old', { ttl: 1_000 });
    clock.advance(400);
    await engine.expirePrefix('k');
    expect(engine.getWithMeta('k')).toMatchObject({ state: 'stale', ttlMs: 600, ageMs: 400 });
    clock.advance(599);
    expect(engine.getWithMeta('k').state).toBe('stale');
    clock.advance(1);
    expect(engine.getWithMeta('k').state).toBe('miss');
    expect(await engine.expirePrefix('k')).toEqual({ expired: 0, scanned: 0 });
  });

  test('keep does not keep the time to live of a stale entry', async () => {
    await engine.set('keep', 'old', { ttl: 1_000 });
    await engine.expirePrefix('keep');
    await engine.set('keep', 'new', { ttl: 'keep' });
    expect(engine.getWithMeta('keep')).toMatchObject({ state: 'hit', ttlMs: 60_000 });
  });

  test('entries that are over are no part of a scan', async () => {
    await engine.set('over:1', 1, { ttl: 10 });
    await engine.set('over:2', 1);
    clock.advance(10);
    expect(await keysOf(engine, 'over:')).toEqual(['over:2']);
    expect(await engine.invalidatePrefix('over:')).toMatchObject({ deleted: 1 });
  });
});

test('a stale entry may be evicted like any other', async () => {
  const engine = await createEngine({ memory: '8mb', workers: 0, maxEntries: 100 });
  await engine.set('old', 'value');
  await engine.expirePrefix('old');
  for (let i = 0; i < 500; i++) await engine.set(`k${i}`, i);
  expect(engine.getWithMeta('old').state).toBe('miss');
  expect(engine.stats().evictions).toBeGreaterThan(0);
  await engine.close();
});
