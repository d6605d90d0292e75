import type { Arena } from '../native-free-core/arena.js';
import {
  HEADER_DIRECTORY,
  HEADER_INLINE_BYTES,
  HEADER_MAX_VALUE_BYTES,
  HEADER_PAGE_BYTES,
  HEADER_PAGES,
  HEADER_SCRATCH_BYTES,
  HEADER_SHARD_BYTES,
  HEADER_SHARD_COUNT,
  HEADER_SHARDS,
  HEADER_STOP,
  HEADER_THREAD_BYTES,
  HEADER_THREAD_SLOTS,
  HEADER_THREADS,
  HEADER_TIME_MS,
  RESULT_STATUS,
  SHARD_HOME,
  SHARD_WORK,
  THREAD_COMPLETIONS,
  THREAD_CONTENT_TYPE,
  THREAD_KEY,
  THREAD_RESULT,
  THREAD_VALUE,
} from '../native-free-core/assembly/layout.js';
import type { CoreExports } from '../native-free-core/core-exports.js';
import { STATUS_BUSY, STATUS_NO_SLOT, type Status } from '../native-free-core/status.js';
import type { Clock } from '../workers/clock.js';
import { markOf, reclaimBeforeAttach } from '../workers/dead-threads.js';
import { currentThread } from '../workers/os-thread.js';
import { endRecoveries, goOnRecovering } from '../workers/shard-recovery.js';
import { statusError } from './errors.js';
import { KeyEncoder } from './keys/key-encoder.js';

/** Steps of 0.1 ms that a thread waits for a shard when it leaves. */
const DETACH_STEPS = 20_000;

/**
 * One thread's place in an arena: its slot, the core bound to it, and views of the areas through
 * which the core and this thread talk. One per engine and thread; never shared.
 */
export class ThreadSession {
  readonly arena: Arena;
  readonly core: CoreExports;
  readonly clock: Clock;
  readonly threadId: number;
  /** Address of this thread's slot. */
  readonly slot: number;
  /** All of the arena. */
  readonly bytes: Uint8Array;
  /** All of the arena, with the slice methods of Buffer. */
  readonly buffer: Buffer;
  readonly words: Int32Array;
  readonly keys: KeyEncoder;
  /** The RESULT_* fields as float64, by offset / 8. */
  readonly resultFloats: Float64Array;
  /** The RESULT_* fields as uint32, by offset / 4. */
  readonly resultWords: Uint32Array;
  /** Address of the value that a read copied. */
  readonly valueAddress: number;
  readonly contentTypeAddress: number;
  readonly scratchBytes: number;
  /** Key, content type and value that fit one chunk. */
  readonly inlineBytes: number;
  readonly valueBytesMax: number;
  readonly shardCount: number;
  readonly pageBytes: number;
  readonly pagesAddress: number;
  readonly directoryAddress: number;
  readonly #shardsAddress: number;
  readonly #shardBytes: number;
  /** Where `lastReadStatus` lies in `words`. */
  readonly statusIndex: number;
  readonly #time: Float64Array;

  /** Attaches the calling thread. */
  constructor(arena: Arena, clock: Clock) {
    const { view, core, buffer } = arena;
    this.arena = arena;
    this.core = core;
    this.clock = clock;
    this.threadId = attach(arena);
    this.slot =
      view.getUint32(HEADER_THREADS, true) +
      this.threadId * view.getUint32(HEADER_THREAD_BYTES, true);
    this.bytes = new Uint8Array(buffer);
    this.buffer = Buffer.from(buffer);
    this.words = new Int32Array(buffer);
    this.keys = new KeyEncoder(buffer, this.slot + THREAD_KEY);
    this.resultFloats = new Float64Array(buffer, this.slot + THREAD_RESULT, 8);
    this.resultWords = new Uint32Array(buffer, this.slot + THREAD_RESULT, 18);
    this.valueAddress = this.slot + THREAD_VALUE;
    this.contentTypeAddress = this.slot + THREAD_CONTENT_TYPE;
    this.scratchBytes = view.getUint32(HEADER_SCRATCH_BYTES, true);
    this.inlineBytes = view.getUint32(HEADER_INLINE_BYTES, true);
    this.valueBytesMax = view.getUint32(HEADER_MAX_VALUE_BYTES, true);
    this.shardCount = view.getUint32(HEADER_SHARD_COUNT, true);
    this.pageBytes = view.getUint32(HEADER_PAGE_BYTES, true);
    this.pagesAddress = view.getUint32(HEADER_PAGES, true);
    this.directoryAddress = view.getUint32(HEADER_DIRECTORY, true);
    this.#shardsAddress = view.getUint32(HEADER_SHARDS, true);
    this.#shardBytes = view.getUint32(HEADER_SHARD_BYTES, true);
    this.statusIndex = (this.slot + THREAD_RESULT + RESULT_STATUS) / 4;
    this.#time = new Float64Array(buffer, HEADER_TIME_MS, 1);
  }

  /** The arena's time in milliseconds: the shared clock while it ticks, else this thread's. */
  nowMs(): number {
    const sharedMs = this.#time[0] as number;
    return sharedMs < Number.POSITIVE_INFINITY ? sharedMs : this.clock.nowMs();
  }

  /** The same, and a clock that stands starts to tick. */
  currentMs(): number {
    const sharedMs = this.#time[0] as number;
    return sharedMs < Number.POSITIVE_INFINITY ? sharedMs : this.core.refreshMs();
  }

  /** Sum of one of the shards' counters, modulo 2^32. */
  sumOfShards(counter: number): number {
    let sum = 0;
    for (let shard = 0; shard < this.shardCount; shard++) {
      const address = this.#shardsAddress + shard * this.#shardBytes + counter;
      sum = (sum + (this.words[address / 4] as number)) | 0;
    }
    return sum;
  }

  /** Whether the thread that created the engine has closed it. */
  get isStopped(): boolean {
    return this.words[HEADER_STOP / 4] !== 0;
  }

  /** Whether a shard has no home worker: who has commands in it sees to them. */
  isHomeless(shardIndex: number): boolean {
    const shard = this.#shardsAddress + shardIndex * this.#shardBytes;
    return this.words[(shard + SHARD_HOME) / 4] === 0;
  }

  /** Whether commands of any thread wait in the rings of a shard. */
  hasWork(shardIndex: number): boolean {
    const index = (this.#shardsAddress + shardIndex * this.#shardBytes + SHARD_WORK) / 4;
    return this.words[index] !== 0 || this.words[index + 1] !== 0;
  }

  /** Counts what holders answered for this thread. */
  get completions(): number {
    return Atomics.load(this.words, (this.slot + THREAD_COMPLETIONS) / 4);
  }

  /** Status of this thread's last read; the core stores it too. */
  get lastReadStatus(): number {
    return this.words[this.statusIndex] as number;
  }

  set lastReadStatus(status: number) {
    this.words[this.statusIndex] = status;
  }

  /**
   * After an exception out of the core: a shard that this thread held is recovered, which a stack
   * overflow, a time-out or a trap left it with.
   */
  recover(): void {
    this.core.recoverOwn();
    goOnRecovering(this.arena);
  }

  /** Gives the slot back; the session must not be used afterwards. */
  detach(): void {
    this.core.recoverOwn();
    endRecoveries(this.arena);
    const { generation } = markOf(this.arena, this.threadId);
    this.core.detachThread(this.threadId, generation, DETACH_STEPS);
  }
}

function attach(arena: Arena): number {
  const osThread = currentThread();
  const tryAttach = (): number =>
    arena.core.attachThread(osThread?.threadId ?? 0, osThread?.startTime ?? 0, 1);
  // Threads that ended without close() may still hold shards: nobody waits for them.
  reclaimBeforeAttach(arena);
  let threadId = tryAttach();
  // Threads that ended without close() may still occupy slots, or hold shards.
  if (threadId === STATUS_NO_SLOT || threadId === STATUS_BUSY) {
    reclaimBeforeAttach(arena);
    threadId = tryAttach();
  }
  if (threadId >= 0) return threadId;
  throw statusError(threadId as Status, {
    operation: 'attach',
    threadsMax: arena.view.getUint32(HEADER_THREAD_SLOTS, true),
  });
}
