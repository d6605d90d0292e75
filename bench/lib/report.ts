import type { Machine } from './machine.js';
import { type Goal, type Result, reaches, type Skip, type SuiteOutcome } from './suite.js';

/** What `--json` writes for one suite. */
export interface Report {
  readonly suite: string;
  readonly node: string;
  readonly cpu: string;
  readonly commit: string;
  readonly results: readonly Result[];
  readonly skipped: readonly Skip[];
  readonly cores: number;
  readonly smoke: boolean;
  readonly seed: number;
  /** Eight hexadecimal digits. */
  readonly hash: string;
  /** What only some suites have. */
  readonly details?: unknown;
}

/** How a run was asked for. */
export interface RunSettings {
  readonly smoke: boolean;
  readonly seed: number;
}

/** Joins a suite's outcome with the machine it ran on. */
export function createReport(
  suite: string,
  machine: Machine,
  settings: RunSettings,
  outcome: SuiteOutcome,
): Report {
  return {
    suite,
    node: machine.node,
    cpu: machine.cpu,
    commit: machine.commit,
    results: outcome.results,
    skipped: outcome.skipped,
    cores: machine.cores,
    smoke: settings.smoke,
    seed: settings.seed,
    hash: (outcome.hash >>> 0).toString(16).padStart(8, '0'),
    ...(outcome.details === undefined ? {} : { details: outcome.details }),
  };
}

/** A number with three significant digits, and thousands marked. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) {
    return String(value);
  }
  if (Math.abs(value) >= 100) {
    return Math.round(value).toLocaleString('en-US');
  }
  return value.toPrecision(3);
}

function formatGoal(goal: Goal | null, ratio: number, smoke: boolean): string {
  if (goal === null) {
    return '';
  }
  const text = `${goal.compare} ${goal.ratio}`;
  // A smoke run measures nothing, so it neither reaches nor misses anything.
  return smoke ? text : `${text} ${reaches(ratio, goal) ? 'reached' : 'MISSED'}`;
}

const HEADER = ['name', 'unit', 'ours', 'peer', "peer's", 'ratio', 'spread', 'goal', 'aim'];
const RIGHT_ALIGNED = new Set([2, 4, 5, 6]);

function cellsOf(result: Result, smoke: boolean): string[] {
  return [
    result.name,
    result.unit,
    formatNumber(result.value),
    result.peer,
    formatNumber(result.peerValue),
    formatNumber(result.ratio),
    `${formatNumber(result.spread.min)}..${formatNumber(result.spread.max)}`,
    formatGoal(result.goal, result.ratio, smoke),
    formatGoal(result.aim, result.ratio, smoke),
  ];
}

function alignRows(rows: readonly (readonly string[])[]): string[] {
  const widths = HEADER.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return RIGHT_ALIGNED.has(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** The machine, in one line. */
export function formatMachine(machine: Machine): string {
  const memoryGib = (machine.memoryBytes / 2 ** 30).toFixed(0);
  return [
    `node ${machine.node}`,
    `${machine.cpu} (${machine.cores} threads, ${memoryGib} GiB)`,
    machine.system,
    `commit ${machine.commit}`,
  ].join(' | ');
}

/** The table of a report, for people. */
export function formatReport(report: Report): string {
  const rows = [HEADER, ...report.results.map((result) => cellsOf(result, report.smoke))];
  const lines = [`suite ${report.suite}`, ...alignRows(rows)];
  for (const { name, peer, reason } of report.skipped) {
    lines.push(`not measured: ${name} against ${peer}: ${reason}`);
  }
  lines.push(`seed ${report.seed}, result hash ${report.hash}`);
  if (report.smoke) {
    lines.push('smoke run: it shows that the code works; its figures mean nothing');
  }
  return lines.join('\n');
}
