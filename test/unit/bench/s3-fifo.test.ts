import fc from 'fast-check';
import { expect, test } from 'vitest';
import { S3Fifo } from '../../../bench/hit-ratio/s3-fifo.js';

const SEED = 0x5eed45;
const KEYS = 60;

interface Entry {
  readonly key: number;
  frequency: number;
}

/** The queues as arrays, the oldest first. */
class NaiveS3Fifo {
  small: Entry[] = [];
  main: Entry[] = [];
  ghost: number[] = [];
  readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  access(key: number): boolean {
    const found = [...this.small, ...this.main].find((entry) => entry.key === key);
    if (found !== undefined) {
      found.frequency = Math.min(3, found.frequency + 1);
      return true;
    }
    const isGhost = this.ghost.includes(key);
    this.ghost = this.ghost.filter((ghost) => ghost !== key);
    while (this.small.length + this.main.length >= this.capacity) this.evict();
    (isGhost ? this.main : this.small).push({ key, frequency: 0 });
    return false;
  }

  private evict(): void {
    const smallMax = Math.max(1, Math.floor(this.capacity / 10));
    if (this.main.length > this.capacity - smallMax || this.small.length === 0) {
      let oldest = this.main.shift() as Entry;
      while (oldest.frequency > 0) {
        this.main.push({ key: oldest.key, frequency: oldest.frequency - 1 });
        oldest = this.main.shift() as Entry;
      }
      return;
    }
    const oldest = this.small.shift() as Entry;
    if (oldest.frequency >= 2) this.main.push({ key: oldest.key, frequency: 0 });
    else {
      this.ghost.push(oldest.key);
      if (this.ghost.length > Math.max(1, Math.floor(this.capacity * 0.9))) this.ghost.shift();
    }
  }
}

test('every access is a hit exactly where it is one of a naive S3-FIFO', () => {
  const requests = fc.array(fc.oneof(fc.nat(KEYS - 1), fc.nat(8)), { maxLength: 400 });
  fc.assert(
    fc.property(requests, fc.integer({ min: 1, max: 25 }), (keys, capacity) => {
      const cache = new S3Fifo(KEYS, capacity);
      const naive = new NaiveS3Fifo(capacity);
      for (const key of keys) expect(cache.access(key)).toBe(naive.access(key));
    }),
    { seed: SEED },
  );
});
