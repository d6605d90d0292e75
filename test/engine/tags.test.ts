/** Tags on every kind of engine: what carries them, what an invalidation removes, and when. */
import { describe, expect, test } from 'vitest';
import { attachEngine, createEngine, type Engine } from '../../src/index.js';
import { AttachedThread } from '../support/attached-thread.js';
import { ENGINE_KINDS, useEngine } from '../support/engine-kinds.js';
import { FakeClock } from '../support/fake-clock.js';
import { holdShards, verifyEngine } from '../support/held-shards.js';
import { settles } from '../support/until.js';

const LARGE = Buffer.alloc(70_000, 'large ');
const MANY = Array.from({ length: 64 }, (_, index) => `tag ${index}`.padEnd(256, 'é'.repeat(100)));
const LONGEST = MANY.map((tag) => Buffer.from(tag).subarray(0, 256).toString().replaceAll('�', ''));

describe.each(ENGINE_KINDS)('tags with %s', (_, options) => {
  const opened = useEngine(options);

  test('an invalidation removes what has the tag, and counts it', async () => {
    const { engine } = opened;
    await engine.set('one', 1, { tags: ['user:1', 'orders'] });
    await engine.set('two', 2, { tags: ['user:2', 'orders', 'orders'] });
    await engine.set('three', 3, { tags: ['user:3'] });
    await engine.set('four', 4);
    expect(await engine.invalidateTag('nobody')).toBe(0);
    expect(await engine.invalidateTag('orders')).toBe(2);
    expect(await engine.invalidateTag('orders')).toBe(0);
    expect(['one', 'two', 'three', 'four'].map((key) => engine.get(key))).toEqual([
      ...[undefined, undefined, 3, 4],
    ]);
    expect(await engine.invalidateTag('user:3')).toBe(1);
    expect(engine.stats()).toMatchObject({ tags: 0, tagBytes: 0 });
  });

  test('any of the tags is enough, or all are needed', async () => {
    const { engine } = opened;
    const put = async (): Promise<void> => {
      await engine.set('a', 1, { tags: ['x'] });
      await engine.set('ab', 2, { tags: ['x', 'y'] });
      await engine.set('abc', 3, { tags: ['z', 'y', 'x'] });
      await engine.set('b', 4, { tags: ['y'] });
    };
    await put();
    expect(await engine.invalidateTags(['x', 'y'], { match: 'all' })).toBe(2);
    expect(engine.getMany(['a', 'ab', 'abc', 'b'])).toEqual([1, undefined, undefined, 4]);
    await put();
    expect(await engine.invalidateTags(['x', 'z', 'nobody'], { match: 'all' })).toBe(0);
    expect(await engine.invalidateTags(['z', 'x', 'x'])).toBe(3);
    expect(engine.getMany(['a', 'ab', 'abc', 'b'])).toEqual([...Array(3), 4]);
    expect(await engine.invalidateTags([])).toBe(0);
    expect(await engine.invalidateTags(['nobody', 'y'], { match: 'any' })).toBe(1);
  });

  test('a new value replaces the tags, whatever stores it', async () => {
    const { engine } = opened;
    await engine.set('k', 1, { tags: ['old', 'both'] });
    await engine.set('k', 2, { tags: ['both', 'new'] });
    expect(await engine.invalidateTag('old')).toBe(0);
    expect(await engine.getAndSet('k', 3, { tags: ['swapped'] })).toBe(2);
    expect(await engine.invalidateTags(['both', 'new'])).toBe(0);
    expect(
      await engine.setMany(
        [
          ['k', 4],
          ['l', 5],
        ],
        { tags: ['many'] },
      ),
    ).toBe(2);
    expect(await engine.invalidateTag('swapped')).toBe(0);
    await engine.set('l', 6);
    expect(await engine.invalidateTag('many')).toBe(1);
    expect(engine.get('l')).toBe(6);
    await engine.set('l', 7, { tags: ['kept'] });
    expect(await engine.set('l', 8, { tags: ['refused'], only: 'absent' })).toBe(false);
    expect(await engine.touch('l', '1h')).toBe(true);
    expect(await engine.invalidateTag('refused')).toBe(0);
    expect(await engine.invalidateTag('kept')).toBe(1);
  });

  test('a number keeps its tags while it is counted with', async () => {
    const { engine } = opened;
    for (const tags of [['counters', 'n'], LONGEST]) {
      await engine.set('n', '41', { tags });
      expect(await Promise.all([engine.increment('n'), engine.increment('n', 7)])).toEqual([
        42, 49,
      ]);
      expect(engine.stats().tags).toBe(tags.length);
      expect(await engine.invalidateTags(tags, { match: 'all' })).toBe(1);
      expect(await engine.increment('n')).toBe(1);
      expect(engine.stats()).toMatchObject({ tags: 0, tagBytes: 0 });
      await engine.delete('n');
    }
  });

  test('namespaces have tags of their own', async () => {
    const { engine } = opened;
    const space = engine.namespace('tags of its own');
    await engine.set('k', 1, { tags: ['shared name'] });
    await space.set('k', 2, { tags: ['shared name'] });
    expect(await space.invalidateTag('shared name')).toBe(1);
    expect(engine.get('k')).toBe(1);
    expect(await engine.invalidateTag('shared name')).toBe(1);
    await space.set('k', 3, { tags: ['gone'] });
    await space.clear();
    expect(await space.invalidateTag('gone')).toBe(0);
  });

  test('64 tags of 256 bytes fit, with values of every size', async () => {
    const { engine } = opened;
    for (const value of ['', 'small', 'é'.repeat(300), Buffer.alloc(3_000, 1), LARGE]) {
      expect(LONGEST.length).toBe(new Set(LONGEST).size);
      expect(await engine.set('many', value, { tags: LONGEST, contentType: 'text/x' })).toBe(true);
      expect(engine.stats().tags).toBe(64);
      const stored = Buffer.from(engine.getBytes('many') as Uint8Array);
      expect(stored.equals(Buffer.from(value))).toBe(true);
      expect(await engine.invalidateTags(LONGEST, { match: 'all' })).toBe(1);
      expect(engine.get('many')).toBeUndefined();
    }
    expect(engine.stats()).toMatchObject({ tags: 0, tagBytes: 0 });
  });

  test('large values give their tags up when they are replaced or deleted', async () => {
    const { engine } = opened;
    for (let round = 0; round < 5; round++) {
      await engine.set('large', LARGE, { tags: ['l', `round ${round}`] });
      const old = await engine.getAndSet<Uint8Array>('large', LARGE, { tags: ['m'] });
      expect(old?.byteLength).toBe(LARGE.byteLength);
      expect(await engine.invalidateTag('l')).toBe(0);
      expect(await engine.delete('large')).toBe(true);
      expect(await engine.invalidateTag('m')).toBe(0);
    }
    expect(engine.stats()).toMatchObject({ tags: 0, tagBytes: 0 });
  });

  test('a tag of thousands of entries goes in slices; later sets stay', async () => {
    const { engine } = opened;
    const sets: Promise<boolean>[] = [];
    for (let index = 0; index < 3_000; index++) {
      sets.push(engine.set(`member ${index}`, index, { tags: ['crowd', `third ${index % 3}`] }));
    }
    const first = engine.invalidateTag('third 1');
    const later = engine.set('later', 'stays', { tags: ['crowd', 'third 1'] });
    expect(await settles('the invalidation', first)).toBe(1_000);
    await Promise.all([...sets, later]);
    expect(engine.get('later')).toBe('stays');
    expect(await engine.invalidateTags(['crowd', 'third 2'], { match: 'all' })).toBe(1_000);
    expect(await engine.expireTag('crowd')).toBe(1_001);
    expect(await engine.expireTag('crowd')).toBe(0);
    expect(await engine.invalidateTag('crowd')).toBe(1_001);
    expect(engine.stats()).toMatchObject({ tags: 0, tagBytes: 0 });
    expect(verifyEngine(engine)).toEqual([]);
  });

  test('own reads see a pending set, but not one that was invalidated since', async () => {
    const { engine } = opened;
    const release = holdShards(engine);
    const set = engine.set('k', 'new', { tags: ['t'] });
    const other = engine.set('other', 'other', { tags: ['u', 'v'] });
    expect(engine.getMany(['k', 'other'])).toEqual(['new', 'other']);
    const invalidation = engine.invalidateTag('t');
    const all = engine.invalidateTags(['u', 'w'], { match: 'all' });
    expect(engine.getMany(['k', 'other'])).toEqual([undefined, 'other']);
    expect(engine.has('k')).toBe(false);
    const again = engine.set('k', 'again', { tags: ['t'] });
    expect(engine.get('k')).toBe('again');
    const soft = engine.expireTag('t');
    expect(engine.get('k')).toBeUndefined();
    release();
    expect(await settles('all', Promise.all([set, other, invalidation, all, again, soft]))).toEqual(
      [...[true, true, 1, 0, true, 1]],
    );
    expect(engine.get('other')).toBe('other');
    expect(await engine.invalidateTag('t')).toBe(1);
    expect(await engine.invalidateTag('u')).toBe(1);
  });

  test('a write in place after the answer ends what an invalidation hides', async () => {
    const { engine } = opened;
    const members: Promise<boolean>[] = [];
    for (let index = 0; index < 2_000; index++) {
      members.push(engine.set(`hidden ${index}`, 1, { tags: ['hide'] }));
    }
    const invalidation = engine.invalidateTag('hide');
    await members[1_999];
    await engine.set('hidden 1999', 'later');
    expect(engine.get('hidden 1999')).toBe('later');
    await invalidation;
    expect(engine.get('hidden 1999')).toBe('later');
    await engine.delete('hidden 1999');
  });
});

describe('what tags are refused', () => {
  const opened = useEngine({ memory: '8mb', workers: 0 });

  const refused: readonly (readonly [string, unknown, string])[] = [
    ['no array', 'a tag', 'tags: must be an array of strings, not'],
    ['a number', [1], 'tags[0]: must be a string, not'],
    ['a hole', new Array(1), 'tags[0]: must be a string, not'],
    ['an empty one', ['a', ''], 'tags[1]: must not be empty'],
    ['257 bytes', ['a', 'b', `${'é'.repeat(128)}x`], 'tags[2]: is too long: 257 bytes'],
    ['a very long one', ['x'.repeat(9_999)], 'tags[0]: is too long: at least 9999 bytes'],
    ['a lone surrogate', ['\ud800'], 'tags[0]: is not well-formed'],
    ['65 of them', Array.from({ length: 65 }, (_, i) => `${i}`), 'tags[64]: is one too many'],
  ];

  test.each(refused)('%s', async (_, list, message) => {
    const { engine } = opened;
    const tags = list as string[];
    const error = { code: 'ERR_CACHE_INVALID_TAG', retryable: false };
    await expect(engine.set('k', 1, { tags })).rejects.toMatchObject(error);
    await expect(engine.set('k', 1, { tags })).rejects.toThrow(message);
    await expect(engine.getAndSet('k', 1, { tags })).rejects.toMatchObject(error);
    await expect(engine.setMany([['k', 1]], { tags })).rejects.toMatchObject(error);
    await expect(engine.invalidateTags(tags)).rejects.toThrow(message);
    expect(engine.has('k')).toBe(false);
  });

  test('one tag alone', async () => {
    const { engine } = opened;
    for (const tag of [1, '', 'x'.repeat(257), '\udc00', undefined, ['a']] as string[]) {
      const error = { code: 'ERR_CACHE_INVALID_TAG', message: expect.stringMatching(/^tag: /) };
      await expect(engine.invalidateTag(tag)).rejects.toMatchObject(error);
      await expect(engine.expireTag(tag)).rejects.toMatchObject(error);
    }
  });

  test('bounds that hold: 1 and 256 bytes, 64 tags, repetitions', async () => {
    const { engine } = opened;
    const tags = Array.from({ length: 200 }, (_, index) => `${index % 64}`);
    expect(await engine.set('k', 1, { tags })).toBe(true);
    expect(await engine.set('l', 1, { tags: ['x', 'é'.repeat(128), '😀'] })).toBe(true);
    expect(engine.stats().tags).toBe(67);
    expect(await engine.invalidateTag('é'.repeat(128))).toBe(1);
    expect(await engine.invalidateTags(tags)).toBe(1);
  });

  test('options of an invalidation', async () => {
    const { engine } = opened;
    for (const options of [{ match: 'some' }, { mach: 'all' }, null, 'all']) {
      const call = engine.invalidateTags(['a'], options as { match: 'all' });
      await expect(call).rejects.toMatchObject({ code: 'ERR_CACHE_INVALID_OPTIONS' });
    }
  });
});

describe('tags and time', () => {
  test('what is past its time is not counted, and gives its tags up', async () => {
    const clock = new FakeClock();
    const engine = await createEngine({ memory: '8mb', workers: 0, clock });
    await engine.set('short', 1, { tags: ['t'], ttl: 100 });
    await engine.set('long', 1, { tags: ['t'], ttl: 10_000 });
    clock.advance(200);
    expect(await engine.invalidateTag('t')).toBe(1);
    expect(engine.stats()).toMatchObject({ tags: 0, tagBytes: 0, items: 0 });
    await engine.close();
  });
});

describe('tags and several threads', () => {
  async function withThreads(
    run: (engine: Engine, threads: readonly AttachedThread[]) => Promise<void>,
  ): Promise<void> {
    const engine = await createEngine({ memory: '32mb', workers: 1, shards: 2 });
    const threads = [new AttachedThread(engine.handle()), new AttachedThread(engine.handle())];
    try {
      for (const thread of threads) await thread.call('attach');
      await run(engine, threads);
      expect(verifyEngine(engine)).toEqual([]);
    } finally {
      for (const thread of threads) await thread.terminate();
      await engine.close();
    }
  }

  test('entries of all threads are found; two invalidations count each entry once', async () => {
    await withThreads(async (engine, threads) => {
      for (let round = 0; round < 3; round++) {
        const entries = (by: number): [string, number][] =>
          Array.from({ length: 500 }, (_, index) => [`${by} ${index}`, index]);
        await Promise.all(
          threads.map((thread, by) =>
            thread.call('setMany', entries(by), { tags: ['t', `${by}`] }),
          ),
        );
        expect(await engine.setMany(entries(2), { tags: ['t'] })).toBe(500);
        const counts = await Promise.all([
          engine.invalidateTag('t'),
          ...threads.map((thread) => thread.call<number>('invalidateTag', 't')),
          threads[0]?.call<number>('invalidateTags', ['t', '1'], { match: 'all' }) ?? 0,
        ]);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1_500);
        expect(engine.stats()).toMatchObject({ tags: 0, tagBytes: 0 });
      }
    });
  });

  test('an invalidation under way is finished before the engine closes', async () => {
    const engine = await createEngine({ memory: '32mb', workers: 1 });
    const other = attachEngine(engine.handle());
    for (let index = 0; index < 5_000; index++) void other.set(`k${index}`, 1, { tags: ['t'] });
    const invalidation = other.invalidateTag('t');
    await other.close();
    expect(await invalidation).toBe(5_000);
    await expect(other.invalidateTag('t')).rejects.toMatchObject({ code: 'ERR_CACHE_CLOSED' });
    await engine.close();
  });
});
