// What all threads of a run know about its keys, in shared memory of its own. Each key has one
// writer at a time, which numbers its writes: a read must find a write from the last acknowledged
// one before it began to the last attempted one when it ended.

/** Of eight writes of a key, one deletes it. */
const DELETE_EVERY = 8;

/** Whether a write deletes its key. */
export function isDelete(sequence: number): boolean {
  return sequence % DELETE_EVERY === DELETE_EVERY - 1;
}

/** Index of the words that steer a run. */
export const CONTROL = {
  /** 1 = threads end. */
  stop: 0,
  /** Reads of all threads. */
  reads: 1,
  /** Changes the sizes of values: pages move between size classes. */
  phase: 2,
  /** Reads to be made; threads end then. 0 = without end. */
  readsMax: 3,
} as const;
const CONTROL_WORDS = 16;

/** Words of each thread. */
const THREAD_WORDS = 4;
/** 0 = starting, 1 = at work, 2 = stopped inside the core, 3 = told to stop at some store. */
const THREAD_STATE = 0;
const THREAD_PROGRESS = 1;

export const THREAD_AT_WORK = 1;
export const THREAD_STOPPED = 2;
export const THREAD_ARMED = 3;

/** The shared state of a run. */
export class Registers {
  readonly buffer: SharedArrayBuffer;
  readonly keyCount: number;
  readonly threadCount: number;
  readonly #words: Int32Array;

  constructor(keyCount: number, threadCount: number, buffer?: SharedArrayBuffer) {
    const words = CONTROL_WORDS + threadCount * THREAD_WORDS + 2 * keyCount;
    this.buffer = buffer ?? new SharedArrayBuffer(words * 4);
    this.keyCount = keyCount;
    this.threadCount = threadCount;
    this.#words = new Int32Array(this.buffer);
  }

  get(control: keyof typeof CONTROL): number {
    return Atomics.load(this.#words, CONTROL[control]) >>> 0;
  }

  set(control: keyof typeof CONTROL, value: number): void {
    Atomics.store(this.#words, CONTROL[control], value);
  }

  /** Counts reads; how many all threads have made. */
  countReads(count: number): number {
    return (Atomics.add(this.#words, CONTROL.reads, count) >>> 0) + count;
  }

  state(thread: number): number {
    return Atomics.load(this.#words, this.#thread(thread) + THREAD_STATE);
  }

  setState(thread: number, state: number): void {
    Atomics.store(this.#words, this.#thread(thread) + THREAD_STATE, state);
  }

  progress(thread: number): number {
    return Atomics.load(this.#words, this.#thread(thread) + THREAD_PROGRESS);
  }

  moveOn(thread: number): void {
    Atomics.add(this.#words, this.#thread(thread) + THREAD_PROGRESS, 1);
  }

  attempted(keyId: number): number {
    return Atomics.load(this.#words, this.#key(keyId));
  }

  attempt(keyId: number, sequence: number): void {
    Atomics.store(this.#words, this.#key(keyId), sequence);
  }

  acknowledged(keyId: number): number {
    return Atomics.load(this.#words, this.#key(keyId) + 1);
  }

  acknowledge(keyId: number, sequence: number): void {
    Atomics.store(this.#words, this.#key(keyId) + 1, sequence);
  }

  /**
   * What is wrong with a read that began when `acknowledged` was, if anything. `sequence` is that
   * of the value, 0 for a miss.
   */
  problem(
    keyId: number,
    acknowledged: number,
    sequence: number,
    mayEvict: boolean,
  ): string | undefined {
    const attempted = this.attempted(keyId);
    if (sequence === 0) {
      if (acknowledged === 0 || mayEvict) return undefined;
      for (let write = acknowledged; write <= attempted; write++) {
        if (isDelete(write)) return undefined;
      }
      return `key ${keyId} is lost: write ${acknowledged} was acknowledged`;
    }
    if (sequence > attempted) return `key ${keyId} has write ${sequence}, made are ${attempted}`;
    if (sequence >= acknowledged && !isDelete(sequence)) return undefined;
    return `key ${keyId} has write ${sequence}, write ${acknowledged} was acknowledged`;
  }

  #thread(thread: number): number {
    return CONTROL_WORDS + thread * THREAD_WORDS;
  }

  #key(keyId: number): number {
    return CONTROL_WORDS + this.threadCount * THREAD_WORDS + 2 * keyId;
  }
}

/** Names are long enough that values lie on word boundaries behind them. */
export function keyName(keyId: number): string {
  return `register ${keyId}`.padEnd(24, '.');
}
