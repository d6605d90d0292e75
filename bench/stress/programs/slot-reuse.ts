// R28: one chunk is used by two keys in turn, and the sequences of the stripes begin just before
// they wrap: a reader must not take the value of the other key, nor half a value.

import { createEngine } from '../../../src/index.js';
import { createRandom } from '../../lib/random.js';
import { setStripes, verifyEngine } from '../lib/internals.js';
import { RegisterRun, type ThreadKind } from '../lib/register-run.js';
import { Registers } from '../lib/registers.js';
import { until } from '../lib/waiting.js';
import type { StressOptions, StressProgram } from './program.js';

const KEYS = 2;
const READERS = 2;
const WRITER = READERS;
const ROUNDS = 10;
/** Writes before a stripe wraps, at most. */
const WRITES_TO_WRAP_MAX = 500;

const THREAD: Omit<ThreadKind, 'ownKeyCount' | 'writesOf16'> = {
  firstKey: 0,
  sizes: 'one',
  mayEvict: true,
  trap: 'none',
};

interface Round {
  readonly problems: readonly string[];
  readonly reads: number;
  readonly retries: number;
  readonly sets: number;
}

async function playRound(reads: number, seed: number): Promise<Round> {
  // Room for one entry: either key takes the place of the other.
  const engine = await createEngine({ memory: '8mb', workers: 0, maxEntries: 1 });
  const registers = new Registers(KEYS, READERS + 1);
  const run = new RegisterRun(engine, registers, seed);
  const writes = 1 + createRandom(seed).below(WRITES_TO_WRAP_MAX);
  if (!setStripes(engine.handle(), 0, 2 ** 32 - 2 * writes)) run.problems.push('a shard is held');
  await run.start(WRITER, { ...THREAD, ownKeyCount: KEYS, writesOf16: 14 });
  for (let place = 0; place < READERS; place++) {
    await run.start(place, { ...THREAD, ownKeyCount: 0, writesOf16: 0 });
  }
  await until(
    'all reads are made and the sequences have wrapped',
    () => {
      run.watch();
      const isDone = registers.get('reads') >= reads && engine.stats().sets > 4 * writes;
      return isDone || run.problems.length > 0;
    },
    Number.POSITIVE_INFINITY,
  );
  await run.finish();
  const { readRetries: retries, sets } = engine.stats();
  run.problems.push(...verifyEngine(engine));
  await engine.close();
  return { problems: run.problems, reads: registers.get('reads'), retries, sets };
}

async function play(reads: number, options: StressOptions): Promise<readonly string[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push(await playRound(Math.ceil(reads / ROUNDS), options.seed + round));
    if ((rounds.at(-1)?.problems.length ?? 0) > 0) break;
  }
  const sum = (field: 'reads' | 'retries' | 'sets'): number =>
    rounds.reduce((total, round) => total + round[field], 0);
  options.print(
    `reads ${sum('reads')}, retries ${sum('retries')}, writes ${sum('sets')}; ` +
      `${rounds.length} times over the end of the sequence`,
  );
  return rounds.flatMap(({ problems }) => problems);
}

/** R28. */
export const slotReuseProgram: StressProgram = {
  name: 'slot-reuse',
  summary: 'R28: two keys share a chunk while stripe sequences wrap: 0 wrong values',
  counts: { reads: 10_000_000 },
  run: (options) => play(options.counts['reads'] ?? 0, options),
};
