/** Values of every kind and size go in and come out unchanged, on every kind of engine. */
import { describe, expect, test } from 'vitest';
import { ENGINE_KINDS, useEngine } from '../support/engine-kinds.js';
import { valueBytesMax } from '../support/held-shards.js';
import { createPrng, replayCommand, seedFromEnvironment } from '../support/prng.js';

const KIB = 1_024;

const plainValues: readonly (readonly [string, unknown])[] = [
  ['an object', { name: 'Alice', tags: ['a', 'b'], nested: { deep: [1, { x: null }] } }],
  ['an array', [1, 'two', null, [true, false]]],
  ['an empty object', {}],
  ['null', null],
  ['zero', 0],
  ['a fraction', -12.5e-7],
  ['true', true],
  ['false', false],
  ['an empty string', ''],
  ['ASCII text', 'plain text with a line\nand a NUL \0 in it'],
  ['text beyond ASCII', 'grüße, 漢字, 🌍, ́combining'],
  ['text of one Latin-1 character', 'é'],
  ['text that looks like JSON', '{"a":1}'],
  ['an object with text beyond ASCII', { schlüssel: 'wert 🌍' }],
];

const byteValues: readonly (readonly [string, Uint8Array])[] = [
  ['no bytes', new Uint8Array(0)],
  ['one byte', new Uint8Array([0])],
  ['bytes that are no UTF-8', new Uint8Array([0xff, 0xfe, 0x80, 0x00, 0xc0])],
  ['a Buffer', Buffer.from('a buffer from the pool')],
  ['a part of a larger buffer', new Uint8Array(new ArrayBuffer(64), 7, 13).fill(9)],
];

/** Bytes of which every run differs from every other. */
function patternOf(bytes: number, seed: number): Buffer {
  const pattern = Buffer.alloc(bytes);
  const random = createPrng(seed + bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) pattern.writeUInt32LE(random.nextUint32(), at);
  return pattern;
}

/** Sizes around each border: words, classes, ring records, scratch area, pages. */
function borderSizes(): number[] {
  const borders = [8, 64, 1_000, 3_900, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 48 * KIB, 1_000_000];
  return borders
    .flatMap((border) => [-73, -17, -1, 0, 1, 17].map((step) => border + step))
    .filter((bytes) => bytes > 0);
}

describe.each(ENGINE_KINDS)('values with %s', (_, options) => {
  const opened = useEngine(options);

  test.each(plainValues)('%s comes back equal', async (name, value) => {
    const { engine } = opened;
    expect(await engine.set(name, value)).toBe(true);
    expect(engine.get(name)).toStrictEqual(value);
  });

  test.each(byteValues)('%s come back as the same bytes', async (name, value) => {
    const { engine } = opened;
    expect(await engine.set(name, value)).toBe(true);
    const read = engine.get<Uint8Array>(name);
    expect(read).toBeInstanceOf(Uint8Array);
    expect(Buffer.compare(read as Uint8Array, value)).toBe(0);
  });

  test('strings are stored as UTF-8 and objects as JSON', async () => {
    const { engine } = opened;
    await engine.set('text', 'grüße');
    await engine.set('json', { a: 'ü' });
    expect(Buffer.from(engine.getBytes('text') ?? []).toString()).toBe('grüße');
    expect(Buffer.from(engine.getBytes('json') ?? []).toString()).toBe('{"a":"ü"}');
  });

  test('bytes of every size around a border come back unchanged', async () => {
    const { engine } = opened;
    const seed = seedFromEnvironment();
    for (const bytes of borderSizes()) {
      const value = patternOf(bytes, seed);
      expect(await engine.set('sized', value)).toBe(true);
      const read = engine.getBytes('sized') as Uint8Array;
      const replay = replayCommand(seed, 'test/engine/values.test.ts');
      expect(Buffer.compare(read, value), `${bytes} bytes: ${replay}`).toBe(0);
      expect(engine.getView('sized')?.sizeBytes).toBe(bytes);
    }
  });

  test.each([1_300, 1_344, 5_000, 30_000, 300_000])(
    '%i characters of every width come back unchanged',
    async (length) => {
      const { engine } = opened;
      for (const character of ['a', 'é', '漢', '🌍']) {
        const text = character.repeat(length);
        expect(await engine.set(`wide ${character}`, text)).toBe(true);
        expect(engine.get(`wide ${character}`)).toBe(text);
        expect(await engine.set(`wide ${character}`, [text])).toBe(true);
        expect(engine.get(`wide ${character}`)).toStrictEqual([text]);
      }
    },
  );

  test('a value of the largest size is stored, also over another one', async () => {
    const { engine } = opened;
    const bytesMax = valueBytesMax(engine.handle());
    for (const fill of [1, 2, 3]) {
      expect(await engine.set('largest', Buffer.alloc(bytesMax, fill))).toBe(true);
      const read = engine.getBytes('largest') as Uint8Array;
      expect(read.byteLength).toBe(bytesMax);
      expect(read.every((byte) => byte === fill)).toBe(true);
    }
    expect(await engine.delete('largest')).toBe(true);
  });

  test('a value one byte larger is refused with both sizes, and the old one stays', async () => {
    const { engine } = opened;
    const bytesMax = valueBytesMax(engine.handle());
    await engine.set('over', 'before');
    await expect(engine.set('over', Buffer.alloc(bytesMax + 1))).rejects.toMatchObject({
      code: 'ERR_CACHE_VALUE_TOO_LARGE',
      retryable: false,
      message: expect.stringMatching(`${bytesMax + 1} bytes .* ${bytesMax} bytes`),
    });
    const text = 'x'.repeat(bytesMax + 1);
    for (const value of [text, [text]]) {
      await expect(engine.set('over', value)).rejects.toMatchObject({
        code: 'ERR_CACHE_VALUE_TOO_LARGE',
      });
    }
    await expect(engine.getAndSet('over', text)).rejects.toMatchObject({
      code: 'ERR_CACHE_VALUE_TOO_LARGE',
    });
    expect(engine.get('over')).toBe('before');
  });

  test.each([
    ['undefined', undefined],
    ['a function', (): number => 1],
    ['a symbol', Symbol('s')],
    ['a BigInt', 1n],
    ['NaN', Number.NaN],
    ['a Map', new Map()],
    ['a promise', Promise.resolve(1)],
    ['a view that is no Uint8Array', new Float64Array(1)],
    ['text with half a surrogate pair', 'a\ud800b'],
  ])('%s is refused', async (_kind, value) => {
    const { engine } = opened;
    await engine.set('refused', 'before');
    await expect(engine.set('refused', value)).rejects.toMatchObject({
      code: 'ERR_CACHE_INVALID_VALUE',
    });
    expect(engine.get('refused')).toBe('before');
  });

  test('an object that refers to itself is refused', async () => {
    const ring: { self?: unknown } = {};
    ring.self = ring;
    await expect(opened.engine.set('ring', ring)).rejects.toMatchObject({
      code: 'ERR_CACHE_INVALID_VALUE',
    });
  });

  test('a toJSON that uses the same engine disturbs neither write', async () => {
    const { engine } = opened;
    const value = {
      toJSON: (): unknown => {
        void engine.set('inner', 'i'.repeat(3_000));
        return { inner: engine.get<string>('inner')?.length };
      },
    };
    expect(await engine.set('outer', value)).toBe(true);
    expect(engine.get('outer')).toStrictEqual({ inner: 3_000 });
    expect(engine.get('inner')).toBe('i'.repeat(3_000));
  });

  test('what throws in toJSON is the cause of the refusal', async () => {
    const mine = new Error('mine');
    const value = {
      toJSON: (): unknown => {
        throw mine;
      },
    };
    await expect(opened.engine.set('thrown', value)).rejects.toMatchObject({
      code: 'ERR_CACHE_INVALID_VALUE',
      cause: mine,
    });
  });
});

describe.each(ENGINE_KINDS)('an entry whose bytes were damaged, with %s', (_, options) => {
  const opened = useEngine(options);

  test('fails to be read as a value, and disturbs no other call', async () => {
    const { engine } = opened;
    const refusal = expect.objectContaining({ code: 'ERR_CACHE_INVALID_VALUE', retryable: false });
    await engine.set('damaged', ['x'.repeat(50_000)]);
    // Chunks of a large value are the memory itself.
    for (const chunk of engine.getView('damaged')?.chunks ?? []) chunk.fill(0x7b);
    expect(() => engine.get('damaged')).toThrowError(refusal);
    expect(() => engine.getWithMeta('damaged')).toThrowError(refusal);
    expect(engine.getBytes('damaged')?.every((byte) => byte === 0x7b)).toBe(true);
    const before = engine.set('other', 1);
    const old = engine.getAndSet('damaged', 'mended');
    const after = engine.set('other', 2);
    await expect(old).rejects.toEqual(refusal);
    expect(await Promise.all([before, after])).toEqual([true, true]);
    expect(engine.getMany(['damaged', 'other'])).toEqual(['mended', 2]);
  });
});

describe.each(ENGINE_KINDS)('values by msgpack with %s', (_, options) => {
  const opened = useEngine({ ...options, codec: { kind: 'msgpack' } });

  test.each([
    ...plainValues,
    ['a date', { at: new Date(1_700_000_000_000) }],
    ['bytes inside', { bytes: Buffer.from([1, 2, 255]) }],
    ['numbers JSON lacks', [Number.NaN, Number.POSITIVE_INFINITY]],
    ['a large array', Array.from({ length: 5_000 }, (_, index) => ({ index, text: `t${index}` }))],
  ] as const)('%s comes back equal', async (name, value) => {
    const { engine } = opened;
    expect(await engine.set(name, value)).toBe(true);
    expect(engine.get(name)).toStrictEqual(value);
    // A second look decodes again: nothing that was handed out is shared.
    expect(engine.get(name)).toStrictEqual(value);
  });
});
