import { CacheError } from '../errors.js';
import type { ThreadSession } from '../thread-session.js';
import type { CommandWriter } from '../writes/command-writer.js';
import { Scan, type ScanTask } from './scan.js';
import type { ScanOptions } from './scan-options.js';
import type { ScanProgress } from './scan-progress.js';
import { SliceRunner } from './slice-runner.js';

/** Scans that have ended and can still be looked up. */
const ENDED_MAX = 64;

/** The scans of one thread: starts them, and tells of those that run or ended lately. */
export class ScanBook {
  readonly runner: SliceRunner;
  readonly assertOpen: (operation: string) => void;
  readonly #running = new Map<string, Scan>();
  readonly #ended = new Map<string, ScanProgress>();
  #count = 0;

  constructor(
    session: ThreadSession,
    writer: CommandWriter,
    assertOpen: (operation: string) => void,
  ) {
    this.runner = new SliceRunner(session, writer);
    this.assertOpen = assertOpen;
  }

  /**
   * Starts a scan; resolves to what `take` makes of its end. An error of the cache never becomes an
   * unhandled rejection; `noteFailure` is told of it, unless the caller asked for it by a signal.
   */
  start<R>(
    task: ScanTask,
    options: ScanOptions,
    take: (end: ScanProgress) => R,
    noteFailure: (error: CacheError) => void,
  ): Promise<R> {
    this.#count += 1;
    const id = `${this.runner.session.threadId}-${this.#count}`;
    const scan = new Scan(id, task, options, this.runner, this.assertOpen);
    this.#running.set(id, scan);
    const run = scan.run();
    const promise = new Promise<R>((resolve, reject) => {
      const end = (): void => this.#end(scan);
      const succeed = (progress: ScanProgress): void => resolve(take(progress));
      run.finally(end).then(succeed, (error: unknown) => {
        if (CacheError.is(error)) {
          promise.catch(ignore);
          if (error.code !== 'ERR_CACHE_ABORTED') noteFailure(error);
        }
        reject(error);
      });
    });
    return promise;
  }

  #end(scan: Scan): void {
    this.#running.delete(scan.id);
    this.#ended.set(scan.id, Object.freeze(scan.progress));
    if (this.#ended.size <= ENDED_MAX) return;
    for (const oldest of this.#ended.keys()) {
      this.#ended.delete(oldest);
      break;
    }
  }

  find(id: string): ScanProgress | undefined {
    return this.#running.get(id)?.progress ?? this.#ended.get(id);
  }

  /** Those that ended lately in the order of their ends, then those that run. */
  list(): ScanProgress[] {
    return [...this.#ended.values(), ...[...this.#running.values()].map((scan) => scan.progress)];
  }
}

function ignore(): void {
  // The failure was counted and published, or asked for.
}
