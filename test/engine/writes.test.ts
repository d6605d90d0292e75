/** Every way to change an entry, on every kind of engine. */
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { attachEngine, createEngine } from '../../src/index.js';
import { ENGINE_KINDS, useEngine } from '../support/engine-kinds.js';
import { FakeClock } from '../support/fake-clock.js';
import { holdShard, holdShards } from '../support/held-shards.js';

const LARGE = Buffer.alloc(70_000, 'large ');

describe.each(ENGINE_KINDS)('writes with %s', (_, options) => {
  const opened = useEngine(options);

  test('set with only: absent stores once, with only: present never first', async () => {
    const { engine } = opened;
    expect(await engine.set('cond', 1, { only: 'present' })).toBe(false);
    expect(engine.get('cond')).toBeUndefined();
    expect(await engine.set('cond', 2, { only: 'absent' })).toBe(true);
    expect(await engine.set('cond', 3, { only: 'absent' })).toBe(false);
    expect(engine.get('cond')).toBe(2);
    expect(await engine.set('cond', 4, { only: 'present' })).toBe(true);
    expect(engine.get('cond')).toBe(4);
  });

  test('conditions hold for large values, and refused ones leave no memory behind', async () => {
    const { engine } = opened;
    expect(await engine.set('big cond', LARGE, { only: 'absent' })).toBe(true);
    for (let round = 0; round < 200; round++) {
      expect(await engine.set('big cond', Buffer.alloc(70_000), { only: 'absent' })).toBe(false);
      expect(await engine.set('no big cond', LARGE, { only: 'present' })).toBe(false);
    }
    expect(Buffer.compare(engine.getBytes('big cond') as Uint8Array, LARGE)).toBe(0);
    expect(engine.get('no big cond')).toBeUndefined();
  });

  test('an unknown condition is refused', async () => {
    const only = 'sometimes' as 'absent';
    await expect(opened.engine.set('cond', 1, { only })).rejects.toMatchObject({
      code: 'ERR_CACHE_INVALID_OPTIONS',
    });
  });

  test('getAndSet resolves to what it replaced, of every kind and size', async () => {
    const { engine } = opened;
    const values = ['text', { a: 1 }, null, Buffer.from([1, 2]), LARGE, 'é'.repeat(9_000), ''];
    let before: unknown;
    for (const value of [...values, ...values]) {
      const old = await engine.getAndSet('swap', value);
      if (before instanceof Uint8Array) {
        expect(Buffer.compare(old as Uint8Array, before)).toBe(0);
      } else {
        expect(old).toStrictEqual(before);
      }
      before = value;
    }
    await engine.delete('swap');
    expect(await engine.getAndSet('swap', 1)).toBeUndefined();
  });

  test('getAndSet of large values many times over leaves no memory behind', async () => {
    const { engine } = opened;
    const before = engine.stats();
    for (let round = 0; round < 300; round++) {
      const old = await engine.getAndSet<Uint8Array>('swap large', Buffer.alloc(150_000, round));
      expect(old?.[0]).toBe(round === 0 ? undefined : (round - 1) & 0xff);
      expect(old?.byteLength).toBe(round === 0 ? undefined : 150_000);
    }
    await engine.delete('swap large');
    expect(engine.stats().evictions).toBe(before.evictions);
    expect(engine.stats().bytes).toBe(before.bytes);
  });

  test('getAndSet honours conditions', async () => {
    const { engine } = opened;
    await engine.set('swap cond', 'first');
    expect(await engine.getAndSet('swap cond', 'no', { only: 'absent' })).toBeUndefined();
    expect(engine.get('swap cond')).toBe('first');
    expect(await engine.getAndSet('swap cond', 'yes', { only: 'present' })).toBe('first');
    expect(engine.get('swap cond')).toBe('yes');
  });

  test('setMany and deleteMany count what they changed', async () => {
    const { engine } = opened;
    const entries = Array.from({ length: 3_000 }, (__, index) => [`m${index}`, index] as const);
    expect(await engine.setMany(entries)).toBe(3_000);
    expect(await engine.setMany(entries.slice(0, 10), { only: 'absent' })).toBe(0);
    expect(await engine.setMany([...entries.slice(0, 5), ['m new', 0]], { only: 'absent' })).toBe(
      1,
    );
    expect(engine.getMany(entries.map(([key]) => key))).toEqual(entries.map(([, value]) => value));
    expect(await engine.deleteMany(['m0', 'm0', 'm1', 'never there'])).toBe(2);
    expect(await engine.deleteMany([])).toBe(0);
    expect(await engine.setMany([])).toBe(0);
    expect(await engine.setMany(new Map([['from a map', 1]]), { ttl: '1h' })).toBe(1);
    expect(engine.getWithMeta('from a map').ttlMs).toBeLessThanOrEqual(3_600_000);
    expect(await engine.deleteMany(entries.map(([key]) => key))).toBe(2_998);
  });

  test('delete, touch and persist tell whether the key was there', async () => {
    const { engine } = opened;
    expect(await engine.delete('change')).toBe(false);
    expect(await engine.touch('change', '1h')).toBe(false);
    expect(await engine.persist('change')).toBe(false);
    await engine.set('change', 'value', { contentType: 'a/b' });
    expect(await engine.touch('change', '1h')).toBe(true);
    expect(engine.getWithMeta('change').ttlMs).toBeLessThanOrEqual(3_600_000);
    expect(await engine.persist('change')).toBe(true);
    expect(engine.getWithMeta('change').ttlMs).toBe(Number.POSITIVE_INFINITY);
    expect(await engine.touch('change', 'never')).toBe(true);
    expect(engine.get('change')).toBe('value');
    expect(engine.getView('change')?.contentType).toBe('a/b');
    expect(await engine.delete('change')).toBe(true);
    expect(await engine.delete('change')).toBe(false);
  });

  test('writes to one key take effect in the order of the calls', async () => {
    const { engine } = opened;
    const sizes = [10, 5_000, 30_000, 200];
    const answers = Array.from({ length: 400 }, (__, step) =>
      step % 50 === 49
        ? engine.delete('in order')
        : engine.set('in order', `${step}`.padEnd(sizes[step % 4] ?? 1, '.')),
    );
    const last = engine.getAndSet<string>('in order', 'end');
    expect(await Promise.all(answers)).not.toContain(false);
    expect(await last).toBeUndefined();
    expect(engine.get('in order')).toBe('end');
  });
});

describe.each(ENGINE_KINDS.filter(([, { workers }]) => workers !== 0))(
  'writes that wait with %s',
  (_, options) => {
    const opened = useEngine(options);

    test.each([10, 3_000, 60_000])(
      'a caller may change its buffer of %i bytes right after the call',
      async (bytes) => {
        const { engine } = opened;
        const buffer = Buffer.alloc(bytes);
        const letGo = holdShards(engine);
        const answers: Promise<boolean>[] = [];
        for (let round = 0; round < 30; round++) {
          buffer.fill(round + 1);
          answers.push(engine.set(`reused ${bytes} ${round}`, buffer));
        }
        buffer.fill(0xee);
        const check = (): void => {
          for (let round = 0; round < 30; round++) {
            const read = engine.getBytes(`reused ${bytes} ${round}`) as Uint8Array;
            expect(read.every((byte) => byte === round + 1)).toBe(true);
          }
        };
        check();
        letGo();
        expect(await Promise.all(answers)).not.toContain(false);
        check();
      },
    );

    test('bytes of another context are copied too while they wait', async () => {
      const { engine } = opened;
      const foreign = runInNewContext('new Uint8Array(3000)') as Uint8Array;
      const letGo = holdShards(engine);
      const answers: Promise<boolean>[] = [];
      for (let round = 0; round < 40; round++) {
        foreign.fill(round + 1);
        answers.push(engine.set(`foreign ${round}`, foreign));
      }
      foreign.fill(0xee);
      letGo();
      await Promise.all(answers);
      for (let round = 0; round < 40; round++) {
        expect(engine.getBytes(`foreign ${round}`)?.every((byte) => byte === round + 1)).toBe(true);
      }
    });

    test('every kind of read shows an own write that waits', async () => {
      const { engine } = opened;
      await engine.setMany([
        ['own replaced', 'old'],
        ['own deleted', 'old'],
      ]);
      const letGo = holdShards(engine);
      const large = Buffer.alloc(60_000, 'own ');
      const answers = [
        engine.set('own replaced', 'new', { ttl: '1h', contentType: 'a/b' }),
        engine.delete('own deleted'),
        engine.set('own large', large),
        engine.set('own queued', { a: 'ü' }, { ttl: '1h' }),
        engine.set('own null', null),
        engine.set('own empty', ''),
      ];
      expect(engine.getMany(['own replaced', 'own deleted', 'own queued', 'own null'])).toEqual([
        'new',
        undefined,
        { a: 'ü' },
        null,
      ]);
      expect(engine.get('own empty')).toBe('');
      expect(engine.has('own replaced') && !engine.has('own deleted')).toBe(true);
      const view = engine.getView('own replaced');
      expect(Buffer.from(view?.bytes ?? []).toString()).toBe('new');
      expect(view).toMatchObject({ contentType: 'a/b', sizeBytes: 3 });
      expect(view?.ttlMs).toBeGreaterThan(3_500_000);
      expect(engine.getView('own deleted')).toBeUndefined();
      expect(Buffer.compare(engine.getBytes('own large') as Uint8Array, large)).toBe(0);
      const target = Buffer.alloc(large.byteLength);
      expect(engine.readInto('own large', target)).toBe(large.byteLength);
      expect(Buffer.compare(target, large)).toBe(0);
      expect(engine.getWithMeta('own queued')).toMatchObject({ state: 'hit', version: 0 });
      expect(engine.getWithMeta('own deleted').state).toBe('miss');
      expect(engine.readState()).toBe('miss');
      expect(engine.stats().pendingWrites).toBeGreaterThanOrEqual(6);
      letGo();
      expect(await Promise.all(answers)).toEqual([true, true, true, true, true, true]);
      expect(engine.stats().pendingWrites).toBe(0);
      expect(Buffer.compare(engine.getBytes('own large') as Uint8Array, large)).toBe(0);
      expect(engine.getView('own replaced')?.contentType).toBe('a/b');
    });

    test('a clear wins over every write of before, where it waits does not matter', async () => {
      const { engine } = opened;
      const cleared = engine.namespace('cleared while writes wait');
      const letGo = holdShards(engine);
      const answers = Array.from({ length: 60 }, (__, index) =>
        cleared.set(`k${index}`, 'x'.repeat(index % 10 === 0 ? 20_000 : 500)),
      );
      await cleared.clear();
      const after = cleared.set('k0', 'after');
      expect(cleared.get('k1')).toBeUndefined();
      expect(cleared.get('k0')).toBe('after');
      letGo();
      await Promise.all([...answers, after]);
      const present = Array.from({ length: 60 }, (__, index) => `k${index}`).filter((key) =>
        cleared.has(key),
      );
      expect(present).toEqual(['k0']);
      expect(cleared.get('k0')).toBe('after');
    });
  },
);

test('a write that waits lives for its TTL from its call on', async () => {
  const clock = new FakeClock();
  const engine = await createEngine({ memory: '8mb', workers: 0, clock });
  const helper = attachEngine(engine.handle());
  const letGo = holdShard(engine.handle(), 0);
  // More than a ring holds: the last ones wait on the heap.
  const answers = Array.from({ length: 40 }, (_, index) =>
    engine.set(`waits ${index}`, 'x'.repeat(1_000), { ttl: 10_000 }),
  );
  clock.advance(4_000);
  letGo();
  // Whoever takes the shard next applies what waits for it.
  await helper.set('helps', 1);
  await Promise.all(answers);
  for (let index = 0; index < 40; index++) {
    expect(engine.getWithMeta(`waits ${index}`)).toMatchObject({ ttlMs: 6_000 });
  }
  await helper.close();
  await engine.close();
});
