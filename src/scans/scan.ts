import { aborted, CacheError } from '../errors.js';
import type { KeyPattern } from './key-pattern.js';
import type { ScanOptions } from './scan-options.js';
import type { ScanOperation, ScanProgress } from './scan-progress.js';
import { type ScanMode, ScanSlice } from './scan-slice.js';
import type { SliceRunner } from './slice-runner.js';

const PROGRESS_MS = 50;

/** What a scan is about. */
export interface ScanTask {
  readonly operation: ScanOperation;
  readonly mode: Exclude<ScanMode, 'list'>;
  readonly namespaceId: number;
  readonly pattern: KeyPattern;
}

/** One scan that removes entries or makes them stale: shard by shard, slice by slice. */
export class Scan {
  readonly id: string;
  readonly #task: ScanTask;
  readonly #options: ScanOptions;
  readonly #runner: SliceRunner;
  readonly #assertOpen: () => void;
  readonly #slices: readonly ScanSlice[];
  #marks: Promise<unknown> = Promise.resolve();
  #state: ScanProgress['state'] = 'running';
  #scanned = 0;
  #matched = 0;
  #shardsDone = 0;
  #reportedMs = 0;

  constructor(
    id: string,
    task: ScanTask,
    options: ScanOptions,
    runner: SliceRunner,
    assertOpen: (operation: string) => void,
  ) {
    this.id = id;
    this.#task = task;
    this.#options = options;
    this.#runner = runner;
    this.#assertOpen = () => assertOpen(task.operation);
    const { session } = runner;
    this.#slices = Array.from(
      { length: session.shardCount },
      (_, shard) => new ScanSlice(session, task.mode, shard, task.namespaceId, task.pattern),
    );
  }

  get progress(): ScanProgress {
    const { operation, mode, pattern } = this.#task;
    const shardsTotal = this.#slices.length;
    const shardsDone = this.#shardsDone;
    return {
      id: this.id,
      operation,
      pattern: pattern.text,
      state: this.#state,
      deleted: mode === 'delete' ? this.#matched : 0,
      expired: mode === 'expire' ? this.#matched : 0,
      scanned: this.#scanned,
      shardsDone,
      shardsTotal,
      fraction: (shardsDone + (this.#slices[shardsDone]?.fraction ?? 0)) / shardsTotal,
    };
  }

  /**
   * Runs to the end. What was there at this call is dealt with, what is written later is not: the
   * first slices, which note what is there, go out before this call returns.
   */
  async run(): Promise<ScanProgress> {
    try {
      this.#check();
      this.#mark();
      this.#report();
      await this.#marks;
      for (const slice of this.#slices) {
        await this.#runShard(slice);
        this.#shardsDone += 1;
        if (this.#shardsDone < this.#slices.length) this.#report();
      }
      this.#state = 'done';
      this.#report();
      return this.progress;
    } catch (error) {
      const isAborted = CacheError.is(error) && error.code === 'ERR_CACHE_ABORTED';
      this.#state = isAborted ? 'aborted' : 'failed';
      throw error;
    }
  }

  #mark(): void {
    const marks = this.#slices.map((slice) => this.#runner.send(slice, this.#task.operation));
    this.#marks = Promise.all(marks);
    // Awaited only after code of the caller has run, which may throw.
    this.#marks.catch(ignore);
  }

  async #runShard(slice: ScanSlice): Promise<void> {
    const check = (): void => this.#check();
    while (!slice.isDone) {
      await this.#runner.run(slice, this.#task.operation, check);
      this.#scanned += slice.scanned;
      this.#matched += slice.matched;
      if (performance.now() - this.#reportedMs > PROGRESS_MS) this.#report();
    }
  }

  #check(): void {
    this.#assertOpen();
    const { signal } = this.#options;
    if (signal?.aborted) throw aborted(this.#task.operation, this.#soFar(), signal);
  }

  #soFar(): string {
    const { mode } = this.#task;
    const done = mode === 'delete' ? 'deleted' : 'made stale';
    const shards = `${this.#shardsDone} of ${this.#slices.length} shards were through`;
    return `${this.#matched} of ${this.#scanned} scanned entries were ${done}, ${shards}`;
  }

  #report(): void {
    const { onProgress } = this.#options;
    if (onProgress === undefined) return;
    onProgress(this.progress);
    this.#reportedMs = performance.now();
  }
}

function ignore(): void {
  // Whoever awaits the scan is told.
}
