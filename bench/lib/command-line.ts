import { parseArgs } from 'node:util';

/** Which traces the suite of hit ratios reads, and where it writes its pages. */
export interface TraceSelection {
  /** Part of the name of the only traces to read; undefined for all. */
  readonly trace: string | undefined;
  /** The only number of entries to measure; undefined for all that are known of a trace. */
  readonly entries: number | undefined;
  /** Leaves out the long traces. */
  readonly quick: boolean;
  /** Undefined: a complete run writes into docs, any other none. */
  readonly outFolder: string | undefined;
}

/** What `npm run bench` was asked to do. */
export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'list' }
  | {
      readonly kind: 'run';
      /** A suite's name, or `all`. */
      readonly suite: string;
      readonly smoke: boolean;
      readonly jsonFile: string | undefined;
      readonly rounds: number | undefined;
      readonly seed: number;
      readonly selection: TraceSelection;
    };

/** A median of fewer rounds says little; only a smoke run may have fewer. */
export const ROUNDS_MIN = 5;
const DEFAULT_SEED = 1;

function readWhole(name: string, text: string | undefined, min: number): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || !Number.isSafeInteger(value)) {
    throw new RangeError(`--${name} must be a whole number of at least ${min}, not "${text}"`);
  }
  return value;
}

/**
 * Reads the command line.
 * Throws a RangeError or TypeError that says what is wrong with it.
 */
export function parseCommand(words: readonly string[]): Command {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      list: { type: 'boolean' },
      smoke: { type: 'boolean' },
      json: { type: 'string' },
      rounds: { type: 'string' },
      seed: { type: 'string' },
      trace: { type: 'string' },
      size: { type: 'string' },
      quick: { type: 'boolean' },
      out: { type: 'string' },
    },
  });
  if (values.help === true) {
    return { kind: 'help' };
  }
  if (values.list === true) {
    return { kind: 'list' };
  }
  const [suite, ...rest] = positionals;
  if (suite === undefined || rest.length > 0) {
    throw new RangeError('name one suite, or "all"; --list shows them');
  }
  const smoke = values.smoke === true;
  return {
    kind: 'run',
    suite,
    smoke,
    jsonFile: values.json,
    rounds: readWhole('rounds', values.rounds, smoke ? 1 : ROUNDS_MIN),
    seed: readWhole('seed', values.seed, 0) ?? DEFAULT_SEED,
    selection: {
      trace: values.trace,
      entries: readWhole('size', values.size, 1),
      quick: values.quick === true,
      outFolder: values.out,
    },
  };
}

/** What `--help` prints. */
export const HELP: string = `npm run bench -- SUITE [--smoke] [--json FILE] [--rounds N] [--seed N]

  SUITE        a suite's name, or "all"; --list shows the suites
  --smoke      tiny parameters: shows that the code works, measures nothing
  --json FILE  writes the report as JSON as well; "all" writes an array of reports
  --rounds N   rounds per contender, at least ${ROUNDS_MIN} (with --smoke at least 1)
  --seed N     seed of keys, values and orders; ${DEFAULT_SEED} unless given
  --trace NAME hit-ratio: only traces with this in their name
  --size N     hit-ratio: only caches of N entries
  --quick      hit-ratio: leaves out traces of more than 200,000 requests
  --out DIR    hit-ratio: where its page and plot go; a complete run writes into docs/, any other none
  --list       lists the suites and their result names
  --help       prints this`;
