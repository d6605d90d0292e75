import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeKey,
  describeKeyProblem,
  encodeErrorBody,
  formatSeconds,
  KEY_BYTES_MAX,
  parseContentLength,
  parseTtlMs,
} from '../../../server/wire.js';

describe('a key in a URL', () => {
  test('is what encodeURIComponent was given, for every well-formed text within the limit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), (key) => {
        fc.pre(Buffer.byteLength(key) <= KEY_BYTES_MAX);
        expect(decodeKey(encodeURIComponent(key))).toBe(key);
      }),
    );
  });

  test('of any text is refused or decoded, never half of both', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (segment) => {
        const key = decodeKey(segment);
        if (key === undefined) {
          expect(describeKeyProblem(segment)).toMatch(/^the key /);
        } else {
          expect(encodeURIComponent(key)).not.toBe('');
          expect(Buffer.byteLength(key)).toBeLessThanOrEqual(KEY_BYTES_MAX);
        }
      }),
    );
  });

  test.each([
    ['a plain text', 'user:123', 'user:123'],
    ['an escape', '%41', 'A'],
    ['an escaped escape, decoded once', '%2541', '%41'],
    ['a plus sign, which is no space', 'a+b', 'a+b'],
    ['an escaped slash', 'a%2Fb', 'a/b'],
    ['dots, which are bytes', '..', '..'],
    ['a byte order mark, which is kept', '%EF%BB%BFa', '\ufeffa'],
    ['a zero byte', '%00', '\0'],
  ])('may be %s', (_name, segment, key) => {
    expect(decodeKey(segment)).toBe(key);
  });

  test.each([
    ['nothing', '', 'empty'],
    ['a lone percent sign', '%', 'percent'],
    ['no hexadecimal digits', '%zz', 'percent'],
    ['an escape cut short', 'a%4', 'percent'],
    ['an overlong form', '%c0%ae', 'percent'],
    ['half of a surrogate pair', '%ed%a0%80', 'percent'],
    ['half of a character', '%e2%82', 'percent'],
    ['a byte above the ends of Unicode', '%f5%80%80%80', 'percent'],
    ['a raw control character', 'a\x01', 'percent-encoded'],
    ['a raw letter outside ASCII', 'caf\u00e9', 'percent-encoded'],
    ['a raw letter outside ASCII after an escape', '%41\u00e9', 'percent-encoded'],
    ['too many bytes', 'a'.repeat(KEY_BYTES_MAX + 1), 'more than 1024'],
    ['too many bytes of escapes', '%41'.repeat(KEY_BYTES_MAX + 1), 'more than 1024'],
  ])('may not be %s', (_name, segment, problem) => {
    expect(decodeKey(segment)).toBeUndefined();
    expect(describeKeyProblem(segment)).toContain(problem);
  });

  test('is measured in bytes after decoding', () => {
    expect(decodeKey('%41'.repeat(KEY_BYTES_MAX))).toBe('A'.repeat(KEY_BYTES_MAX));
    const euros = '€'.repeat(341);
    expect(decodeKey(encodeURIComponent(`${euros}a`))).toBe(`${euros}a`);
    expect(decodeKey(encodeURIComponent(`${euros}ab`))).toBeUndefined();
  });
});

describe('a time to live', () => {
  test.each([
    ['1', 1_000],
    ['3600', 3_600_000],
    ['007', 7_000],
    ['3456000', 3_456_000_000],
    ['315360000', 315_360_000_000],
    ['31557600000', 31_557_600_000_000],
  ])('of %s seconds is exact', (text, ttlMs) => {
    expect(parseTtlMs(text)).toBe(ttlMs);
  });

  test.each([
    '',
    '0',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    'abc',
    '10abc',
    ' 1',
    'Infinity',
    'NaN',
    '31557600001',
    '9007199254740992',
  ])('of %j is refused', (text) => {
    expect(parseTtlMs(text)).toBeUndefined();
  });

  test.each(['9007199254741', '99999999999999999999', '9'.repeat(400)])(
    'beyond exact milliseconds is refused: %s',
    (text) => {
      expect(parseTtlMs(text)).toBeUndefined();
    },
  );

  test('that remains is rounded up, so that no served entry reads as expired', () => {
    expect([1, 999, 1_000, 1_001, 59_999.5].map(formatSeconds)).toEqual(['1', '1', '1', '2', '60']);
  });
});

test.each([
  ['0', 0],
  ['12', 12],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ['9007199254740993', undefined],
  ['18446744073709551616', undefined],
  ['+5', undefined],
  ['-1', undefined],
  ['5, 5', undefined],
  ['5a', undefined],
  ['', undefined],
])('a Content-Length of %j is %s', (text, contentBytes) => {
  expect(parseContentLength(text)).toBe(contentBytes);
});

test('the body of a refusal is JSON whatever the message holds', () => {
  const body = encodeErrorBody('ERR_X', 'a "quote"\r\nand a line');
  expect(JSON.parse(Buffer.from(body).toString())).toEqual({
    error: { code: 'ERR_X', message: 'a "quote"\r\nand a line' },
  });
});
