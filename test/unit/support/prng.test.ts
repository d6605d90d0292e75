import { afterEach, describe, expect, test, vi } from 'vitest';
import { FakeClock } from '../../support/fake-clock.js';
import { createPrng, Prng } from '../../support/prng.js';
import { scale, scaled } from '../../support/scale.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the random numbers of tests', () => {
  test('are those of xoshiro128**', () => {
    const prng = new Prng([1, 2, 3, 4]);
    const numbers = Array.from({ length: 6 }, () => prng.nextUint32());
    expect(numbers).toEqual([11520, 0, 5927040, 70819200, 2031721883, 1637235492]);
  });

  test('repeat with the same seed and differ with another', () => {
    const draw = (seed: number): number[] => {
      const prng = createPrng(seed);
      return Array.from({ length: 50 }, () => prng.nextUint32());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(new Set([...draw(0), ...draw(0xffffffff)]).size).toBe(100);
  });

  test('stay below a bound and reach every number below it', () => {
    const prng = createPrng(42);
    const counts = new Array<number>(6).fill(0);
    for (let draw = 0; draw < 6_000; draw++) {
      const value = prng.nextBelow(6);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    expect(counts).toHaveLength(6);
    for (const count of counts) expect(count).toBeGreaterThan(800);
    expect(prng.nextBelow(1)).toBe(0);
    expect(prng.nextBelow(2 ** 32)).toBeLessThan(2 ** 32);
    for (const bound of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN]) {
      expect(() => prng.nextBelow(bound)).toThrow('bound');
    }
  });
});

test('the seed comes from the environment and is announced once', async () => {
  vi.stubEnv('HOTSHARD_SEED', '123');
  vi.resetModules();
  const announced = vi.spyOn(console, 'info').mockImplementation(() => undefined);
  const { seedFromEnvironment } = await import('../../support/prng.js');
  expect([seedFromEnvironment(), seedFromEnvironment()]).toEqual([123, 123]);
  expect(announced.mock.calls).toEqual([
    ['HOTSHARD_SEED=123 repeats the random choices of this run'],
  ]);
  announced.mockRestore();
});

test('the scale is 1 unless the environment says otherwise', () => {
  vi.stubEnv('HOTSHARD_TEST_SCALE', undefined);
  expect([scale(), scaled(10)]).toEqual([1, 10]);
  vi.stubEnv('HOTSHARD_TEST_SCALE', '0.05');
  expect([scaled(10), scaled(100)]).toEqual([1, 5]);
  vi.stubEnv('HOTSHARD_TEST_SCALE', 'much');
  expect(() => scale()).toThrow('HOTSHARD_TEST_SCALE');
});

test('a fake clock moves only by hand and never back', () => {
  const clock = new FakeClock(5);
  const { nowMs } = clock;
  clock.advance(2.5);
  expect([nowMs(), clock.nowMs()]).toEqual([7.5, 7.5]);
  expect(() => clock.advance(-1)).toThrow('-1');
});
