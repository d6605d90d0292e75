import { describe, expect, it } from 'vitest';
import { createPrng, seedFromEnvironment } from '../support/prng.js';
import { POLICIES, PolicyRig } from './policy-rig.js';

const KIB = 1_024;
const MIB = KIB * KIB;
const KEYS = 12_000;
const seed = seedFromEnvironment();

/** Keys by popularity, the most popular first: Zipf's law. */
function zipf(exponent: number): (fraction: number) => number {
  const sums = new Float64Array(KEYS);
  let sum = 0;
  for (let rank = 0; rank < KEYS; rank++) {
    sum += (rank + 1) ** -exponent;
    sums[rank] = sum;
  }
  return (fraction) => {
    let low = 0;
    let high = KEYS - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < fraction * sum) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

const rankOf = zipf(0.9);

/** Hits in percent of so many requests for values of one size. */
function hitPercent(rig: PolicyRig, prefix: string, valueBytes: number, requests: number): number {
  // Runs of different lengths are different requests, of the same length the same.
  const prng = createPrng(seed + requests);
  let hits = 0;
  for (let request = 0; request < requests; request++) {
    if (rig.access(`${prefix}-${rankOf(prng.nextFraction())}`, valueBytes)) hits += 1;
  }
  return (100 * hits) / requests;
}

describe.each(POLICIES)('when the size of values shifts, %s', (eviction) => {
  const options = { limitBytes: 4 * MIB, pageBytes: 32 * KIB, eviction };

  it.each([
    ['100 bytes', '4 KiB', 100, 4 * KIB, 40_000, 5],
    ['4 KiB', '100 bytes', 4 * KIB, 100, 40_000, 5],
    // Here a sketch has to forget many favourites; until then the window makes the cache an LRU.
    ['300 bytes', '900 bytes', 300, 900, 80_000, 9],
    ['1 KiB', '20 KiB, in pages of their own', KIB, 20 * KIB, 10_000, 5],
  ] as const)('from %s to %s, the hit ratio comes near a fresh one', (...row) => {
    const [, , from, to, requests, points] = row;
    const rig = new PolicyRig(options);
    hitPercent(rig, 'old', from, 60_000);
    hitPercent(rig, 'new', to, requests);
    const recovered = hitPercent(rig, 'new', to, 20_000);
    const fresh = new PolicyRig(options);
    hitPercent(fresh, 'new', to, requests);
    expect(recovered).toBeGreaterThan(hitPercent(fresh, 'new', to, 20_000) - points);
    expect(rig.pagesMoved).toBeGreaterThan(0);
    rig.verify();
  });

  it('keeps values of two sizes by their popularity', () => {
    const rig = new PolicyRig(options);
    const prng = createPrng(seed);
    const hits = [0, 0];
    for (let request = 0; request < 60_000; request++) {
      const kind = request % 2;
      const isHit = rig.access(`${kind}-${rankOf(prng.nextFraction())}`, kind === 0 ? 200 : 1_500);
      if (isHit && request >= 40_000) hits[kind] = (hits[kind] ?? 0) + 1;
    }
    // Neither size is starved by the other.
    expect(Math.min(...hits) / 10_000).toBeGreaterThan(0.4);
    rig.verify();
  });
});
