import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  DURATION_MS_MAX,
  parseDurationMs,
  parseExpiry,
  parseTtl,
  readDuration,
  TTL_KEEP_MS,
  TTL_NEVER_MS,
} from '../../../src/duration.js';
import { CacheError } from '../../../src/errors.js';

const SEED = 0x5eed01;
const DAY_MS = 86_400_000;
const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS } as const;

test('numbers are milliseconds and texts have a unit', () => {
  const examples: readonly (readonly [number | string, number])[] = [
    [1, 1],
    [250, 250],
    ['250ms', 250],
    ['10s', 10_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['7d', 7 * DAY_MS],
    ['2w', 14 * DAY_MS],
    ['005m', 300_000],
  ];
  for (const [value, expected] of examples) expect(parseDurationMs(value, 'ttl')).toBe(expected);
});

test('40 days, 10 years and the longest duration are exact', () => {
  expect(parseDurationMs('40d', 'ttl')).toBe(40 * DAY_MS);
  expect(parseDurationMs(40 * DAY_MS, 'ttl')).toBe(40 * DAY_MS);
  expect(parseDurationMs('3650d', 'ttl')).toBe(3_650 * DAY_MS);
  expect(parseDurationMs('365250d', 'ttl')).toBe(DURATION_MS_MAX);
  expect(parseDurationMs(`${DURATION_MS_MAX}ms`, 'ttl')).toBe(DURATION_MS_MAX);
  expect(Number.isSafeInteger(DURATION_MS_MAX)).toBe(true);
});

const refused: readonly unknown[] = [
  ...[0, -0, -1, -5_000, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, DURATION_MS_MAX + 1],
  ...['', ' ', 'abc', '1e3', '1e3ms', '5', '5 m', ' 5m', '5m ', '5m\n', '-1', '-1s', '+1s', '0s'],
  ...['1.5s', '5M', '5min', '1y', 'm', '٥m', '365251d', '1000000w', 'NaNms', 'Infinityms'],
  ...['0x5m', '1_000ms', `${'9'.repeat(400)}w`, `${'0'.repeat(400)}5m`, '__proto__', '5__proto__'],
  ...[null, undefined, true, 5n, {}, ['5m'], new Date(), Symbol('5m')],
];

test('everything else is refused, with the name of the field', () => {
  for (const value of refused) {
    expect(typeof readDuration(value)).toBe('string');
    try {
      parseDurationMs(value as string, 'defaultTtl');
      expect.unreachable(String(value));
    } catch (error) {
      expect(error).toBeInstanceOf(CacheError);
      expect(error).toMatchObject({ code: 'ERR_CACHE_INVALID_TTL', retryable: false });
      const { message } = error as CacheError;
      expect(message).toMatch(/^defaultTtl: /);
      expect(message.length).toBeLessThan(200);
    }
  }
});

test('a duration that is too long names the limit', () => {
  expect(readDuration(DURATION_MS_MAX + 1)).toContain('1,000 years');
  expect(readDuration('99999w')).toContain('1,000 years');
});

test("'never' and 'keep' are told from durations", () => {
  expect(parseTtl('never', 'ttl')).toBe(TTL_NEVER_MS);
  expect(parseTtl('keep', 'ttl')).toBe(TTL_KEEP_MS);
  expect(parseTtl('1s', 'ttl')).toBe(1_000);
  expect(parseExpiry('never', 'ttl')).toBe(TTL_NEVER_MS);
  expect(() => parseExpiry('keep', 'ttl')).toThrow(CacheError);
  expect(() => parseTtl('Never', 'ttl')).toThrow(CacheError);
  expect(() => parseDurationMs('never', 'ttl')).toThrow(CacheError);
});

test('a count and a unit give their product, the second time as well', () => {
  const unit = fc.constantFrom(...(Object.keys(unitMs) as (keyof typeof unitMs)[]));
  const property = fc.property(fc.integer({ min: 1, max: 2 ** 40 }), unit, (count, name) => {
    const expected = count * unitMs[name];
    for (let round = 0; round < 2; round++) {
      const durationMs = readDuration(`${count}${name}`);
      if (expected <= DURATION_MS_MAX) expect(durationMs).toBe(expected);
      else expect(durationMs).toContain('too long');
    }
  });
  fc.assert(property, { seed: SEED, numRuns: 500 });
});

test('any text is a whole positive number of milliseconds or refused', () => {
  const near = fc.stringMatching(/^[0-9 .e+-]{0,6}(ms|s|m|h|d|w|y)?$/);
  const property = fc.property(fc.oneof(fc.string(), near), (text) => {
    const durationMs = readDuration(text);
    if (typeof durationMs === 'string') return;
    expect(text).toMatch(/^[0-9]+(ms|s|m|h|d|w)$/);
    expect(Number.isSafeInteger(durationMs) && durationMs > 0).toBe(true);
  });
  fc.assert(property, { seed: SEED, numRuns: 1_000 });
});

test('any number is itself or refused', () => {
  const property = fc.property(fc.oneof(fc.double(), fc.maxSafeInteger()), (value) => {
    const isGood = Number.isInteger(value) && value >= 1 && value <= DURATION_MS_MAX;
    if (isGood) expect(readDuration(value)).toBe(value);
    else expect(typeof readDuration(value)).toBe('string');
  });
  fc.assert(property, { seed: SEED, numRuns: 1_000 });
});
