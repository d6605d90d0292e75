/**
 * W-TinyLFU (Einziger, Eytan, Friedman, Manes: Adaptive Software Cache Management, 2018) with a
 * window whose size can be set at any time.
 *
 * New keys enter the window, an LRU. What falls out of it becomes the candidate for the main part,
 * a segmented LRU of probation and protected keys: it stays if the sketch says that it was asked
 * for more often than the oldest key on probation, not counting the request that brought it here;
 * otherwise that one stays. No step takes more than a fixed number of moves, so a changed window is
 * reached over the next accesses. A window as large as the cache makes it an exact LRU.
 */
import type { Random } from '../lib/random.js';
import type { FrequencySketch } from './frequency-sketch.js';
import { KeyLists } from './key-lists.js';
import type { Simulator } from './simulator.js';

const WINDOW = 1;
const PROBATION = 2;
const PROTECTED = 3;
const LISTS = 3;
const PROTECTED_SHARE = 0.8;
/** Moves from one list to the next in one access: more than one, so that a list can shrink. */
const MOVES_MAX = 2;
/**
 * A candidate of at least this frequency is admitted by chance although the victim has no smaller
 * one: else whoever finds keys that collide with the victim's counters could block the cache.
 */
const WARM_FREQUENCY = 6;
const WARM_ADMISSION_ONE_IN = 128;
/**
 * The request that brought the candidate in is counted already. Without it the candidate must be
 * ahead: in a loop every key has just been asked for once more than the key that comes next, which
 * is the oldest on probation.
 */
const OWN_REQUESTS = 1;

export interface TinyLfuSettings {
  readonly keyCount: number;
  readonly capacity: number;
  /** Window as a share of the capacity, above 0 to 1. */
  readonly windowShare: number;
  /** Counts accesses; whoever owns the sketch adds each access to it before this cache sees it. */
  readonly sketch: Pick<FrequencySketch, 'estimate'>;
  readonly random: Random;
}

/** Entries of a window: at least one, and as many as the share of the capacity rounds to. */
export function windowEntries(capacity: number, windowShare: number): number {
  return Math.min(capacity, Math.max(1, Math.round(capacity * windowShare)));
}

export class TinyLfu implements Simulator {
  readonly #capacity: number;
  readonly #sketch: Pick<FrequencySketch, 'estimate'>;
  readonly #random: Random;
  readonly #lists: KeyLists;
  #windowTarget = 1;
  #protectedTarget = 0;
  #held = 0;

  constructor(settings: TinyLfuSettings) {
    this.#capacity = settings.capacity;
    this.#sketch = settings.sketch;
    this.#random = settings.random;
    this.#lists = new KeyLists(settings.keyCount, LISTS);
    this.setWindow(settings.windowShare);
  }

  /** Sets how large the window shall become, as a share of the capacity. */
  setWindow(windowShare: number): void {
    this.#windowTarget = windowEntries(this.#capacity, windowShare);
    this.#protectedTarget = Math.floor(PROTECTED_SHARE * (this.#capacity - this.#windowTarget));
  }

  access(key: number): boolean {
    const list = this.#lists.listOf(key);
    if (list === 0) {
      this.#insert(key);
      return false;
    }
    this.#hit(key, list);
    return true;
  }

  #hit(key: number, list: number): void {
    const lists = this.#lists;
    const windowHasRoom = lists.lengthOf(WINDOW) < this.#windowTarget;
    if (list === WINDOW || windowHasRoom) lists.moveToNewest(key, WINDOW);
    else {
      lists.moveToNewest(key, PROTECTED);
      this.#demote();
    }
  }

  #insert(key: number): void {
    const lists = this.#lists;
    lists.moveToNewest(key, WINDOW);
    this.#held += 1;
    let candidate = -1;
    for (let move = 0; move < MOVES_MAX && this.#isWindowOver(); move += 1) {
      candidate = lists.oldestOf(WINDOW);
      lists.moveToNewest(candidate, PROBATION);
    }
    this.#demote();
    if (this.#held > this.#capacity) this.#evict(candidate);
  }

  #isWindowOver(): boolean {
    return this.#lists.lengthOf(WINDOW) > this.#windowTarget;
  }

  #demote(): void {
    const lists = this.#lists;
    for (let move = 0; move < MOVES_MAX; move += 1) {
      if (lists.lengthOf(PROTECTED) <= this.#protectedTarget) return;
      lists.moveToNewest(lists.oldestOf(PROTECTED), PROBATION);
    }
  }

  #evict(candidate: number): void {
    const lists = this.#lists;
    let victim = lists.oldestOf(PROBATION);
    if (victim === -1) victim = lists.oldestOf(PROTECTED);
    if (victim === -1) victim = lists.oldestOf(WINDOW);
    const isContest = candidate !== -1 && candidate !== victim;
    lists.remove(isContest && !this.#admits(candidate, victim) ? candidate : victim);
    this.#held -= 1;
  }

  #admits(candidate: number, victim: number): boolean {
    const frequency = this.#sketch.estimate(candidate);
    if (frequency - OWN_REQUESTS > this.#sketch.estimate(victim)) return true;
    return frequency >= WARM_FREQUENCY && this.#random.below(WARM_ADMISSION_ONE_IN) === 0;
  }
}
