import { expect, test } from 'vitest';
import { DistinctSample } from '../../../bench/replay/distinct-sample.js';

test('few keys are all kept, however often they come', () => {
  const sample = new DistinctSample(100);
  for (let index = 0; index < 10_000; index += 1) sample.add(`key:${index % 100}`);
  expect([...sample.keys()]).toHaveLength(100);
  expect(sample.keysPerSample).toBe(1);
});

test.each([1_000, 20_000, 300_000])('of %i keys an even part is kept', (keyCount) => {
  const sample = new DistinctSample(512);
  for (let index = 0; index < keyCount; index += 1) {
    sample.add(`key:${index}`);
    if (index % 3 === 0) sample.add('key:0');
  }
  const kept = [...sample.keys()];
  expect(kept.length).toBeLessThanOrEqual(512);
  expect(new Set(kept).size).toBe(kept.length);
  // The estimate of a count by at least 100 kept ones is within four standard deviations.
  const estimate = kept.length * sample.keysPerSample;
  expect(kept.length).toBeGreaterThan(100);
  expect(estimate / keyCount).toBeGreaterThan(1 - 4 / Math.sqrt(kept.length));
  expect(estimate / keyCount).toBeLessThan(1 + 4 / Math.sqrt(kept.length));
});
