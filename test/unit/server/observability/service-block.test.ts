/** Counters of several threads in one block: what each records, all read. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUCKET_BOUNDS_MS, BUCKET_COUNT } from '../../../../server/observability/block-layout.js';
import { quantileMs, slowestBoundMs } from '../../../../server/observability/quantile.js';
import { ServiceBlock } from '../../../../server/observability/service-block.js';
import { ThreadMetrics } from '../../../../server/observability/thread-metrics.js';
import { OPERATION_NAMES } from '../../../../server/operation-names.js';
import { seedFromEnvironment } from '../../../support/prng.js';

describe('the block of counters', () => {
  test('sums what the threads record, each in a part of its own', () => {
    const recording = fc.record({
      thread: fc.integer({ min: 0, max: 2 }),
      operation: fc.constantFrom(...OPERATION_NAMES),
      outcome: fc.constantFrom('ok', 'refused', 'failed'),
      durationMs: fc.double({ min: 0, max: 20_000, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(recording, { maxLength: 200 }), (recordings) => {
        const block = ServiceBlock.create(3);
        const threads = [0, 1, 2].map((thread) => new ThreadMetrics(block, thread));
        for (const { thread, operation, outcome, durationMs } of recordings) {
          threads[thread]?.recordOperation(operation, outcome, durationMs);
        }
        const other = new ServiceBlock(block.buffer);
        for (const counts of other.sumOperations()) {
          const expected = recordings.filter(({ operation }) => operation === counts.operation);
          const outcomes = [counts.ok, counts.refused, counts.failed];
          expect(outcomes).toEqual(
            ['ok', 'refused', 'failed'].map(
              (name) => expected.filter(({ outcome }) => outcome === name).length,
            ),
          );
          expect(counts.sumMs).toBeCloseTo(
            expected.reduce((sum, { durationMs }) => sum + durationMs, 0),
            3,
          );
          const buckets = Array.from({ length: BUCKET_COUNT }, (_, bucket) => {
            const above = BUCKET_BOUNDS_MS[bucket - 1] ?? -1;
            const upTo = BUCKET_BOUNDS_MS[bucket] ?? Number.POSITIVE_INFINITY;
            return expected.filter(({ durationMs }) => durationMs > above && durationMs <= upTo)
              .length;
          });
          expect(counts.buckets).toEqual(buckets);
        }
        for (const thread of [0, 1, 2]) {
          const count = recordings.filter((recorded) => recorded.thread === thread).length;
          expect(other.operationsOf(thread)).toBe(count);
        }
      }),
      { seed: seedFromEnvironment() },
    );
  });

  test('tells reads by the class of their namespace, and what nothing serves', () => {
    const block = ServiceBlock.create(2);
    const [first, second] = [new ThreadMetrics(block, 0), new ThreadMetrics(block, 1)];
    first.recordReads('default', 3, 1);
    second.recordReads('default', 4, 0);
    second.recordReads('named', 0, 5);
    second.recordUnrouted();
    expect(block.sumReads('default')).toEqual({ hits: 7, misses: 1 });
    expect(block.sumReads('named')).toEqual({ hits: 0, misses: 5 });
    expect(block.sumUnrouted()).toBe(1);
    expect(block.sumOperations().every(({ buckets }) => buckets.every((n) => n === 0))).toBe(true);
  });

  test('a thread that ended has nothing open, and keeps its counts', () => {
    const block = ServiceBlock.create(2);
    const metrics = new ThreadMetrics(block, 1);
    metrics.recordOperation('get', 'ok', 1);
    metrics.recordUnrouted();
    const gauges = {
      connections: 5,
      sockets: 2,
      pendingRequests: 1,
      pendingWrites: 7,
      loopDelaysMs: [1, 2, 3] as const,
    };
    block.setGauges(1, gauges);
    block.setState(1, 'serving');
    expect(block.gaugesOf(1)).toEqual(gauges);
    expect(block.gaugesOf(0).connections).toBe(0);
    expect(block.sumGauge('connections')).toBe(5);
    expect(block.threadsIn('serving')).toEqual([1]);
    block.setState(1, 'ended');
    expect(block.sumGauge('connections')).toBe(0);
    expect(block.sumGauge('pendingWrites')).toBe(0);
    expect(block.operationsOf(1)).toBe(1);
    expect(block.sumUnrouted()).toBe(1);
    expect(block.threadsIn('none')).toEqual([0]);
  });
});

describe('quantiles', () => {
  const bucketsOf = (durationsMs: readonly number[]): readonly number[] => {
    const block = ServiceBlock.create(1);
    const metrics = new ThreadMetrics(block, 0);
    for (const durationMs of durationsMs) metrics.recordOperation('get', 'ok', durationMs);
    return block.sumOperations()[0]?.buckets ?? [];
  };

  test('lie in the bucket of the true one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 9_999, noNaN: true }), { minLength: 1 }),
        fc.constantFrom(0.5, 0.9, 0.99, 1),
        (durationsMs, share) => {
          const sorted = durationsMs.toSorted((left, right) => left - right);
          const exact = sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
          const upper = BUCKET_BOUNDS_MS.findIndex((boundMs) => exact <= boundMs);
          const found = quantileMs(bucketsOf(durationsMs), share);
          expect(found).toBeGreaterThanOrEqual(BUCKET_BOUNDS_MS[upper - 1] ?? 0);
          expect(found).toBeLessThanOrEqual(BUCKET_BOUNDS_MS[upper] ?? 0);
        },
      ),
      { seed: seedFromEnvironment() },
    );
  });

  test('of nothing and of what is above all bounds', () => {
    expect(quantileMs(bucketsOf([]), 0.99)).toBe(0);
    expect(slowestBoundMs(bucketsOf([]))).toBe(0);
    expect(quantileMs(bucketsOf([60_000]), 0.5)).toBe(10_000);
    expect(slowestBoundMs(bucketsOf([60_000, 1]))).toBe(null);
    expect(slowestBoundMs(bucketsOf([0.01, 0.3]))).toBe(0.5);
  });
});
