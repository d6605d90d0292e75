/**
 * Counts of latencies in buckets of growing width: each power of two of nanoseconds is divided into
 * 64 equal parts, so that a percentile is off by at most 1/64 of its value. Recording allocates
 * nothing, whatever the number of latencies.
 */
const PARTS_BITS = 6;
const PARTS = 2 ** PARTS_BITS;
/** About 73 minutes; what took longer counts as this. */
const LARGEST_NS = 2 ** 42 - 1;
const BUCKETS = (42 - PARTS_BITS + 1) * PARTS;

function bucketOf(ns: number): number {
  if (ns < PARTS) return ns;
  // Exponents of two up to 2^42 are exact in a double, Math.log2 is not near them.
  const high = Math.floor(ns / 2 ** 21);
  const exponent = high > 0 ? 52 - Math.clz32(high) : 31 - Math.clz32(ns);
  const shift = exponent - PARTS_BITS;
  return (shift + 1) * PARTS + Math.floor(ns / 2 ** shift) - PARTS;
}

/** The largest latency that falls into the bucket. */
function upperEndNs(bucket: number): number {
  if (bucket < PARTS) return bucket;
  const shift = Math.floor(bucket / PARTS) - 1;
  return ((bucket % PARTS) + PARTS + 1) * 2 ** shift - 1;
}

/** Percentiles of latencies in bounded memory. */
export class LatencyHistogram {
  readonly #counts: Float64Array = new Float64Array(BUCKETS);
  #count = 0;
  #largestNs = 0;

  get count(): number {
    return this.#count;
  }

  /** The largest latency recorded, exactly, in nanoseconds; 0 when there is none. */
  get largestNs(): number {
    return this.#largestNs;
  }

  /** Records one latency in nanoseconds; below 0 counts as 0, fractions are cut. */
  record(ns: number): void {
    const whole = Math.min(LARGEST_NS, Math.max(0, Math.floor(ns)));
    const bucket = bucketOf(whole);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    if (whole > this.#largestNs) this.#largestNs = whole;
  }

  /**
   * The latency in nanoseconds that the given share (0 to 1) of all did not exceed, at most 1/64
   * too large; undefined when nothing was recorded.
   */
  percentileNs(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    const wanted = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= wanted) return Math.min(upperEndNs(bucket), this.#largestNs);
    }
    return this.#largestNs;
  }
}
