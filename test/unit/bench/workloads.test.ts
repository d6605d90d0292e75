import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../bench/lib/random.js';
import { createZipf, WORKLOADS, workloadRecords } from '../../../bench/replay/workloads.js';

const SETTINGS = { seed: 7, requestCount: 30_000, keyCount: 1_000 };

describe.each(WORKLOADS)('$name', (workload) => {
  test('the same seed gives the same keys, all of them within their range', () => {
    const first = [...workload.keyNumbers(SETTINGS)];
    expect([...workload.keyNumbers(SETTINGS)]).toEqual(first);
    expect(first).toHaveLength(SETTINGS.requestCount);
    expect(Math.min(...first)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...first)).toBeLessThan(SETTINGS.keyCount);
    expect(new Set(first).size).toBeGreaterThan(SETTINGS.keyCount / 2);
  });

  test('a single key is enough', () => {
    const keys = [...workload.keyNumbers({ seed: 1, requestCount: 5_000, keyCount: 1 })];
    expect(new Set(keys)).toEqual(new Set([0]));
  });

  test('the requests come in batches as from a file', async () => {
    const batchSizes: number[] = [];
    const keys: string[] = [];
    for await (const batch of workloadRecords(workload, { ...SETTINGS, requestCount: 2_500 })) {
      batchSizes.push(batch.length);
      keys.push(...batch.map(({ key }) => key));
    }
    expect(batchSizes).toEqual([1_024, 1_024, 452]);
    expect(keys).toEqual(
      [...workload.keyNumbers({ ...SETTINGS, requestCount: 2_500 })].map((key) => `key:${key}`),
    );
  });
});

test('Zipf draws are as frequent as the law says', () => {
  const next = createZipf(createRandom(3), 100, 1);
  const counts = new Array<number>(100).fill(0);
  const draws = 200_000;
  for (let index = 0; index < draws; index += 1) {
    const rank = next();
    counts[rank] = (counts[rank] ?? 0) + 1;
  }
  const harmonic = counts.reduce((sum, _, rank) => sum + 1 / (rank + 1), 0);
  for (const rank of [0, 1, 9, 49]) {
    const expected = draws / harmonic / (rank + 1);
    expect((counts[rank] ?? 0) / expected).toBeGreaterThan(0.85);
    expect((counts[rank] ?? 0) / expected).toBeLessThan(1.15);
  }
});
