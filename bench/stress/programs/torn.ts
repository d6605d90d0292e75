// Reads that are checked word by word, under hot writers, threads that die, and pages that change
// their size class.

import { setTimeout as delay } from 'node:timers/promises';
import { setEnvironmentData, type Worker } from 'node:worker_threads';
import { startEngine } from '../../../src/engine.js';
import { createRandom } from '../../lib/random.js';
import { sequenceOf } from '../lib/checked-value.js';
import { reclaim, TRAP_WORDS, verifyEngine } from '../lib/internals.js';
import { isRunThread, RegisterRun, type ThreadKind } from '../lib/register-run.js';
import { keyName, Registers } from '../lib/registers.js';
import { until } from '../lib/waiting.js';
import type { StressOptions, StressProgram } from './program.js';

const READERS = 2;
const KEYS_PER_THREAD = 2_000;
const VICTIM_KEYS = 500;
const MEMORY = '16mb';
const SHARDS = 2;
const HOME_WORKERS = 2;
/** Between two kills, at most. */
const KILL_EVERY_MS = 150;
const TRAP_STORES_MAX = 2_000;
const KILLS_PER_PHASE = 1;
const WORKER_MODULE = new URL('../threads/trap-home-worker.js', import.meta.url);

const READER: Omit<ThreadKind, 'firstKey'> = {
  ownKeyCount: KEYS_PER_THREAD,
  writesOf16: 3,
  sizes: 'shifting',
  mayEvict: true,
  trap: 'none',
};

async function runTorn(reads: number, options: StressOptions): Promise<readonly string[]> {
  const trapWords = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData(TRAP_WORDS, trapWords as never);
  const homeWorkers: Worker[] = [];
  const note = (worker: Worker): void => {
    if (!isRunThread(worker)) homeWorkers.push(worker);
  };
  process.on('worker', note);
  const engine = await startEngine(
    { memory: MEMORY, shards: SHARDS, workers: HOME_WORKERS },
    { workerModule: WORKER_MODULE, restartsMax: Number.POSITIVE_INFINITY },
  );
  const keyCount = READERS * KEYS_PER_THREAD + VICTIM_KEYS;
  const registers = new Registers(keyCount, READERS + 1);
  const run = new RegisterRun(engine, registers, options.seed);
  const random = createRandom(options.seed);
  registers.set('readsMax', reads);
  for (let place = 0; place < READERS; place++) {
    await run.start(place, { ...READER, firstKey: place * KEYS_PER_THREAD });
  }
  let kills = 0;
  while (registers.get('reads') < reads && run.problems.length === 0) {
    registers.set('phase', Math.floor(kills / KILLS_PER_PHASE));
    const threads = engine.stats().threads.length;
    const victim = await run.start(READERS, {
      ...READER,
      firstKey: READERS * KEYS_PER_THREAD,
      ownKeyCount: VICTIM_KEYS,
    });
    await delay(random.below(KILL_EVERY_MS));
    if (kills % 2 === 0) Atomics.store(trapWords, 0, 1 + random.below(TRAP_STORES_MAX));
    await victim.kill();
    await until('its slot is free', () => {
      reclaim(engine);
      return engine.stats().threads.length <= threads || run.problems.length > 0;
    });
    kills += 1;
    run.watch();
  }
  const reports = await run.finish();
  process.off('worker', note);
  run.checkAll((keyId) => {
    const view = engine.getView(keyName(keyId));
    return view === undefined ? 0 : sequenceOf(keyId, view.chunks);
  }, true);
  run.problems.push(...verifyEngine(engine));
  const { readRetries, busyReads, evictions, shards } = engine.stats();
  const pagesMoved = shards.reduce((sum, shard) => sum + shard.pagesMoved, 0);
  const torn = run.problems.filter((problem) => problem.includes('torn')).length;
  const writes = reports.reduce((sum, report) => sum + report.writes, 0);
  options.print(
    `reads ${registers.get('reads')}, retries ${readRetries}, busy ${busyReads}, torn ${torn}; ` +
      `${writes} writes, ${kills} kills of threads and ${homeWorkers.length - HOME_WORKERS} of ` +
      `home workers, ${evictions} evictions, ${pagesMoved} pages moved`,
  );
  await engine.close();
  return run.problems;
}

/** No read is torn, whatever happens meanwhile. */
export const tornProgram: StressProgram = {
  name: 'torn',
  summary: 'validated reads under writers, kills and page moves: 0 torn values',
  counts: { reads: 10_000_000 },
  run: (options) => runTorn(options.counts['reads'] ?? 0, options),
};
