import { Worker } from 'node:worker_threads';
import type { DrainOutcome } from '../lifecycle.js';
import type { ThreadReport, ThreadRequest } from './thread-messages.js';
import type { WorkerSetup } from './thread-setup.js';

/** A thread that has not stopped so long after it had to is terminated. */
const GRACE_MS = 10_000;

// From the sources (tests) the built module is started: threads load no TypeScript.
const ownSource = import.meta.url;
export const HTTP_THREAD_MODULE: URL = new URL(
  ownSource.endsWith('.ts') ? '../../dist/server/threads/http-thread.js' : './http-thread.js',
  ownSource,
);

/** A thread that serves could not start; the message is for an operator. */
export class ThreadStartError extends Error {
  override readonly name: string = 'ThreadStartError';
}

/** One thread that serves, seen from the thread that started it. */
export class HttpWorker {
  /** Resolves when it serves; rejects when it could not start. */
  readonly serving: Promise<void>;
  /** Resolves when it has ended, with what it failed by; never rejects. */
  readonly ended: Promise<Error | undefined>;
  private readonly worker: Worker;
  private outcome: DrainOutcome | undefined;
  private failure: Error | undefined;

  constructor(setup: WorkerSetup, module: URL = HTTP_THREAD_MODULE) {
    this.worker = new Worker(module, { workerData: setup, name: `http-${setup.thread}` });
    let tellServing: () => void = () => undefined;
    const isServing = new Promise<void>((resolve) => {
      tellServing = resolve;
    });
    this.worker.on('message', (report: ThreadReport) => {
      if (report.kind === 'serving') tellServing();
      else if (report.kind === 'stopped') this.outcome = report.outcome;
      else this.failure = rebuildError(report);
    });
    this.worker.on('error', (error) => {
      this.failure ??= error;
    });
    this.ended = new Promise((resolve) => {
      this.worker.once('exit', () => resolve(this.failure));
    });
    this.serving = Promise.race([
      isServing,
      this.ended.then((failure) => {
        throw failure ?? new Error('a thread ended before it served');
      }),
    ]);
    // Who waits for it hears of it; who does not, because another thread failed first, need not.
    this.serving.catch(() => undefined);
  }

  /**
   * Lets its requests in flight end, then ends it.
   *
   * @param timeoutMs milliseconds that it gives them by itself
   */
  async stop(timeoutMs: number, hasten?: AbortSignal): Promise<DrainOutcome> {
    let tellOverdue: () => void = () => undefined;
    const isOverdue = new Promise<'overdue'>((resolve) => {
      tellOverdue = () => resolve('overdue');
    });
    let timer = setTimeout(tellOverdue, timeoutMs + GRACE_MS);
    const onHasten = (): void => {
      clearTimeout(timer);
      timer = setTimeout(tellOverdue, GRACE_MS);
      this.post({ kind: 'hasten' });
    };
    this.post({ kind: 'stop' });
    if (hasten?.aborted) onHasten();
    hasten?.addEventListener('abort', onHasten);
    const first = await Promise.race([this.ended.then(() => 'ended' as const), isOverdue]);
    clearTimeout(timer);
    hasten?.removeEventListener('abort', onHasten);
    // Only code that never returns comes here. With uWebSockets.js it ends the whole process, by an
    // abort: its handles cannot be closed from outside. There is no other way left.
    if (first === 'overdue') await this.worker.terminate();
    return this.outcome ?? 'timed-out';
  }

  private post(request: ThreadRequest): void {
    this.worker.postMessage(request);
  }
}

function rebuildError({
  isExpected,
  message,
  stack,
}: Extract<ThreadReport, { kind: 'failed' }>): Error {
  const error = isExpected ? new ThreadStartError(message) : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
