import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CONTENT_TYPE_BYTES_MAX, checkContentType } from '../../../src/content-types.js';
import { CacheError } from '../../../src/errors.js';

const SEED = 0x5eed04;

test('usual content types pass, each time', () => {
  for (const value of ['text/plain', 'application/json', 'text/html; charset="utf-8"', '~']) {
    expect(() => checkContentType(value)).not.toThrow();
    expect(() => checkContentType(value)).not.toThrow();
  }
  expect(() => checkContentType('a'.repeat(CONTENT_TYPE_BYTES_MAX))).not.toThrow();
});

test('what could not stand in a header is refused', () => {
  const bad = ['', 'a\r\nX: y', 'a\nb', 'a\0', 'a\tb', 'a\x7f', 'é', '😀', 'a'.repeat(128)];
  for (const value of [...bad, undefined, null, 1, {}]) {
    expect(() => checkContentType(value as string)).toThrow(CacheError);
  }
  expect(() => checkContentType('a\r\nb')).toThrow(/character 1 is not printable ASCII/);
});

test('any text passes exactly when it is short printable ASCII', () => {
  const property = fc.property(fc.string({ maxLength: 140, unit: 'binary' }), (value) => {
    if (/^[ -~]{1,127}$/.test(value)) expect(() => checkContentType(value)).not.toThrow();
    else expect(() => checkContentType(value)).toThrow(CacheError);
  });
  fc.assert(property, { seed: SEED, numRuns: 200 });
});
