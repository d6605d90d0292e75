/** The home worker threads of engines that a test creates, so that it can end them. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Worker } from 'node:worker_threads';
import { startEngine } from '../../src/engine.js';
import type {
  Engine,
  EngineOptions,
  ShardRecoveredEvent,
  WorkerHungEvent,
  WorkerLostEvent,
} from '../../src/index.js';
import type { GroupInternals } from '../../workers/shard-group.js';
import { isFixture } from './attached-thread.js';
import { until } from './until.js';

/** An engine whose home workers are known, and what was published about them. */
export class WatchedEngine {
  readonly engine: Engine;
  /** In the order in which they were started, also those that have ended. */
  readonly workers: Worker[];
  readonly losses: WorkerLostEvent[] = [];
  readonly hangs: WorkerHungEvent[] = [];
  readonly recoveries: ShardRecoveredEvent[] = [];
  private readonly stopWatching: () => void;

  private constructor(engine: Engine, workers: Worker[], stopWatching: () => void) {
    this.engine = engine;
    this.workers = workers;
    this.stopWatching = stopWatching;
  }

  static async create(
    options: EngineOptions,
    internals: GroupInternals = {},
  ): Promise<WatchedEngine> {
    const workers: Worker[] = [];
    const noteWorker = (worker: Worker): void => {
      if (!isFixture(worker)) workers.push(worker);
    };
    process.on('worker', noteWorker);
    const engine = await startEngine(options, internals);
    const noteLoss = (event: unknown): void => {
      watched.losses.push(event as WorkerLostEvent);
    };
    const watched = new WatchedEngine(engine, workers, () => {
      process.off('worker', noteWorker);
      unsubscribe('hotshard:worker-lost', noteLoss);
    });
    subscribe('hotshard:worker-lost', noteLoss);
    engine.on('worker-hung', (event) => watched.hangs.push(event));
    engine.on('shard-recovered', (event) => watched.recoveries.push(event));
    return watched;
  }

  /** Home workers of the shards, as thread numbers; -1 where there is none. */
  get homes(): readonly number[] {
    return this.engine.stats().shards.map(({ homeThreadId }) => homeThreadId);
  }

  /** Ends a home worker at once, and resolves when the engine has dealt with it. */
  async lose(worker: Worker | undefined): Promise<void> {
    const { length } = this.losses;
    await worker?.terminate();
    await until('the loss is published', () => this.losses.length > length);
  }

  async close(): Promise<void> {
    this.stopWatching();
    await this.engine.close();
  }
}
