import type { Random } from '../lib/random.js';

const ROWS = 4;
/** Counters have four bits. */
export const FREQUENCY_MAX = 15;
/** Counters per row and entry of the cache, before rounding up to a power of two. */
const COUNTERS_PER_ENTRY = 4;
const COUNTERS_MIN = 16;
/** Accesses per entry of the cache after which all counters are halved. */
const SAMPLE_PER_ENTRY = 10;

function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return mixed ^ (mixed >>> 16);
}

/**
 * Estimates how often a key was asked for lately: a count-min sketch of four rows of 4-bit counters
 * (Cormode, Muthukrishnan 2005) whose counters are all halved whenever a sample of ten accesses per
 * entry is full (Einziger, Friedman, Manes: TinyLFU, 2017). An estimate is never too low but by
 * ageing.
 */
export class FrequencySketch {
  readonly #counters: Uint8Array;
  readonly #rowMask: number;
  readonly #rowLength: number;
  readonly #sampleSize: number;
  readonly #rowSeeds: Int32Array;
  #additions = 0;

  /** `capacity` is the number of entries of the cache. */
  constructor(capacity: number, random: Random) {
    let length = COUNTERS_MIN;
    while (length < capacity * COUNTERS_PER_ENTRY) length *= 2;
    this.#rowLength = length;
    this.#rowMask = length - 1;
    this.#counters = new Uint8Array(ROWS * length);
    this.#sampleSize = SAMPLE_PER_ENTRY * capacity;
    this.#rowSeeds = Int32Array.from({ length: ROWS }, () => random.uint32() | 0);
  }

  /** Counts one access to the key. */
  add(key: number): void {
    let moved = false;
    for (let row = 0; row < ROWS; row += 1) {
      const index = this.#indexOf(key, row);
      const count = this.#counters[index] as number;
      if (count < FREQUENCY_MAX) {
        this.#counters[index] = count + 1;
        moved = true;
      }
    }
    if (!moved) return;
    this.#additions += 1;
    if (this.#additions >= this.#sampleSize) this.#age();
  }

  /** How often the key was added, 0 to 15. */
  estimate(key: number): number {
    let least = FREQUENCY_MAX;
    for (let row = 0; row < ROWS; row += 1) {
      least = Math.min(least, this.#counters[this.#indexOf(key, row)] as number);
    }
    return least;
  }

  #indexOf(key: number, row: number): number {
    const hash = mix((key + 1) ^ (this.#rowSeeds[row] as number));
    return row * this.#rowLength + (hash & this.#rowMask);
  }

  #age(): void {
    const counters = this.#counters;
    let odd = 0;
    for (let index = 0; index < counters.length; index += 1) {
      const count = counters[index] as number;
      odd += count & 1;
      counters[index] = count >>> 1;
    }
    // Halving drops half an addition of every odd counter, and each addition moved four counters.
    this.#additions = Math.floor((this.#additions - Math.floor(odd / ROWS)) / 2);
  }
}
