import { describe, expect, it } from 'vitest';
import {
  GHOST_UNITS,
  SHARD_FILTER_PAGES,
  SHARD_GHOSTS,
} from '../../native-free-core/assembly/layout.js';
import { createPrng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { PolicyRig } from './policy-rig.js';
import { SketchModel } from './tiny-lfu-model.js';

const KIB = 1_024;
const NO_AGEING = 1e8;
const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/policy/filter.test.ts');

describe('the frequency sketch', () => {
  it('counts as a sketch whose counters are all halved at once', () => {
    const rig = new PolicyRig({ entryCountMax: 200, eviction: 'lfu' });
    const prng = createPrng(seed);
    const model = new SketchModel(rig.filterBlocksInUse(200), 20);
    const { core } = rig.thread;
    for (let round = 0; round < scaled(20_000); round++) {
      const key = Math.imul(Math.floor(300 * prng.nextFraction() ** 2) + 1, 0x9e37_79b1) >>> 0;
      core.selfSketchAdd(0, key, 20);
      model.add(key);
      const other = Math.imul(prng.nextBelow(300) + 1, 0x9e37_79b1) >>> 0;
      expect(core.selfSketchEstimate(0, other), replay).toBe(model.estimate(other));
    }
  });

  it('never counts too little while it does not age, also when it grows', () => {
    const rig = new PolicyRig({ limitBytes: 2_048 * KIB, eviction: 'lfu' });
    const { core } = rig.thread;
    const prng = createPrng(seed);
    const counts = new Map<number, number>();
    const pages: number[] = [];
    // Of very few entries the accesses below would fill a sample.
    for (let index = 0; index < 50; index++) rig.set(`before-${index}`, 0);
    for (let round = 0; round < 6_000; round++) {
      const key = prng.nextUint32();
      const times = 1 + prng.nextBelow(4);
      for (let time = 0; time < times; time++) core.selfSketchAdd(0, key, NO_AGEING);
      counts.set(key, times);
      rig.set(`key-${round}`, 0);
      pages.push(rig.shardField(SHARD_FILTER_PAGES));
    }
    expect(new Set(pages).size).toBeGreaterThan(4);
    for (const [key, times] of counts) {
      expect(core.selfSketchEstimate(0, key), replay).toBeGreaterThanOrEqual(times);
    }
    // Nor much too often: of keys that were never seen, few look known.
    let strangers = 0;
    for (let round = 0; round < 1_000; round++) {
      if (core.selfSketchEstimate(0, prng.nextUint32()) > 2) strangers += 1;
    }
    expect(strangers).toBeLessThan(100);
  });
});

describe('ghosts', () => {
  /** A rig and the core's ghosts by 64-bit hash. */
  function makeGhosts(limitBytes: number): {
    readonly rig: PolicyRig;
    add(hash: bigint, most: number): void;
    take(hash: bigint): boolean;
  } {
    const rig = new PolicyRig({ limitBytes, eviction: 's3fifo' });
    const { core } = rig.thread;
    const at = rig.thread.slot + rig.arena.plan.threadBytes - 64;
    const put = (hash: bigint): void => rig.arena.view.setBigUint64(at, hash, true);
    return {
      rig,
      add: (hash, most) => {
        put(hash);
        core.selfGhostAdd(0, at, most);
      },
      take: (hash) => {
        put(hash);
        return core.selfGhostTake(0, at) !== 0;
      },
    };
  }

  const drawHash = (prng: ReturnType<typeof createPrng>): bigint =>
    (BigInt(prng.nextUint32()) << 32n) | BigInt(prng.nextUint32());

  /** What a filter of one page knows of a key: its block and a fingerprint. */
  const imageOf = (hash: bigint, blockCount: number): string => {
    const fingerprint = (hash >> 32n) & 0xffffn;
    return `${hash & BigInt(blockCount - 1)}/${fingerprint === 0n ? 1n : fingerprint}`;
  };

  it.each([1, 2, 7, 50, 128])('of up to %i keys go in the order in which they came', (most) => {
    const { rig, add, take } = makeGhosts(KIB * KIB);
    const prng = createPrng(seed + most);
    let model: { readonly hash: bigint; readonly image: string; readonly unit: number }[] = [];
    let unit = 0;
    for (let round = 0; round < scaled(3_000); round++) {
      if (prng.nextBelow(3) > 0 || model.length === 0) {
        const hash = drawHash(prng);
        add(hash, most);
        unit += 1;
        model.push({ hash, image: imageOf(hash, rig.arena.plan.filterBlockCount), unit });
        if (model.length > most) model.shift();
        // However few of them count, units end after a while.
        model = model.filter((ghost) => ghost.unit > unit - GHOST_UNITS);
        continue;
      }
      const hash = prng.nextBelow(4) === 0 ? drawHash(prng) : prng.pick(model).hash;
      const image = imageOf(hash, rig.arena.plan.filterBlockCount);
      const index = model.findIndex((ghost) => ghost.image === image);
      expect(take(hash), `round ${round}; ${replay}`).toBe(index !== -1);
      if (index !== -1) model.splice(index, 1);
    }
  });

  it('are remembered within a unit of the wanted number when there are many', () => {
    const { rig, add, take } = makeGhosts(4_096 * KIB);
    const prng = createPrng(seed);
    // The filter is sized by the items of the shard.
    for (let index = 0; index < 6_000; index++) rig.set(`key-${index}`, 0);
    const most = 5_000;
    const hashes = Array.from({ length: 20_000 }, () => drawHash(prng));
    for (const hash of hashes) add(hash, most);
    expect(rig.shardField(SHARD_GHOSTS)).toBeLessThanOrEqual(most + (most / GHOST_UNITS) * 2);
    const newest = hashes.slice(-most);
    const taken = newest.filter((hash) => take(hash)).length;
    expect(taken).toBeGreaterThan(most * 0.97);
    const tooOld = hashes.slice(0, -most * 1.05).filter((hash) => take(hash)).length;
    expect(tooOld).toBeLessThan(20);
    expect(rig.shardField(SHARD_GHOSTS)).toBeLessThan(most * 0.05);
  });
});
