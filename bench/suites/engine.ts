import type { RowOutcome, RowParameter } from '../children/engine-row.js';
import { type ChildScript, runChild } from '../lib/child.js';
import {
  type BenchContext,
  type Comparison,
  compare,
  type Result,
  roundsOf,
  type Suite,
  type SuiteOutcome,
} from '../lib/suite.js';
import { fold } from '../lib/workload.js';
import { ENGINE_ROWS, type EngineRow, type RowPeer } from './engine-rows.js';

/** A process per row: what one row's contenders leave on the heap never meets another row. */
const ROW_CHILD: ChildScript = {
  script: new URL('../children/engine-row.js', import.meta.url),
  nodeFlags: ['--expose-gc'],
};

function comparisonOf(row: EngineRow, peer: RowPeer): Comparison {
  return {
    name: row.name,
    unit: 'ns/op',
    peer: peer.name,
    ...(peer.goal === undefined ? {} : { goal: peer.goal }),
    ...(peer.aim === undefined ? {} : { aim: peer.aim }),
  };
}

function resultsOf(row: EngineRow, { samples }: RowOutcome): Result[] {
  const ours = samples[row.ours.name] ?? [];
  return row.peers.map((peer) => compare(comparisonOf(row, peer), ours, samples[peer.name] ?? []));
}

async function run(context: BenchContext): Promise<SuiteOutcome> {
  const results: Result[] = [];
  let hash = 0;
  for (const row of ENGINE_ROWS) {
    const parameter: RowParameter = {
      row: row.name,
      smoke: context.smoke,
      rounds: roundsOf(context, row.rounds),
      seed: context.seed,
    };
    context.log(`${row.name}: ${row.peers.length + 1} contenders, ${parameter.rounds} rounds`);
    const outcome = await runChild<RowOutcome>(ROW_CHILD, parameter);
    results.push(...resultsOf(row, outcome));
    hash = fold(hash, outcome.hash);
  }
  return { results, skipped: [], hash };
}

/** Time per operation on one thread. */
export const engineSuite: Suite = {
  name: 'engine',
  summary: 'time per get and set on one thread, against lru-cache, Map and BentoCache',
  resultNames: ENGINE_ROWS.map((row) => row.name),
  run,
};
