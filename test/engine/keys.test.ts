/** Keys and namespaces: what is allowed, what is refused, what never meets. */
import { describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../src/index.js';
import { ENGINE_KINDS, useEngine } from '../support/engine-kinds.js';

const good: readonly (readonly [string, string])[] = [
  ['one character', 'a'],
  ['a blank', ' '],
  ['a NUL', '\0'],
  ['1,024 bytes of ASCII', 'k'.repeat(1_024)],
  ['1,024 bytes of two-byte characters', 'é'.repeat(512)],
  ['1,023 bytes of three-byte characters', '漢'.repeat(341)],
  ['1,024 bytes of four-byte characters', '🌍'.repeat(256)],
  ['the replacement character', '\ufffd'],
  ['a byte-order mark', '\ufeffkey'],
  ['a slash, a quote and a line end', 'a/b"c\r\n'],
];

const bad: readonly (readonly [string, unknown])[] = [
  ['empty', ''],
  ['1,025 bytes', 'k'.repeat(1_025)],
  ['513 two-byte characters', 'é'.repeat(513)],
  ['a lone high surrogate', 'key\ud800'],
  ['a lone low surrogate', '\udc00key'],
  ['surrogates in the wrong order', '\udc00\ud800'],
  ['a lone surrogate in a long key', `${'k'.repeat(100)}\ud800${'k'.repeat(100)}`],
  ['a number', 5],
  ['undefined', undefined],
  ['null', null],
  ['a Buffer', Buffer.from('key')],
  ['a String object', Object('key')],
];

/** Every call that takes one key, as a promise. */
function callsWith(engine: Engine, key: string): readonly (() => unknown)[] {
  return [
    () => engine.get(key),
    () => engine.getBytes(key),
    () => engine.readInto(key, new Uint8Array(1)),
    () => engine.getView(key),
    () => engine.getWithMeta(key),
    () => engine.getMany(['fine', key]),
    () => engine.has(key),
    () => engine.set(key, 1),
    () => engine.getAndSet(key, 1),
    () => engine.setMany([[key, 1]]),
    () => engine.delete(key),
    () => engine.deleteMany(['fine', key]),
    () => engine.touch(key, '1h'),
    () => engine.persist(key),
  ];
}

describe.each(ENGINE_KINDS)('keys with %s', (_, options) => {
  const opened = useEngine(options);

  test.each(good)('%s is a key', async (_name, key) => {
    const { engine } = opened;
    expect(await engine.set(key, { key })).toBe(true);
    expect(engine.get(key)).toEqual({ key });
    expect(await engine.set(key, Buffer.alloc(50_000, 7))).toBe(true);
    expect(engine.getView(key)?.sizeBytes).toBe(50_000);
    expect(await engine.delete(key)).toBe(true);
    expect(engine.has(key)).toBe(false);
  });

  test.each(bad)('%s is no key for any method', async (_name, key) => {
    const refusal = expect.objectContaining({ code: 'ERR_CACHE_INVALID_KEY', retryable: false });
    for (const call of callsWith(opened.engine, key as string)) {
      await expect((async () => call())()).rejects.toEqual(refusal);
    }
  });

  test('keys that differ in one bit, or only by normalisation, are different', async () => {
    const { engine } = opened;
    const keys = ['a', 'b', 'A', 'a ', 'a\0', '\u00e9', 'e\u0301', '\ufffd', 'ab', 'ba'];
    await engine.setMany(keys.map((key, index) => [key, index] as const));
    expect(engine.getMany(keys)).toEqual(keys.map((__, index) => index));
  });

  test('10,000 keys of every length are kept apart', async () => {
    const { engine } = opened;
    const spread = engine.namespace('spread');
    const keys = Array.from({ length: 10_000 }, (__, index) =>
      `${index}`.padStart((index % 90) + 6, '-'),
    );
    await spread.setMany(keys.map((key, index) => [key, index] as const));
    expect(spread.getMany(keys)).toEqual(keys.map((__, index) => index));
  });
});

describe.each(ENGINE_KINDS)('namespaces with %s', (_, options) => {
  const opened = useEngine(options);

  test('the same key in three namespaces is three entries', async () => {
    const { engine } = opened;
    const [first, second] = [engine.namespace('first'), engine.namespace('second')];
    await engine.set('k', 'none');
    await first.set('k', 'one');
    await second.set('k', 'two');
    expect([engine.get('k'), first.get('k'), second.get('k')]).toEqual(['none', 'one', 'two']);
    expect(await first.delete('k')).toBe(true);
    expect([engine.get('k'), first.get('k'), second.get('k')]).toEqual(['none', undefined, 'two']);
  });

  test('clear empties one namespace, at once and for every kind of read', async () => {
    const { engine } = opened;
    const spaces = [engine, engine.namespace('clear a'), engine.namespace('clear b')];
    for (const cleared of spaces) {
      for (const space of spaces) await space.set('k', 'there', { ttl: '1h' });
      await cleared.clear();
      expect(spaces.map((space) => space.get('k'))).toEqual(
        spaces.map((space) => (space === cleared ? undefined : 'there')),
      );
      expect(cleared.has('k')).toBe(false);
      expect(cleared.getView('k')).toBeUndefined();
      expect(await cleared.touch('k', '1h')).toBe(false);
      expect(await cleared.delete('k')).toBe(false);
      expect(await cleared.set('k', 'again', { only: 'present' })).toBe(false);
      expect(await cleared.set('k', 'again', { only: 'absent' })).toBe(true);
      expect(cleared.get('k')).toBe('again');
    }
  });

  test('a name always means the same entries', async () => {
    const { engine } = opened;
    const space = engine.namespace('again');
    await space.set('k', 1);
    expect(engine.namespace('again').get('k')).toBe(1);
    expect(engine.namespace('agai').get('k')).toBeUndefined();
    expect(engine.namespace('again ').get('k')).toBeUndefined();
  });

  test('names of up to 128 bytes of UTF-8 are kept apart', async () => {
    const { engine } = opened;
    const names = ['x', 'x'.repeat(128), `${'x'.repeat(127)}y`, 'é'.repeat(64), '🌍'.repeat(32)];
    for (const [index, name] of names.entries()) await engine.namespace(name).set('k', index);
    expect(names.map((name) => engine.namespace(name).get('k'))).toEqual([0, 1, 2, 3, 4]);
  });

  test.each([
    ['empty', ''],
    ['129 bytes', 'x'.repeat(129)],
    ['65 two-byte characters', 'é'.repeat(65)],
    ['a lone surrogate', 'a\ud800'],
    ['a number', 7],
    ['undefined', undefined],
  ])('%s is no name', (_name, name) => {
    expect(() => opened.engine.namespace(name as string)).toThrowError(
      expect.objectContaining({ code: 'ERR_CACHE_INVALID_NAMESPACE', retryable: false }),
    );
  });

  test('a namespace has every method of a key space', async () => {
    const { engine } = opened;
    const space = engine.namespace('methods');
    expect(
      await space.setMany([
        ['a', 1],
        ['b', 'text'],
      ]),
    ).toBe(2);
    expect(space.getMany(['a', 'b'])).toEqual([1, 'text']);
    expect(await space.getAndSet('a', 2)).toBe(1);
    expect(space.readInto('b', Buffer.alloc(4))).toBe(4);
    expect(space.getWithMeta('a').value).toBe(2);
    expect(await space.touch('a', '1h')).toBe(true);
    expect(await space.persist('a')).toBe(true);
    expect(await space.deleteMany(['a', 'b', 'c'])).toBe(2);
    expect(space.getBytes('a')).toBeUndefined();
    expect(space.readState()).toBe('miss');
  });
});

describe('the registry of namespaces', () => {
  test('is full at some point, says so, and everything in it goes on working', async () => {
    const engine = await createEngine({ memory: '8mb', workers: 0 });
    const refusal = expect.objectContaining({
      code: 'ERR_CACHE_TOO_MANY_NAMESPACES',
      retryable: false,
    });
    let count = 0;
    const fill = (): void => {
      for (; count <= 4_096; count++) engine.namespace(`n${count}`);
    };
    expect(fill).toThrowError(refusal);
    // With the one that has no name they are 4,096.
    expect(count).toBeGreaterThanOrEqual(4_095);
    expect(count).toBeLessThanOrEqual(4_096);
    expect(() => engine.namespace('one more')).toThrowError(refusal);
    await engine.set('k', 'engine');
    for (const index of [0, 1, 2_000, count - 1])
      await engine.namespace(`n${index}`).set('k', index);
    expect(engine.namespace('n0').get('k')).toBe(0);
    await engine.namespace('n0').clear();
    expect(engine.get('k')).toBe('engine');
    expect(engine.namespace(`n${count - 1}`).get('k')).toBe(count - 1);
    await engine.close();
  });
});
