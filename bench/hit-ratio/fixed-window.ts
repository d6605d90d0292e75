import type { Random } from '../lib/random.js';
import { FrequencySketch } from './frequency-sketch.js';
import type { Simulator } from './simulator.js';
import { TinyLfu } from './tiny-lfu.js';

/** The window that the authors of W-TinyLFU recommend where it does not adapt. */
export const FIXED_WINDOW_SHARE = 0.01;

/** W-TinyLFU with a window of always 1 %: the yardstick for a window that adapts. */
export class FixedWindowTinyLfu implements Simulator {
  readonly #sketch: FrequencySketch;
  readonly #cache: TinyLfu;

  constructor(keyCount: number, capacity: number, random: Random) {
    this.#sketch = new FrequencySketch(capacity, random);
    const windowShare = FIXED_WINDOW_SHARE;
    const sketch = this.#sketch;
    this.#cache = new TinyLfu({ keyCount, capacity, windowShare, sketch, random });
  }

  access(key: number): boolean {
    this.#sketch.add(key);
    return this.#cache.access(key);
  }
}
