import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { scanMessagePack } from '../../../../server/codecs/message-pack-scan.js';
import { MessagePackValue } from '../../../../server/websocket/message-pack-value.js';
import { seedFromEnvironment } from '../../../support/prng.js';

const packr = new Packr({ useRecords: false, mapsAsObjects: false });

/** A value read through ranges alone; what has no form of its own, by its bytes. */
function read(value: MessagePackValue): unknown {
  switch (value.kind) {
    case 'object': {
      const members = new Map<unknown, unknown>();
      for (const [name, member] of value.members()) members.set(name, read(member));
      return members;
    }
    case 'array':
      return [...value.items()].map(read);
    case 'string':
      return value.asString();
    case 'boolean':
      return value.asBoolean();
    case 'null':
      return null;
    default:
      return packr.unpack(value.text);
  }
}

const anything = fc.anything({
  withNullPrototype: false,
  withBigInt: false,
  withDate: false,
  withMap: false,
  withSet: false,
  withTypedArray: false,
  withSparseArray: false,
  values: [
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
    fc.constant(null),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.string({ minLength: 30, maxLength: 300 }),
  ],
});

describe('a value of MessagePack as a range of bytes', () => {
  test('says what a decoder says, and ends where it ends', () => {
    const property = fc.property(anything, (value) => {
      const bytes = packr.pack(value);
      expect(scanMessagePack(bytes).problem).toBeUndefined();
      const found = MessagePackValue.of(bytes);
      expect(found.text.length).toBe(bytes.length);
      expect(read(found)).toEqual(packr.unpack(bytes));
    });
    fc.assert(property, { seed: seedFromEnvironment(), numRuns: 2_000 });
  });

  test.each([
    [0, 0],
    [127, 127],
    [-1, undefined],
    [-200, undefined],
    [255, 255],
    [65_535, 65_535],
    [2 ** 32, 2 ** 32],
    [2 ** 53 - 1, 2 ** 53 - 1],
    [2 ** 53, undefined],
    [1.5, undefined],
    [Number.NaN, undefined],
    [2n ** 40n, 2 ** 40],
    [2n ** 63n, undefined],
    ['7', undefined],
    [null, undefined],
  ])('%s as a count is %s', (value, count) => {
    expect(MessagePackValue.of(packr.pack(value)).asCount()).toBe(count);
  });

  test.each([
    // biome-ignore format: one row for each form of the specification
    ['uint 8', [0xcc, 200]],
    ['uint 16', [0xcd, 0, 200]],
    ['uint 32', [0xce, 0, 0, 0, 200]],
    ['uint 64', [0xcf, 0, 0, 0, 0, 0, 0, 0, 200]],
    ['int 16', [0xd1, 0, 200]],
    ['int 32', [0xd2, 0, 0, 0, 200]],
    ['int 64', [0xd3, 0, 0, 0, 0, 0, 0, 0, 200]],
    ['float 32', [0xca, 0x43, 0x48, 0, 0]],
    ['float 64', [0xcb, 0x40, 0x69, 0, 0, 0, 0, 0, 0]],
  ])('200 as %s is a count', (_form, bytes) => {
    expect(MessagePackValue.of(Uint8Array.from(bytes)).asCount()).toBe(200);
  });

  test('names that are no text, and text that is not UTF-8, are undefined', () => {
    const map = MessagePackValue.of(Uint8Array.of(0x82, 7, 1, 0xa1, 0xff, 0xc0));
    expect([...map.members()].map(([name]) => name)).toEqual([undefined, undefined]);
  });
});
