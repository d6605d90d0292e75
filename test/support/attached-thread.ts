/** A worker thread of a test, attached to an engine, that does what it is told. */
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { CacheError, type EngineHandle } from '../../src/index.js';

// Node.js 20 may abort the process when a thread is ended while V8 optimises code of that thread in
// the background ("NodePlatform::ForIsolate: Assertion failed"). Tests end threads all the time.
setFlagsFromString('--no-concurrent-recompilation');

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code?: string; readonly message: string };
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

const fixtures = new WeakSet<Worker>();

/** Starts a module of `fixtures/` as a thread. */
export function startFixture(name: string, workerData: unknown): Worker {
  const worker = new Worker(new URL(`./fixtures/${name}`, import.meta.url), { workerData });
  fixtures.add(worker);
  return worker;
}

/** Whether a thread is one of a test, not one of an engine. */
export function isFixture(worker: Worker): boolean {
  return fixtures.has(worker);
}

/** Resolves when the thread has ended; to be called before it can. */
export function endOf(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
  });
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

  /** `fixture` is a module that takes the same messages; `data` is what it needs besides. */
  constructor(handle: EngineHandle, fixture = 'attached-thread.mjs', data: object = {}) {
    this.worker = startFixture(fixture, { handle, ...data });
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
