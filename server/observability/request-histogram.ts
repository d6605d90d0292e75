import { Histogram, type Registry } from 'prom-client';
import { BUCKET_BOUNDS_MS } from './block-layout.js';
import type { OperationCounts, ServiceBlock } from './service-block.js';

const MS_PER_SECOND = 1_000;
const UPPER_BOUNDS = [
  ...BUCKET_BOUNDS_MS.map((boundMs) => boundMs / MS_PER_SECOND),
  '+Inf',
] as const;

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/**
 * Durations by operation, out of the block. A histogram of `prom-client` counts by itself and
 * cannot be told its buckets, so what it shows is made anew each time it is asked for.
 */
export class RequestHistogram extends Histogram<'operation'> {
  private readonly block: ServiceBlock;

  constructor(block: ServiceBlock, registry: Registry) {
    super({
      name: 'hotshard_request_duration_seconds',
      help: 'Time from the head of a request to the end of its handler.',
      labelNames: ['operation'],
      buckets: BUCKET_BOUNDS_MS.map((boundMs) => boundMs / MS_PER_SECOND),
      registers: [registry],
    });
    this.block = block;
  }

  /** What the registry renders. */
  getForPromString(): Promise<{ name: string; help: string; type: string; values: Sample[] }> {
    return Promise.resolve({
      name: 'hotshard_request_duration_seconds',
      help: 'Time from the head of a request to the end of its handler.',
      type: 'histogram',
      values: this.block.sumOperations().flatMap(toSamples),
    });
  }
}

function toSamples({ operation, buckets, sumMs }: OperationCounts): Sample[] {
  let count = 0;
  const samples: Sample[] = UPPER_BOUNDS.map((le, index) => {
    count += buckets[index] ?? 0;
    return {
      metricName: 'hotshard_request_duration_seconds_bucket',
      labels: { le, operation },
      value: count,
    };
  });
  const labels = { operation };
  return [
    ...samples,
    {
      metricName: 'hotshard_request_duration_seconds_sum',
      labels,
      value: sumMs / MS_PER_SECOND,
    },
    { metricName: 'hotshard_request_duration_seconds_count', labels, value: count },
  ];
}
