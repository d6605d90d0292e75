import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FLAG_ONLY_ABSENT,
  FLAG_ONLY_PRESENT,
  FLAG_RETURN_OLD,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_MISS, STATUS_OK } from '../../native-free-core/status.js';
import { CoreArena, type CoreArenaOptions, type CoreSnapshot } from '../support/core-arena.js';
import type { CoreThread } from '../support/core-thread.js';
import { createPrng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';

const KIB = 1_024;
const ENTRIES_MAX = 8;
const KEYS = 14;
const NO_TOUCH = 1;
const TTL_MS = 1e9;
const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/property/lru-order.test.ts');

/** Keys from the least to the most recently used. */
class ExactLru {
  readonly order = new Set<string>();

  use(key: string): void {
    this.order.delete(key);
    this.order.add(key);
  }

  oldest(): string {
    const [key] = this.order;
    if (key === undefined) throw new Error('nothing is left to evict');
    return key;
  }
}

/** One thread and one shard, where the order of eviction is promised to be exact. */
class LruRig {
  readonly arena: CoreArena;
  readonly thread: CoreThread;
  lru = new ExactLru();
  private readonly pristine: CoreSnapshot;

  constructor(options: CoreArenaOptions) {
    this.arena = new CoreArena(options);
    this.thread = this.arena.attach();
    this.pristine = this.arena.snapshot();
  }

  reset(): void {
    this.arena.restore(this.pristine);
    this.lru = new ExactLru();
  }

  set(key: string, valueBytes: number, flags: number): void {
    const { status } = this.thread.set(key, new Uint8Array(valueBytes), { flags, ttlMs: TTL_MS });
    if (status < 0) throw new Error(`set answered ${status}`);
    if (status === STATUS_OK) this.lru.use(key);
    this.dropEvicted();
  }

  get(key: string): void {
    if (this.thread.read(key) === STATUS_OK) this.lru.use(key);
  }

  remove(key: string): void {
    if (this.thread.remove(key).status === STATUS_OK) this.lru.order.delete(key);
  }

  /** As many as the core evicted, and they must have been the oldest. */
  private dropEvicted(): void {
    while (this.lru.order.size > this.arena.items()) {
      const victim = this.lru.oldest();
      this.lru.order.delete(victim);
      const status = this.thread.read(victim, 0, NO_TOUCH);
      if (status !== STATUS_MISS) {
        throw new Error(`${victim} was the oldest, but another key was evicted instead`);
      }
    }
    if (this.lru.order.size < this.arena.items()) throw new Error('an unknown key is stored');
  }

  /** Every key of the naive order is there, and there are no others. */
  check(): void {
    for (const key of this.lru.order) {
      if (this.thread.read(key, 0, NO_TOUCH) !== STATUS_OK) throw new Error(`${key} was lost`);
    }
    if (this.lru.order.size !== this.arena.items()) throw new Error('another number of entries');
    const findings = this.arena.verify();
    if (findings.length > 0) throw new Error(findings.join('\n'));
  }
}

type Step = (rig: LruRig) => void;

const key = fc.integer({ min: 0, max: KEYS - 1 }).map((index) => `key-${index}`);
const size = fc.constantFrom(0, 10, 90, 200, 500, 900, 2_000, 5_000, 12_000);
const flags = fc.constantFrom(0, 0, 0, FLAG_ONLY_ABSENT, FLAG_ONLY_PRESENT, FLAG_RETURN_OLD);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.tuple(key, size, flags).map(
      ([name, bytes, how]) =>
        (rig: LruRig) =>
          rig.set(name, bytes, how),
    ),
    weight: 4,
  },
  { arbitrary: key.map((name) => (rig: LruRig) => rig.get(name)), weight: 4 },
  key.map((name) => (rig: LruRig) => rig.remove(name)),
  // A new time to live is no access.
  key.map((name) => (rig: LruRig) => {
    rig.thread.touch(name, TTL_MS);
  }),
);

describe('order of eviction with one thread and one shard', () => {
  it('is exact under a bound by count, over all size classes', () => {
    const rig = new LruRig({ limitBytes: 2 * KIB * KIB, entryCountMax: ENTRIES_MAX });
    const run = (steps: readonly Step[]): void => {
      rig.reset();
      for (const act of steps) {
        act(rig);
        rig.check();
      }
    };
    const steps = fc.array(step, { maxLength: 120, size: 'max' });
    fc.assert(fc.property(steps, run), { seed, numRuns: scaled(60) });
  });

  it('does not depend on how many reads lie between two writes', () => {
    const rig = new LruRig({ entryCountMax: 50 });
    const prng = createPrng(seed);
    for (let round = 0; round < scaled(300); round++) {
      // More than a touch buffer holds, now and then.
      const reads = prng.nextBelow(10) === 0 ? 400 : prng.nextBelow(20);
      for (let i = 0; i < reads; i++) rig.get(`key-${prng.nextBelow(80)}`);
      rig.set(`key-${prng.nextBelow(80)}`, prng.nextBelow(300), 0);
      if (round % 50 === 0) rig.check();
    }
    rig.check();
  });

  it.each([0, 40, 300, 880, 3_000, 9_000])(
    'is exact under the bound by bytes for values of %i bytes',
    (valueBytes) => {
      const rig = new LruRig({ limitBytes: 256 * KIB });
      const prng = createPrng(seed + valueBytes);
      const capacity = Math.ceil((150 * KIB) / (valueBytes + 80));
      try {
        for (let i = 0; i < capacity * 8; i++) {
          const name = `key-${prng.nextBelow(capacity * 2)}`;
          if (prng.nextBelow(3) === 0) rig.get(name);
          else rig.set(name, valueBytes, 0);
          if (i % 100 === 0) rig.check();
        }
      } catch (cause) {
        throw new Error(`${(cause as Error).message}; ${replay}`, { cause });
      }
      rig.check();
      expect(rig.arena.items()).toBeLessThan(capacity * 2);
    },
  );
});
