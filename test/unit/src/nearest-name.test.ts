import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, nearestName } from '../../../src/nearest-name.js';

const SEED = 0x5eed03;
const names = ['memory', 'workers', 'shards', 'maxEntries', 'defaultTtl', 'eviction', 'codec'];

test('slips, exchanged letters and other capitals lead to the name that was meant', () => {
  const meant: readonly (readonly [string, string])[] = [
    ['memroy', 'memory'],
    ['Memory', 'memory'],
    ['worker', 'workers'],
    ['maxentries', 'maxEntries'],
    ['maxEntrys', 'maxEntries'],
    ['defaultTTL', 'defaultTtl'],
    ['evictoin', 'eviction'],
    ['ttl', 'defaultTtl'],
    ['codek', 'codec'],
  ];
  for (const [given, name] of meant) expect(nearestName(given, names)).toBe(name);
});

test('a name that resembles none is not guessed at', () => {
  for (const given of ['', 'x', 'zzzzzz', 'colour', '__proto__', 'm'.repeat(100_000)]) {
    expect(nearestName(given, names)).toBeUndefined();
  }
  expect(nearestName('memory', [])).toBeUndefined();
});

const letters = fc.stringMatching(/^[abc]{0,6}$/);

test('the distance is symmetric, zero for equal texts alone, and within the lengths', () => {
  const property = fc.property(letters, letters, (a, b) => {
    const distance = editDistance(a, b);
    expect(editDistance(b, a)).toBe(distance);
    expect(distance === 0).toBe(a === b);
    expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
    expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
  });
  fc.assert(property, { seed: SEED, numRuns: 500 });
});

test('one slip anywhere is a distance of one', () => {
  const position = fc.nat(1_000);
  const property = fc.property(fc.stringMatching(/^[a-z]{2,12}$/), position, (name, at) => {
    const index = at % name.length;
    const dropped = name.slice(0, index) + name.slice(index + 1);
    const replaced = `${name.slice(0, index)}#${name.slice(index + 1)}`;
    expect(editDistance(name, dropped)).toBe(1);
    expect(editDistance(name, replaced)).toBe(1);
    const [first, second] = [name[index], name[index + 1]];
    if (second === undefined || first === second) return;
    expect(editDistance(name, name.slice(0, index) + second + first + name.slice(index + 2))).toBe(
      1,
    );
  });
  fc.assert(property, { seed: SEED, numRuns: 300 });
});
