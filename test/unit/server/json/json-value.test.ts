import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonValue } from '../../../../server/json/json-value.js';

function read(text: string): JsonValue {
  return JsonValue.of(Buffer.from(text));
}

/** The document as JavaScript has it, built through `JsonValue` alone. */
function build(value: JsonValue): unknown {
  switch (value.kind) {
    case 'object':
      return Object.fromEntries([...value.members()].map(([name, item]) => [name, build(item)]));
    case 'array':
      return [...value.items()].map(build);
    case 'string':
      return value.asString();
    case 'boolean':
      return value.asBoolean();
    case 'null':
      return null;
    default:
      return JSON.parse(Buffer.from(value.text).toString());
  }
}

describe('a value of a document', () => {
  test('is found whole, for any document and white space', () => {
    const space = fc.constantFrom('', ' ', '\n\t\r ');
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), space, (json, around) => {
        const text = around + JSON.stringify(JSON.parse(json), undefined, around) + around;
        expect(build(read(text))).toEqual(JSON.parse(text));
        expect(Buffer.from(read(text).text).toString()).toBe(text.trim());
      }),
      { numRuns: 1_000 },
    );
  });

  test('keeps the text of its members to the last digit', () => {
    const value = read(
      '{"a": 1e400 ,"b":[ 9007199254740993,"\\ud800"],"__proto__":{"x" :1},"c":-0}',
    );
    const texts = [...value.members()].map(([name, member]) => [
      name,
      Buffer.from(member.text).toString(),
    ]);
    expect(texts).toEqual([
      ['a', '1e400'],
      ['b', '[ 9007199254740993,"\\ud800"]'],
      ['__proto__', '{"x" :1}'],
      ['c', '-0'],
    ]);
  });

  test.each([
    ['0', 0],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740992', undefined],
    ['1e3', undefined],
    ['1.0', undefined],
    ['-1', undefined],
    ['"1"', undefined],
    ['99999999999999999999', undefined],
  ])('%s as a count is %s', (text, count) => {
    expect(read(text).asCount()).toBe(count);
  });

  test('of another kind has no members, items, string or boolean', () => {
    for (const text of ['1', 'null', '"x"', 'true', '[]', '{}']) {
      const value = read(text);
      expect([...value.members()]).toEqual([]);
      expect([...value.items()]).toEqual([]);
      if (text !== '"x"') expect(value.asString()).toBeUndefined();
      if (text !== 'true') expect(value.asBoolean()).toBeUndefined();
    }
  });
});
