import { describe, expect, it } from 'vitest';
import {
  PAGE_SKETCH,
  RING_RECORDS,
  SHARD_EVICTIONS,
  THREAD_RINGS,
} from '../../native-free-core/assembly/layout.js';
import { createPrng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { POLICIES, PolicyRig } from './policy-rig.js';

const KIB = 1_024;
const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/policy/contract.test.ts');

describe.each(POLICIES)('the policy %s', (eviction) => {
  it('holds as many entries as the bound allows, and never more', () => {
    for (const entryCountMax of [1, 2, 3, 10, 100]) {
      const rig = new PolicyRig({ entryCountMax, eviction });
      for (let index = 0; index < entryCountMax * 3; index++) {
        rig.set(`key-${index}`, (index % 5) * 60);
        expect(rig.items).toBe(Math.min(index + 1, entryCountMax));
        // What was just stored is there.
        expect(rig.holds(`key-${index}`)).toBe(true);
      }
      rig.verify();
    }
  });

  it('keeps what is asked for between many keys that are not', () => {
    const rig = new PolicyRig({ entryCountMax: 50, eviction });
    for (let round = 0; round < 2_000; round++) {
      rig.access(`favourite-${round % 10}`);
      rig.access(`once-${round}`);
    }
    for (let index = 0; index < 10; index++) expect(rig.holds(`favourite-${index}`)).toBe(true);
    rig.verify();
  });

  it('follows when other keys become the favourites', () => {
    const rig = new PolicyRig({ entryCountMax: 50, eviction });
    for (const epoch of ['first', 'second', 'third']) {
      let hits = 0;
      for (let round = 0; round < 6_000; round++) {
        if (rig.access(`${epoch}-${round % 30}`) && round >= 5_000) hits += 1;
      }
      expect(hits).toBeGreaterThan(950);
    }
  });

  it('keeps its lists in order whatever is set, read, removed or expires', () => {
    const rig = new PolicyRig({ limitBytes: 384 * KIB, entryCountMax: 90, eviction });
    const prng = createPrng(seed);
    const sizes = [0, 20, 100, 100, 300, 900, 2_500, 9_000];
    for (let round = 0; round < scaled(1_500); round++) {
      const key = `key-${Math.floor(200 * prng.nextFraction() ** 2)}`;
      const draw = prng.nextBelow(20);
      if (draw === 0) rig.thread.remove(key);
      else if (draw === 1) rig.thread.touch(key, 1 + prng.nextBelow(100));
      else if (draw < 10) rig.set(key, prng.pick(sizes), draw < 4 ? 50 : Number.POSITIVE_INFINITY);
      else rig.get(key);
      if (draw === 2) {
        rig.arena.clock.advance(20);
        rig.thread.serve();
      }
      const findings = rig.arena.verify();
      expect(findings, `round ${round}; ${replay}`).toEqual([]);
    }
    expect(rig.arena.total(SHARD_EVICTIONS)).toBeGreaterThan(0);
  });

  it('serves several shards and threads', () => {
    const rig = new PolicyRig({ limitBytes: 1_536 * KIB, shardCount: 4, eviction });
    const other = rig.arena.attach();
    for (let round = 0; round < 8_000; round++) {
      rig.access(`key-${(round * 7) % 3_900}`, 100 + (round % 3) * 400);
      other.read(`key-${round % 100}`);
    }
    expect(rig.arena.total(SHARD_EVICTIONS)).toBeGreaterThan(0);
    rig.verify();
  });

  it('writes nothing but its own slot and ring for a hit', () => {
    const rig = new PolicyRig({ eviction });
    for (let index = 0; index < 100; index++) rig.set(`key-${index}`);
    const { bytes, view, plan } = rig.arena;
    const ring = view.getUint32(rig.thread.slot + THREAD_RINGS, true);
    const hide = (copy: Uint8Array): Uint8Array => {
      copy.fill(0, rig.thread.slot, rig.thread.slot + plan.threadBytes);
      return copy.fill(0, ring, ring + plan.pageBytes);
    };
    const before = hide(bytes.slice());
    // Fewer than a touch buffer holds.
    for (let index = 0; index < 100; index++) expect(rig.get(`key-${index}`)).toBe(true);
    expect(Buffer.compare(hide(bytes.slice()), before)).toBe(0);
    expect(plan.pageBytes).toBeGreaterThan(RING_RECORDS);
  });

  it('takes its memory from the limit, in proportion to the entries', () => {
    const rig = new PolicyRig({ limitBytes: 2_048 * KIB, eviction });
    for (let index = 0; index < 30_000; index++) rig.access(`${index}`, 0);
    expect(rig.arena.total(SHARD_EVICTIONS)).toBeGreaterThan(0);
    const pages = rig.arena.countPages(PAGE_SKETCH);
    expect(pages).toBeLessThan(rig.arena.plan.pageCount / 8);
    expect(pages === 0).toBe(eviction === 'lru');
    rig.verify();
  });
});
