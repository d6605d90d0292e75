import { describe, expect, it } from 'vitest';
import {
  SHARD_BUCKET_COUNT,
  SHARD_PAGES_MOVED,
} from '../../../native-free-core/assembly/layout.js';
import { STATUS_OK } from '../../../native-free-core/status.js';
import { CoreArena } from '../../support/core-arena.js';
import type { CoreThread } from '../../support/core-thread.js';

const KIB = 1_024;
const NO_TOUCH = 1;

class StripeRig {
  readonly arena: CoreArena;
  readonly thread: CoreThread;

  constructor(limitBytes: number) {
    this.arena = new CoreArena({ limitBytes });
    this.thread = this.arena.attach();
  }

  stripeOf(key: string): number {
    const address = this.arena.stripeAddress(0, this.thread.hashOf(key));
    return this.arena.view.getUint32(address, true);
  }

  stripes(): number[] {
    const first = this.arena.stripeAddress(0, 0n);
    return Array.from({ length: this.arena.plan.stripeCount }, (_, index) =>
      this.arena.view.getUint32(first + index * 4, true),
    );
  }

  /** Sum of the steps of all stripes; all are even before and after. */
  moved(action: () => void): number {
    const before = this.stripes();
    action();
    const after = this.stripes();
    expect(after.every((stripe) => stripe % 2 === 0)).toBe(true);
    return after.reduce((sum, stripe, index) => sum + stripe - (before[index] as number), 0);
  }
}

describe('stripes', () => {
  it('move by two where a reference or an expiry changes, and nowhere else', () => {
    const rig = new StripeRig(1_024 * KIB);
    const { thread } = rig;
    const commands: readonly (readonly [string, () => void])[] = [
      ['a new key', () => thread.set('key', 'value')],
      ['a new value', () => thread.set('key', 'other')],
      ['a new value of another class', () => thread.set('key', new Uint8Array(700))],
      ['a large value', () => thread.set('key', new Uint8Array(7_000))],
      ['a new time to live', () => thread.touch('key', 5_000)],
      ['a delete', () => thread.remove('key')],
    ];
    for (const [name, command] of commands) {
      const before = rig.stripeOf('key');
      expect(rig.moved(command), name).toBe(2);
      expect(rig.stripeOf('key'), name).toBe(before + 2);
    }
  });

  it('stay as they are for reads, refusals and staged pages', () => {
    const rig = new StripeRig(1_024 * KIB);
    const { thread } = rig;
    thread.set('key', 'value');
    const moved = rig.moved(() => {
      for (let i = 0; i < 300; i++) thread.read('key');
      thread.read('none');
      thread.remove('none');
      thread.touch('none', 5);
      thread.set('none', 'x', { flags: 2 });
      thread.releasePages(0, thread.stage(0, 9_000));
      thread.serve();
    });
    expect(moved).toBe(0);
  });

  it('move for everything that leaves by itself', () => {
    const rig = new StripeRig(1_024 * KIB);
    const { arena, thread } = rig;
    thread.set('short', 'x', { ttlMs: 20 });
    thread.set('cleared', 'x');
    arena.clock.advance(1_000);
    const [short, cleared] = [rig.stripeOf('short'), rig.stripeOf('cleared')];
    thread.core.clearNamespace(0);
    thread.serve();
    expect(arena.items()).toBe(0);
    expect(rig.stripeOf('short')).toBeGreaterThan(short);
    expect(rig.stripeOf('cleared')).toBeGreaterThan(cleared);
  });

  it('move for each victim of an eviction, and for what is moved to another page', () => {
    const rig = new StripeRig(256 * KIB);
    const { arena, thread } = rig;
    const keys: string[] = [];
    for (let i = 0; arena.freePages() > 0; i++) {
      keys.push(`key-${i}`);
      thread.set(`key-${i}`, new Uint8Array(300));
    }
    for (let i = 0; i < keys.length; i += 2) thread.read(keys[i] as string);
    const before = new Map(keys.map((key) => [key, rig.stripeOf(key)]));
    for (let i = 0; i < 10; i++) thread.set(`wide-${i}`, new Uint8Array(900));
    expect(arena.total(SHARD_PAGES_MOVED)).toBeGreaterThan(0);
    let victims = 0;
    for (const key of keys) {
      if (thread.read(key, 0, NO_TOUCH) === STATUS_OK) continue;
      victims += 1;
      expect(rig.stripeOf(key)).toBeGreaterThan(before.get(key) as number);
    }
    expect(victims).toBeGreaterThan(0);
  });

  it('move when their bucket splits, whether or not an entry moves', () => {
    const rig = new StripeRig(1_024 * KIB);
    const { arena, thread } = rig;
    for (let i = 0; arena.items() < 512; i++) thread.set(`key-${i}`, 'x');
    const buckets = arena.shardU32(0, SHARD_BUCKET_COUNT);
    const before = rig.stripes();
    thread.set('one more', 'x');
    expect(arena.shardU32(0, SHARD_BUCKET_COUNT)).toBe(buckets + 1);
    const split = buckets - arena.plan.stripeCount;
    expect(rig.stripes()[split]).toBeGreaterThan(before[split] as number);
  });
});
