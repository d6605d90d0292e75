/** Random commands of two threads that are cut off again and again, recover, and go on. */
import { describe, expect, it } from 'vitest';
import {
  FLAG_RETURN_OLD,
  SHARD_HOME,
  SHARD_OWNER,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_FULL, STATUS_OK, STATUS_PENDING } from '../../native-free-core/status.js';
import { CoreArena } from '../support/core-arena.js';
import { type CoreThread, READ_ALL, READ_VALUE } from '../support/core-thread.js';
import { createPrng, type Prng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';

const KIB = 1_024;
const SHARDS = 2;
const KEYS = 40;
const SIZES = [0, 20, 150, 600, 900, 2_000, 7_000];
const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/trap/cut-random.test.ts');

/** The first four bytes number the value, the rest follows from that number. */
function valueOfSerial(serial: number, extraBytes: number): Uint8Array {
  const value = Buffer.alloc(4 + extraBytes);
  value.writeUInt32LE(serial);
  for (let i = 4; i < value.length; i++) value[i] = serial * 31 + i;
  return value;
}

class RandomRig {
  readonly arena: CoreArena;
  readonly mortals: readonly CoreThread[];
  readonly witness: CoreThread;
  cuts = 0;
  resets = 0;
  private readonly prng: Prng;
  /** Numbers of the values that a key may have; a cut command leaves old and new. */
  private readonly possible = new Map<string, Set<number>>();
  private serial = 0;

  constructor(prng: Prng) {
    this.prng = prng;
    const options = { limitBytes: 384 * KIB, shardCount: SHARDS, threadSlotCount: 3 };
    this.arena = new CoreArena(options);
    this.mortals = [this.arena.attach('core-trap'), this.arena.attach('core-trap')];
    this.witness = this.arena.attach();
    // With a home worker, commands that are not given in place wait in their rings.
    this.arena.setHome(0, this.mortals[0]?.id);
    this.arena.setHome(1, this.mortals[1]?.id);
  }

  private drawKey(): string {
    return `key-${this.prng.nextBelow(KEYS)}`;
  }

  private valuesOf(key: string): Set<number> {
    const values = this.possible.get(key) ?? new Set<number>();
    this.possible.set(key, values);
    return values;
  }

  /** One operation of a thread, which may be cut off at any store of it. */
  operate(): void {
    const thread = this.prng.pick(this.mortals);
    const isCut = this.prng.nextBelow(3) === 0;
    thread.core.trapAfterStores(isCut ? 1 + this.prng.nextBelow(200) : 0);
    try {
      this.act(thread);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      this.cuts += 1;
    } finally {
      thread.core.trapAfterStores(0);
    }
    if (isCut) this.recover(thread);
  }

  private act(thread: CoreThread): void {
    const choice = this.prng.nextBelow(12);
    const key = this.drawKey();
    const shard = this.prng.nextBelow(SHARDS);
    const options = {
      inPlace: this.prng.nextBelow(3) > 0,
      flags: this.prng.nextBelow(4) === 0 ? FLAG_RETURN_OLD : 0,
      ttlMs: this.prng.nextBelow(3) === 0 ? this.prng.nextBelow(2_000) : Number.POSITIVE_INFINITY,
    };
    if (choice < 5) this.set(thread, key, options);
    else if (choice < 6) thread.remove(key, options);
    else if (choice < 7) thread.touch(key, options.ttlMs, options);
    else if (choice < 9) this.check(thread, key, READ_ALL);
    else if (choice < 10) this.arena.clock.advance(this.prng.nextBelow(300));
    else if (choice < 11) thread.core.serveShard(shard, this.arena.clock.nowMs());
    else thread.core.helpShard(shard);
  }

  private set(thread: CoreThread, key: string, options: { inPlace: boolean }): void {
    this.serial += 1;
    const values = this.valuesOf(key);
    // Queued ones may be applied later: what was possible before stays possible.
    values.add(this.serial);
    const value = valueOfSerial(this.serial, this.prng.pick(SIZES));
    const { status } = thread.set(key, value, options);
    if (![STATUS_OK, STATUS_PENDING, STATUS_FULL].includes(status)) {
      throw new Error(`set answered ${status}`);
    }
  }

  /** A thread that was cut off may hold a shard still; its slot goes to one that comes after it. */
  private recover(thread: CoreThread): void {
    expect(this.arena.verifyReachable()).toEqual([]);
    for (let shard = 0; shard < SHARDS; shard++) {
      const owner = this.arena.shardU32(shard, SHARD_OWNER);
      if (owner === 0) continue;
      expect((owner & 0xff) - 1).toBe(thread.id);
      const by = this.prng.nextBelow(2) === 0 ? thread : this.witness;
      // Its home, which lives, would be left the rest.
      const home = this.arena.shardU32(shard, SHARD_HOME);
      this.arena.setHome(shard, undefined);
      expect(by.recover(shard, thread.id)).toBe(true);
      this.arena.setHome(shard, home - 1);
      this.resets += 1;
    }
    expect(this.witness.detach(thread.id)).toBe(true);
    expect(thread.core.attachThread(0, 0, 1)).toBe(thread.id);
  }

  /** A value that was set for this key, whole, or none. */
  private check(thread: CoreThread, key: string, flags: number): void {
    const entry = thread.get(key, 0, flags);
    if (typeof entry === 'number') return;
    const serial = Buffer.from(entry.value).readUInt32LE();
    const expected = valueOfSerial(serial, entry.value.length - 4);
    if (!this.valuesOf(key).has(serial) || Buffer.compare(entry.value, expected) !== 0) {
      throw new Error(`${key} has a value that was never set for it`);
    }
  }

  checkAll(): void {
    const findings = this.arena.verify();
    if (findings.length > 0) throw new Error(findings.join('; '));
    for (let i = 0; i < KEYS; i++) this.check(this.witness, `key-${i}`, READ_VALUE);
    this.witness.core.unpin();
  }
}

describe('threads that are cut off again and again', () => {
  it('leave arenas that are sound, values that are whole, and rings that go on', () => {
    for (let round = 0; round < scaled(3); round++) {
      const rig = new RandomRig(createPrng(seed + round));
      for (let i = 0; i < 2_500; i++) {
        try {
          rig.operate();
          if (i % 5 === 0) rig.checkAll();
        } catch (cause) {
          const where = `round ${round}, operation ${i}`;
          throw new Error(`${where}: ${(cause as Error).message}; ${replay}`, { cause });
        }
      }
      expect(rig.cuts).toBeGreaterThan(50);
      expect(rig.resets).toBeGreaterThan(20);
      for (const thread of rig.mortals) {
        for (let shard = 0; shard < SHARDS; shard++) {
          thread.serve(shard);
          expect(thread.core.waiting(shard)).toBe(0);
        }
        thread.collect();
        expect(thread.set('at the end', 'works').status).toBe(STATUS_OK);
      }
      rig.checkAll();
    }
  });
});
