/** Smallest and largest of some samples. */
export interface Spread {
  readonly min: number;
  readonly max: number;
}

/** The middle sample, or the mean of the two middle ones. Throws a RangeError without samples. */
export function median(samples: readonly number[]): number {
  if (samples.length === 0) {
    throw new RangeError('median of no samples');
  }
  const sorted = [...samples].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** The range of the samples. Throws a RangeError without samples. */
export function spreadOf(samples: readonly number[]): Spread {
  if (samples.length === 0) {
    throw new RangeError('spread of no samples');
  }
  return { min: Math.min(...samples), max: Math.max(...samples) };
}

/** `left[i] / right[i]` for each round. Throws a RangeError when the rounds do not pair up. */
export function ratiosPerRound(left: readonly number[], right: readonly number[]): number[] {
  if (left.length !== right.length) {
    throw new RangeError(`${left.length} rounds against ${right.length}`);
  }
  return left.map((sample, round) => sample / (right[round] as number));
}
