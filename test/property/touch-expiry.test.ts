/**
 * R15: a sliding time to live races expiry. Threads touch keys around the moment they expire, in
 * place and through rings, on a clock that the test drives, against a plain model.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  STATUS_MISS,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_REFUSED,
} from '../../native-free-core/status.js';
import { CoreArena } from '../support/core-arena.js';
import type { CoreThread } from '../support/core-thread.js';
import { seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';

const SLIDE_MS = 20;
/** However often it is touched, an entry ends so long after it was set. */
const HARD_MS = 70;
const KEYS = ['a', 'b'];
const HOME = 3;

interface Life {
  /** When it ends if nobody touches it. */
  expiryMs: number;
  /** When it ends whatever happens. */
  hardMs: number;
}

interface Waiting {
  readonly key: string;
  readonly expiryMs: number;
}

type Step =
  | { readonly kind: 'set' | 'touch' | 'queueTouch'; readonly key: string; readonly by: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'serve' };

const keyed = fc.record({
  kind: fc.constantFrom('set' as const, 'touch' as const, 'queueTouch' as const),
  key: fc.constantFrom(...KEYS),
  by: fc.nat({ max: 1 }),
});
// Mostly to just before, at, and just after an expiry.
const advance = fc.record({
  kind: fc.constant('advance' as const),
  ms: fc.constantFrom(0.5, 1, 9, 10, 19, 19.5, 20, 21),
});
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: keyed },
    { weight: 4, arbitrary: advance },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('serve' as const) }) },
  ),
  { minLength: 5, maxLength: 80 },
);

class Rig {
  readonly arena = new CoreArena();
  readonly threads: readonly CoreThread[] = [this.arena.attach(), this.arena.attach()];
  readonly lives = new Map<string, Life>();
  readonly queues: Waiting[][] = [[], []];

  get nowMs(): number {
    return this.arena.clock.nowMs();
  }

  isLive(key: string): boolean {
    const life = this.lives.get(key);
    return life !== undefined && this.nowMs < life.expiryMs;
  }

  /** What a touch asks for: the sliding time, but never beyond the hard end. */
  slideMs(key: string): number {
    const hardMs = this.lives.get(key)?.hardMs ?? Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(SLIDE_MS, hardMs - this.nowMs));
  }

  /** Commands of a thread's ring are applied before its next one, or when the shard is served. */
  drain(by: number): void {
    for (const { key, expiryMs } of this.queues[by] as Waiting[]) {
      if (this.isLive(key)) (this.lives.get(key) as Life).expiryMs = expiryMs;
    }
    this.queues[by] = [];
  }

  run(step: Step): void {
    if (step.kind === 'advance') this.arena.clock.advance(step.ms);
    else if (step.kind === 'serve') {
      this.threads[0]?.serve();
      this.drain(0);
      this.drain(1);
    } else this.command(step.kind, step.key, step.by);
  }

  command(kind: 'set' | 'touch' | 'queueTouch', key: string, by: number): void {
    const thread = this.threads[by] as CoreThread;
    const ttlMs = this.slideMs(key);
    if (kind === 'queueTouch') {
      this.arena.setHome(0, HOME);
      expect(thread.touch(key, ttlMs, { inPlace: false }).status).toBe(STATUS_PENDING);
      this.arena.setHome(0, undefined);
      (this.queues[by] as Waiting[]).push({ key, expiryMs: this.nowMs + ttlMs });
      return;
    }
    this.drain(by);
    if (kind === 'touch') {
      const expected = this.isLive(key) ? STATUS_OK : STATUS_REFUSED;
      expect(thread.touch(key, ttlMs).status).toBe(expected);
      if (expected === STATUS_OK) (this.lives.get(key) as Life).expiryMs = this.nowMs + ttlMs;
    } else {
      expect(thread.set(key, 'v', { ttlMs: SLIDE_MS }).status).toBe(STATUS_OK);
      this.lives.set(key, { expiryMs: this.nowMs + SLIDE_MS, hardMs: this.nowMs + HARD_MS });
    }
    // Whoever held the shard has seen to the other's ring too.
    this.drain(1 - by);
  }

  check(): void {
    for (const key of KEYS) {
      const isLive = this.isLive(key);
      for (const thread of this.threads) {
        expect(thread.read(key, 0, 0)).toBe(isLive ? STATUS_OK : STATUS_MISS);
      }
      const hardMs = this.lives.get(key)?.hardMs ?? 0;
      if (this.nowMs >= hardMs) expect(isLive, 'nothing outlives its hard end').toBe(false);
    }
  }
}

test('R15: no touch revives an entry, and none outlives its hard time to live', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const rig = new Rig();
      for (const step of all) {
        rig.run(step);
        rig.check();
      }
      rig.threads[0]?.serve();
      expect(rig.arena.verify()).toEqual([]);
    }),
    { seed: seedFromEnvironment(), numRuns: scaled(150) },
  );
});
