/** A worker thread of a test, attached to an engine, that does what it is told. */
import { Worker } from 'node:worker_threads';
import { CacheError, type EngineHandle } from '../../src/index.js';

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code?: string; readonly message: string };
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Starts a module of `fixtures/` as a thread. */
export function startFixture(name: string, workerData: unknown): Worker {
  return new Worker(new URL(`./fixtures/${name}`, import.meta.url), { workerData });
}

/** Resolves to the one message that a fixture posts; rejects when it ends without one. */
export function messageOf<T>(worker: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the thread ended with code ${code}`)));
  });
}

/** A thread that calls methods of its engine on request. */
export class AttachedThread {
  readonly worker: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 0;

  constructor(handle: EngineHandle) {
    this.worker = startFixture('attached-thread.mjs', { handle });
    this.worker.on('message', (answer: Answer) => this.take(answer));
    this.worker.on('exit', () => {
      for (const { reject } of this.waiting.values()) reject(new Error('the thread has ended'));
      this.waiting.clear();
    });
  }

  /** Calls a method of the thread's engine; a namespace's when the name begins with `ns/`. */
  call<T = unknown>(method: string, ...args: readonly unknown[]): Promise<T> {
    const id = this.nextId;
    this.nextId += 1;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.worker.postMessage({ id, method, args });
    });
  }

  /** Ends the thread at once, whatever it does. */
  async terminate(): Promise<void> {
    await this.worker.terminate();
  }

  private take({ id, result, error }: Answer): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else if (error.code === undefined) waiting?.reject(new Error(error.message));
    else waiting?.reject(new CacheError(error.code as CacheError['code'], error.message));
  }
}
