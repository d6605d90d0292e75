import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecentMap } from '../../../server/recent-map.js';
import { seedFromEnvironment } from '../../support/prng.js';

describe('RecentMap', () => {
  test('gives what was noted for that text or nothing, and stays within its bounds', () => {
    const texts = fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 2_000 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 40 }), (numbers, entriesMax) => {
        const map = new RecentMap<string>(entriesMax, 8);
        for (const number of numbers) {
          const text = `text ${number}`;
          const known = map.get(text);
          if (known === undefined) map.note(text, `of ${text}`);
          else expect(known).toBe(`of ${text}`);
          expect(map.size).toBeLessThanOrEqual(entriesMax + 1);
        }
      }),
      { seed: seedFromEnvironment() },
    );
  });

  test('keeps what comes again and again, whatever else passes by', () => {
    const map = new RecentMap<number>(64, 20);
    const ask = (text: string): boolean => {
      const isKnown = map.get(text) !== undefined;
      if (!isKnown) map.note(text, 1);
      return isKnown;
    };
    let known = 0;
    for (let round = 0; round < 2_000; round++) {
      ask(`once ${round}`);
      if (ask('hot')) known += 1;
    }
    expect(known).toBeGreaterThan(1_500);
  });

  test('keeps no long texts', () => {
    const map = new RecentMap<number>(64, 20);
    for (let round = 0; round < 100; round++) map.note('x'.repeat(21), 1);
    expect(map.size).toBe(0);
  });
});
