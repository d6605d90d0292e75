import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { createHashRing, type HashRing } from '../../../workers/hash-ring.js';

const SEED = 0x5eed08;
/** Far more than an engine has, so that shares can be told from chance. */
const MANY_SHARDS = 4_096;

let ring: HashRing;

beforeAll(async () => {
  ring = await createHashRing();
});

const workerIds = fc.uniqueArray(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 16 });
const shardCount = fc.integer({ min: 0, max: 64 });

function loadsOf(homes: Uint8Array): Map<number, number> {
  const loads = new Map<number, number>();
  for (const workerId of homes) loads.set(workerId, (loads.get(workerId) ?? 0) + 1);
  return loads;
}

function movedShards(before: Uint8Array, after: Uint8Array): number[] {
  return [...before.keys()].filter((shard) => before[shard] !== after[shard]);
}

test('every shard has a home, and none takes more than its bound', () => {
  const property = fc.property(shardCount, workerIds, (count, ids) => {
    const homes = ring.assign(count, ids);
    expect(homes).toHaveLength(count);
    expect([...homes].every((workerId) => ids.includes(workerId))).toBe(true);
    const loadMax = Math.ceil((1.25 * count) / ids.length);
    for (const load of loadsOf(homes).values()) expect(load).toBeLessThanOrEqual(loadMax);
  });
  fc.assert(property, { seed: SEED, numRuns: 100 });
});

test('the same workers get the same shards, in any order and from any ring', async () => {
  const other = await createHashRing();
  const property = fc.property(shardCount, workerIds, (count, ids) => {
    const homes = ring.assign(count, ids);
    expect(other.assign(count, ids.toReversed())).toEqual(homes);
  });
  fc.assert(property, { seed: SEED, numRuns: 50 });
});

test('one worker takes everything', () => {
  expect([...ring.assign(8, [3])]).toEqual(Array.from({ length: 8 }, () => 3));
});

test('a worker more takes about its share, and hardly another shard moves', () => {
  for (let workerCount = 1; workerCount <= 12; workerCount++) {
    const ids = Array.from({ length: workerCount }, (_, index) => index);
    const before = ring.assign(MANY_SHARDS, ids);
    const after = ring.assign(MANY_SHARDS, [...ids, workerCount]);
    const moved = movedShards(before, after);
    const share = MANY_SHARDS / (workerCount + 1);
    expect(moved.length).toBeGreaterThan(share * 0.6);
    expect(moved.length).toBeLessThan(share * 1.6);
    // Only shards that a full worker had handed on may move between the old ones.
    const elsewhere = moved.filter((shard) => after[shard] !== workerCount);
    expect(elsewhere.length).toBeLessThan(share * 0.3);
  }
});

test('without one worker its shards move, and hardly another', () => {
  const ids = [0, 1, 2, 3, 4, 5, 6, 7];
  const before = ring.assign(MANY_SHARDS, ids);
  const loads = loadsOf(before);
  for (const gone of ids) {
    const after = ring.assign(
      MANY_SHARDS,
      ids.filter((id) => id !== gone),
    );
    const moved = movedShards(before, after);
    const ofOthers = moved.filter((shard) => before[shard] !== gone);
    expect(moved.length - ofOthers.length).toBe(loads.get(gone));
    expect(ofOthers.length).toBeLessThan(MANY_SHARDS * 0.05);
  }
});

test('over all sizes of a real engine a worker more moves about 1/(n+1) of the shards', () => {
  let movedTotal = 0;
  let expectedTotal = 0;
  for (let count = 8; count <= 64; count += 4) {
    for (let workerCount = 1; workerCount < 8; workerCount++) {
      const ids = Array.from({ length: workerCount }, (_, index) => index);
      const before = ring.assign(count, ids);
      movedTotal += movedShards(before, ring.assign(count, [...ids, workerCount])).length;
      expectedTotal += count / (workerCount + 1);
    }
  }
  expect(movedTotal / expectedTotal).toBeGreaterThan(0.5);
  expect(movedTotal / expectedTotal).toBeLessThan(1.7);
});

test('arguments out of range are refused', () => {
  for (const count of [-1, 1.5, Number.NaN]) {
    expect(() => ring.assign(count, [0])).toThrow(RangeError);
  }
  for (const ids of [[], [-1], [256], [0.5], [1, 1]]) {
    expect(() => ring.assign(8, ids)).toThrow(RangeError);
  }
});
