// R34: rings of a few records, home workers that pause: no command is lost or doubled, nobody
// sleeps for ever.

import { Worker } from 'node:worker_threads';
import { startEngine } from '../../../src/engine.js';
import { verifyEngine } from '../lib/internals.js';
import { until } from '../lib/waiting.js';
import type { RingThreadData, RingThreadReport } from '../threads/ring-thread.js';
import type { StressOptions, StressProgram } from './program.js';

const CALLERS = 3;
const HOME_WORKERS = 2;
/** Without an answer for so long, a wake-up is lost. */
const STANDSTILL_MS = 20_000;
const WORKER_MODULE = new URL('../threads/pausing-home-worker.js', import.meta.url);
const THREAD_MODULE = new URL('../threads/ring-thread.js', import.meta.url);

function reportOf(worker: Worker): Promise<RingThreadReport> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('a thread ended by itself')));
  });
}

async function play(commands: number, options: StressOptions): Promise<readonly string[]> {
  // The smallest memory has the smallest pages, and a ring is half a page.
  const engine = await startEngine(
    { memory: '8mb', shards: 2, workers: HOME_WORKERS, writes: { kind: 'ring' } },
    { workerModule: WORKER_MODULE },
  );
  const workers = Array.from({ length: CALLERS }, (_, thread) => {
    const workerData: RingThreadData = {
      handle: engine.handle(),
      thread,
      seed: options.seed,
      commands: Math.ceil(commands / CALLERS),
    };
    return new Worker(THREAD_MODULE, { workerData });
  });
  const problems: string[] = [];
  let ended = 0;
  const all = Promise.allSettled(
    workers.map((worker) => reportOf(worker).finally(() => (ended += 1))),
  );
  let seen = { sets: 0, sinceMs: performance.now() };
  await until(
    'all threads end',
    () => {
      const { sets } = engine.stats();
      if (sets !== seen.sets) seen = { sets, sinceMs: performance.now() };
      return ended === CALLERS || performance.now() - seen.sinceMs > STANDSTILL_MS;
    },
    Number.POSITIVE_INFINITY,
  );
  if (ended < CALLERS) {
    problems.push(`no command was applied for ${STANDSTILL_MS / 1_000} s: a wake-up is lost`);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  let sent = 0;
  for (const outcome of await all) {
    if (outcome.status === 'rejected') {
      problems.push(String(outcome.reason));
      continue;
    }
    sent += outcome.value.commands;
    problems.push(...outcome.value.problems);
  }
  const { sets, ringHighWater } = engine.stats();
  if (problems.length === 0 && sets !== sent) problems.push(`${sent} were sent, ${sets} applied`);
  problems.push(...verifyEngine(engine));
  options.print(`commands ${sent}, applied ${sets}, most bytes waiting in a ring ${ringHighWater}`);
  await engine.close();
  return problems;
}

/** R34. */
export const ringProgram: StressProgram = {
  name: 'ring',
  summary: 'R34: tiny rings, workers that pause: no command lost, doubled or left asleep',
  counts: { commands: 1_000_000 },
  run: (options) => play(options.counts['commands'] ?? 0, options),
};
