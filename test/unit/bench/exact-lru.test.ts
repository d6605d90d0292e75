import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExactLru, type LruBound } from '../../../bench/hit-ratio/exact-lru.js';

const SEED = 0x5eed41;

/** The same cache as a plain array of entries, the newest first. */
class NaiveLru {
  entries: { key: string; bytes: number }[] = [];
  readonly bound: LruBound;

  constructor(bound: LruBound) {
    this.bound = bound;
  }

  touch(key: string): boolean {
    const found = this.entries.find((entry) => entry.key === key);
    if (found === undefined) return false;
    this.entries = [found, ...this.entries.filter((entry) => entry !== found)];
    return true;
  }

  access(key: string, bytes: number): boolean {
    if (this.touch(key)) return true;
    this.set(key, bytes);
    return false;
  }

  set(key: string, bytes: number): void {
    this.delete(key);
    if (this.bound.kind === 'bytes' && bytes > this.bound.bytesMax) return;
    this.entries.unshift({ key, bytes });
    while (this.isOver()) this.entries.pop();
  }

  delete(key: string): boolean {
    const before = this.entries.length;
    this.entries = this.entries.filter((entry) => entry.key !== key);
    return this.entries.length < before;
  }

  heldBytes(): number {
    return this.entries.reduce((sum, entry) => sum + entry.bytes, 0);
  }

  private isOver(): boolean {
    return this.bound.kind === 'entries'
      ? this.entries.length > this.bound.entriesMax
      : this.heldBytes() > this.bound.bytesMax;
  }
}

const keys = fc.constantFrom(...'abcdefghijkl');
const operations = fc.array(
  fc.record({
    kind: fc.constantFrom('access', 'set', 'delete', 'touch'),
    key: keys,
    bytes: fc.integer({ min: 0, max: 30 }),
  }),
  { maxLength: 200 },
);
const bounds: fc.Arbitrary<LruBound> = fc.oneof(
  fc.record({ kind: fc.constant('entries' as const), entriesMax: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('bytes' as const), bytesMax: fc.integer({ min: 1, max: 90 }) }),
);

test('every command does what a naive list does, in the same order', () => {
  const property = fc.property(bounds, operations, (bound, commands) => {
    const lru = new ExactLru(bound);
    const naive = new NaiveLru(bound);
    for (const { kind, key, bytes } of commands) {
      if (kind === 'access') expect(lru.access(key, bytes)).toBe(naive.access(key, bytes));
      else if (kind === 'set') expect(lru.set(key, bytes)).toBe(naive.set(key, bytes));
      else if (kind === 'delete') expect(lru.delete(key)).toBe(naive.delete(key));
      else expect(lru.touch(key)).toBe(naive.touch(key));
      expect([...lru.keys()]).toEqual(naive.entries.map((entry) => entry.key));
      expect(lru.heldBytes).toBe(naive.heldBytes());
      expect(lru.entryCount).toBe(naive.entries.length);
    }
  });
  fc.assert(property, { seed: SEED, numRuns: 500 });
});

test('slots are reused, so that a long run grows nothing', () => {
  const lru = new ExactLru({ kind: 'entries', entriesMax: 3_000 });
  for (let index = 0; index < 50_000; index += 1) lru.access(`key ${index}`);
  expect(lru.entryCount).toBe(3_000);
  expect(lru.has('key 46999')).toBe(false);
  expect([...lru.keys()].slice(0, 2)).toEqual(['key 49999', 'key 49998']);
  expect([...lru.keys()].at(-1)).toBe('key 47000');
});

test('without a bound nothing is ever evicted', () => {
  const lru = new ExactLru({ kind: 'bytes', bytesMax: Number.POSITIVE_INFINITY });
  for (let index = 0; index < 5_000; index += 1) expect(lru.access(`${index}`, 1e9)).toBe(false);
  for (let index = 0; index < 5_000; index += 1) expect(lru.access(`${index}`, 1e9)).toBe(true);
});

test('an impossible bound is refused', () => {
  for (const entriesMax of [0, -1, 1.5, Number.NaN, 2 ** 24]) {
    expect(() => new ExactLru({ kind: 'entries', entriesMax })).toThrow(RangeError);
  }
  expect(() => new ExactLru({ kind: 'bytes', bytesMax: 0 })).toThrow(RangeError);
});
