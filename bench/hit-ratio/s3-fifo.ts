/**
 * S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: FIFO queues are all you need for cache eviction, 2023),
 * with the constants of libCacheSim: a small queue of a tenth, keys that were asked for twice while
 * in it move to the main queue, and a ghost queue remembers the keys that left the small queue in
 * another way, nine tenths of the capacity. A key found there goes into the main queue at once.
 */
import { KeyLists } from './key-lists.js';
import type { Simulator } from './simulator.js';

const SMALL = 1;
const MAIN = 2;
const GHOST = 3;
const LISTS = 3;
const SMALL_SHARE = 0.1;
const GHOST_SHARE = 0.9;
const FREQUENCY_MAX = 3;
const PROMOTED_FROM = 2;

export class S3Fifo implements Simulator {
  readonly #capacity: number;
  readonly #mainMax: number;
  readonly #ghostMax: number;
  readonly #lists: KeyLists;
  readonly #frequencies: Uint8Array;

  constructor(keyCount: number, capacity: number) {
    this.#capacity = capacity;
    this.#mainMax = capacity - Math.max(1, Math.floor(capacity * SMALL_SHARE));
    this.#ghostMax = Math.max(1, Math.floor(capacity * GHOST_SHARE));
    this.#lists = new KeyLists(keyCount, LISTS);
    this.#frequencies = new Uint8Array(keyCount);
  }

  access(key: number): boolean {
    const list = this.#lists.listOf(key);
    if (list === SMALL || list === MAIN) {
      const frequency = this.#frequencies[key] as number;
      this.#frequencies[key] = Math.min(FREQUENCY_MAX, frequency + 1);
      return true;
    }
    // Taken out before anything is evicted: an eviction must not push it out of the ghost queue.
    if (list === GHOST) this.#lists.remove(key);
    while (this.#held() >= this.#capacity) this.#evict();
    this.#frequencies[key] = 0;
    this.#lists.moveToNewest(key, list === GHOST ? MAIN : SMALL);
    return false;
  }

  #held(): number {
    return this.#lists.lengthOf(SMALL) + this.#lists.lengthOf(MAIN);
  }

  #evict(): void {
    const isMainOver = this.#lists.lengthOf(MAIN) > this.#mainMax;
    if (isMainOver || this.#lists.lengthOf(SMALL) === 0) this.#evictFromMain();
    else this.#evictFromSmall();
  }

  /** Ends after at most three rounds: each one takes one from every frequency. */
  #evictFromMain(): void {
    for (;;) {
      const oldest = this.#lists.oldestOf(MAIN);
      const frequency = this.#frequencies[oldest] as number;
      if (frequency === 0) {
        this.#lists.remove(oldest);
        return;
      }
      this.#frequencies[oldest] = frequency - 1;
      this.#lists.moveToNewest(oldest, MAIN);
    }
  }

  /** Evicts nothing when every key of the small queue moves to the main queue. */
  #evictFromSmall(): void {
    const lists = this.#lists;
    while (lists.lengthOf(SMALL) > 0) {
      const oldest = lists.oldestOf(SMALL);
      if ((this.#frequencies[oldest] as number) < PROMOTED_FROM) {
        if (lists.lengthOf(GHOST) >= this.#ghostMax) lists.remove(lists.oldestOf(GHOST));
        lists.moveToNewest(oldest, GHOST);
        return;
      }
      this.#frequencies[oldest] = 0;
      lists.moveToNewest(oldest, MAIN);
    }
  }
}
