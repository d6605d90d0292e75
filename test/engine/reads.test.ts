/** Every way to read an entry, on every kind of engine. */
import { describe, expect, test } from 'vitest';
import { createEngine } from '../../src/index.js';
import { ENGINE_KINDS, useEngine } from '../support/engine-kinds.js';
import { valueBytesMax } from '../support/held-shards.js';

const SMALL = Buffer.from('a small value');
const LARGE = Buffer.alloc(100_000, 'large ');

describe.each(ENGINE_KINDS)('reads with %s', (_, options) => {
  const opened = useEngine(options);

  test('get and has tell a miss, null and a deleted key apart', async () => {
    const { engine } = opened;
    expect(engine.get('absent')).toBeUndefined();
    expect(engine.readState()).toBe('miss');
    expect(engine.has('absent')).toBe(false);
    await engine.set('null', null);
    expect(engine.get('null')).toBeNull();
    expect(engine.readState()).toBe('hit');
    expect(engine.has('null')).toBe(true);
    await engine.delete('null');
    expect(engine.get('null')).toBeUndefined();
    expect(engine.has('null')).toBe(false);
  });

  test.each([
    ['small', SMALL],
    ['large', LARGE],
  ])('what getBytes and get return of a %s value is a copy', async (key, value) => {
    const { engine } = opened;
    await engine.set(key, value);
    const first = engine.getBytes(key) as Uint8Array;
    const second = engine.get<Uint8Array>(key) as Uint8Array;
    expect(first.buffer).not.toBeInstanceOf(SharedArrayBuffer);
    first.fill(0);
    second.fill(1);
    expect(Buffer.compare(engine.getBytes(key) as Uint8Array, value)).toBe(0);
    const kept = engine.getBytes(key) as Uint8Array;
    await engine.set(key, Buffer.alloc(value.byteLength, 'other'));
    expect(Buffer.compare(kept, value)).toBe(0);
    expect(engine.getBytes('absent')).toBeUndefined();
  });

  test.each([
    ['small', SMALL],
    ['large', LARGE],
  ])('readInto puts a %s value at the start of the target and no further', async (key, value) => {
    const { engine } = opened;
    await engine.set(key, value);
    const target = Buffer.alloc(value.byteLength + 5, 0xaa);
    expect(engine.readInto(key, target)).toBe(value.byteLength);
    expect(Buffer.compare(target.subarray(0, value.byteLength), value)).toBe(0);
    expect([...target.subarray(value.byteLength)]).toEqual([0xaa, 0xaa, 0xaa, 0xaa, 0xaa]);
    const exact = Buffer.alloc(value.byteLength);
    expect(engine.readInto(key, exact)).toBe(value.byteLength);
    const offset = new Uint8Array(new ArrayBuffer(value.byteLength + 8), 3, value.byteLength);
    expect(engine.readInto(key, offset)).toBe(value.byteLength);
    expect(Buffer.compare(offset, value)).toBe(0);
  });

  test('readInto answers -1 on a miss and 0 for a value without bytes', async () => {
    const { engine } = opened;
    expect(engine.readInto('absent', new Uint8Array(8))).toBe(-1);
    await engine.set('no bytes', new Uint8Array(0));
    expect(engine.readInto('no bytes', new Uint8Array(0))).toBe(0);
  });

  test.each([
    ['small', SMALL],
    ['large', LARGE],
  ])(
    'readInto refuses a target that is too small for a %s value, untouched',
    async (key, value) => {
      const { engine } = opened;
      await engine.set(key, value);
      const target = Buffer.alloc(value.byteLength - 1, 0xaa);
      expect(() => engine.readInto(key, target)).toThrowError(
        expect.objectContaining({
          code: 'ERR_CACHE_BUFFER_TOO_SMALL',
          message: expect.stringMatching(`${value.byteLength} bytes.* ${value.byteLength - 1}`),
        }),
      );
      expect(target.every((byte) => byte === 0xaa)).toBe(true);
    },
  );

  test('getView is one object that each call fills anew', async () => {
    const { engine } = opened;
    await engine.set('one', 'first', { ttl: '1h', contentType: 'text/plain' });
    await engine.set('two', 'the second');
    const view = engine.getView('one');
    expect(Buffer.from(view?.bytes ?? []).toString()).toBe('first');
    expect(view).toMatchObject({ sizeBytes: 5, contentType: 'text/plain' });
    expect(view?.ttlMs).toBeGreaterThan(3_500_000);
    expect(view?.ttlMs).toBeLessThanOrEqual(3_600_000);
    const again = engine.getView('two');
    expect(again).toBe(view);
    expect(Buffer.from(again?.bytes ?? []).toString()).toBe('the second');
    expect(again).toMatchObject({ sizeBytes: 10, contentType: undefined });
    expect(again?.ttlMs).toBe(Number.POSITIVE_INFINITY);
    expect(engine.getView('absent')).toBeUndefined();
  });

  test('getView shows shared memory, in several chunks where the value is large', async () => {
    const { engine } = opened;
    await engine.set('small', SMALL);
    const small = engine.getView('small');
    expect(small?.chunks).toHaveLength(1);
    expect(small?.bytes.buffer).toBe(engine.handle().arena.memory.buffer);
    await engine.set('large', LARGE, { contentType: 'application/x-large' });
    const large = engine.getView('large');
    const chunks = large?.chunks ?? [];
    expect(chunks.length).toBeGreaterThan(1);
    expect(chunks.every(({ buffer }) => buffer === engine.handle().arena.memory.buffer)).toBe(true);
    expect(Buffer.compare(Buffer.concat(chunks), LARGE)).toBe(0);
    expect(Buffer.compare(large?.bytes ?? SMALL, LARGE)).toBe(0);
    expect(large).toMatchObject({
      sizeBytes: LARGE.byteLength,
      contentType: 'application/x-large',
    });
  });

  test('a large view stays true while others overwrite, delete and fill the memory', async () => {
    const { engine } = opened;
    const writer = engine.namespace('writer of another view');
    await engine.set('held', LARGE);
    const chunks = engine.getView('held')?.chunks ?? [];
    // Only calls that do not read: a read would drop the view.
    const handle = engine.handle();
    const { attachEngine } = await import('../../src/index.js');
    const other = attachEngine(handle);
    await other.set('held', Buffer.alloc(LARGE.byteLength, 'x'));
    for (let round = 0; round < 200; round++) {
      await other.set(`fill ${round % 20}`, Buffer.alloc(120_000, round));
    }
    expect(Buffer.compare(Buffer.concat(chunks), LARGE)).toBe(0);
    await other.close();
    expect(writer.get('held')).toBeUndefined();
  });

  test('getWithMeta tells size, age, time left and a version that grows', async () => {
    const { engine } = opened;
    expect(engine.getWithMeta('no meta')).toEqual({
      state: 'miss',
      value: undefined,
      ttlMs: 0,
      ageMs: 0,
      sizeBytes: 0,
      version: 0,
    });
    await engine.set('meta', { a: 1 }, { ttl: '10m' });
    const first = engine.getWithMeta('meta');
    expect(first).toMatchObject({ state: 'hit', value: { a: 1 }, sizeBytes: 7 });
    expect(first.ageMs).toBeGreaterThanOrEqual(0);
    expect(first.ttlMs).toBeGreaterThan(590_000);
    expect(first.ttlMs).toBeLessThanOrEqual(600_000);
    await engine.set('meta', 'abc', { ttl: 'never' });
    const second = engine.getWithMeta<string>('meta');
    expect(second).toMatchObject({ state: 'hit', value: 'abc', sizeBytes: 3 });
    expect(second.ttlMs).toBe(Number.POSITIVE_INFINITY);
    expect(second.version).toBeGreaterThan(first.version);
  });

  test('getMany answers in the order of the keys, also for the same key twice', async () => {
    const { engine } = opened;
    await engine.setMany([
      ['many a', 1],
      ['many b', LARGE],
      ['many c', null],
    ]);
    const answers = engine.getMany(['many c', 'none', 'many a', 'many b', 'many a']);
    expect(answers.slice(0, 3)).toEqual([null, undefined, 1]);
    expect(Buffer.compare(answers[3] as Uint8Array, LARGE)).toBe(0);
    expect(answers[4]).toBe(1);
    expect(engine.getMany([])).toEqual([]);
  });

  test('a value of the largest size is readable in every way', async () => {
    const { engine } = opened;
    const value = Buffer.alloc(valueBytesMax(engine.handle()), 'the largest ');
    await engine.set('largest', value);
    const target = Buffer.alloc(value.byteLength);
    expect(engine.readInto('largest', target)).toBe(value.byteLength);
    expect(Buffer.compare(target, value)).toBe(0);
    expect(engine.getWithMeta('largest').sizeBytes).toBe(value.byteLength);
    expect(Buffer.compare(Buffer.concat(engine.getView('largest')?.chunks ?? []), value)).toBe(0);
    await engine.delete('largest');
  });
});

describe('content types', () => {
  const opened = useEngine({ memory: '8mb', workers: 0 });

  test.each(['', 'text/plain', 'x'.repeat(127), 'text/html; charset="utf-8"'])(
    'the type "%s" is kept',
    async (contentType) => {
      const { engine } = opened;
      for (const value of [SMALL, LARGE]) {
        await engine.set('typed', value, { contentType });
        const view = engine.getView('typed');
        expect(view?.contentType).toBe(contentType === '' ? undefined : contentType);
        expect(Buffer.compare(view?.bytes ?? Buffer.alloc(0), value)).toBe(0);
      }
    },
  );

  test.each(['x'.repeat(128), 'text/plän', 'a\nb', 5 as unknown as string])(
    'the type %j is refused',
    async (contentType) => {
      await expect(opened.engine.set('typed', 'x', { contentType })).rejects.toMatchObject({
        code: 'ERR_CACHE_INVALID_VALUE',
      });
    },
  );

  test('an overwrite without a type leaves none', async () => {
    const { engine } = opened;
    await engine.set('retyped', 'x', { contentType: 'a/b' });
    await engine.set('retyped', 'y');
    expect(engine.getView('retyped')?.contentType).toBeUndefined();
  });
});

describe('a view of pages that no other value uses', () => {
  test('a value between the scratch size and a quarter page is shown in one chunk', async () => {
    const engine = await createEngine({ memory: '256mb', workers: 0 });
    const value = Buffer.alloc(20_000, 'in one chunk ');
    await engine.set('chunk', value);
    const view = engine.getView('chunk');
    expect(view?.chunks).toHaveLength(1);
    expect(view?.chunks[0]?.buffer).toBe(engine.handle().arena.memory.buffer);
    expect(Buffer.compare(view?.bytes ?? SMALL, value)).toBe(0);
    await engine.close();
  });
});
