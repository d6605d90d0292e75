import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { createEngine, type Engine } from '../../src/index.js';
import {
  CONTROL_ACTIVE,
  CONTROL_QUIT,
  CONTROL_ROUND,
  CONTROL_STOP,
  CONTROL_WORDS,
  type ReaderInput,
  type ReaderReport,
} from '../children/threads-reader.js';
import { createRandom, seedFor } from '../lib/random.js';
import { interleave, samplesOf } from '../lib/rounds.js';
import {
  atLeast,
  type BenchContext,
  compare,
  type Parameter,
  pick,
  roundsOf,
  type Suite,
  type SuiteOutcome,
} from '../lib/suite.js';
import { createWorkload, fold, type Workload } from '../lib/workload.js';

const ENTRIES: Parameter<number> = { real: 10_000, smoke: 500 };
const ROUND_MS: Parameter<number> = { real: 2000, smoke: 50 };
const ROUNDS: Parameter<number> = { real: 9, smoke: 2 };
/** Goal and aim, as parts of perfect scaling. */
const GOAL_SHARE = 0.9;
const AIM_SHARE = 0.95;
const READER_SCRIPT = new URL('../children/threads-reader.js', import.meta.url);

/** The readers of a run and the words that steer them. */
interface Readers {
  readonly workers: readonly Worker[];
  readonly control: Int32Array;
}

function nextReport(worker: Worker): Promise<ReaderReport> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', onExit);
    };
    const onMessage = (report: ReaderReport): void => {
      settle();
      resolve(report);
    };
    const onError = (error: unknown): void => {
      settle();
      reject(error);
    };
    const onExit = (code: number): void => {
      settle();
      reject(new Error(`a reader ended with code ${code}`));
    };
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', onExit);
  });
}

async function startReaders(
  engine: Engine,
  count: number,
  context: BenchContext,
): Promise<Readers> {
  const control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));
  const workers = Array.from({ length: count }, (_, index) => {
    const workerData: ReaderInput = {
      handle: engine.handle(),
      control: control.buffer as SharedArrayBuffer,
      readerIndex: index,
      entryCount: pick(context, ENTRIES),
      seed: seedFor(context.seed, 'threads'),
    };
    return new Worker(READER_SCRIPT, { workerData });
  });
  // A reader reports once when it has attached and warmed up.
  await Promise.all(workers.map(nextReport));
  return { workers, control };
}

/** Lets the first `active` readers read for a fixed time; returns reads per second together. */
async function readTogether(readers: Readers, active: number, ms: number): Promise<number> {
  const { control, workers } = readers;
  const reports = workers.slice(0, active).map(nextReport);
  Atomics.store(control, CONTROL_STOP, 0);
  Atomics.store(control, CONTROL_ACTIVE, active);
  Atomics.add(control, CONTROL_ROUND, 1);
  Atomics.notify(control, CONTROL_ROUND);
  await delay(ms);
  Atomics.store(control, CONTROL_STOP, 1);
  let readsPerSecond = 0;
  for (const report of await Promise.all(reports)) {
    readsPerSecond += (report.readCount * 1000) / report.elapsedMs;
  }
  return readsPerSecond;
}

async function stopReaders({ control, workers }: Readers): Promise<void> {
  const exits = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  Atomics.store(control, CONTROL_QUIT, 1);
  Atomics.add(control, CONTROL_ROUND, 1);
  Atomics.notify(control, CONTROL_ROUND);
  await Promise.all(exits);
}

async function fill(engine: Engine, workload: Workload): Promise<number> {
  const { keys, values, valueMask } = workload;
  let hash = 0;
  for (const [index, key] of keys.entries()) {
    const value = values[index & valueMask] as Buffer;
    await engine.set(key, value);
    hash = fold(hash, value[0] as number);
  }
  return hash;
}

async function run(context: BenchContext): Promise<SuiteOutcome> {
  const threads = Math.max(2, availableParallelism());
  const rounds = roundsOf(context, ROUNDS);
  const random = createRandom(seedFor(context.seed, 'threads order'));
  const workload = createWorkload(pick(context, ENTRIES), seedFor(context.seed, 'threads'));
  const many = { name: `${threads} threads`, active: threads };
  const one = { name: '1 thread', active: 1 };
  const engine = await createEngine({ memory: '64mb', threads: threads + 2 });
  const hash = await fill(engine, workload);
  const readers = await startReaders(engine, threads, context);
  context.log(`get.scaling: ${threads} threads against 1, ${rounds} rounds`);
  const samples = await interleave([many, one], rounds, random, ({ active }) =>
    readTogether(readers, active, pick(context, ROUND_MS)),
  );
  await stopReaders(readers);
  await engine.close();
  const comparison = {
    name: 'get.scaling',
    unit: `reads/s, ${many.name}`,
    peer: one.name,
    goal: atLeast(GOAL_SHARE * threads),
    aim: atLeast(AIM_SHARE * threads),
  };
  const result = compare(comparison, samplesOf(samples, many.name), samplesOf(samples, one.name));
  return { results: [result], skipped: [], hash };
}

/** How reads scale with threads. */
export const threadsSuite: Suite = {
  name: 'threads',
  summary: 'reads per second of all cores together, against one thread',
  resultNames: ['get.scaling'],
  run,
};
