import type { OperationReport, StatsReport } from '../../observability/stats-report.js';

/** What happened between two readings of `/stats`. */
export interface TopSample {
  readonly stats: StatsReport;
  /** Seconds between the readings. */
  readonly intervalSeconds: number;
  readonly readsPerSecond: number;
  /** Of the reads in between, 0 to 1; `undefined` when there was none. */
  readonly hitRatio: number | undefined;
  readonly setsPerSecond: number;
  readonly deletesPerSecond: number;
  readonly evictionsPerSecond: number;
  readonly expirationsPerSecond: number;
  readonly operations: readonly OperationSample[];
}

/** One operation: how often it was asked for in between, and its latency since the start. */
export interface OperationSample {
  readonly name: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
}

function requestsOf(report: OperationReport | undefined): number {
  return report === undefined ? 0 : report.ok + report.refused + report.failed;
}

/** @param intervalSeconds above 0 */
export function compareStats(
  before: StatsReport,
  stats: StatsReport,
  intervalSeconds: number,
): TopSample {
  // A service that was started anew counts from 0: that is no negative rate.
  const isSameRun = stats.uptimeSeconds >= before.uptimeSeconds;
  const since = (read: (report: StatsReport) => number): number =>
    isSameRun ? Math.max(0, read(stats) - read(before)) : 0;
  const rate = (read: (report: StatsReport) => number): number => since(read) / intervalSeconds;
  const hits = since((report) => report.hits);
  const reads = hits + since((report) => report.misses);
  const operations = Object.entries(stats.operations).map(([name, report]) => ({
    name,
    perSecond: rate(({ operations: by }) => requestsOf(by[name as keyof typeof by])),
    p50Ms: report.p50Ms,
    p90Ms: report.p90Ms,
    p99Ms: report.p99Ms,
  }));
  return {
    stats,
    intervalSeconds,
    readsPerSecond: reads / intervalSeconds,
    hitRatio: reads === 0 ? undefined : hits / reads,
    setsPerSecond: rate((report) => report.sets),
    deletesPerSecond: rate((report) => report.deletes),
    evictionsPerSecond: rate((report) => report.evictions),
    expirationsPerSecond: rate((report) => report.expirations),
    operations,
  };
}

/** One line of JSON for programs. */
export function sampleToJson(sample: TopSample, time: Date): string {
  const { stats, hitRatio, operations, ...rates } = sample;
  const { items, bytes, memoryBytes, connections, sockets, shards } = stats;
  return JSON.stringify({
    time: time.toISOString(),
    ...rates,
    hitRatio: hitRatio ?? null,
    items,
    bytes,
    memoryBytes,
    connections,
    sockets,
    operations: Object.fromEntries(operations.map(({ name, ...sampled }) => [name, sampled])),
    shards,
  });
}
