import { describe, expect, it } from 'vitest';
import {
  BUCKET_ENTRIES,
  CHAIN_BUCKETS_MAX,
  HEADER_MAGIC,
  SHARD_BUCKET_COUNT,
  SHARD_EVICTIONS,
  SHARD_OVERFLOWS,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_MISS, STATUS_OK } from '../../native-free-core/status.js';
import { CoreArena, type CoreArenaOptions } from '../support/core-arena.js';
import { type CoreThread, READ_VALUE } from '../support/core-thread.js';
import { createPrng, type Prng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';

const KIB = 1_024;
const CHAIN_ENTRIES_MAX = BUCKET_ENTRIES * CHAIN_BUCKETS_MAX;
const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/fuzz/table.test.ts');

class TableRig {
  readonly arena: CoreArena;
  readonly thread: CoreThread;
  readonly values = new Map<string, string>();
  private serial = 0;

  constructor(options: CoreArenaOptions) {
    this.arena = new CoreArena(options);
    this.thread = this.arena.attach();
  }

  get buckets(): number {
    return this.arena.shardU32(0, SHARD_BUCKET_COUNT);
  }

  get overflows(): number {
    return this.arena.shardU32(0, SHARD_OVERFLOWS);
  }

  get evictions(): number {
    return this.arena.total(SHARD_EVICTIONS);
  }

  set(key: string, padding = 0): void {
    this.serial += 1;
    const value = `${this.serial} `.padEnd(padding, '.');
    const { status } = this.thread.set(key, value);
    if (status !== STATUS_OK) throw new Error(`set of ${key} answered ${status}`);
    this.values.set(key, value);
    if (this.check(key) !== STATUS_OK) throw new Error(`${key} is gone at once`);
  }

  remove(key: string): void {
    const present = this.check(key) === STATUS_OK;
    const { status } = this.thread.remove(key);
    if ((status === STATUS_OK) !== present) throw new Error(`delete of ${key}: ${status}`);
    this.values.delete(key);
  }

  /** Reads without a touch: the value that was set last, or a miss. */
  check(key: string): number {
    const status = this.thread.read(key, 0, READ_VALUE);
    if (status !== STATUS_OK) {
      if (status !== STATUS_MISS) throw new Error(`${key} answered ${status}`);
      this.values.delete(key);
      return status;
    }
    const value = Buffer.from(this.thread.entry().value).toString();
    if (value !== this.values.get(key)) throw new Error(`${key} has another value`);
    return status;
  }

  checkAll(): void {
    for (const key of [...this.values.keys()]) this.check(key);
    if (this.values.size !== this.arena.items()) throw new Error('another number of items');
    this.verify();
  }

  verify(): void {
    const findings = this.arena.verify();
    if (findings.length > 0) throw new Error(findings.join('\n'));
  }

  /** Keys whose hashes agree in their low bits, so that no split of the table parts them. */
  collidingKeys(count: number, lowBits: number, prefix = 'collide'): string[] {
    const mask = (1n << BigInt(lowBits)) - 1n;
    const keys: string[] = [];
    for (let i = 0; keys.length < count; i++) {
      const key = `${prefix}-${i}`;
      if ((this.thread.hashOf(key) & mask) === 0n) keys.push(key);
    }
    return keys;
  }
}

function fuzz(rig: TableRig, prng: Prng, keys: readonly string[], operations: number): void {
  for (let i = 0; i < operations; i++) {
    const key = prng.pick(keys);
    const choice = prng.nextBelow(10);
    try {
      if (choice < 5) rig.set(key, prng.nextBelow(4) === 0 ? prng.nextBelow(3_000) : 0);
      else if (choice < 8) rig.remove(key);
      else rig.check(key);
      rig.verify();
    } catch (cause) {
      throw new Error(`operation ${i}: ${(cause as Error).message}; ${replay}`, { cause });
    }
  }
  rig.checkAll();
}

describe('the index', () => {
  it('grows by splitting, bucket by bucket, and loses nothing', () => {
    const rig = new TableRig({ limitBytes: 4 * KIB * KIB });
    const first = rig.buckets;
    for (let i = 0; i < 20_000; i++) {
      rig.set(`key-${i}`);
      if (i % 1_000 === 0) rig.checkAll();
    }
    rig.checkAll();
    expect(rig.arena.items()).toBe(20_000);
    expect(rig.buckets).toBeGreaterThan(first * 16);
    for (let i = 0; i < 20_000; i++) {
      rig.remove(`key-${i}`);
      if (i % 1_000 === 0) rig.verify();
    }
    expect(rig.arena.items()).toBe(0);
    expect(rig.overflows).toBe(0);
    rig.checkAll();
  });

  it('follows chains of eight buckets, and evicts the oldest of a chain that is full', () => {
    const rig = new TableRig({ limitBytes: 512 * KIB });
    const keys = rig.collidingKeys(CHAIN_ENTRIES_MAX + 20, 6);
    const fitting = keys.slice(0, CHAIN_ENTRIES_MAX);
    for (const key of fitting) rig.set(key);
    expect(rig.overflows).toBe(CHAIN_BUCKETS_MAX - 1);
    expect(rig.evictions).toBe(0);
    rig.checkAll();
    // The first key is used once more: it is not the oldest any longer.
    expect(rig.thread.read(keys[0] as string)).toBe(STATUS_OK);
    keys.slice(CHAIN_ENTRIES_MAX).forEach((key, index) => {
      rig.set(key);
      expect(rig.evictions).toBe(index + 1);
      expect(rig.check(keys[index + 1] as string)).toBe(STATUS_MISS);
      rig.checkAll();
    });
    expect(rig.check(keys[0] as string)).toBe(STATUS_OK);
    for (const key of [...rig.values.keys()].reverse()) rig.remove(key);
    expect(rig.overflows).toBe(0);
    rig.checkAll();
  });

  it('keeps a chain together while the table around it grows', () => {
    const rig = new TableRig({ limitBytes: 2 * KIB * KIB });
    const keys = rig.collidingKeys(40, 9);
    for (const key of keys) rig.set(key);
    for (let i = 0; i < 6_000; i++) {
      rig.set(`other-${i}`);
      if (i % 500 === 0) rig.checkAll();
    }
    expect(rig.buckets).toBeGreaterThan(512);
    expect(keys.every((key) => rig.check(key) === STATUS_OK)).toBe(true);
    rig.checkAll();
  });

  it('tells apart keys of one bucket and one tag', () => {
    const rig = new TableRig({ limitBytes: 512 * KIB });
    const groups = new Map<bigint, string[]>();
    for (let i = 0; i < 30_000; i++) {
      const key = `key-${i}`;
      const hash = rig.thread.hashOf(key);
      const group = (hash & 0x3fn) | (((hash >> 32n) & 0xffn) << 6n);
      groups.set(group, [...(groups.get(group) ?? []), key]);
    }
    const crowded = [...groups.values()].sort((a, b) => b.length - a.length).slice(0, 8);
    for (const keys of crowded) {
      expect(keys.length).toBeGreaterThan(4);
      const [absent, ...present] = keys;
      for (const key of present) rig.set(key);
      rig.checkAll();
      expect(rig.thread.read(absent as string)).toBe(STATUS_MISS);
      for (const key of present) rig.remove(key);
    }
  });

  it('survives random sets and deletes in crowded buckets', () => {
    for (let round = 0; round < scaled(3); round++) {
      const prng = createPrng(seed + round);
      const rig = new TableRig({ limitBytes: prng.pick([256, 512]) * KIB });
      const keys = [
        ...rig.collidingKeys(110, 6, `a${round}`),
        ...rig.collidingKeys(30, 8, `b${round}`),
        ...Array.from({ length: 150 }, (_, index) => `plain-${index}`),
      ];
      fuzz(rig, prng, keys, 1_500);
    }
  });

  it('finds room for a chain that grows when memory is full, and moves no item meanwhile', () => {
    for (const valueBytes of [0, 150, 300, 900]) {
      const rig = new TableRig({ limitBytes: KIB * KIB });
      const keys = rig.collidingKeys(60, 6);
      const first = keys.slice(0, BUCKET_ENTRIES);
      for (const key of first) rig.set(key, valueBytes);
      for (let i = 0; rig.arena.freePages() > 0; i++) rig.set(`large-${i}`, 3_000);
      for (const key of keys.slice(BUCKET_ENTRIES)) {
        rig.set(key, valueBytes);
        rig.verify();
      }
      expect(rig.arena.view.getUint32(HEADER_MAGIC, true)).not.toBe(0);
      rig.checkAll();
    }
  });

  it('grows although memory was full of large values before', () => {
    const rig = new TableRig({ limitBytes: 512 * KIB });
    const first = rig.buckets;
    for (let i = 0; rig.arena.freePages() > 0; i++) rig.set(`large-${i}`, 3_000);
    for (let i = 0; i < 2_000; i++) {
      rig.set(`small-${i}`);
      if (i % 100 === 0) rig.checkAll();
    }
    rig.checkAll();
    expect(rig.arena.items()).toBeGreaterThan(800);
    expect(rig.buckets).toBeGreaterThan(first);
  });
});
