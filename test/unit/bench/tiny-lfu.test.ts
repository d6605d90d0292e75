import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AdaptiveWindowTinyLfu } from '../../../bench/hit-ratio/adaptive-window.js';
import { ExactLru } from '../../../bench/hit-ratio/exact-lru.js';
import { FixedWindowTinyLfu } from '../../../bench/hit-ratio/fixed-window.js';
import { FREQUENCY_MAX, FrequencySketch } from '../../../bench/hit-ratio/frequency-sketch.js';
import { countHits } from '../../../bench/hit-ratio/simulator.js';
import { TinyLfu, windowEntries } from '../../../bench/hit-ratio/tiny-lfu.js';
import { WindowChoice } from '../../../bench/hit-ratio/window-choice.js';
import { createRandom, type Random } from '../../../bench/lib/random.js';

const SEED = 0x5eed46;
const KEYS = 40;
/** Never lucky: no candidate is admitted by chance. */
const UNLUCKY: Random = { uint32: () => 1, below: () => 1 };

/** Counts exactly and never forgets. */
class ExactCounts {
  readonly counts = new Map<number, number>();

  add(key: number): void {
    this.counts.set(key, Math.min(FREQUENCY_MAX, this.estimate(key) + 1));
  }

  estimate(key: number): number {
    return this.counts.get(key) ?? 0;
  }
}

/** The lists as arrays, the oldest first. */
class NaiveTinyLfu {
  window: number[] = [];
  probation: number[] = [];
  protected: number[] = [];
  readonly capacity: number;
  readonly counts: ExactCounts;
  windowMax: number;

  constructor(capacity: number, windowMax: number, counts: ExactCounts) {
    this.capacity = capacity;
    this.windowMax = windowMax;
    this.counts = counts;
  }

  access(key: number): boolean {
    const list = [this.window, this.probation, this.protected].find((keys) => keys.includes(key));
    if (list === undefined) {
      this.insert(key);
      return false;
    }
    const isForWindow = list === this.window || this.window.length < this.windowMax;
    list.splice(list.indexOf(key), 1);
    if (isForWindow) this.window.push(key);
    else {
      this.protected.push(key);
      this.demote();
    }
    return true;
  }

  private insert(key: number): void {
    this.window.push(key);
    let candidate: number | undefined;
    for (let move = 0; move < 2 && this.window.length > this.windowMax; move += 1) {
      candidate = this.window.shift() as number;
      this.probation.push(candidate);
    }
    this.demote();
    if (this.window.length + this.probation.length + this.protected.length <= this.capacity) return;
    const list = [this.probation, this.protected, this.window].find((keys) => keys.length > 0);
    const victim = list?.[0] as number;
    const isBeaten =
      candidate !== undefined &&
      candidate !== victim &&
      this.counts.estimate(candidate) - 1 <= this.counts.estimate(victim);
    if (isBeaten) this.probation.splice(this.probation.indexOf(candidate as number), 1);
    else list?.shift();
  }

  private demote(): void {
    const protectedMax = Math.floor(0.8 * (this.capacity - this.windowMax));
    for (let move = 0; move < 2 && this.protected.length > protectedMax; move += 1) {
      this.probation.push(this.protected.shift() as number);
    }
  }
}

const requests = fc.array(fc.oneof(fc.nat(KEYS - 1), fc.nat(6)), { maxLength: 300 });
const shares = fc.constantFrom(0.01, 0.1, 0.25, 0.5, 1);

describe('W-TinyLFU', () => {
  test('hits where a naive one hits, also while its window changes', () => {
    const windows = fc.array(shares, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(requests, fc.integer({ min: 1, max: 20 }), windows, (keys, capacity, sizes) => {
        const sketch = new ExactCounts();
        const windowShare = sizes[0] as number;
        const settings = { keyCount: KEYS, capacity, windowShare, sketch, random: UNLUCKY };
        const cache = new TinyLfu(settings);
        const naive = new NaiveTinyLfu(capacity, windowEntries(capacity, windowShare), sketch);
        for (const [position, key] of keys.entries()) {
          const size = sizes[Math.floor((position * sizes.length) / keys.length)] as number;
          cache.setWindow(size);
          naive.windowMax = windowEntries(capacity, size);
          sketch.add(key);
          expect(cache.access(key)).toBe(naive.access(key));
        }
      }),
      { seed: SEED },
    );
  });

  test('with a window as large as the cache it is an exact LRU', () => {
    fc.assert(
      fc.property(requests, fc.integer({ min: 1, max: 20 }), (keys, entriesMax) => {
        const sketch = new ExactCounts();
        const cache = new TinyLfu({
          keyCount: KEYS,
          capacity: entriesMax,
          windowShare: 1,
          sketch,
          random: UNLUCKY,
        });
        const lru = new ExactLru({ kind: 'entries', entriesMax });
        for (const key of keys) expect(cache.access(key)).toBe(lru.access(String(key)));
      }),
      { seed: SEED },
    );
  });
});

describe('the frequency sketch', () => {
  test('estimates at least what was counted until it ages', () => {
    const sketch = new FrequencySketch(100, createRandom(1));
    const counts = new ExactCounts();
    const random = createRandom(2);
    for (let access = 0; access < 900; access += 1) {
      const key = random.below(KEYS);
      sketch.add(key);
      counts.add(key);
      expect(sketch.estimate(key)).toBeGreaterThanOrEqual(counts.estimate(key));
    }
  });

  test('halves what it knows after ten accesses per entry', () => {
    const sketch = new FrequencySketch(4, createRandom(1));
    for (let access = 0; access < 12; access += 1) sketch.add(7);
    expect(sketch.estimate(7)).toBe(12);
    for (let key = 100; key < 128; key += 1) sketch.add(key);
    expect(sketch.estimate(7)).toBeGreaterThanOrEqual(6);
    expect(sketch.estimate(7)).toBeLessThan(12);
  });
});

describe('the adaptive window', () => {
  test('waits until one window stands out and then for a better one', () => {
    const choice = new WindowChoice(3);
    expect(choice.endPeriod(1_000, [500, 501, 502])).toBe(-1);
    expect(choice.endPeriod(1_000, [500, 600, 500])).toBe(1);
    expect(choice.endPeriod(1_000, [500, 500, 501])).toBe(1);
    expect(choice.endPeriod(1_000, [500, 500, 900])).toBe(2);
  });

  const LENGTH = 20_000;
  const CAPACITY = 100;
  const loop = Int32Array.from({ length: LENGTH }, (_, index) => index % (CAPACITY * 2));
  /** Every key twice, the second time 30 requests after the first. */
  const recency = Int32Array.from(
    { length: LENGTH },
    (_, index) => Math.floor(index / 60) * 30 + (index % 30),
  );

  function hitsOf(create: typeof AdaptiveWindowTinyLfu | typeof FixedWindowTinyLfu) {
    return (keys: Int32Array): number =>
      countHits(new create(LENGTH, CAPACITY, createRandom(1)), keys);
  }

  test('keeps a loop that an LRU loses, and keys that a small window loses', () => {
    const adaptive = hitsOf(AdaptiveWindowTinyLfu);
    const fixed = hitsOf(FixedWindowTinyLfu);
    expect(adaptive(loop)).toBeGreaterThan(0.45 * LENGTH);
    expect(adaptive(recency)).toBeGreaterThan(0.48 * LENGTH);
    expect(fixed(recency)).toBeLessThan(0.1 * LENGTH);
  });
});
