import { expect, test } from 'vitest';
import { describeValue } from '../../../src/describe-value.js';

test('values are named shortly and none of their code runs', () => {
  const trap = new Proxy(
    {},
    {
      get: () => expect.unreachable(),
    },
  );
  const named: readonly (readonly [unknown, string])[] = [
    ['a"b', '"a\\"b"'],
    ['a\nb', '"a\\nb"'],
    [1.5, '1.5'],
    [Number.NaN, 'NaN'],
    [true, 'true'],
    [undefined, 'undefined'],
    [null, 'null'],
    [5n, 'a BigInt'],
    [Symbol('x'), 'a symbol'],
    [() => 0, 'a function'],
    [[1], 'an array'],
    [trap, 'an object'],
  ];
  for (const [value, text] of named) expect(describeValue(value)).toBe(text);
  expect(describeValue('x'.repeat(1e6))).toBe(`"${'x'.repeat(40)}"… (1000000 characters)`);
});
