import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseByteSize, readByteSize } from '../../../src/byte-size.js';
import { CacheError } from '../../../src/errors.js';

const SEED = 0x5eed02;

test('numbers are bytes and units are multiples of 1,024, in capitals or not', () => {
  const examples: readonly (readonly [number | string, number])[] = [
    [0, 0],
    [123, 123],
    ['512b', 512],
    ['64kb', 65_536],
    ['256mb', 268_435_456],
    ['256MB', 268_435_456],
    ['1gb', 1_073_741_824],
    ['1Gb', 1_073_741_824],
  ];
  for (const [value, expected] of examples) expect(parseByteSize(value, 'memory')).toBe(expected);
});

const refused: readonly unknown[] = [
  ...[-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53],
  ...[
    '',
    'mb',
    '64',
    '1.5gb',
    '1e3kb',
    ' 64mb',
    '64 mb',
    '-1mb',
    '1tb',
    '64m',
    '9007199254740992b',
  ],
  ...['9'.repeat(1_000), `${'0'.repeat(1_000)}1b`, '1__proto__'],
  ...[null, undefined, true, 5n, {}, [1]],
];

test('everything else is refused', () => {
  for (const value of refused) expect(typeof readByteSize(value)).toBe('string');
  expect(() => parseByteSize('64', 'memory')).toThrow(CacheError);
  expect(() => parseByteSize('64', 'memory')).toThrow(/memory: "64" is no size.*'256mb'/);
});

test('a count and a unit give their product', () => {
  const units = { b: 1, kb: 1_024, mb: 1_024 ** 2, gb: 1_024 ** 3 } as const;
  const unit = fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[]));
  const property = fc.property(fc.nat(), unit, (count, name) => {
    const bytes = count * units[name];
    if (Number.isSafeInteger(bytes)) expect(readByteSize(`${count}${name}`)).toBe(bytes);
    else expect(readByteSize(`${count}${name}`)).toContain('too large');
  });
  fc.assert(property, { seed: SEED, numRuns: 300 });
});
