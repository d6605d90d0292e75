import { describe, expect, test } from 'vitest';
import { CacheError } from '../../../../src/errors.js';
import { filterPattern, globPattern, prefixPattern } from '../../../../src/scans/key-pattern.js';

function refusalOf(call: () => unknown): CacheError {
  try {
    call();
  } catch (error) {
    if (CacheError.is(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('H38: globs that are refused, with the place', () => {
  test.each<readonly [unknown, RegExp]>([
    ['', /must not be empty/],
    ['[', /'\[' at 0 without its '\]'/],
    ['ab[c', /'\[' at 2 without/],
    ['ab[^', /'\[' at 2 without/],
    ['ab[a-', /'\[' at 2 without/],
    ['ab[a\\', /'\[' at 2 without/],
    ['ab[a\\]', /'\[' at 2 without/],
    ['x[]', /empty class at 1/],
    ['x[!]', /empty class at 1/],
    ['x[]a]', /empty class at 1/],
    ['x[az-a]', /range at 3 that ends before it begins: 'z-a'/],
    ['tail\\', /ends with '\\' at 4/],
    ['\\\\\\', /ends with '\\' at 2/],
    ['{a,b}'.repeat(20), /'\{' at 0: there are no alternatives/],
    ['a{', /'\{' at 1/],
    [5, /must be a string, not 5/],
    [undefined, /must be a string/],
    ['\ud800', /not well-formed/],
    ['a'.repeat(257), /too long: 257 bytes of UTF-8, at most 256/],
    ['é'.repeat(129), /too long: 258 bytes/],
  ])('%j', (glob, message) => {
    const error = refusalOf(() => globPattern(glob));
    expect(error.code).toBe('ERR_CACHE_INVALID_PATTERN');
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^glob /);
  });
});

test.each(['a', '*', '\\{', '[{]', '}', ']', '[a]]', '[\\]]', '[a-]', '[😀-😂]', 'é'.repeat(128)])(
  'the glob %j is taken',
  (glob) => {
    expect(globPattern(glob)).toMatchObject({ isGlob: true, text: glob });
    expect(Buffer.from(globPattern(glob).bytes).toString()).toBe(glob);
  },
);

test('a prefix is any text of 1 to 1,024 bytes', () => {
  expect(prefixPattern('[{\\')).toMatchObject({ isGlob: false, text: '[{\\' });
  expect(prefixPattern('x'.repeat(1_024)).bytes).toHaveLength(1_024);
  for (const prefix of ['', 'x'.repeat(1_025), '\udc00', 7, null]) {
    expect(refusalOf(() => prefixPattern(prefix)).code).toBe('ERR_CACHE_INVALID_PATTERN');
  }
});

test('a filter is absent, a prefix, or a glob', () => {
  expect(filterPattern(undefined)).toMatchObject({ isGlob: false, text: '' });
  expect(filterPattern({ prefix: 'a' })).toMatchObject({ isGlob: false, text: 'a' });
  expect(filterPattern({ glob: 'a*' })).toMatchObject({ isGlob: true, text: 'a*' });
  for (const filter of [null, {}, 'a', { prefix: 'a', glob: 'b' }, { perfix: 'a' }, [1]]) {
    const error = refusalOf(() => filterPattern(filter));
    expect(error.code).toBe('ERR_CACHE_INVALID_OPTIONS');
    expect(error.message).toMatch(/filter: must be \{ prefix \} or \{ glob \}, not /);
  }
  expect(refusalOf(() => filterPattern({ prefix: '' })).code).toBe('ERR_CACHE_INVALID_PATTERN');
});
