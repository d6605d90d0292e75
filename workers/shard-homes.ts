// Which home worker looks after which shard, and which one ticks the clock: words of the arena,
// written by the creating thread alone.

import type { Arena } from '../native-free-core/arena.js';
import {
  HEADER_SHARD_BYTES,
  HEADER_SHARD_COUNT,
  HEADER_SHARDS,
  HEADER_THREAD_SLOTS,
  HEADER_TICKER_SLOT,
  SHARD_HOME,
  THREAD_COMPLETIONS,
} from '../native-free-core/assembly/layout.js';
import { slotAddress } from './doorbell.js';
import { createHashRing, type HashRing } from './hash-ring.js';
import type { HomeWorker } from './home-worker.js';

type Seats = readonly (HomeWorker | undefined)[];

/** Homes of the shards of one arena. */
export class ShardHomes {
  readonly #arena: Arena;
  readonly #words: Int32Array;
  readonly #shardCount: number;
  #ring: HashRing | undefined;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#words = new Int32Array(arena.buffer);
    this.#shardCount = arena.view.getUint32(HEADER_SHARD_COUNT, true);
  }

  /** Loads the hash function; needed once, before shards are given to workers. */
  async prepare(): Promise<void> {
    this.#ring ??= await createHashRing();
  }

  /**
   * Gives each shard to the worker that the consistent-hash ring names among those that are there,
   * by one store for a shard that changes hands. A command that is sent meanwhile rings the former
   * worker or the new one: all are woken afterwards, so none is left behind. The number of shards
   * that changed hands.
   */
  assign(seats: Seats): number {
    const positions = seats.flatMap((worker, index) => (worker === undefined ? [] : [index]));
    const homes =
      positions.length > 0 ? this.#ring?.assign(this.#shardCount, positions) : undefined;
    let moved = 0;
    for (let shard = 0; shard < this.#shardCount; shard++) {
      const worker = homes === undefined ? undefined : seats[homes[shard] ?? 0];
      const home = worker?.mark === undefined ? 0 : worker.mark.threadId + 1;
      if (this.#homeOf(shard) === home) continue;
      this.#arena.core.setHome(shard, home);
      moved += 1;
    }
    for (const worker of seats) worker?.wake();
    if (positions.length === 0) this.#wakeCallers();
    return moved;
  }

  /**
   * Lets the first of these workers tick the clock, unless one of them does already. None: the
   * clock stops, and every thread asks its own.
   */
  assignTicker(workers: readonly HomeWorker[]): void {
    const slots = workers.flatMap(({ mark }) => (mark === undefined ? [] : [mark.threadId + 1]));
    const index = HEADER_TICKER_SLOT / 4;
    const ticker = Atomics.load(this.#words, index);
    if (slots.includes(ticker)) return;
    const next = slots[0] ?? 0;
    // The slot first: whoever moves the clock on looks at it afterwards.
    Atomics.store(this.#words, index, next);
    if (next === 0) this.#arena.core.tick(Number.POSITIVE_INFINITY);
    else workers.find(({ mark }) => mark?.threadId === next - 1)?.wake();
  }

  #homeOf(shard: number): number {
    const { view } = this.#arena;
    const first = view.getUint32(HEADER_SHARDS, true);
    return view.getUint32(
      first + shard * view.getUint32(HEADER_SHARD_BYTES, true) + SHARD_HOME,
      true,
    );
  }

  /** Nobody drains rings any more: who has commands in one sees to them. */
  #wakeCallers(): void {
    const threads = this.#arena.view.getUint32(HEADER_THREAD_SLOTS, true);
    for (let threadId = 0; threadId < threads; threadId++) {
      const index = (slotAddress(this.#arena, threadId) + THREAD_COMPLETIONS) / 4;
      Atomics.add(this.#words, index, 1);
      Atomics.notify(this.#words, index);
    }
  }
}
