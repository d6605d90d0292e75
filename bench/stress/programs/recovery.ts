// Kills threads at random points, also in the middle of a write, while others read and write on.

import { setTimeout as delay } from 'node:timers/promises';
import { setEnvironmentData, type Worker } from 'node:worker_threads';
import { startEngine } from '../../../src/engine.js';
import type { Engine, WritesOption } from '../../../src/index.js';
import { createRandom, type Random } from '../../lib/random.js';
import { checkedValue, sequenceOf } from '../lib/checked-value.js';
import { reclaim, shardOf, TRAP_WORDS, verifyEngine } from '../lib/internals.js';
import { isRunThread, RegisterRun, type RunThread, type ThreadKind } from '../lib/register-run.js';
import { keyName, Registers, THREAD_ARMED, THREAD_STOPPED } from '../lib/registers.js';
import { percentile, settles, until } from '../lib/waiting.js';
import type { StressOptions, StressProgram } from './program.js';

const SURVIVORS = 2;
const KEYS_PER_THREAD = 400;
/** Keys of threads that are killed; each thread has those of its place. */
const VICTIM_KEYS = 200;
const SHARDS = 4;
const HOME_WORKERS = 2;
/** With the creator. */
const THREADS = 1 + SURVIVORS + HOME_WORKERS;
const TRAP_STORES_MAX = 3_000;
/** Latest moment of a kill after the victim is at work. */
const KILL_MS_MAX = 12;
const WORKER_MODULE = new URL('../threads/trap-home-worker.js', import.meta.url);

/** `cut off`: a thread that lives on is stopped inside calls at random stores, again and again. */
const KILLS = [
  'attached',
  'attached at a store',
  'home worker',
  'home worker at a store',
  'cut off',
] as const;
type Kill = (typeof KILLS)[number];

/** Times of one kill, in milliseconds, as callers saw them. */
interface Sample {
  readonly kill: Kill;
  readonly readsMs: number;
  readonly writesMs: number;
  /** Shards that had to be recovered. */
  readonly recovered: number;
}

const SURVIVOR: Omit<ThreadKind, 'firstKey'> = {
  ownKeyCount: KEYS_PER_THREAD,
  writesOf16: 6,
  sizes: 'mixed',
  mayEvict: false,
  trap: 'none',
};

class RecoveryRun {
  readonly samples: Sample[] = [];
  readonly run: RegisterRun;
  readonly #engine: Engine;
  readonly #homeWorkers: Worker[];
  readonly #random: Random;
  readonly #trapWords: Int32Array;
  /** A key of each shard that nobody else uses. */
  readonly #probes: readonly string[];
  #recovered = 0;

  constructor(engine: Engine, homeWorkers: Worker[], seed: number, trapWords: Int32Array) {
    this.#engine = engine;
    this.#homeWorkers = homeWorkers;
    this.#random = createRandom(seed);
    this.#trapWords = trapWords;
    const keyCount = SURVIVORS * KEYS_PER_THREAD + VICTIM_KEYS;
    this.run = new RegisterRun(engine, new Registers(keyCount, SURVIVORS + 1), seed);
    const shards = engine.stats().shards.map((_, shard) => shard);
    this.#probes = shards.map((shard) => {
      let attempt = 0;
      while (shardOf(engine, `probe ${attempt}`) !== shard) attempt += 1;
      return `probe ${attempt}`;
    });
    engine.on('shard-recovered', () => {
      this.#recovered += 1;
    });
  }

  async play(kills: number, log: (line: string) => void): Promise<void> {
    for (let place = 0; place < SURVIVORS; place++) {
      await this.run.start(place, { ...SURVIVOR, firstKey: place * KEYS_PER_THREAD });
    }
    for (let count = 0; count < kills && this.run.problems.length === 0; count++) {
      const kill = KILLS[count % KILLS.length] as Kill;
      this.samples.push(await this.#kill(kill));
      this.run.watch();
      if ((count + 1) % 50 === 0) log(`${count + 1} kills`);
    }
  }

  async #kill(kill: Kill): Promise<Sample> {
    const recoveredBefore = this.#recovered;
    const isHome = kill.startsWith('home worker');
    const startMs = isHome ? await this.#killHomeWorker(kill) : await this.#killAttached(kill);
    await this.#readsAreBack();
    const readsMs = performance.now() - startMs;
    await this.#writesAreBack();
    const writesMs = performance.now() - startMs;
    // Until its slot is free something of it may still be on its way: its keys have a new writer
    // only then.
    await until(`the slot after the end of one ${kill} is free`, () => {
      reclaim(this.#engine);
      const { length } = this.#homeWorkers.filter(({ threadId }) => threadId >= 0);
      const isBack = length === HOME_WORKERS && this.#engine.stats().threads.length === THREADS;
      return isBack || this.run.problems.length > 0;
    });
    return { kill, readsMs, writesMs, recovered: this.#recovered - recoveredBefore };
  }

  async #killAttached(kill: Kill): Promise<number> {
    const atStore = kill === 'attached at a store';
    const other = kill === 'cut off' ? 'go on' : 'none';
    const victim = await this.run.start(SURVIVORS, {
      ...SURVIVOR,
      firstKey: SURVIVORS * KEYS_PER_THREAD,
      ownKeyCount: VICTIM_KEYS,
      writesOf16: 14,
      trap: atStore ? 'block' : other,
    });
    await delay(this.#random.below(KILL_MS_MAX + 1));
    if (atStore) await this.#stopAtStore(victim);
    const startMs = performance.now();
    await victim.kill();
    return startMs;
  }

  async #stopAtStore({ place }: RunThread): Promise<void> {
    const { registers, problems } = this.run;
    registers.setState(place, THREAD_ARMED);
    await until('the victim stops at a store', () => {
      return registers.state(place) === THREAD_STOPPED || problems.length > 0;
    });
  }

  async #killHomeWorker(kill: Kill): Promise<number> {
    const alive = this.#homeWorkers.filter(({ threadId }) => threadId >= 0);
    const ended = alive.length;
    const isGone = (): boolean => alive.filter(({ threadId }) => threadId >= 0).length < ended;
    if (kill === 'home worker') {
      await delay(this.#random.below(KILL_MS_MAX + 1));
      const startMs = performance.now();
      await alive[this.#random.below(alive.length)]?.terminate();
      return startMs;
    }
    Atomics.store(this.#trapWords, 0, 1 + this.#random.below(TRAP_STORES_MAX));
    await until('a home worker dies at a store', isGone);
    return performance.now();
  }

  async #readsAreBack(): Promise<void> {
    await until('reads are back', () =>
      this.#probes.every((key) => {
        this.#engine.get(key);
        return this.#engine.readState() !== 'busy';
      }),
    );
  }

  async #writesAreBack(): Promise<void> {
    const writes = this.#probes.map((key) => this.#engine.set(key, 'back'));
    await settles('writes are back', Promise.allSettled(writes));
  }

  finish(): void {
    const mayEvict = false;
    this.run.checkAll((keyId) => {
      const view = this.#engine.getView(keyName(keyId));
      return view === undefined ? 0 : sequenceOf(keyId, view.chunks);
    }, mayEvict);
  }
}

/** Runs so many kills on an engine of its own. */
async function recover(
  kind: WritesOption['kind'],
  kills: number,
  options: StressOptions,
): Promise<readonly string[]> {
  const trapWords = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData(TRAP_WORDS, trapWords as never);
  const homeWorkers: Worker[] = [];
  const note = (worker: Worker): void => {
    if (!isRunThread(worker)) homeWorkers.push(worker);
  };
  process.on('worker', note);
  const engine = await startEngine(
    {
      memory: options.memory,
      shards: SHARDS,
      workers: HOME_WORKERS,
      threads: HOME_WORKERS + SURVIVORS + 4,
      writes: { kind },
    },
    { workerModule: WORKER_MODULE, restartsMax: Number.POSITIVE_INFINITY },
  );
  const fill = await fillWith(engine, options);
  const recovery = new RecoveryRun(engine, homeWorkers, options.seed, trapWords);
  await recovery.play(kills, options.log);
  process.off('worker', note);
  const { run, samples } = recovery;
  const reports = await run.finish();
  recovery.finish();
  run.problems.push(...checkFill(engine, fill), ...verifyEngine(engine));
  const stats = engine.stats();
  if (stats.evictions > 0) run.problems.push(`${stats.evictions} entries were evicted`);
  options.print(
    `writes ${kind}: ${samples.length} kills, ${stats.items} entries, ` +
      `${stats.bytes} bytes in ${stats.memoryBytes}`,
  );
  print(samples, options);
  const sum = (field: 'reads' | 'writes' | 'unknown' | 'busy'): number =>
    reports.reduce((total, report) => total + report[field], 0);
  options.print(
    `  survivors: ${sum('reads')} reads, ${sum('busy')} busy, ${sum('writes')} writes, ` +
      `${sum('unknown')} with an unknown outcome`,
  );
  await engine.close();
  return run.problems;
}

const FILL_BYTES = 1_000;

/** Entries that nobody touches: recovery has to keep them. */
async function fillWith(engine: Engine, options: StressOptions): Promise<number> {
  const count = Math.floor(engine.stats().memoryBytes / 4 / FILL_BYTES);
  for (let keyId = 0; keyId < count; keyId++) {
    const answer = engine.set(`fill ${keyId}`.padEnd(24, '.'), checkedValue(keyId, 1, FILL_BYTES));
    if (keyId % 500 === 0) await answer;
  }
  options.log(`${count} entries beside`);
  return count;
}

function checkFill(engine: Engine, count: number): string[] {
  let lost = 0;
  let torn = 0;
  for (let keyId = 0; keyId < count; keyId++) {
    const view = engine.getView(`fill ${keyId}`.padEnd(24, '.'));
    if (view === undefined) lost += 1;
    else if (sequenceOf(keyId, view.chunks) !== 1) torn += 1;
  }
  const problems: string[] = [];
  if (lost > 0) problems.push(`${lost} of ${count} entries that nobody touched are lost`);
  if (torn > 0) problems.push(`${torn} of ${count} entries that nobody touched are torn`);
  return problems;
}

function print(samples: readonly Sample[], { print: out }: StressOptions): void {
  const line = (what: string, of: readonly Sample[]): void => {
    const times = (field: 'readsMs' | 'writesMs'): string => {
      const values = of.map((sample) => sample[field]);
      return `p50 ${percentile(values, 50).toFixed(1)} p99 ${percentile(values, 99).toFixed(1)} ms`;
    };
    out(`  ${what}: ${of.length}; reads back ${times('readsMs')}; writes ${times('writesMs')}`);
  };
  line('all kills', samples);
  line(
    'in mid-write',
    samples.filter(({ recovered }) => recovered > 0),
  );
  for (const kill of KILLS)
    line(
      kill,
      samples.filter((sample) => sample.kill === kill),
    );
}

/** Threads die at any point; nothing is lost, torn or left waiting. */
export const recoveryProgram: StressProgram = {
  name: 'recovery',
  summary: 'kills threads at random points: 0 corrupt reads, 0 lost entries, 0 hung callers',
  counts: { kills: 200 },
  async run(options) {
    const kills = options.counts['kills'] ?? 0;
    const half = Math.ceil(kills / 2);
    return [
      ...(await recover('inplace', half, options)),
      ...(await recover('ring', kills - half, { ...options, seed: options.seed + 1 })),
    ];
  },
};
