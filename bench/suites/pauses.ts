import type { PausesOutcome, PausesParameter } from '../children/pauses.js';
import { type ChildScript, runChild } from '../lib/child.js';
import { createRandom, seedFor } from '../lib/random.js';
import { interleave, samplesOf } from '../lib/rounds.js';
import {
  atMost,
  type BenchContext,
  compare,
  type Parameter,
  pick,
  roundsOf,
  type Suite,
  type SuiteOutcome,
} from '../lib/suite.js';
import { fold } from '../lib/workload.js';

const ENTRIES: Parameter<number> = { real: 2_000_000, smoke: 5000 };
const SETTLE_MS: Parameter<number> = { real: 1000, smoke: 50 };
const CHURN_MS: Parameter<number> = { real: 8000, smoke: 200 };
const ROUNDS: Parameter<number> = { real: 5, smoke: 1 };
const SETS_PER_SECOND = 100_000;
const GETS_PER_SECOND = 100_000;

const CONTENDERS = [
  { name: 'hotshard', cache: 'hotshard' },
  { name: 'lru-cache ttl', cache: 'lru-cache' },
] as const;

const CHILD: ChildScript = {
  script: new URL('../children/pauses.js', import.meta.url),
  // Room on the heap for two million objects, so that no collection is one of despair.
  nodeFlags: ['--expose-gc', '--max-old-space-size=4096'],
};

async function run(context: BenchContext): Promise<SuiteOutcome> {
  const rounds = roundsOf(context, ROUNDS);
  const random = createRandom(seedFor(context.seed, 'pauses'));
  let hash = 0;
  const samples = await interleave(CONTENDERS, rounds, random, async (contender, round) => {
    const parameter: PausesParameter = {
      cache: contender.cache,
      entryCount: pick(context, ENTRIES),
      setsPerSecond: SETS_PER_SECOND,
      getsPerSecond: GETS_PER_SECOND,
      settleMs: pick(context, SETTLE_MS),
      churnMs: pick(context, CHURN_MS),
      seed: seedFor(context.seed, `pauses ${round}`),
    };
    const outcome = await runChild<PausesOutcome>(CHILD, parameter);
    context.log(
      `delay.churn round ${round + 1}: ${contender.name}: p99.9 ${outcome.p999Ms.toFixed(2)} ms, ` +
        `max ${outcome.maxMs.toFixed(1)} ms, ${outcome.setCount} sets, ${outcome.hitCount} hits ` +
        `of ${outcome.getCount} gets, ${outcome.itemCount} entries at the end`,
    );
    hash = fold(hash, parameter.seed);
    return outcome;
  });
  const [ours, theirs] = CONTENDERS.map(({ name }) => samplesOf(samples, name));
  const shared = { unit: 'ms', peer: CONTENDERS[1].name };
  const pick999 = (outcomes: readonly PausesOutcome[] = []) => outcomes.map((one) => one.p999Ms);
  const pickMax = (outcomes: readonly PausesOutcome[] = []) => outcomes.map((one) => one.maxMs);
  const p999 = { ...shared, name: 'delay.churn.p999', goal: atMost(0.1), aim: atMost(0.05) };
  const max = { ...shared, name: 'delay.churn.max' };
  return {
    results: [
      compare(p999, pick999(ours), pick999(theirs)),
      compare(max, pickMax(ours), pickMax(theirs)),
    ],
    skipped: [],
    hash,
  };
}

/** How long the event loop is held up. */
export const pausesSuite: Suite = {
  name: 'pauses',
  summary: 'event-loop delay with two million entries under churn, against lru-cache',
  resultNames: ['delay.churn.p999', 'delay.churn.max'],
  run,
};
