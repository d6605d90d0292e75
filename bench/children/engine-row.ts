import { collectGarbage, reportToParent } from '../lib/child.js';
import type { Contender } from '../lib/contender.js';
import { createRandom, type Random, seedFor } from '../lib/random.js';
import { interleave } from '../lib/rounds.js';
import { pick } from '../lib/suite.js';
import {
  benchObject,
  createWorkload,
  fold,
  newKeyOrder,
  randomOrder,
  type Workload,
} from '../lib/workload.js';
import { type EngineRow, engineRow, type RowEntry } from '../suites/engine-rows.js';

/** What the suite hands to the process of one row. */
export interface RowParameter {
  readonly row: string;
  readonly smoke: boolean;
  readonly rounds: number;
  readonly seed: number;
}

/** Nanoseconds per operation, by contender and round. */
export interface RowOutcome {
  readonly samples: Readonly<Record<string, readonly number[]>>;
  readonly hash: number;
}

/** Part of a turn that runs before the clock starts: caches and compiled code are then warm. */
const WARM_UP_SHARE = 0.2;
/** Entries of a contender's untimed run in a row of new keys. */
const NEW_WARM_UP_ENTRIES = 10_000;
/** Entries that are read back after a set. */
const READ_BACK_COUNT = 1000;

interface Runner {
  readonly name: string;
  readonly share: number;
  readonly contender: Contender;
}

interface RowRun {
  readonly row: EngineRow;
  readonly workload: Workload;
  readonly operations: number;
}

/** One turn of one contender. */
interface Turn {
  readonly nsPerOperation: number;
  readonly hash: number;
}

function expectedHash({ row, workload }: RowRun, order: Uint32Array): number {
  let hash = 0;
  for (const index of order) {
    const value = workload.values[index & workload.valueMask] as Buffer;
    const read = row.task === 'read-objects' ? benchObject(index).score : (value[0] as number);
    hash = fold(hash, read);
  }
  return hash;
}

/** Reads sampled entries back and compares each with the last value that the order set. */
async function readBack(run: RowRun, runner: Runner, order: Uint32Array): Promise<void> {
  const { workload } = run;
  const lastTurn = new Map<number, number>();
  const stride = Math.max(1, Math.floor(order.length / READ_BACK_COUNT));
  for (let turn = 0; turn < order.length; turn += stride) {
    lastTurn.set(order[turn] as number, turn);
  }
  for (const [turn, index] of order.entries()) {
    if (lastTurn.has(index)) {
      lastTurn.set(index, turn);
    }
  }
  for (const [index, turn] of lastTurn) {
    const expected = (workload.values[turn & workload.valueMask] as Buffer)[0];
    const found = await runner.contender.firstByteOf?.(index);
    if (found !== expected) {
      throw new Error(
        `${run.row.name}: ${runner.name} holds ${found} at ${index}, not ${expected}`,
      );
    }
  }
}

async function check(run: RowRun, runner: Runner, order: Uint32Array, hash: number) {
  if (run.row.task === 'set') {
    await readBack(run, runner, order);
    return;
  }
  const expected = expectedHash(run, order);
  if (hash !== expected) {
    throw new Error(`${run.row.name}: ${runner.name} read hash ${hash}, not ${expected}`);
  }
}

async function timeOrder(contender: Contender, order: Uint32Array): Promise<Turn> {
  const start = process.hrtime.bigint();
  const outcome = contender.run(order);
  // Only what is asynchronous by itself pays for an await.
  const hash = outcome instanceof Promise ? await outcome : outcome;
  const elapsedNs = Number(process.hrtime.bigint() - start);
  return { nsPerOperation: elapsedNs / order.length, hash };
}

async function measureHot(run: RowRun, runner: Runner, random: Random): Promise<Turn> {
  const count = Math.max(1, Math.round(run.operations * runner.share));
  const entryCount = run.workload.keys.length;
  const order = randomOrder(count, entryCount, random);
  const warmUp = randomOrder(Math.ceil(count * WARM_UP_SHARE), entryCount, random);
  collectGarbage();
  await runner.contender.run(warmUp);
  const turn = await timeOrder(runner.contender, order);
  await check(run, runner, order, turn.hash);
  return turn;
}

async function measureNew(run: RowRun, runner: Runner): Promise<Turn> {
  const order = newKeyOrder(run.operations);
  await runner.contender.open();
  collectGarbage();
  const turn = await timeOrder(runner.contender, order);
  await check(run, runner, order, turn.hash);
  await runner.contender.close();
  collectGarbage();
  return turn;
}

async function warmUpNew(run: RowRun, runner: Runner): Promise<void> {
  await runner.contender.open();
  await runner.contender.run(newKeyOrder(Math.min(NEW_WARM_UP_ENTRIES, run.operations)));
  await runner.contender.close();
}

function createRunner(entry: RowEntry, row: EngineRow, workload: Workload): Runner {
  const filled = row.keys === 'hot';
  const contender = entry.create({ name: entry.name, workload, filled });
  return { name: entry.name, share: entry.share, contender };
}

async function measureRow(parameter: RowParameter): Promise<RowOutcome> {
  const row = engineRow(parameter.row);
  const seed = seedFor(parameter.seed, row.name);
  const workload = createWorkload(pick(parameter, row.entries), seed);
  const run: RowRun = { row, workload, operations: pick(parameter, row.operations) };
  const runners = [row.ours, ...row.peers].map((entry) => createRunner(entry, row, workload));
  for (const runner of runners) {
    await (row.keys === 'hot' ? runner.contender.open() : warmUpNew(run, runner));
  }
  let hash = 0;
  const samples = await interleave(
    runners,
    parameter.rounds,
    createRandom(seed),
    async (runner, round) => {
      const turn = await (row.keys === 'hot'
        ? measureHot(run, runner, createRandom(seedFor(seed, `round ${round}`)))
        : measureNew(run, runner));
      hash = fold(hash, turn.hash);
      return turn.nsPerOperation;
    },
  );
  if (row.keys === 'hot') {
    for (const runner of runners) {
      await runner.contender.close();
    }
  }
  return { samples: Object.fromEntries(samples), hash };
}

await reportToParent(measureRow);
