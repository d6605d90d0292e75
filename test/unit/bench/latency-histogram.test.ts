import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LatencyHistogram } from '../../../bench/replay/latency-histogram.js';

const SEED = 0x5eed45;
const ERROR_MAX = 1 / 64;

const latencies = fc.array(
  fc.oneof(fc.nat(200), fc.nat(2_000_000), fc.integer({ min: 0, max: 2 ** 41 })),
  { minLength: 1, maxLength: 300 },
);

test('percentiles are never too small and at most 1/64 too large', () => {
  const property = fc.property(
    latencies,
    fc.double({ min: 0, max: 1, noNaN: true }),
    (all, share) => {
      const histogram = new LatencyHistogram();
      for (const ns of all) histogram.record(ns);
      const sorted = [...all].sort((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil(share * all.length)) - 1] ?? 0;
      const measured = histogram.percentileNs(share) ?? Number.NaN;
      expect(measured).toBeGreaterThanOrEqual(exact);
      expect(measured).toBeLessThanOrEqual(exact * (1 + ERROR_MAX));
      expect(histogram.count).toBe(all.length);
      expect(histogram.largestNs).toBe(sorted.at(-1));
    },
  );
  fc.assert(property, { seed: SEED, numRuns: 1_000 });
});

test('the borders of the buckets are exact powers of two', () => {
  for (let exponent = 0; exponent < 42; exponent += 1) {
    for (const ns of [2 ** exponent - 1, 2 ** exponent, 2 ** exponent + 1]) {
      const histogram = new LatencyHistogram();
      histogram.record(ns);
      expect(histogram.percentileNs(0.5)).toBe(ns);
    }
  }
});

test('nothing recorded is undefined; what is out of range is brought into it', () => {
  const histogram = new LatencyHistogram();
  expect(histogram.percentileNs(0.99)).toBeUndefined();
  expect(histogram.largestNs).toBe(0);
  histogram.record(-5);
  expect(histogram.percentileNs(1)).toBe(0);
  histogram.record(Number.POSITIVE_INFINITY);
  expect(histogram.percentileNs(1)).toBe(2 ** 42 - 1);
});
