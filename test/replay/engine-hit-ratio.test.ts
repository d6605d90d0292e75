import { describe, expect, test } from 'vitest';
import { findPublicTraces, isReadable, tracePath } from '../../bench/hit-ratio/public-traces.js';
import { createEngineTarget } from '../../bench/replay/engine-target.js';
import { parseCommandLine } from '../../bench/replay/options.js';
import { runReplay } from '../../bench/replay/replay-run.js';
import type { ReplayReport } from '../../bench/replay/report.js';
import { WORKLOADS } from '../../bench/replay/workloads.js';
import { scale, scaled } from '../support/scale.js';

const MEMORY_BYTES = 16 * 1024 ** 2;
const DIFFERENCE_MAX_POINTS = 0.3;
const WORKLOAD_REQUESTS = 60_000;
/** Short traces of different kinds: file system, programs, databases, the web. */
const PUBLIC_TRACES: ReadonlySet<string> = new Set([
  'lirs-sprite.trace.gz',
  'lirs-multi1.trace.gz',
  'lirs-2_pools.trace.gz',
  'lirs-scan.trace.gz',
  'cache2k-web12.trace.xz',
  'corda-vaultservice.gz',
  'apache-semicomplete-2015.csv.xz',
]);

async function replay(file: string, entriesMax: number | undefined): Promise<ReplayReport> {
  const argv = [file, '--memory', String(MEMORY_BYTES), '--value-bytes', '64'];
  if (file.startsWith('workload:')) argv.push('--limit', String(scaled(WORKLOAD_REQUESTS)));
  if (entriesMax !== undefined) argv.push('--entries', String(entriesMax));
  const options = parseCommandLine(argv);
  if (options.kind === 'help') throw new Error('no options');
  const target = await createEngineTarget({ memoryBytes: MEMORY_BYTES, entriesMax, shards: 1 });
  try {
    return await runReplay(options, target, { write: () => undefined });
  } finally {
    await target.close();
  }
}

function differencePoints({ outcome, lru }: ReplayReport): number {
  return Math.abs(outcome.counts.hits / outcome.counts.gets - lru.hits / lru.gets) * 100;
}

const publicTraces = (findPublicTraces()?.traces ?? []).filter(
  ({ file }) => PUBLIC_TRACES.has(file) && isReadable(file),
);
const publicCases = publicTraces.flatMap(({ file, requests, lruHits }) => {
  const cases = [...lruHits].map(([entriesMax, hits]) => ({ file, requests, entriesMax, hits }));
  // The middle of the three capacities, where a wrong order of eviction shows most.
  return scale() > 1 ? cases : cases.slice(1, 2);
});

if (publicCases.length > 0) {
  describe('public traces through one shard', () => {
    test.each(publicCases)('$file with $entriesMax entries', async (expected) => {
      const report = await replay(tracePath(expected.file), expected.entriesMax);
      expect(report.outcome.counts.requests).toBe(expected.requests);
      expect(report.lru).toEqual({ gets: expected.requests, hits: expected.hits });
      expect(report.occupancy?.items).toBe(expected.entriesMax);
      expect(differencePoints(report)).toBeLessThan(DIFFERENCE_MAX_POINTS);
    });
  });
}

describe('generated workloads through one shard', () => {
  const cases = WORKLOADS.flatMap(({ name }) =>
    [100, 2_000].map((entriesMax) => ({ name, entriesMax })),
  );

  test.each(cases)('$name with $entriesMax entries', async ({ name, entriesMax }) => {
    const report = await replay(`workload:${name}`, entriesMax);
    expect(report.occupancy?.items).toBe(entriesMax);
    expect(differencePoints(report)).toBeLessThan(DIFFERENCE_MAX_POINTS);
  });

  test('everything fits: every key misses once and hits ever after', async () => {
    const report = await replay('workload:zipf', undefined);
    expect(report.occupancy?.evictions).toBe(0);
    expect(report.lru.hits).toBe(report.outcome.counts.hits);
  });
});
