import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyLists } from '../../../bench/hit-ratio/key-lists.js';

const SEED = 0x5eed43;
const KEYS = 8;
const LISTS = 3;

/** The same lists as arrays, the newest key last. */
class NaiveLists {
  readonly lists: number[][] = Array.from({ length: LISTS }, () => []);

  moveToNewest(key: number, list: number): void {
    this.remove(key);
    this.lists[list - 1]?.push(key);
  }

  remove(key: number): void {
    for (const keys of this.lists) {
      if (keys.includes(key)) keys.splice(keys.indexOf(key), 1);
    }
  }

  listOf(key: number): number {
    return this.lists.findIndex((keys) => keys.includes(key)) + 1;
  }
}

const operations = fc.array(
  fc.record({ key: fc.nat(KEYS - 1), list: fc.integer({ min: 0, max: LISTS }) }),
  { maxLength: 100 },
);

test('lists hold what naive lists hold, in the same order', () => {
  fc.assert(
    fc.property(operations, (steps) => {
      const lists = new KeyLists(KEYS, LISTS);
      const naive = new NaiveLists();
      for (const { key, list } of steps) {
        if (list > 0) {
          lists.moveToNewest(key, list);
          naive.moveToNewest(key, list);
        } else if (naive.listOf(key) > 0) {
          lists.remove(key);
          naive.remove(key);
        }
        expect(lists.listOf(key)).toBe(naive.listOf(key));
        for (let number = 1; number <= LISTS; number += 1) {
          const keys = naive.lists[number - 1] ?? [];
          expect(lists.lengthOf(number)).toBe(keys.length);
          expect(lists.oldestOf(number)).toBe(keys[0] ?? -1);
        }
      }
    }),
    { seed: SEED },
  );
});
