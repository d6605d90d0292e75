import type { LruBound } from '../hit-ratio/exact-lru.js';
import type { Machine } from '../lib/machine.js';
import type { LruOutcome } from './lru-comparison.js';
import type { ReplayOutcome } from './replay.js';
import type { CacheOccupancy } from './replay-target.js';
import type { TraceTally } from './trace-reader.js';

/** Everything that a finished replay has to say. */
export interface ReplayReport {
  readonly trace: string;
  readonly target: string;
  readonly outcome: ReplayOutcome;
  readonly tally: TraceTally;
  readonly occupancy: CacheOccupancy | undefined;
  readonly bound: LruBound;
  readonly lru: LruOutcome;
}

export interface ReplayResultRow {
  readonly name: string;
  readonly unit: string;
  readonly value: number | null;
  readonly peer: string | null;
  readonly peerValue: number | null;
  readonly ratio: number | null;
}

const PERCENTILES = [
  ['p50', 0.5],
  ['p99', 0.99],
  ['p99.9', 0.999],
] as const;

function percentOf(hits: number, gets: number): number | undefined {
  return gets === 0 ? undefined : (hits / gets) * 100;
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function formatPercent(percent: number | undefined): string {
  return percent === undefined ? 'none: the trace holds no get' : `${percent.toFixed(2)} %`;
}

/** Nanoseconds in the unit that reads best. */
export function formatDuration(ns: number): string {
  if (ns < 1_000) return `${ns.toFixed(0)} ns`;
  if (ns < 1_000_000) return `${(ns / 1_000).toFixed(2)} µs`;
  return `${(ns / 1_000_000).toFixed(2)} ms`;
}

function formatBytes(bytes: number): string {
  const mebibytes = bytes / 1024 ** 2;
  return mebibytes >= 1 ? `${mebibytes.toFixed(1)} MiB` : `${(bytes / 1024).toFixed(1)} KiB`;
}

function formatBound(bound: LruBound): string {
  if (bound.kind === 'entries') return `${count(bound.entriesMax)} entries`;
  return Number.isFinite(bound.bytesMax)
    ? `${formatBytes(bound.bytesMax)} of keys and values, as held at the end`
    : 'without bound, because nothing was evicted';
}

function lruLine(report: ReplayReport): string {
  const own = percentOf(report.outcome.counts.hits, report.outcome.counts.gets);
  const exact = percentOf(report.lru.hits, report.lru.gets);
  const line = `${formatPercent(exact)}  (${formatBound(report.bound)}`;
  if (own === undefined || exact === undefined) return `${line})`;
  const difference = own - exact;
  return `${line}; difference ${difference >= 0 ? '+' : ''}${difference.toFixed(2)} points)`;
}

function latencyLine(report: ReplayReport): string {
  const { latency } = report.outcome;
  const parts = PERCENTILES.map(([name, share]) => {
    const ns = latency.percentileNs(share);
    return `${name} ${ns === undefined ? 'none' : formatDuration(ns)}`;
  });
  return parts.join('   ');
}

function notes(report: ReplayReport): string[] {
  const { counts } = report.outcome;
  const { tally, occupancy, bound } = report;
  const lines: string[] = [];
  if (tally.malformed > 0) {
    lines.push(
      `malformed  ${count(tally.malformed)}, left out; the first is ${tally.firstMalformed}`,
    );
  }
  if (tally.skipped > 0) {
    const noun = tally.skipped === 1 ? 'line' : 'lines';
    lines.push(`skipped    ${count(tally.skipped)} ${noun} without a request`);
  }
  if (counts.tooLarge > 0) {
    lines.push(
      `too large  ${count(counts.tooLarge)} values from ${formatBytes(counts.tooLargeBytesMin)} up ` +
        'were never stored, neither by the exact LRU',
    );
  }
  if (counts.refused > 0) lines.push(`refused    ${count(counts.refused)} sets found no room`);
  const isMemoryFirst =
    bound.kind === 'entries' &&
    occupancy !== undefined &&
    occupancy.evictions > 0 &&
    occupancy.items < bound.entriesMax;
  if (isMemoryFirst) {
    lines.push(
      'note       the memory was full before the entries: the exact LRU has more room, ' +
        'give more --memory to compare',
    );
  }
  return lines;
}

/** The report for people. */
export function formatReport(report: ReplayReport): string {
  const { counts } = report.outcome;
  const seconds = counts.durationMs / 1_000;
  const rate = seconds > 0 ? Math.round(counts.requests / seconds) : 0;
  const { occupancy } = report;
  const lines = [
    `trace      ${report.trace}`,
    `cache      ${report.target}`,
    `requests   ${count(counts.requests)}  (${count(counts.gets)} gets, ${count(counts.sets)} sets, ` +
      `${count(counts.deletes)} deletes) in ${seconds.toFixed(1)} s, ${count(rate)}/s`,
    `hit ratio  ${formatPercent(percentOf(counts.hits, counts.gets))}`,
    `exact LRU  ${lruLine(report)}`,
    `get        ${latencyLine(report)}`,
    ...(occupancy === undefined
      ? []
      : [`at the end ${count(occupancy.items)} entries, ${count(occupancy.evictions)} evicted`]),
    ...notes(report),
  ];
  return `${lines.join('\n')}\n`;
}

function resultRows(report: ReplayReport): ReplayResultRow[] {
  const { counts, latency } = report.outcome;
  const own = percentOf(counts.hits, counts.gets) ?? null;
  const exact = percentOf(report.lru.hits, report.lru.gets) ?? null;
  const ratio = own === null || exact === null || exact === 0 ? null : own / exact;
  const alone = { peer: null, peerValue: null, ratio: null };
  return [
    { name: 'requests', unit: '1', value: counts.requests, ...alone },
    { name: 'hit.ratio', unit: '%', value: own, peer: 'exact LRU', peerValue: exact, ratio },
    ...PERCENTILES.map(([name, share]) => ({
      name: `get.${name.replace('.', '')}`,
      unit: 'ns',
      value: latency.percentileNs(share) ?? null,
      ...alone,
    })),
  ];
}

/** The report for programs, in the form of the benchmark suites. */
export function reportJson(report: ReplayReport, machine: Machine): string {
  const { counts } = report.outcome;
  const document = {
    suite: 'replay',
    node: machine.node,
    cpu: machine.cpu,
    commit: machine.commit,
    trace: report.trace,
    target: report.target,
    lruBound: {
      kind: report.bound.kind,
      // Null stands for no bound, JSON has no infinity.
      max: report.bound.kind === 'entries' ? report.bound.entriesMax : report.bound.bytesMax,
    },
    counts: {
      ...counts,
      tooLargeBytesMin: counts.tooLarge === 0 ? null : counts.tooLargeBytesMin,
      lruHits: report.lru.hits,
      malformed: report.tally.malformed,
      skipped: report.tally.skipped,
    },
    results: resultRows(report),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
