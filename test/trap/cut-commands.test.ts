import { describe, expect, it } from 'vitest';
import {
  BUCKET_ENTRIES,
  CHAIN_BUCKETS_MAX,
  FLAG_KEEP_TTL,
  FLAG_ONLY_ABSENT,
  FLAG_RETURN_OLD,
  SCAN_DELETE,
  SCAN_EXPIRE,
  SCAN_LIST,
  SHARD_BUCKET_COUNT,
  SHARD_EVICTIONS,
  SHARD_OVERFLOWS,
  SHARD_PAGES_MOVED,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_OK } from '../../native-free-core/status.js';
import type { CommandOptions } from '../support/core-thread.js';
import { CoreScan } from '../support/scan-slices.js';
import { type CutRig, cutEverywhere, type Scenario } from './cut-rig.js';

const CHAIN_ENTRIES = BUCKET_ENTRIES * CHAIN_BUCKETS_MAX;

/** Some entries of several classes, with and without a time to live. */
function putSome(rig: CutRig): void {
  for (let i = 0; i < 6; i++) rig.put(`some-${i}`, i * 60, { ttlMs: i % 2 ? 5_000 : Infinity });
  rig.put('target', 100, { ttlMs: 60_000, contentType: 'text/plain', encoding: 3 });
  rig.put('large', 9_000);
}

/** Entries until the first was evicted. */
function fillUp(rig: CutRig, size: (index: number) => number): void {
  for (let i = 0; rig.arena.total(SHARD_EVICTIONS) === 0; i++) rig.put(`fill-${i}`, size(i));
}

/** Full, and every second entry was used once more: the oldest page holds young entries too. */
function fillAndUse(rig: CutRig): void {
  for (let i = 0; rig.arena.freePages() > 0; i++) rig.put(`fill-${i}`, 300);
  const keys = [...rig.keys];
  for (let i = 0; i < keys.length; i += 2) rig.put(keys[i] as string, 300);
}

/** The victim sets `key`, which must succeed. */
function setting(
  name: string,
  prepare: (rig: CutRig) => void,
  key: string | ((rig: CutRig) => string),
  valueBytes: number,
  options: CommandOptions = {},
): Scenario {
  return {
    name,
    prepare: (rig) => {
      prepare(rig);
      rig.keys.add(typeof key === 'string' ? key : key(rig));
    },
    run: (rig) => {
      const name = typeof key === 'string' ? key : key(rig);
      const value = new Uint8Array(valueBytes).fill(201);
      expect(rig.victim.set(name, value, options).status).toBe(STATUS_OK);
    },
  };
}

const returnOld = { flags: FLAG_RETURN_OLD };

const sets: readonly Scenario[] = [
  setting('a new key in an empty shard', () => undefined, 'new', 40),
  setting('a new key', putSome, 'new', 90, { ttlMs: 700, contentType: 'a/b' }),
  setting('a new value of the same class', putSome, 'target', 101),
  setting('a new value of another class', putSome, 'target', 800),
  setting('a new value, the old one returned', putSome, 'target', 90, returnOld),
  setting('a new value that keeps its time', putSome, 'target', 3, { flags: FLAG_KEEP_TTL }),
  setting('a new large value', putSome, 'new', 10_000, { ttlMs: 700 }),
  setting('a large value instead of a small one', putSome, 'target', 5_000, returnOld),
  setting('a small value instead of a large one', putSome, 'large', 50, returnOld),
  setting('a large value instead of a large one', putSome, 'large', 14_000),
  {
    name: 'a value that is refused',
    prepare: putSome,
    run: (rig) => {
      rig.victim.set('target', 'x', { flags: FLAG_ONLY_ABSENT });
      rig.victim.set('large', new Uint8Array(5_000), { flags: FLAG_ONLY_ABSENT });
    },
  },
];

const removals: readonly Scenario[] = [
  { name: 'a small entry', prepare: putSome, run: (rig) => rig.victim.remove('target') },
  { name: 'a large entry', prepare: putSome, run: (rig) => rig.victim.remove('large') },
  { name: 'a key that is not there', prepare: putSome, run: (rig) => rig.victim.remove('none') },
  {
    name: 'an entry that is returned',
    prepare: putSome,
    run: (rig) => {
      expect(rig.victim.remove('target', returnOld).old?.length).toBe(100);
      expect(rig.victim.remove('large', returnOld).old?.length).toBe(9_000);
    },
  },
  {
    name: 'the last entry of an overflow bucket',
    prepare: (rig) => {
      for (const key of rig.collidingKeys(BUCKET_ENTRIES + 1)) rig.put(key, 10);
    },
    run: (rig) => rig.victim.remove([...rig.keys][BUCKET_ENTRIES] as string),
  },
];

/** `fillUp` evicted one entry: the command evicts more. */
const evicts = (rig: CutRig): boolean => rig.arena.total(SHARD_EVICTIONS) > 1;
const movesPage = (rig: CutRig): boolean => rig.arena.total(SHARD_PAGES_MOVED) > 0;

const pressure: readonly Scenario[] = [
  {
    ...setting('evicts one of its class', (rig) => fillUp(rig, () => 300), 'new', 300),
    proves: evicts,
  },
  {
    ...setting('evicts for a large value', (rig) => fillUp(rig, () => 900), 'new', 12_000),
    proves: movesPage,
  },
  {
    ...setting('evicts a large value for a small one', (rig) => fillUp(rig, () => 3_000), 'new', 9),
    proves: evicts,
  },
  {
    ...setting('empties a page of another class', (rig) => fillUp(rig, () => 300), 'new', 900),
    proves: movesPage,
  },
  {
    ...setting('moves what was used lately to another page', fillAndUse, 'new', 900),
    proves: movesPage,
  },
  {
    ...setting('at a bound by count', (rig) => fillUp(rig, (i) => i * 40), 'new', 500),
    options: { entryCountMax: 10 },
    proves: evicts,
  },
];

/** Sets all colliding keys but the first, which is left for the victim. */
const putColliding =
  (count: number) =>
  (rig: CutRig): void => {
    for (const key of rig.collidingKeys(count).slice(1)) rig.put(key, 0);
  };
const firstKey = (rig: CutRig): string => [...rig.keys][0] as string;

function putBeforeSplit(rig: CutRig): void {
  for (const key of rig.collidingKeys(30)) rig.put(key, 0);
  for (let i = 0; rig.arena.items() < 512; i++) rig.put(`split-${i}`, 0);
}

const index: readonly Scenario[] = [
  {
    ...setting('adds an overflow bucket', putColliding(BUCKET_ENTRIES + 1), firstKey, 10),
    proves: (rig) => rig.arena.shardU32(0, SHARD_OVERFLOWS) === 1,
  },
  {
    ...setting('evicts in a full chain', putColliding(CHAIN_ENTRIES + 1), firstKey, 0),
    proves: (rig) => rig.arena.total(SHARD_EVICTIONS) === 1,
  },
  {
    ...setting('splits a bucket, its chain with it', putBeforeSplit, 'new', 0),
    proves: (rig) => rig.arena.shardU32(0, SHARD_BUCKET_COUNT) === 65,
  },
];

describe('a set that is cut off at any store', () => {
  it.each(sets)('$name', (scenario) => {
    expect(cutEverywhere(scenario)).toBeGreaterThan(10);
  });

  it.each(pressure)('under pressure: $name', (scenario) => {
    expect(cutEverywhere(scenario)).toBeGreaterThan(50);
  });

  it.each(index)('in the index: $name', (scenario) => {
    expect(cutEverywhere(scenario)).toBeGreaterThan(40);
  });
});

describe('a delete that is cut off at any store', () => {
  it.each(removals)('$name', (scenario) => {
    expect(cutEverywhere(scenario)).toBeGreaterThan(5);
  });
});

describe('other commands that are cut off at any store', () => {
  it('a new time to live, a shorter one, none', () => {
    for (const ttlMs of [100_000, 10, Number.POSITIVE_INFINITY]) {
      const run = (rig: CutRig): void => {
        expect(rig.victim.touch('target', ttlMs).status).toBe(STATUS_OK);
      };
      cutEverywhere({ name: 'touch', prepare: putSome, run });
    }
  });

  it('staged pages that are given back', () => {
    cutEverywhere({
      name: 'stage and release',
      prepare: putSome,
      run: (rig) => {
        const first = rig.victim.stage(0, 20_000);
        expect(first).toBeGreaterThan(0);
        rig.victim.releasePages(0, first);
      },
    });
  });

  it('a slice that frees what is over, and sweeps what was cleared', () => {
    cutEverywhere({
      name: 'serve',
      prepare: (rig) => {
        putSome(rig);
        for (let i = 0; i < 5; i++) rig.put(`short-${i}`, i * 900, { ttlMs: 20 });
        rig.arena.clock.advance(1_000);
        rig.survivor.core.clearNamespace(0);
        rig.put('after the clear', 50);
      },
      run: (rig) => {
        rig.victim.serve();
      },
    });
  });

  it.each([
    ['that lists keys', SCAN_LIST],
    ['that removes entries', SCAN_DELETE],
    ['that makes entries stale', SCAN_EXPIRE],
  ])('a slice of a scan %s', (_, mode) => {
    cutEverywhere({
      name: 'scan',
      prepare: (rig) => {
        putSome(rig);
        for (const key of rig.collidingKeys(20)) rig.put(key, 30, { ttlMs: 5_000 });
      },
      run: (rig) => {
        const scan = new CoreScan(rig.arena, rig.victim, { mode, glob: '*[1-57el]*' });
        expect(scan.slice()).toBe(STATUS_OK);
        expect(scan.isDone).toBe(true);
        expect(scan.matched).toBeGreaterThan(10);
      },
    });
  });

  it('reads whose touches fill their buffer', () => {
    cutEverywhere({
      name: 'touches',
      prepare: (rig) => {
        putSome(rig);
        // Recency is kept for several threads once their stamps are older than the window.
        for (let i = 0; i < 3; i++) {
          rig.arena.clock.advance(150);
          rig.survivor.serve();
        }
        for (let i = 0; i < 127; i++) rig.victim.read(`some-${i % 6}`);
      },
      run: (rig) => {
        for (let i = 0; i < 3; i++) rig.victim.read(`some-${i}`);
        rig.victim.set('new', 'x');
      },
    });
  });
});
