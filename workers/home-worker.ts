import { Worker } from 'node:worker_threads';
import type { Arena } from '../native-free-core/arena.js';
import {
  THREAD_HEARTBEAT,
  THREAD_PARKED,
  THREAD_RETIRED,
} from '../native-free-core/assembly/layout.js';
import { markOf, type ThreadMark } from './dead-threads.js';
import { ringDoorbell, slotAddress } from './doorbell.js';
import type { HomeWorkerData, HomeWorkerReady } from './home-loop.js';

/** A home worker that the core gave no thread slot. */
export class WorkerRefusedError extends Error {
  /** The core's answer. */
  readonly status: number;

  constructor(status: number) {
    super(`a home worker was refused with status ${status}`);
    this.name = 'WorkerRefusedError';
    this.status = status;
  }
}

/** A home worker thread, seen from the thread that started it. */
export class HomeWorker {
  /** Its position in its group; another one may take it when this one is gone. */
  readonly index: number;
  readonly thread: Worker;
  /** Resolves when it serves; rejects when it ends or is refused before. */
  readonly ready: Promise<void>;
  /** Resolves when the thread is gone. */
  readonly ended: Promise<void>;
  readonly #arena: Arena;
  #mark: ThreadMark | undefined;
  #failure: Error | undefined;
  #isRetired = false;
  #isHung = false;

  constructor(arena: Arena, index: number, data: HomeWorkerData, module: URL) {
    this.#arena = arena;
    this.index = index;
    this.thread = new Worker(module, {
      workerData: data,
      name: `hotshard-${index}`,
      stdout: false,
      stderr: false,
      // Its loop allocates nothing: a small heap is enough and saves megabytes.
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 },
    });
    this.ended = new Promise((resolve) => {
      this.thread.once('exit', () => resolve());
    });
    this.thread.on('error', (error: Error) => {
      this.#failure = error;
    });
    this.ready = this.#becomeReady();
  }

  /** Its thread slot; `undefined` until it serves. */
  get mark(): ThreadMark | undefined {
    return this.#mark;
  }

  /** What the thread threw, if anything. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  get isHung(): boolean {
    return this.#isHung;
  }

  /** Rounds of its loop so far, modulo 2^32. */
  get heartbeat(): number {
    return this.#load(THREAD_HEARTBEAT);
  }

  /** Whether it sleeps until there is work. */
  get isParked(): boolean {
    return this.#load(THREAD_PARKED) !== 0;
  }

  /** Makes it look whether there is something for it to do. */
  wake(): void {
    if (this.#mark !== undefined) ringDoorbell(this.#arena, this.#mark.threadId);
  }

  /** Tells it to leave its loop and to give its slot back; its shards have other homes already. */
  retire(): void {
    this.#isRetired = true;
    if (this.#mark === undefined) return;
    const slot = slotAddress(this.#arena, this.#mark.threadId);
    Atomics.store(new Int32Array(this.#arena.buffer), (slot + THREAD_RETIRED) / 4, 1);
    this.wake();
  }

  /** Ends it whatever it does; it is never given anything to do again. */
  kill(): void {
    this.#isHung = true;
    void this.thread.terminate();
  }

  /** Resolves when the thread has ended; one that does not within the grace is killed. */
  async end(graceMs: number): Promise<void> {
    this.thread.ref();
    const timer = setTimeout(() => this.kill(), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  #load(field: number): number {
    if (this.#mark === undefined) return 0;
    const slot = slotAddress(this.#arena, this.#mark.threadId);
    return Atomics.load(new Int32Array(this.#arena.buffer), (slot + field) / 4);
  }

  async #becomeReady(): Promise<void> {
    const { threadId } = await firstMessage(this.thread, () => this.#failure);
    this.thread.unref();
    if (threadId < 0) throw new WorkerRefusedError(threadId);
    this.#mark = markOf(this.#arena, threadId);
  }
}

function firstMessage(thread: Worker, failure: () => Error | undefined): Promise<HomeWorkerReady> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number): void => {
      reject(failure() ?? new Error(`a home worker ended with code ${code} before it served`));
    };
    thread.once('exit', onExit);
    thread.once('message', (ready: HomeWorkerReady) => {
      thread.off('exit', onExit);
      resolve(ready);
    });
  });
}
