import { describe, expect, it } from 'vitest';
import {
  SHARD_EVICTIONS,
  SHARD_EXPIRATIONS,
  SHARD_WHEEL_COUNT,
  WHEEL_TICK_MS,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_MISS, STATUS_OK } from '../../native-free-core/status.js';
import { CoreArena, type CoreArenaOptions } from '../support/core-arena.js';
import { type CoreThread, READ_VALUE } from '../support/core-thread.js';
import { createPrng, type Prng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const LEVEL_SPANS_MS = [1, 2, 3, 4, 5, 6].map((level) => WHEEL_TICK_MS * 64 ** level);
const KEYS = 300;
/** Slices that a jump in time may cost, however far it is. */
const SLICES_MAX = 200;
const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/fuzz/wheel.test.ts');

/** Times to live, and steps of time: short ones, ages, and both sides of each level's border. */
function drawTimeMs(prng: Prng): number {
  const span = prng.pick(LEVEL_SPANS_MS);
  const draws = [
    () => 1 + prng.nextBelow(20),
    () => prng.nextFraction() * 30,
    () => 1 + prng.nextBelow(5_000),
    () => prng.nextBelow(64) * WHEEL_TICK_MS,
    () => span + prng.nextBelow(33) - 16,
    () => prng.nextFraction() * span,
    () => prng.pick([40 * DAY_MS, YEAR_MS, 10 * YEAR_MS, 40 * YEAR_MS]),
  ];
  return prng.pick(draws)();
}

function drawStepMs(prng: Prng): number {
  const draw = drawTimeMs(prng);
  // Years pass now and then only, or nothing short would ever be seen.
  return draw > DAY_MS && prng.nextBelow(10) > 0 ? prng.nextBelow(1_000) : draw;
}

/** An arena whose keys have expiries that the test knows. */
class WheelRig {
  readonly arena: CoreArena;
  readonly thread: CoreThread;
  readonly expiryMs = new Map<string, number>();
  private readonly prng: Prng;

  constructor(prng: Prng, options: CoreArenaOptions = {}) {
    this.prng = prng;
    this.arena = new CoreArena(options);
    this.thread = this.arena.attach();
    // With a home worker, nobody but the test serves the shard.
    this.arena.setHome(0, this.thread.id);
  }

  get nowMs(): number {
    return this.arena.clock.nowMs();
  }

  drawKey(): string {
    return `key-${this.prng.nextBelow(KEYS)}`;
  }

  set(key: string, ttlMs: number): void {
    expect(this.thread.set(key, key, { ttlMs }).status, replay).toBe(STATUS_OK);
    this.expiryMs.set(key, this.nowMs + ttlMs);
  }

  touch(key: string, ttlMs: number): void {
    const live = (this.expiryMs.get(key) ?? -1) > this.nowMs;
    const { status } = this.thread.touch(key, ttlMs);
    if ((status === STATUS_OK) !== live) throw new Error(`touch of ${key} answered ${status}`);
    if (live) this.expiryMs.set(key, this.nowMs + ttlMs);
  }

  remove(key: string): void {
    this.thread.remove(key);
    this.expiryMs.delete(key);
  }

  check(key: string): void {
    const expiry = this.expiryMs.get(key);
    const live = expiry !== undefined && this.nowMs < expiry;
    const status = this.thread.read(key, 0, READ_VALUE);
    if (status !== (live ? STATUS_OK : STATUS_MISS)) {
      throw new Error(`${key} with expiry ${expiry} answered ${status} at ${this.nowMs}`);
    }
    if (live && this.thread.entry().expiryMs !== expiry) throw new Error(`expiry of ${key}`);
  }

  /** Serves until nothing is left to do: all that is over is freed then, and nothing else. */
  serve(): void {
    const slices = this.thread.serve();
    if (slices > SLICES_MAX) throw new Error(`a jump took ${slices} slices`);
    const tickMs = Math.floor(this.nowMs / WHEEL_TICK_MS) * WHEEL_TICK_MS;
    let most = 0;
    let least = 0;
    for (const expiry of this.expiryMs.values()) {
      if (expiry > tickMs) most += 1;
      if (expiry > this.nowMs) least += 1;
    }
    const items = this.arena.items();
    if (items < least || items > most) {
      throw new Error(`${items} items at ${this.nowMs}, it should be ${least} to ${most}`);
    }
  }

  checkAll(): void {
    for (const key of this.expiryMs.keys()) this.check(key);
    const findings = this.arena.verify();
    if (findings.length > 0) throw new Error(findings.join('\n'));
  }
}

function operate(rig: WheelRig, prng: Prng): void {
  const choice = prng.nextBelow(20);
  const ttlMs = prng.nextBelow(12) === 0 ? Number.POSITIVE_INFINITY : drawTimeMs(prng);
  if (choice < 8) rig.set(rig.drawKey(), ttlMs);
  else if (choice < 10) rig.touch(rig.drawKey(), ttlMs);
  else if (choice < 11) rig.remove(rig.drawKey());
  else if (choice < 14) rig.check(rig.drawKey());
  else if (choice < 17) rig.arena.clock.advance(drawStepMs(prng));
  else if (choice < 18) rig.thread.core.serveShard(0, rig.nowMs);
  else rig.serve();
}

/** Runs random operations; the error of a failure names the command that repeats it. */
function fuzz(rig: WheelRig, prng: Prng, operations: number): void {
  for (let i = 0; i < operations; i++) {
    try {
      operate(rig, prng);
      if (i % 20 === 0) rig.checkAll();
    } catch (cause) {
      throw new Error(`operation ${i}: ${(cause as Error).message}; ${replay}`, { cause });
    }
  }
}

describe('the timing wheel', () => {
  it('expires nothing early and frees everything that is over', () => {
    for (let round = 0; round < scaled(6); round++) {
      const prng = createPrng(seed + round);
      const rig = new WheelRig(prng, { build: round % 3 === 2 ? 'core-weak' : 'core' });
      fuzz(rig, prng, 2_000);
      expect(rig.arena.total(SHARD_EVICTIONS)).toBe(0);
      // A hundred years on, all that had a time to live is gone.
      rig.arena.clock.advance(100 * YEAR_MS);
      rig.serve();
      expect(rig.arena.shardU32(0, SHARD_WHEEL_COUNT)).toBe(0);
      expect(rig.arena.shardU64(0, SHARD_EXPIRATIONS)).toBeGreaterThan(100);
      rig.checkAll();
    }
  });

  it.each([
    ['1 ms', 1],
    ['8 ms', 8],
    ['one level', 512],
    ['two levels', 32_768],
    ['40 days', 40 * DAY_MS],
    ['10 years', 10 * YEAR_MS],
    ['40 years', 40 * YEAR_MS],
  ])('keeps a time to live of %s exact', (_name, ttlMs) => {
    const rig = new WheelRig(createPrng(seed));
    rig.arena.clock.advance(12_345.678);
    rig.set('key-1', ttlMs);
    rig.arena.clock.advance(ttlMs - 0.5);
    rig.serve();
    rig.check('key-1');
    expect(rig.arena.items()).toBe(1);
    rig.arena.clock.advance(0.499);
    rig.serve();
    rig.check('key-1');
    rig.arena.clock.advance(0.001_1);
    rig.check('key-1');
    expect(rig.thread.read('key-1')).toBe(STATUS_MISS);
    rig.arena.clock.advance(WHEEL_TICK_MS);
    rig.serve();
    expect(rig.arena.items()).toBe(0);
  });

  it('frees in order of time over every border of a level, tick by tick', () => {
    for (const span of LEVEL_SPANS_MS.slice(0, 4)) {
      const rig = new WheelRig(createPrng(seed));
      // Begins anywhere within a turn of the wheel.
      rig.arena.clock.advance(span - 5 * WHEEL_TICK_MS);
      rig.serve();
      for (let i = 0; i < 40; i++) rig.set(`key-${i}`, span - 160 + i * WHEEL_TICK_MS);
      rig.arena.clock.advance(span - 200);
      for (let tick = 0; tick < 70; tick++) {
        rig.serve();
        rig.checkAll();
        rig.arena.clock.advance(WHEEL_TICK_MS / 2);
      }
      rig.arena.clock.advance(span);
      rig.serve();
      expect(rig.arena.items()).toBe(0);
    }
  });

  it('is due no later than its first entry, and not all the time', () => {
    const prng = createPrng(seed);
    for (let round = 0; round < scaled(200); round++) {
      const rig = new WheelRig(prng, { limitBytes: 256 * 1_024 });
      rig.arena.clock.advance(drawTimeMs(prng));
      rig.serve();
      const ttlMs = drawTimeMs(prng);
      rig.set('key-1', ttlMs);
      const expiry = rig.expiryMs.get('key-1') as number;
      let wakes = 0;
      while (rig.arena.items() > 0) {
        const due = rig.thread.core.nextDueMs(rig.thread.id, rig.nowMs);
        const late = due - (expiry + WHEEL_TICK_MS);
        expect(late, `due at ${due}, expiry ${expiry}; ${replay}`).toBeLessThanOrEqual(0);
        rig.arena.clock.advance(Math.max(0, due - rig.nowMs));
        rig.thread.core.serveHome(rig.thread.id, rig.nowMs);
        wakes += 1;
        expect(wakes, `time to live ${ttlMs}; ${replay}`).toBeLessThan(64);
      }
      expect(rig.nowMs, replay).toBeGreaterThanOrEqual(expiry);
    }
  });
});
