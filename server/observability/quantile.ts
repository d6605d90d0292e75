import { BUCKET_BOUNDS_MS } from './block-layout.js';

/**
 * The duration in milliseconds below which a share of all durations lies, as even a spread within
 * each bucket would have it; 0 when there are none, and the last bound for those above it.
 *
 * @param buckets durations in each bucket of `BUCKET_BOUNDS_MS`, then those above all bounds
 * @param share 0 to 1
 */
export function quantileMs(buckets: readonly number[], share: number): number {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  const rank = total * share;
  let below = 0;
  let lowerMs = 0;
  for (const [index, upperMs] of BUCKET_BOUNDS_MS.entries()) {
    const count = buckets[index] ?? 0;
    if (count > 0 && below + count >= rank) {
      return lowerMs + ((upperMs - lowerMs) * (rank - below)) / count;
    }
    below += count;
    lowerMs = upperMs;
  }
  return total === 0 ? 0 : lowerMs;
}

/** The upper bound of the slowest bucket in use; `null` above all bounds, 0 when none is in use. */
export function slowestBoundMs(buckets: readonly number[]): number | null {
  const slowest = buckets.findLastIndex((count) => count > 0);
  if (slowest === -1) return 0;
  return BUCKET_BOUNDS_MS[slowest] ?? null;
}
