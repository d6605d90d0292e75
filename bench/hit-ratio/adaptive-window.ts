/**
 * W-TinyLFU whose window follows small simulations (Waldspurger and others: Cache Modeling and
 * Optimization using Miniature Simulations, 2017): beside the cache run a TinyLFU with a window of
 * 1 %, one with 25 %, and an LRU, each over an even sample of the keys and as much smaller as the
 * sample is. The cache takes the window of whichever had the most hits lately.
 */
import type { Random } from '../lib/random.js';
import { FrequencySketch } from './frequency-sketch.js';
import type { Simulator } from './simulator.js';
import { TinyLfu } from './tiny-lfu.js';
import { WindowChoice } from './window-choice.js';

/** The last one makes an LRU. */
const WINDOW_SHARES = [0.01, 0.25, 1];
const FIRST_WINDOW_SHARE = 0.1;
const SIMULATED_CAPACITY_MAX = 1024;
const PERIOD_PER_ENTRY = 3;
const PERIOD_MIN = 64;

function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

export class AdaptiveWindowTinyLfu implements Simulator {
  readonly #sketch: FrequencySketch;
  readonly #cache: TinyLfu;
  readonly #simulations: readonly TinyLfu[];
  readonly #hits: Float64Array = new Float64Array(WINDOW_SHARES.length);
  readonly #choice: WindowChoice = new WindowChoice(WINDOW_SHARES.length);
  readonly #sampleSeed: number;
  /** Keys whose mixed hash is below are simulated. */
  readonly #sampleBound: number;
  readonly #period: number;
  #sampled = 0;

  constructor(keyCount: number, capacity: number, random: Random) {
    const simulated = Math.min(capacity, SIMULATED_CAPACITY_MAX);
    const sketch = new FrequencySketch(capacity, random);
    this.#sketch = sketch;
    this.#cache = new TinyLfu({
      keyCount,
      capacity,
      windowShare: FIRST_WINDOW_SHARE,
      sketch,
      random,
    });
    this.#simulations = WINDOW_SHARES.map(
      (windowShare) => new TinyLfu({ keyCount, capacity: simulated, windowShare, sketch, random }),
    );
    this.#sampleSeed = random.uint32();
    this.#sampleBound = (simulated / capacity) * 2 ** 32;
    this.#period = Math.max(PERIOD_MIN, PERIOD_PER_ENTRY * simulated);
  }

  access(key: number): boolean {
    this.#sketch.add(key);
    const isHit = this.#cache.access(key);
    if (mix((key + 1) ^ this.#sampleSeed) < this.#sampleBound) this.#simulate(key);
    return isHit;
  }

  #simulate(key: number): void {
    const hits = this.#hits;
    for (let index = 0; index < this.#simulations.length; index += 1) {
      const isHit = (this.#simulations[index] as TinyLfu).access(key);
      if (isHit) hits[index] = (hits[index] as number) + 1;
    }
    this.#sampled += 1;
    if (this.#sampled < this.#period) return;
    const windowShare = WINDOW_SHARES[this.#choice.endPeriod(this.#sampled, hits)];
    if (windowShare !== undefined) this.#cache.setWindow(windowShare);
    hits.fill(0);
    this.#sampled = 0;
  }
}
