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

/** What the engine did, by its own counters. */
type EngineRates = Pick<
  TopSample,
  | 'readsPerSecond'
  | 'hitRatio'
  | 'setsPerSecond'
  | 'deletesPerSecond'
  | 'evictionsPerSecond'
  | 'expirationsPerSecond'
>;

const NO_RATES: EngineRates = {
  readsPerSecond: 0,
  hitRatio: undefined,
  setsPerSecond: 0,
  deletesPerSecond: 0,
  evictionsPerSecond: 0,
  expirationsPerSecond: 0,
};

/**
 * Makes rates of readings. The service counts its operations at once, and reads the counters of its
 * engine now and then: their rates are those between the last two of such readings.
 */
export class TopSampler {
  private before: StatsReport;
  private counted: StatsReport;
  private rates: EngineRates = NO_RATES;

  constructor(first: StatsReport) {
    this.before = first;
    this.counted = first;
  }

  /** @param intervalSeconds since the reading before, above 0 */
  next(stats: StatsReport, intervalSeconds: number): TopSample {
    // A service that was started anew counts from 0: that is no negative rate.
    if (stats.uptimeSeconds < this.before.uptimeSeconds) {
      this.before = stats;
      this.counted = stats;
      this.rates = NO_RATES;
    }
    // Threads read for themselves: one may answer with an older reading than the one before.
    if (stats.countedAtSeconds > this.counted.countedAtSeconds) {
      this.rates = engineRates(this.counted, stats);
      this.counted = stats;
    }
    const operations = operationSamples(this.before, stats, intervalSeconds);
    this.before = stats;
    return { stats, intervalSeconds, ...this.rates, operations };
  }
}

function engineRates(before: StatsReport, stats: StatsReport): EngineRates {
  const seconds = stats.countedAtSeconds - before.countedAtSeconds;
  const hits = stats.hits - before.hits;
  const reads = hits + stats.misses - before.misses;
  return {
    readsPerSecond: reads / seconds,
    hitRatio: reads === 0 ? undefined : hits / reads,
    setsPerSecond: (stats.sets - before.sets) / seconds,
    deletesPerSecond: (stats.deletes - before.deletes) / seconds,
    evictionsPerSecond: (stats.evictions - before.evictions) / seconds,
    expirationsPerSecond: (stats.expirations - before.expirations) / seconds,
  };
}

function operationSamples(
  before: StatsReport,
  stats: StatsReport,
  intervalSeconds: number,
): OperationSample[] {
  const earlier = new Map(Object.entries(before.operations));
  return Object.entries(stats.operations).map(([name, report]) => ({
    name,
    perSecond: (requestsOf(report) - requestsOf(earlier.get(name))) / intervalSeconds,
    p50Ms: report.p50Ms,
    p90Ms: report.p90Ms,
    p99Ms: report.p99Ms,
  }));
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
