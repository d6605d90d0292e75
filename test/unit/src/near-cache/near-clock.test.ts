import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NearClock } from '../../../../src/near-cache/near-clock.js';
import { NearEntry } from '../../../../src/near-cache/near-entry.js';
import { seedFromEnvironment } from '../../../support/prng.js';

test('never keeps more entries or bytes than it may, and the map holds what it keeps', () => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'add', 'use', 'remove', 'resize', 'clear'),
    index: fc.nat(30),
    sizeBytes: fc.integer({ min: 0, max: 40 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const clock = new NearClock(8, 100);
      const home = new Map<string, NearEntry>();
      for (const { kind, index, sizeBytes } of steps) {
        const key = `k${index}`;
        const entry = home.get(key);
        if (kind === 'clear') clock.clear();
        else if (kind === 'add' && entry === undefined)
          clock.add(new NearEntry(key, home), sizeBytes);
        else if (kind === 'use' && entry !== undefined) entry.isUsed = true;
        else if (kind === 'remove' && entry !== undefined) clock.remove(entry);
        // A kept entry may outgrow the bound; the next one that comes mends it.
        else if (kind === 'resize' && entry !== undefined && sizeBytes <= entry.sizeBytes) {
          clock.resize(entry, sizeBytes);
        }
        const bytes = [...home.values()].reduce((sum, kept) => sum + kept.sizeBytes, 0);
        expect(clock.entryCount).toBe(home.size);
        expect(clock.bytes).toBe(bytes);
        expect(home.size).toBeLessThanOrEqual(8);
        expect(bytes).toBeLessThanOrEqual(100);
      }
    }),
    { seed: seedFromEnvironment() },
  );
});

test('an entry that was used gets another round', () => {
  const clock = new NearClock(3, 1_000);
  const home = new Map<string, NearEntry>();
  const add = (key: string): void => clock.add(new NearEntry(key, home), 1);
  for (const key of ['a', 'b', 'c']) add(key);
  (home.get('a') as NearEntry).isUsed = true;
  add('d');
  expect([...home.keys()].sort()).toEqual(['a', 'c', 'd']);
  add('e');
  expect(home.has('a')).toBe(true);
  expect(home.has('c')).toBe(false);
});
