import { OPERATION_NAMES, type OperationName } from '../operation-names.js';
import {
  BUCKET_COUNT,
  HEAD_DRAINING,
  HEAD_GAVE_UP,
  HEAD_REPLACED,
  HEAD_STARTED_AT,
  HEAD_WORDS,
  OPERATION_BUCKETS,
  OPERATION_SUM,
  OPERATION_WORDS,
  PART_CONNECTIONS,
  PART_LOOP_DELAY,
  PART_OPERATIONS,
  PART_PENDING_REQUESTS,
  PART_PENDING_WRITES,
  PART_READS,
  PART_SOCKETS,
  PART_STATE,
  PART_UNROUTED,
  PART_WORDS,
} from './block-layout.js';
import type { NamespaceClass } from './service-metrics.js';

/** What a thread that serves is doing. */
export type ThreadState = 'none' | 'starting' | 'serving' | 'ended';

/** In the order of their numbers in the block. */
const THREAD_STATES: readonly ThreadState[] = ['none', 'starting', 'serving', 'ended'];

/** What one operation came to, in all threads. */
export interface OperationCounts {
  readonly operation: OperationName;
  readonly ok: number;
  readonly refused: number;
  readonly failed: number;
  readonly sumMs: number;
  /** Durations in each bucket of `BUCKET_BOUNDS_MS`, those below not counted in; then the rest. */
  readonly buckets: readonly number[];
}

/** What one thread has open, as it said last. */
export interface ThreadGauges {
  readonly connections: number;
  readonly sockets: number;
  readonly pendingRequests: number;
  readonly pendingWrites: number;
  /** Milliseconds that the event loop was late: median, 99th percentile, maximum. */
  readonly loopDelaysMs: readonly [median: number, high: number, maximum: number];
}

/** The counters of all threads that serve; `block-layout.ts` draws them. */
export class ServiceBlock {
  /** Passed to other threads as it is. */
  readonly buffer: SharedArrayBuffer;
  readonly threadCount: number;
  /** For the thread that counts. */
  readonly words: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.words = new Float64Array(buffer);
    this.threadCount = (this.words.length - HEAD_WORDS) / PART_WORDS;
  }

  static create(threadCount: number): ServiceBlock {
    const words = HEAD_WORDS + threadCount * PART_WORDS;
    return new ServiceBlock(new SharedArrayBuffer(words * Float64Array.BYTES_PER_ELEMENT));
  }

  /** Seconds since the service began to listen. */
  get uptimeSeconds(): number {
    const startedAtMs = this.head(HEAD_STARTED_AT);
    return startedAtMs === 0 ? 0 : Math.max(0, (Date.now() - startedAtMs) / 1_000);
  }

  get isDraining(): boolean {
    return this.head(HEAD_DRAINING) === 1;
  }

  /** Threads that ended unasked and were replaced. */
  get replacedThreads(): number {
    return this.head(HEAD_REPLACED);
  }

  /** Whether threads ended too often to be replaced any more. */
  get hasGivenUp(): boolean {
    return this.head(HEAD_GAVE_UP) === 1;
  }

  /** The first thread that listens starts the time; later ones change nothing. */
  noteStart(): void {
    if (this.head(HEAD_STARTED_AT) === 0) this.words[HEAD_STARTED_AT] = Date.now();
  }

  noteDraining(): void {
    this.words[HEAD_DRAINING] = 1;
  }

  noteReplaced(): void {
    this.words[HEAD_REPLACED] = this.head(HEAD_REPLACED) + 1;
  }

  noteGivenUp(): void {
    this.words[HEAD_GAVE_UP] = 1;
  }

  /** Index of the first word of a thread's part. */
  partOf(thread: number): number {
    return HEAD_WORDS + thread * PART_WORDS;
  }

  stateOf(thread: number): ThreadState {
    return THREAD_STATES[this.read(thread, PART_STATE)] ?? 'none';
  }

  setState(thread: number, state: ThreadState): void {
    const part = this.partOf(thread);
    this.words[part + PART_STATE] = THREAD_STATES.indexOf(state);
    // What is gone has nothing open; its counts stay.
    if (state === 'ended') this.words.fill(0, part + PART_CONNECTIONS, part + PART_UNROUTED);
  }

  setGauges(thread: number, gauges: ThreadGauges): void {
    const part = this.partOf(thread);
    this.words[part + PART_CONNECTIONS] = gauges.connections;
    this.words[part + PART_SOCKETS] = gauges.sockets;
    this.words[part + PART_PENDING_REQUESTS] = gauges.pendingRequests;
    this.words[part + PART_PENDING_WRITES] = gauges.pendingWrites;
    this.words.set(gauges.loopDelaysMs, part + PART_LOOP_DELAY);
  }

  gaugesOf(thread: number): ThreadGauges {
    return {
      connections: this.read(thread, PART_CONNECTIONS),
      sockets: this.read(thread, PART_SOCKETS),
      pendingRequests: this.read(thread, PART_PENDING_REQUESTS),
      pendingWrites: this.read(thread, PART_PENDING_WRITES),
      loopDelaysMs: [
        this.read(thread, PART_LOOP_DELAY),
        this.read(thread, PART_LOOP_DELAY + 1),
        this.read(thread, PART_LOOP_DELAY + 2),
      ],
    };
  }

  /** Indexes of the threads in a state. */
  threadsIn(state: ThreadState): readonly number[] {
    return this.threads().filter((thread) => this.stateOf(thread) === state);
  }

  /** A sum of what all threads have open. */
  sumGauge(gauge: Exclude<keyof ThreadGauges, 'loopDelaysMs'>): number {
    return this.threads().reduce((sum, thread) => sum + this.gaugesOf(thread)[gauge], 0);
  }

  sumUnrouted(): number {
    return this.sum(PART_UNROUTED);
  }

  sumReads(namespace: NamespaceClass): { hits: number; misses: number } {
    const first = PART_READS + (namespace === 'default' ? 0 : 2);
    return { hits: this.sum(first), misses: this.sum(first + 1) };
  }

  /** Every operation, in the order of the names. */
  sumOperations(): readonly OperationCounts[] {
    return OPERATION_NAMES.map((operation, index) => {
      const first = PART_OPERATIONS + index * OPERATION_WORDS;
      return {
        operation,
        ok: this.sum(first),
        refused: this.sum(first + 1),
        failed: this.sum(first + 2),
        sumMs: this.sum(first + OPERATION_SUM),
        buckets: Array.from({ length: BUCKET_COUNT }, (_, bucket) =>
          this.sum(first + OPERATION_BUCKETS + bucket),
        ),
      };
    });
  }

  /** Operations that a thread has ended, refused and failed ones too. */
  operationsOf(thread: number): number {
    let count = 0;
    for (let index = 0; index < OPERATION_NAMES.length; index++) {
      const first = PART_OPERATIONS + index * OPERATION_WORDS;
      for (let outcome = 0; outcome < OPERATION_SUM; outcome++) {
        count += this.read(thread, first + outcome);
      }
    }
    return count;
  }

  private threads(): number[] {
    return Array.from({ length: this.threadCount }, (_, thread) => thread);
  }

  private sum(word: number): number {
    let sum = 0;
    for (let thread = 0; thread < this.threadCount; thread++) sum += this.read(thread, word);
    return sum;
  }

  private head(word: number): number {
    return this.words[word] ?? 0;
  }

  private read(thread: number, word: number): number {
    return this.words[this.partOf(thread) + word] ?? 0;
  }
}
