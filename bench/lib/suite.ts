import type { TraceSelection } from './command-line.js';
import { median, ratiosPerRound, type Spread, spreadOf } from './statistics.js';

/** What a ratio must be to count as reached. */
export interface Goal {
  readonly compare: '<=' | '>=';
  readonly ratio: number;
}

/** One line of a report: our figure beside one peer's. */
export interface Result {
  readonly name: string;
  readonly unit: string;
  /** Our median over the rounds. */
  readonly value: number;
  readonly peer: string;
  /** The peer's median over the rounds. */
  readonly peerValue: number;
  /** Median over the rounds of (ours / peer in the same round). */
  readonly ratio: number;
  /** Smallest and largest ratio of a round. */
  readonly spread: Spread;
  /** What this version has to reach; null where the row only informs. */
  readonly goal: Goal | null;
  /** What the design wants in the end; null where it says nothing. */
  readonly aim: Goal | null;
  readonly rounds: number;
}

/** A row that could not be measured on this machine, and why. */
export interface Skip {
  readonly name: string;
  readonly peer: string;
  readonly reason: string;
}

/** What a suite hands back. */
export interface SuiteOutcome {
  readonly results: readonly Result[];
  readonly skipped: readonly Skip[];
  /** Folds what was read; it depends on the seed and the parameters only. */
  readonly hash: number;
  /** Text for people, printed above the table of results. */
  readonly pages?: readonly string[];
  /** What the JSON report has besides the results. */
  readonly details?: unknown;
}

/** What every suite is given. */
export interface BenchContext {
  readonly smoke: boolean;
  /** As asked for on the command line; undefined means the suite's own number. */
  readonly rounds: number | undefined;
  readonly seed: number;
  readonly selection: TraceSelection;
  /** Progress for people; never part of the report. */
  readonly log: (line: string) => void;
}

/** One question, asked by `npm run bench -- NAME`. */
export interface Suite {
  readonly name: string;
  readonly summary: string;
  /** Every result name that the suite can report. */
  readonly resultNames: readonly string[];
  readonly run: (context: BenchContext) => Promise<SuiteOutcome>;
}

/** A parameter: its value for a measurement, and a tiny one that only proves the code runs. */
export interface Parameter<T> {
  readonly real: T;
  readonly smoke: T;
}

/** The value of a parameter in this run. */
export function pick<T>(context: { readonly smoke: boolean }, parameter: Parameter<T>): T {
  return context.smoke ? parameter.smoke : parameter.real;
}

/** The number of rounds in this run. */
export function roundsOf(context: BenchContext, rounds: Parameter<number>): number {
  return context.rounds ?? pick(context, rounds);
}

/** What `compare` needs besides the samples. */
export interface Comparison {
  readonly name: string;
  readonly unit: string;
  readonly peer: string;
  readonly goal?: Goal;
  readonly aim?: Goal;
}

/**
 * Makes a result of two contenders' samples. The ratio is taken round by round and its median
 * reported: a neighbour that slows the machine down for a while then falls on both sides.
 */
export function compare(
  comparison: Comparison,
  ours: readonly number[],
  theirs: readonly number[],
): Result {
  const ratios = ratiosPerRound(ours, theirs);
  return {
    name: comparison.name,
    unit: comparison.unit,
    value: median(ours),
    peer: comparison.peer,
    peerValue: median(theirs),
    ratio: median(ratios),
    spread: spreadOf(ratios),
    goal: comparison.goal ?? null,
    aim: comparison.aim ?? null,
    rounds: ratios.length,
  };
}

/** The goal "at most this ratio", for times and bytes. */
export function atMost(ratio: number): Goal {
  return { compare: '<=', ratio };
}

/** The goal "at least this ratio", for rates. */
export function atLeast(ratio: number): Goal {
  return { compare: '>=', ratio };
}

/** Whether a ratio reaches a goal. */
export function reaches(ratio: number, goal: Goal): boolean {
  return goal.compare === '<=' ? ratio <= goal.ratio : ratio >= goal.ratio;
}
