import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CacheError } from '../../../../src/errors.js';
import { KEY_BYTES_MAX, KeyEncoder } from '../../../../src/keys/key-encoder.js';

const SEED = 0x5eed05;
const GUARD = 0xee;
const OFFSET = 64;
const memory = new SharedArrayBuffer(OFFSET + KEY_BYTES_MAX + 64);
const bytes = new Uint8Array(memory);
const encoder = new KeyEncoder(memory, OFFSET);

function encode(key: string): Buffer {
  bytes.fill(GUARD);
  const length = encoder.encode(key);
  expect(bytes.subarray(0, OFFSET).every((byte) => byte === GUARD)).toBe(true);
  expect(bytes.subarray(OFFSET + KEY_BYTES_MAX).every((byte) => byte === GUARD)).toBe(true);
  return Buffer.from(bytes.slice(OFFSET, OFFSET + length));
}

function problemOf(key: unknown): string {
  try {
    encoder.encode(key as string);
  } catch (error) {
    expect(CacheError.is(error) && error.code).toBe('ERR_CACHE_INVALID_KEY');
    return (error as CacheError).message;
  }
  return expect.unreachable('the key was accepted');
}

test('keys of every length are written as UTF-8, up to the limit', () => {
  for (const unit of ['k', 'é', '€', '😀']) {
    const unitBytes = Buffer.byteLength(unit);
    for (let count = 1; count * unitBytes <= KEY_BYTES_MAX; count += count < 70 ? 1 : 97) {
      const key = unit.repeat(count);
      expect(encode(key).equals(Buffer.from(key))).toBe(true);
    }
    const most = unit.repeat(Math.floor(KEY_BYTES_MAX / unitBytes));
    expect(encode(most).equals(Buffer.from(most))).toBe(true);
    expect(problemOf(`${most}${unit}`)).toContain('too long');
  }
});

test('one character that is not ASCII is seen at every position', () => {
  for (let length = 1; length <= 40; length++) {
    for (let index = 0; index < length; index++) {
      for (const unit of ['\u0080', '\u0141', '\uffff']) {
        const key = 'a'.repeat(index) + unit + 'b'.repeat(length - index - 1);
        expect(encode(key).equals(Buffer.from(key))).toBe(true);
      }
    }
  }
});

test('what is no key is refused with the reason', () => {
  for (const value of [undefined, null, 1, 5n, {}, ['k'], Symbol('k'), new String('k')]) {
    expect(problemOf(value)).toContain('must be a string');
  }
  expect(problemOf('')).toContain('empty');
  expect(problemOf('k'.repeat(KEY_BYTES_MAX + 1))).toContain('at most 1024');
  expect(problemOf('€'.repeat(342))).toContain('1026 bytes');
  expect(problemOf('k'.repeat(10_000_000))).toContain('too long');
});

test('a surrogate without its partner is refused, at every position', () => {
  for (const lone of ['\ud800', '\udbff', '\udc00', '\udfff']) {
    for (const length of [0, 1, 3, 15, 16, 30, 1_023]) {
      expect(problemOf(`${'k'.repeat(length)}${lone}`)).toContain('well-formed');
      expect(problemOf(`${lone}${'k'.repeat(length)}`)).toContain('well-formed');
    }
  }
  expect(problemOf('\udc00\ud800')).toContain('well-formed');
});

test('a key that was refused leaves the encoder as it was', () => {
  problemOf('\ud800');
  expect(encode('after').toString()).toBe('after');
});

test('any text becomes its UTF-8 bytes or is refused as it should be', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.string({ maxLength: 60, unit: 'binary' }),
    fc
      .array(fc.integer({ min: 0xd7f0, max: 0xe00f }), { maxLength: 8 })
      .map((units) => String.fromCharCode(...units)),
    fc.string({ maxLength: 1_100, minLength: 300, unit: 'binary' }),
  );
  const property = fc.property(text, (key) => {
    const expected = Buffer.from(key);
    const isGood =
      expected.length > 0 && expected.length <= KEY_BYTES_MAX && expected.toString() === key;
    if (isGood) expect(encode(key).equals(expected)).toBe(true);
    else problemOf(key);
  });
  fc.assert(property, { seed: SEED, numRuns: 600 });
});

test('concatenated and cut strings are read like flat ones', () => {
  const half = 'user:1234';
  const rope = half + String(5_678);
  expect(encode(rope).toString()).toBe('user:12345678');
  expect(encode('xxxxxxxxxxxxxxxxxxxxuser:12345678'.slice(20)).toString()).toBe('user:12345678');
});
