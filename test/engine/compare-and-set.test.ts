/** setIf and getAndDelete on every kind of engine. */
import { describe, expect, test } from 'vitest';
import { createEngine } from '../../src/index.js';
import { ENGINE_KINDS, useEngine } from '../support/engine-kinds.js';
import { FakeClock } from '../support/fake-clock.js';
import { holdShards } from '../support/held-shards.js';

const LARGE = Buffer.alloc(70_000, 'large ');

describe.each(ENGINE_KINDS)('compare and set with %s', (_, options) => {
  const opened = useEngine(options);

  test('setIf stores where the entry is the one that was read', async () => {
    const { engine } = opened;
    await engine.set('cas', 'first');
    const { version } = engine.getWithMeta('cas');
    expect(version).toBeGreaterThan(0);
    expect(await engine.setIf('cas', 'second', { version })).toBe(true);
    expect(await engine.setIf('cas', 'third', { version })).toBe(false);
    expect(engine.get('cas')).toBe('second');
  });

  test('version 0 asks for an absent key, any other for one that is there', async () => {
    const { engine } = opened;
    expect(await engine.setIf('absent', 1, { version: 1 })).toBe(false);
    expect(await engine.setIf('absent', 1, { version: 0 })).toBe(true);
    expect(await engine.setIf('absent', 2, { version: 0 })).toBe(false);
    const { version } = engine.getWithMeta('absent');
    await engine.delete('absent');
    expect(await engine.setIf('absent', 3, { version })).toBe(false);
    await engine.set('absent', 1);
    expect(await engine.setIf('absent', 3, { version })).toBe(false);
    expect(engine.get('absent')).toBe(1);
  });

  test('large values are compared too, and refused ones leave no memory behind', async () => {
    const { engine } = opened;
    await engine.set('large', LARGE);
    const { version } = engine.getWithMeta('large');
    const before = engine.stats();
    for (let round = 0; round < 100; round++) {
      expect(await engine.setIf('large', Buffer.alloc(90_000), { version: version - 1 })).toBe(
        false,
      );
      expect(await engine.setIf('no large', LARGE, { version })).toBe(false);
    }
    expect(engine.stats().bytes).toBe(before.bytes);
    expect(engine.stats().evictions).toBe(before.evictions);
    expect(await engine.setIf('large', 'small', { version })).toBe(true);
    expect(engine.get('large')).toBe('small');
  });

  test('touch and persist leave the version, writes of the same value do not', async () => {
    const { engine } = opened;
    await engine.set('same', 'x');
    const { version } = engine.getWithMeta('same');
    await engine.touch('same', 60_000);
    await engine.persist('same');
    expect(engine.getWithMeta('same').version).toBe(version);
    await engine.set('same', 'x');
    expect(await engine.setIf('same', 'y', { version })).toBe(false);
  });

  test('takes the options of set, and refuses what is no version', async () => {
    const { engine } = opened;
    await engine.set('options', 'x');
    const { version } = engine.getWithMeta('options');
    const stored = { version, ttl: 60_000, contentType: 'text/plain' };
    expect(await engine.setIf('options', 'y', stored)).toBe(true);
    expect(engine.getView('options')?.contentType).toBe('text/plain');
    expect(engine.getWithMeta('options').ttlMs).toBeLessThanOrEqual(60_000);
    for (const wrong of [-1, 1.5, Number.NaN, '1', undefined]) {
      const refused = engine.setIf('options', 'z', { version: wrong as number });
      await expect(refused).rejects.toMatchObject({ code: 'ERR_CACHE_INVALID_OPTIONS' });
    }
    await expect(engine.setIf('options', 'z', undefined as never)).rejects.toMatchObject({
      code: 'ERR_CACHE_INVALID_OPTIONS',
    });
  });

  test('deleteIf removes the entry that was read, and no other', async () => {
    const { engine } = opened;
    for (const value of ['first', LARGE]) {
      await engine.set('removed', value);
      const version = engine.getView('removed')?.version ?? 0;
      expect(version).toBe(engine.getWithMeta('removed').version);
      await engine.set('removed', value);
      expect(await engine.deleteIf('removed', version)).toBe(false);
      expect(engine.has('removed')).toBe(true);
      const present = engine.getView('removed')?.version ?? 0;
      expect(await engine.deleteIf('removed', present)).toBe(true);
      expect(engine.has('removed')).toBe(false);
      expect(await engine.deleteIf('removed', present)).toBe(false);
      expect(await engine.deleteIf('removed', 0)).toBe(false);
    }
    for (const wrong of [-1, 1.5, Number.NaN, '1', undefined]) {
      await expect(engine.deleteIf('removed', wrong as number)).rejects.toMatchObject({
        code: 'ERR_CACHE_INVALID_OPTIONS',
      });
    }
  });

  test('a deleteIf that is refused leaves a load of the key alone', async () => {
    const { engine } = opened;
    const outcome = await engine.lease('loaded');
    if (outcome.state !== 'granted') throw new Error('nobody else loads');
    expect(await engine.deleteIf('loaded', 7)).toBe(false);
    expect(await outcome.lease.fill('value')).toBe(true);
    expect(engine.get('loaded')).toBe('value');
  });

  test('getAndDelete resolves to what it removed, of every kind and size', async () => {
    const { engine } = opened;
    const values = ['text', { a: 1 }, null, 7, Buffer.from([1, 2]), LARGE, 'é'.repeat(9_000), ''];
    for (const value of values) {
      await engine.set('gone', value);
      const old = await engine.getAndDelete('gone');
      if (value instanceof Uint8Array) expect(Buffer.compare(old as Uint8Array, value)).toBe(0);
      else expect(old).toStrictEqual(value);
      expect(engine.has('gone')).toBe(false);
      expect(await engine.getAndDelete('gone')).toBeUndefined();
    }
  });

  test('getAndDelete many times over leaves no memory behind', async () => {
    const { engine } = opened;
    const before = engine.stats().bytes;
    for (let round = 0; round < 200; round++) {
      void engine.set('out', Buffer.alloc(round % 2 === 0 ? 150_000 : 100, round));
      expect((await engine.getAndDelete<Uint8Array>('out'))?.[0]).toBe(round & 0xff);
    }
    expect(engine.stats().bytes).toBe(before);
  });
});

test('what is on its way: getAndDelete hides the entry at once, setIf promises nothing', async () => {
  await using engine = await createEngine({ memory: '8mb', writes: { kind: 'ring' } });
  await engine.set('a', LARGE);
  await engine.set('b', 'old');
  const { version } = engine.getWithMeta('b');
  const letGo = holdShards(engine);
  const removed = engine.getAndDelete<Uint8Array>('a');
  const set = engine.set('c', 'set');
  const alsoRemoved = engine.getAndDelete('c');
  const stored = engine.setIf('b', 'new', { version });
  const refused = engine.setIf('b', 'newer', { version });
  expect([engine.has('a'), engine.has('c'), engine.get('b')]).toEqual([false, false, 'old']);
  letGo();
  expect(await stored).toBe(true);
  expect(await refused).toBe(false);
  expect(engine.get('b')).toBe('new');
  expect(Buffer.compare((await removed) ?? Buffer.alloc(0), LARGE)).toBe(0);
  await set;
  expect(await alsoRemoved).toBe('set');
});

test('a clear between call and application refuses setIf', async () => {
  await using engine = await createEngine({ memory: '8mb', writes: { kind: 'ring' } });
  const space = engine.namespace('space');
  await space.set('a', 1);
  const { version } = space.getWithMeta('a');
  const letGo = holdShards(engine);
  const stored = space.setIf('a', 2, { version });
  const fresh = space.setIf('b', LARGE, { version: 0 });
  await space.clear();
  letGo();
  expect([await stored, await fresh]).toEqual([false, false]);
  expect([space.has('a'), space.has('b')]).toEqual([false, false]);
});

test('what is on its way: a deleteIf hides nothing before it was applied', async () => {
  await using engine = await createEngine({ memory: '8mb', writes: { kind: 'ring' } });
  await engine.set('a', 'value');
  const { version } = engine.getWithMeta('a');
  const letGo = holdShards(engine);
  const removed = engine.deleteIf('a', version);
  expect(engine.get('a')).toBe('value');
  letGo();
  expect(await removed).toBe(true);
  expect(engine.has('a')).toBe(false);
});

test('a view tells how old its entry is, whoever keeps it', async () => {
  const clock = new FakeClock();
  await using engine = await createEngine({ memory: '8mb', workers: 0, clock });
  await engine.set('aged', 'x');
  for (const ageMs of [0, 700, 1_400, 2_100]) {
    expect(engine.getView('aged')?.ageMs).toBe(ageMs);
    expect(engine.getWithMeta('aged').ageMs).toBe(ageMs);
    clock.advance(700);
  }
  await engine.touch('aged', 60_000);
  expect(engine.getView('aged')?.ageMs).toBe(2_800);
  await engine.set('aged', 'y');
  expect(engine.getView('aged')?.ageMs).toBe(0);
});

test('an entry whose time is over counts as absent', async () => {
  const clock = new FakeClock();
  await using engine = await createEngine({ memory: '8mb', workers: 0, clock });
  await engine.set('short', 1, { ttl: 100 });
  const { version } = engine.getWithMeta('short');
  clock.advance(100);
  expect(await engine.setIf('short', 2, { version })).toBe(false);
  expect(await engine.getAndDelete('short')).toBeUndefined();
  expect(await engine.setIf('short', 2, { version: 0 })).toBe(true);
});
