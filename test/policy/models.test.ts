import { describe, expect, it } from 'vitest';
import { createPrng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { PolicyRig } from './policy-rig.js';
import { S3FifoModel } from './s3-fifo-model.js';
import { TinyLfuModel } from './tiny-lfu-model.js';

const KIB = 1_024;
const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/policy/models.test.ts');

interface Model {
  keys(): string[];
  get(key: string): boolean;
  set(key: string): void;
  delete(key: string): void;
}

/** Key popularities of different kinds; each draws the number of a key. */
const PATTERNS = {
  skewed: (round: number, capacity: number, random: () => number): number =>
    Math.floor(capacity * 4 * random() ** 3) + (round >> 11),
  loop: (round: number, capacity: number): number => round % (capacity + 2),
  'scan and favourites': (round: number, capacity: number, random: () => number): number =>
    random() < 0.5 ? 1_000 + round : Math.floor((capacity / 2) * random()),
} as const;

function compare(
  eviction: 'lfu' | 's3fifo',
  capacity: number,
  pattern: (round: number, capacity: number, random: () => number) => number,
): void {
  const rig = new PolicyRig({ limitBytes: 1_024 * KIB, entryCountMax: capacity, eviction });
  const hashes = new Map<string, bigint>();
  const hashOf = (key: string): bigint => {
    const hash = hashes.get(key) ?? rig.thread.hashOf(key);
    hashes.set(key, hash);
    return hash;
  };
  const blockCount = rig.filterBlocksInUse(capacity);
  const settings = { capacity, blockCount, hashOf };
  const model: Model = eviction === 'lfu' ? new TinyLfuModel(settings) : new S3FifoModel(settings);
  const prng = createPrng(seed + capacity);
  const rounds = scaled(60 * capacity + 1_000);
  for (let round = 0; round < rounds; round++) {
    const key = `key-${pattern(round, capacity, () => prng.nextFraction())}`;
    const where = `round ${round}, ${key}; ${replay}`;
    // Of several size classes: stamps merge their lists.
    const valueBytes = (Number(hashOf(key) & 7n) + 1) * 24;
    const draw = prng.nextBelow(100);
    if (draw === 0) {
      rig.thread.remove(key);
      model.delete(key);
    } else if (draw < 4) {
      rig.set(key, valueBytes);
      model.set(key);
    } else {
      const isHit = model.get(key);
      if (!isHit) model.set(key);
      expect(rig.access(key, valueBytes), where).toBe(isHit);
    }
    if (round % 16 !== 0) continue;
    const lost = model.keys().filter((name) => !rig.holds(name));
    expect(lost, where).toEqual([]);
    expect(rig.items, where).toBe(model.keys().length);
    rig.verify();
  }
}

describe.each(['lfu', 's3fifo'] as const)('%s decides as its naive model', (eviction) => {
  describe.each(Object.entries(PATTERNS))('for requests of the pattern %s', (_name, pattern) => {
    it.each([1, 2, 5, 10, 30, 64])('with %i entries', (capacity) => {
      compare(eviction, capacity, pattern);
    });
  });
});
