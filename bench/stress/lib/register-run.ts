// A run of threads over keys whose writes are numbered: starts and ends them, kills them, watches
// that they get on, collects what they found.

import { Worker } from 'node:worker_threads';
import type { Engine } from '../../../src/index.js';
import type { RegisterThreadData, RegisterThreadReport } from '../threads/register-thread.js';
import { type Registers, THREAD_AT_WORK } from './registers.js';
import { until } from './waiting.js';

const THREAD_MODULE = new URL('../threads/register-thread.js', import.meta.url);
const STANDSTILL_MS = 30_000;

/** What a kind of thread does; the rest follows from the run. */
export type ThreadKind = Pick<
  RegisterThreadData,
  'writesOf16' | 'sizes' | 'mayEvict' | 'trap' | 'firstKey' | 'ownKeyCount'
>;

const runThreads = new WeakSet<Worker>();

/** Whether a thread is one of a run, not one of the engine. */
export function isRunThread(worker: Worker): boolean {
  return runThreads.has(worker);
}

interface Message {
  readonly problem?: string;
  readonly report?: RegisterThreadReport;
}

/** A thread of a run. */
export class RunThread {
  readonly worker: Worker;
  readonly place: number;
  /** Resolves when the thread is gone, with its report if it made one. */
  readonly ended: Promise<RegisterThreadReport | undefined>;
  #isKilled = false;

  constructor(worker: Worker, place: number, onProblem: (problem: string) => void) {
    this.worker = worker;
    this.place = place;
    let report: RegisterThreadReport | undefined;
    worker.on('message', (message: Message) => {
      if (message.problem !== undefined) onProblem(message.problem);
      report = message.report ?? report;
    });
    worker.on('error', (error) => {
      if (!this.#isKilled) onProblem(`thread ${place} failed: ${error.stack ?? error.message}`);
    });
    this.ended = new Promise((resolve) => {
      worker.once('exit', () => {
        if (report === undefined && !this.#isKilled) onProblem(`thread ${place} ended by itself`);
        resolve(report);
      });
    });
  }

  /** Ends it at once, whatever it does. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    await this.worker.terminate();
  }
}

/** Threads over one engine. */
export class RegisterRun {
  readonly registers: Registers;
  readonly problems: string[] = [];
  readonly #engine: Engine;
  readonly #seed: number;
  readonly #threads = new Set<RunThread>();
  readonly #reports: RegisterThreadReport[] = [];
  readonly #seen = new Map<RunThread, { progress: number; sinceMs: number }>();
  #started = 0;

  constructor(engine: Engine, registers: Registers, seed: number) {
    this.#engine = engine;
    this.registers = registers;
    this.#seed = seed;
  }

  /** Starts a thread in a place; resolves when it is at work. */
  async start(place: number, kind: ThreadKind): Promise<RunThread> {
    this.#started += 1;
    const { buffer, keyCount, threadCount } = this.registers;
    const workerData: RegisterThreadData = {
      ...kind,
      handle: this.#engine.handle(),
      registers: buffer,
      keyCount,
      threadCount,
      thread: place,
      seed: this.#seed + this.#started,
    };
    this.registers.setState(place, 0);
    const worker = new Worker(THREAD_MODULE, { workerData });
    runThreads.add(worker);
    const thread = new RunThread(worker, place, (problem) => this.problems.push(problem));
    this.#threads.add(thread);
    void thread.ended.then((report) => {
      this.#threads.delete(thread);
      if (report !== undefined) this.#reports.push(report);
    });
    await until('a thread is at work', () => {
      return this.registers.state(place) >= THREAD_AT_WORK || this.problems.length > 0;
    });
    return thread;
  }

  /** Notes threads that do not get on; call it often. */
  watch(except?: RunThread): void {
    const nowMs = performance.now();
    for (const thread of this.#threads) {
      const progress = this.registers.progress(thread.place);
      const seen = this.#seen.get(thread);
      if (thread === except || seen === undefined || seen.progress !== progress) {
        this.#seen.set(thread, { progress, sinceMs: nowMs });
      } else if (nowMs - seen.sinceMs > STANDSTILL_MS) {
        this.problems.push(`thread ${thread.place} hangs in a call`);
        this.#seen.set(thread, { progress, sinceMs: nowMs });
      }
    }
  }

  /** Tells all threads to end; the reports of all that ended by themselves. */
  async finish(): Promise<readonly RegisterThreadReport[]> {
    this.registers.set('stop', 1);
    try {
      await until('all threads end', () => this.#threads.size === 0, 2 * STANDSTILL_MS);
    } catch {
      this.problems.push(`${this.#threads.size} threads do not end`);
      await Promise.all([...this.#threads].map((thread) => thread.kill()));
    }
    return this.#reports;
  }

  /** Reads of the keys by this thread, once nobody writes any more. */
  checkAll(read: (keyId: number) => number, mayEvict: boolean): void {
    for (let keyId = 0; keyId < this.registers.keyCount; keyId++) {
      const acknowledged = this.registers.acknowledged(keyId);
      const sequence = read(keyId);
      const problem =
        sequence < 0
          ? `key ${keyId} has a torn value`
          : this.registers.problem(keyId, acknowledged, sequence, mayEvict);
      if (problem !== undefined) this.problems.push(`in the end ${problem}`);
    }
  }
}
