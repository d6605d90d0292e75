import type { DrainOutcome } from '../lifecycle.js';
import { ServiceBlock } from '../observability/service-block.js';
import { HttpWorker } from './http-worker.js';
import { ReplacementLimit } from './replacement-limit.js';
import type { WorkerSetup } from './thread-setup.js';

const REPLACEMENTS_MAX = 5;
const REPLACEMENTS_PERIOD_MS = 60_000;

/** Who is told of threads that end unasked. */
export interface WorkersLog {
  warn(line: string): void;
  fault(error: unknown): void;
}

/** What the workers work with. */
export interface WorkersParts {
  readonly setups: readonly WorkerSetup[];
  readonly log: WorkersLog;
  /** Called when a thread is dead for certain, before another takes its place. */
  readonly onLost: (setup: WorkerSetup) => void;
  /** Default: the one of the package; tests make one that fails. */
  readonly module?: URL;
}

/** The threads that serve beside the first one: started, replaced when they die, stopped. */
export class HttpWorkers {
  private readonly parts: WorkersParts;
  private readonly limit = new ReplacementLimit(REPLACEMENTS_MAX, REPLACEMENTS_PERIOD_MS);
  private readonly workers = new Map<number, HttpWorker>();
  private isStopping = false;

  private constructor(parts: WorkersParts) {
    this.parts = parts;
  }

  /**
   * Resolves when all of them serve.
   *
   * @throws what the first of them failed by; the others are stopped then
   */
  static async start(parts: WorkersParts): Promise<HttpWorkers> {
    const workers = new HttpWorkers(parts);
    for (const setup of parts.setups) workers.spawn(setup);
    try {
      await Promise.all([...workers.workers.values()].map((worker) => worker.serving));
    } catch (error) {
      await workers.stop(0, AbortSignal.abort());
      throw error;
    }
    for (const setup of parts.setups) workers.watch(setup);
    return workers;
  }

  /** Stops all of them at once; the worst outcome. */
  async stop(timeoutMs: number, hasten?: AbortSignal): Promise<readonly DrainOutcome[]> {
    this.isStopping = true;
    const workers = [...this.workers.values()];
    return Promise.all(workers.map((worker) => worker.stop(timeoutMs, hasten)));
  }

  private spawn(setup: WorkerSetup): HttpWorker {
    const worker = new HttpWorker(setup, this.parts.module);
    this.workers.set(setup.thread, worker);
    return worker;
  }

  private watch(setup: WorkerSetup): void {
    void this.workers.get(setup.thread)?.ended.then((failure) => {
      if (!this.isStopping) this.replace(setup, failure);
    });
  }

  private replace(setup: WorkerSetup, failure: Error | undefined): void {
    const { log, onLost } = this.parts;
    const block = new ServiceBlock(setup.block);
    this.workers.delete(setup.thread);
    block.setState(setup.thread, 'ended');
    onLost(setup);
    if (failure !== undefined) log.fault(failure);
    if (!this.limit.tryTake()) {
      block.noteGivenUp();
      log.warn(`HTTP thread ${setup.thread} ended; ${REPLACEMENTS_MAX} did in a minute: no more`);
      return;
    }
    log.warn(`HTTP thread ${setup.thread} ended and is started again`);
    block.noteReplaced();
    this.spawn(setup);
    this.watch(setup);
  }
}
