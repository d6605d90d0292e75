import { describe, expect, test } from 'vitest';
import type { HazardOptions } from './hazard-model.js';
import { createHazardModel } from './hazard-model.js';
import type { HazardFault } from './hazard-words.js';
import { FREED_AT_ONCE, FREED_LATER, LEAK, REUSED, STALE } from './hazard-words.js';
import type { MemoryModel } from './machine.js';
import type { OutcomeTable } from './outcomes.js';
import { examine, findings, forbiddenOutcomes } from './outcomes.js';
import type { Exploration } from './schedules.js';
import { STUCK } from './schedules.js';

const MEMORY_MODELS: readonly MemoryModel[] = ['sequential', 'total-store-order'];

const TABLE: OutcomeTable = {
  acceptable: {
    [FREED_AT_ONCE]: 'no hazard word named an item when it was freed',
    [FREED_LATER]: 'a pin was seen, and the item outlived it',
  },
  forbidden: {
    [REUSED]: 'a reader uses bytes of another value as its own',
    [STALE]: 'a read went back in time',
    [LEAK]: 'limbo was forgotten',
    [STUCK]: 'a pin that nobody drops keeps an item in limbo for ever',
  },
};

function run(title: string, options: HazardOptions, memory: MemoryModel): Exploration {
  return examine(`hazard, ${title}`, createHazardModel(options), memory);
}

describe.each(MEMORY_MODELS)(
  'pinned memory is not used again, and is freed later: %s',
  (memory) => {
    test('with one reader', () => {
      expect(findings(run('one reader', { readCounts: [2] }, memory), TABLE)).toEqual([]);
    });

    test('with two readers', () => {
      const options: HazardOptions = { readCounts: [1, 1], values: [12, 0] };
      expect(findings(run('two readers', options, memory), TABLE)).toEqual([]);
    });

    test('with a reader that may die', () => {
      const options: HazardOptions = { readCounts: [2], mortalReader: true };
      expect(findings(run('dying reader', options, memory), TABLE)).toEqual([]);
    });
  },
);

interface BrokenHazard {
  readonly fault: HazardFault;
  readonly expected: readonly string[];
  readonly memory?: MemoryModel;
  readonly options?: HazardOptions;
}

const ONE: HazardOptions = { readCounts: [2] };
const MORTAL: HazardOptions = { readCounts: [1], mortalReader: true };

const BROKEN: readonly BrokenHazard[] = [
  { fault: 'hazard stored after validation', expected: [REUSED] },
  { fault: 'holder looks before it unlinks', expected: [REUSED] },
  { fault: 'last slot not looked at', expected: [REUSED] },
  { fault: 'limbo freed without another look', expected: [REUSED] },
  { fault: 'limbo never looked at again', expected: [LEAK] },
  { fault: 'pin of a dead reader kept', options: MORTAL, expected: [STUCK] },
  { fault: 'plain hazard', memory: 'total-store-order', expected: [REUSED] },
  { fault: 'plain stripe', memory: 'total-store-order', expected: [REUSED, STALE] },
];

describe('the model finds', () => {
  test.each(BROKEN)('$fault', ({ fault, expected, memory = 'sequential', options = ONE }) => {
    const exploration = run(`broken: ${fault}`, { ...options, fault }, memory);
    expect(forbiddenOutcomes(exploration, TABLE)).toEqual([...expected].sort());
  });

  test.each(['plain hazard', 'plain stripe'] as const)(
    '%s, but not where memory is sequential',
    (fault) => {
      const exploration = run(`not broken: ${fault}`, { ...ONE, fault }, 'sequential');
      expect(findings(exploration, TABLE)).toEqual([]);
    },
  );
});
