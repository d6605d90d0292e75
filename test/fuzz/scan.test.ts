/**
 * Scans of the bare core while the shard changes between their slices: it grows, keys are
 * rewritten, removed and evicted, pages move. Against sets that the test keeps.
 */
import { describe, expect, it } from 'vitest';
import {
  SCAN_DELETE,
  SCAN_EXPIRE,
  SCAN_LIST,
  SHARD_BUCKET_COUNT,
  SHARD_EVICTIONS,
  SHARD_OVERFLOWS,
  SHARD_PAGES_MOVED,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_MISS, STATUS_OK } from '../../native-free-core/status.js';
import { CoreArena } from '../support/core-arena.js';
import { createPrng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { CoreScan } from '../support/scan-slices.js';

const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/fuzz/scan.test.ts');
const MODES = [SCAN_LIST, SCAN_DELETE, SCAN_EXPIRE];

describe('a scan beside everything else', () => {
  it.each(Array.from({ length: scaled(12) }, (_, round) => round))(
    'misses no key that stays, round %i',
    (round) => {
      const prng = createPrng(seed + round);
      const arena = new CoreArena({ limitBytes: 8 * 1_024 * 1_024 });
      const thread = arena.attach();
      const other = arena.attach();
      const mode = prng.pick(MODES);
      // Keys that are there the whole time.
      const staying = Array.from({ length: 150 }, (_, i) => `stay:${i}`);
      for (const key of staying) thread.set(key, 'x'.repeat(prng.nextBelow(60)));
      for (let i = 0; i < 350; i++) thread.set(`old:${i}`, 'y'.repeat(prng.nextBelow(300)));
      const rewritten = mode === SCAN_LIST ? staying.slice(100) : [];
      const isLate = new Set<string>();
      const unitsMax = 1 + prng.nextBelow(400);
      const prefix = mode === SCAN_LIST ? '' : 'stay:';
      const scan = new CoreScan(arena, thread, { mode, prefix, unitsMax, roomBytes: 80 });
      let serial = 0;
      scan.slice(0);
      scan.run(() => {
        for (let i = prng.nextBelow(12); i > 0; i--) {
          serial += 1;
          const choice = prng.nextBelow(8);
          if (choice < 5) other.set(`new:${serial}`, 'z'.repeat(prng.nextBelow(200)));
          else if (choice === 5) other.remove(`new:${prng.nextBelow(serial)}`);
          else if (choice === 6 && rewritten.length > 0) {
            other.set(prng.pick(rewritten), 'w'.repeat(prng.nextBelow(400)));
          } else if (choice === 7) {
            const late = `stay:late:${serial}`;
            other.set(late, '');
            isLate.add(late);
          }
        }
      });
      expect(arena.verify(), replay).toEqual([]);
      expect(arena.total(SHARD_EVICTIONS), 'nothing was evicted').toBe(0);
      const grown = arena.shardU32(0, SHARD_BUCKET_COUNT);
      expect(grown, 'the table grew').toBeGreaterThan(64);
      if (mode === SCAN_LIST) {
        const listed = new Set(scan.keys);
        expect(
          staying.filter((key) => !listed.has(key)),
          replay,
        ).toEqual([]);
        return;
      }
      // Exact, whatever was met twice; what came later is spared.
      expect(scan.matched, replay).toBe(staying.length);
      for (const key of staying) expect(thread.read(key), replay).toBe(STATUS_MISS);
      for (const key of isLate) expect(thread.read(key), replay).toBe(STATUS_OK);
    },
  );

  it.each(Array.from({ length: scaled(6) }, (_, round) => round))(
    'under evictions and page moves no survivor is missed, none is counted twice, round %i',
    (round) => {
      const prng = createPrng(seed + 1_000 + round);
      const arena = new CoreArena({ limitBytes: 256 * 1_024 });
      const thread = arena.attach();
      const other = arena.attach();
      const before = Array.from({ length: 700 }, (_, i) => `key:${i}`);
      for (const key of before) thread.set(key, 'x'.repeat(100));
      const present = before.filter((key) => thread.read(key, 0, 0) === STATUS_OK);
      const scan = new CoreScan(arena, thread, {
        mode: SCAN_LIST,
        prefix: 'key:',
        unitsMax: 500,
        roomBytes: 100,
      });
      scan.run(() => {
        // Larger and larger: pages of the small ones are emptied and change their class.
        other.set(`other:${prng.nextBelow(40)}`, 'y'.repeat(300 + prng.nextBelow(500)));
      });
      expect(arena.total(SHARD_EVICTIONS) + arena.total(SHARD_PAGES_MOVED)).toBeGreaterThan(0);
      const listed = new Set(scan.keys);
      const left = present.filter((key) => thread.read(key, 0, 0) === STATUS_OK);
      expect(
        left.filter((key) => !listed.has(key)),
        replay,
      ).toEqual([]);
      // Then all are removed: the count is the number that are left.
      const removal = new CoreScan(arena, thread, {
        mode: SCAN_DELETE,
        prefix: 'key:',
        unitsMax: 300,
      });
      removal.run();
      expect(removal.matched).toBe(left.length);
      const again = new CoreScan(arena, thread, { mode: SCAN_DELETE, prefix: 'key:' });
      again.run();
      expect(again.matched).toBe(0);
      expect(arena.verify(), replay).toEqual([]);
    },
  );
});

describe('one slice', () => {
  it('visits no more than its units allow, and at least one entry', () => {
    const arena = new CoreArena({ limitBytes: 4 * 1_024 * 1_024 });
    const thread = arena.attach();
    for (let i = 0; i < 5_000; i++) thread.set(`key:${i}`, '');
    const whole = new CoreScan(arena, thread, { mode: SCAN_EXPIRE, prefix: 'none' });
    const slices = whole.run();
    expect(whole.scanned).toBe(5_000);
    // 32,768 units, 16 for a look at a chain and 32 for an item: at most 682 items.
    expect(slices).toBeGreaterThanOrEqual(Math.ceil(5_000 / 682));
    const tiny = new CoreScan(arena, thread, { mode: SCAN_EXPIRE, prefix: 'key:', unitsMax: 1 });
    let scanned = 0;
    tiny.run(() => {
      expect(tiny.scanned - scanned).toBeLessThanOrEqual(1);
      scanned = tiny.scanned;
    });
    expect(tiny.matched).toBe(5_000);
  });

  it('is over in the middle of a long match, and the next one goes on with it', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    thread.set('a'.repeat(800), '');
    thread.set(`${'a'.repeat(700)}b`, '');
    const glob = `*${'a'.repeat(200)}b*`;
    const scan = new CoreScan(arena, thread, { mode: SCAN_DELETE, glob, unitsMax: 1_000 });
    const slices = scan.run();
    // About 600 × 200 steps for one key, and nearly as many for the other.
    expect(slices).toBeGreaterThan(150);
    expect(scan).toMatchObject({ scanned: 2, matched: 1 });
    expect(thread.read('a'.repeat(800))).toBe(STATUS_OK);
  });

  it('a match that was left is begun anew when its item is gone', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    const long = 'a'.repeat(800);
    thread.set(long, '');
    const glob = `*${'a'.repeat(200)}*c`;
    const scan = new CoreScan(arena, thread, {
      mode: SCAN_DELETE,
      glob,
      unitsMax: 100,
      takesLater: true,
    });
    scan.slice();
    expect(scan.isDone).toBe(false);
    thread.set(long, 'rewritten');
    scan.run();
    expect(scan).toMatchObject({ scanned: 1, matched: 0 });
  });

  it('goes through a chain of many buckets key by key', () => {
    const arena = new CoreArena({ limitBytes: 512 * 1_024 });
    const thread = arena.attach();
    const mask = BigInt(arena.plan.stripeCount - 1);
    const keys: string[] = [];
    for (let i = 0; keys.length < 60; i++) {
      if ((thread.hashOf(`key:${i}`) & mask) === 0n) keys.push(`key:${i}`);
    }
    for (const key of keys) thread.set(key, '');
    expect(arena.shardU32(0, SHARD_OVERFLOWS)).toBeGreaterThan(3);
    const listing = new CoreScan(arena, thread, { mode: SCAN_LIST, roomBytes: 20 });
    // Some of those that are still to come move to the front of the chain.
    listing.run(() => thread.remove(listing.keys.at(-1) as string));
    expect(listing.keys.toSorted()).toEqual(keys.toSorted());
    expect(arena.verify()).toEqual([]);
  });

  it('answers that a key is too large for its record, and stays where it is', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    thread.set('k'.repeat(100), '');
    const scan = new CoreScan(arena, thread, { mode: SCAN_LIST, roomBytes: 101 });
    expect(scan.slice()).toBe(-4);
  });

  it('takes what is in the ring before it, and leaves other namespaces alone', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    const namespaceId = thread.registerNamespace('n');
    thread.set('key', 'n', { namespaceId });
    thread.set('expired', '', { ttlMs: 10 });
    arena.clock.advance(10);
    arena.setHome(0, 3);
    thread.set('key', 'queued', { inPlace: false });
    arena.setHome(0, undefined);
    const scan = new CoreScan(arena, thread, { mode: SCAN_DELETE });
    scan.run();
    expect(scan).toMatchObject({ scanned: 1, matched: 1 });
    expect(thread.text('key', namespaceId)).toBe('n');
    thread.core.clearNamespace(namespaceId);
    const cleared = new CoreScan(arena, thread, { mode: SCAN_DELETE, namespaceId });
    cleared.run();
    expect(cleared).toMatchObject({ scanned: 0, matched: 0 });
  });
});
