import fc from 'fast-check';
import { expect, test } from 'vitest';
import { beladyHits, nextRequests } from '../../../bench/hit-ratio/belady.js';
import { PositionSet } from '../../../bench/hit-ratio/position-set.js';

const SEED = 0x5eed44;
const KEYS = 12;

/** Looks through all that is held for the key whose next request is the farthest. */
function naiveBeladyHits(requests: readonly number[], capacity: number): number {
  const held = new Set<number>();
  let hits = 0;
  for (const [position, key] of requests.entries()) {
    if (held.has(key)) {
      hits += 1;
      continue;
    }
    if (held.size === capacity) {
      const distance = (candidate: number): number => {
        const next = requests.indexOf(candidate, position);
        return next === -1 ? Number.POSITIVE_INFINITY : next;
      };
      held.delete([...held].reduce((a, b) => (distance(b) > distance(a) ? b : a)));
    }
    held.add(key);
  }
  return hits;
}

/** The most hits that any choice of victims gives. */
function bestHits(requests: readonly number[], capacity: number): number {
  let hitsOfState = new Map<string, number>([['', 0]]);
  for (const key of requests) {
    const after = new Map<string, number>();
    const keep = (held: readonly number[], hits: number): void => {
      const state = held.toSorted((a, b) => a - b).join(' ');
      after.set(state, Math.max(hits, after.get(state) ?? 0));
    };
    for (const [state, hits] of hitsOfState) {
      const held = state === '' ? [] : state.split(' ').map(Number);
      if (held.includes(key)) keep(held, hits + 1);
      else if (held.length < capacity) keep([...held, key], hits);
      else for (const victim of held) keep([...held.filter((one) => one !== victim), key], hits);
    }
    hitsOfState = after;
  }
  return Math.max(...hitsOfState.values());
}

function hitsOf(requests: readonly number[], capacity: number): number {
  const keys = Int32Array.from(requests);
  return beladyHits(keys, nextRequests(keys, KEYS), capacity);
}

const capacities = fc.integer({ min: 1, max: 6 });

test('the optimum has the hits of a naive one', () => {
  const requests = fc.array(fc.nat(KEYS - 1), { maxLength: 200 });
  fc.assert(
    fc.property(requests, capacities, (keys, capacity) => {
      expect(hitsOf(keys, capacity)).toBe(naiveBeladyHits(keys, capacity));
    }),
    { seed: SEED },
  );
});

test('no choice of victims has more hits', () => {
  const requests = fc.array(fc.nat(5), { maxLength: 16 });
  fc.assert(
    fc.property(requests, fc.integer({ min: 1, max: 3 }), (keys, capacity) => {
      expect(hitsOf(keys, capacity)).toBe(bestHits(keys, capacity));
    }),
    { seed: SEED },
  );
});

test('the next request of a position is the next one for the same key', () => {
  expect([...nextRequests(Int32Array.from([0, 1, 0, 2, 1]), 3)]).toEqual([2, 4, -1, -1, -1]);
});

test.each([1, 31, 32, 33, 1_024, 1_025, 40_000])('a set of positions below %i', (limit) => {
  const members = fc.array(fc.nat(limit - 1), { maxLength: 60 });
  fc.assert(
    fc.property(members, (positions) => {
      const set = new PositionSet(limit);
      const naive = new Set<number>();
      for (const position of positions) {
        if (naive.delete(position)) set.delete(position);
        else {
          naive.add(position);
          set.add(position);
        }
        expect(set.greatest()).toBe(naive.size === 0 ? -1 : Math.max(...naive));
      }
    }),
    { seed: SEED, numRuns: 30 },
  );
});
