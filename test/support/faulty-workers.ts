/** Engines whose home workers go wrong on request. */
import { setEnvironmentData } from 'node:worker_threads';
import type { EngineOptions } from '../../src/index.js';
import type { GroupInternals } from '../../workers/shard-group.js';
import { WatchedEngine } from './home-workers.js';

/** How a home worker stops making rounds; the numbers of `fixtures/faulty-home-worker.mjs`. */
export const FAULTS = {
  'in an endless loop of JavaScript': 1,
  'in an endless loop of WebAssembly': 2,
  'asleep on a word that nobody wakes': 3,
  'in an endless loop with a shard held': 4,
} as const;

export type Fault = keyof typeof FAULTS;

const FAULTS_KEY = 'hotshard-faults';
const WORKER_MODULE = new URL('./fixtures/faulty-home-worker.mjs', import.meta.url);

/** An engine, and the way to make one of its workers fail. */
export class FaultyEngine {
  readonly watched: WatchedEngine;
  private readonly words: Int32Array;

  private constructor(watched: WatchedEngine, words: Int32Array) {
    this.watched = watched;
    this.words = words;
  }

  static async create(
    options: EngineOptions,
    internals: Omit<GroupInternals, 'workerModule'>,
  ): Promise<FaultyEngine> {
    const words = new Int32Array(new SharedArrayBuffer(8));
    // Only threads that are started from here on see them, each engine its own.
    setEnvironmentData(FAULTS_KEY, words as never);
    const watched = await WatchedEngine.create(options, {
      ...internals,
      workerModule: WORKER_MODULE,
    });
    return new FaultyEngine(watched, words);
  }

  /** The next worker that makes a round fails so; with a number, the worker of that thread slot. */
  fail(fault: Fault, threadId?: number): void {
    this.words[1] = threadId === undefined ? 0 : threadId + 1;
    Atomics.store(this.words, 0, FAULTS[fault]);
  }

  /** Whether a worker has failed as it was told to. */
  get hasFailed(): boolean {
    return Atomics.load(this.words, 0) === 0;
  }
}
