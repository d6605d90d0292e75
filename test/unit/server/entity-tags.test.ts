import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { namesWeakly, parseTagCondition } from '../../../server/http/entity-tags.js';

describe('conditions of tags', () => {
  test.each([
    ['*', 'any'],
    [' * ', 'any'],
    ['"a"', [{ text: 'a', isWeak: false }]],
    ['""', [{ text: '', isWeak: false }]],
    ['W/"a"', [{ text: 'a', isWeak: true }]],
    [
      '"a" ,, W/"b,c"\t,',
      [
        { text: 'a', isWeak: false },
        { text: 'b,c', isWeak: true },
      ],
    ],
  ])('H34: %j is read', (text, expected) => {
    expect(parseTagCondition(text)).toEqual(expected);
  });

  test.each([
    '',
    ' ',
    ',',
    'a',
    '"a',
    'a"',
    '"a" "b"',
    '"a"b',
    'w/"a"',
    'W/ "a"',
    'W/',
    '"a b"',
    '"a\x7f"',
    '"a\u0100"',
    '*, "a"',
    '"a", *',
    '**',
    '"a", b',
  ])('H34: %j is no condition', (text) => {
    expect(parseTagCondition(text)).toBeUndefined();
  });

  test('any list that is written is read back', () => {
    const characters = fc.integer({ min: 0x21, max: 0xff }).filter((u) => u !== 0x22 && u !== 0x7f);
    const tag = fc.record({
      text: fc.array(characters).map((units) => String.fromCharCode(...units)),
      isWeak: fc.boolean(),
    });
    const separators = fc.constantFrom(',', ', ', ' ,\t', ',,', ' , , ');
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1 }), separators, (tags, separator) => {
        const text = tags.map((one) => `${one.isWeak ? 'W/' : ''}"${one.text}"`).join(separator);
        expect(parseTagCondition(text)).toEqual(tags);
      }),
    );
  });

  test('the weak comparison heeds the text alone', () => {
    expect(namesWeakly('any', 'a')).toBe(true);
    expect(namesWeakly([{ text: 'a', isWeak: true }], 'a')).toBe(true);
    expect(namesWeakly([{ text: 'b', isWeak: false }], 'a')).toBe(false);
    expect(namesWeakly([], 'a')).toBe(false);
  });
});
