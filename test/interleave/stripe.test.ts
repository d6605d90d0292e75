import { describe, expect, test } from 'vitest';
import type { MemoryModel } from './machine.js';
import type { OutcomeTable } from './outcomes.js';
import { examine, findings, forbiddenOutcomes } from './outcomes.js';
import type { Exploration } from './schedules.js';
import { STUCK } from './schedules.js';
import type { StripeOptions } from './stripe-model.js';
import { createStripeModel } from './stripe-model.js';
import { FALSE_MISS, FOREIGN, MIX, STALE } from './stripe-reader.js';
import type { StripeFault } from './stripe-table.js';
import { KEY, NEIGHBOUR, VICTIM } from './stripe-table.js';

const MEMORY_MODELS: readonly MemoryModel[] = [
  'sequential',
  'total-store-order',
  'partial-store-order',
];

const FORBIDDEN: OutcomeTable['forbidden'] = {
  [MIX]: 'words of two values were validated as one',
  [FOREIGN]: 'memory was used again under a reader that was then validated',
  [FALSE_MISS]: 'the reader passed the reference while it moved',
  [STALE]: 'a read went back in time',
  [STUCK]: 'the stripe was left odd',
};

interface Reading {
  readonly what: string;
  readonly options: StripeOptions;
  readonly acceptable: OutcomeTable['acceptable'];
}

const READINGS: readonly Reading[] = [
  {
    what: 'a key that is overwritten twice',
    options: { scenario: 'overwrite', reads: [KEY, KEY] },
    acceptable: {
      '11, 11': 'both reads before the first swap',
      '11, 12': 'one swap between them',
      '11, 13': 'both swaps between them',
      '12, 12': 'both between the swaps',
      '12, 13': 'the second swap between them',
      '13, 13': 'both after the swaps',
    },
  },
  {
    what: 'a key that is evicted while its memory goes to another stripe',
    options: { scenario: 'evict', reads: [VICTIM, VICTIM] },
    acceptable: {
      '31, 31': 'both before the eviction',
      '31, miss': 'the eviction between them',
      'miss, miss': 'both after it',
    },
  },
  {
    what: 'a key that is set into the memory of a victim',
    options: { scenario: 'evict', reads: [NEIGHBOUR, NEIGHBOUR] },
    acceptable: {
      'miss, miss': 'both before the set',
      'miss, 21': 'the set between them',
      '21, 21': 'both after it',
    },
  },
  {
    what: 'a key that moves to a new bucket and is overwritten there',
    options: { scenario: 'split', reads: [KEY, KEY] },
    acceptable: {
      '11, 11': 'in the old bucket or the new one',
      '11, 12': 'the swap between them',
      '12, 12': 'both after the swap',
    },
  },
  {
    what: 'a key that stays in the bucket that is split',
    options: { scenario: 'split', reads: [NEIGHBOUR, NEIGHBOUR] },
    acceptable: { '21, 21': 'nothing changes for it' },
  },
  {
    what: 'a key that moves in its chain, is overwritten, deleted and set again',
    options: { scenario: 'fold', reads: [KEY, KEY] },
    acceptable: {
      '11, 11': 'in either entry of the chain',
      '11, 12': 'the swap between them',
      '11, 13': 'the swap, the deletion and the new set between them',
      '11, miss': 'the deletion between them',
      '12, 12': 'both between swap and deletion',
      '12, 13': 'the deletion and the new set between them',
      '12, miss': 'the deletion between them',
      'miss, miss': 'both while it was deleted',
      'miss, 13': 'the new set between them',
      '13, 13': 'both after the new set',
    },
  },
  {
    what: 'a key that is deleted',
    options: { scenario: 'fold', reads: [NEIGHBOUR, NEIGHBOUR] },
    acceptable: {
      '21, 21': 'both before the deletion',
      '21, miss': 'the deletion between them',
      'miss, miss': 'both after it',
    },
  },
];

function run(title: string, options: StripeOptions, memory: MemoryModel): Exploration {
  return examine(`stripe, ${title}`, createStripeModel(options), memory);
}

describe.each(MEMORY_MODELS)('a validated read is the truth of one moment: %s', (memory) => {
  test.each(READINGS)('for $what', ({ what, options, acceptable }) => {
    const table: OutcomeTable = { acceptable, forbidden: FORBIDDEN };
    expect(findings(run(what, options, memory), table)).toEqual([]);
  });
});

interface BrokenStripe {
  readonly fault: StripeFault;
  readonly options: StripeOptions;
  readonly expected: readonly string[];
}

const OVERWRITE: StripeOptions = { scenario: 'overwrite', reads: [KEY, KEY] };
const EVICT: StripeOptions = { scenario: 'evict', reads: [VICTIM, VICTIM] };
const SPLIT: StripeOptions = { scenario: 'split', reads: [KEY, KEY] };
const FOLD: StripeOptions = { scenario: 'fold', reads: [KEY, KEY] };
const ALL_WRONG = [FALSE_MISS, FOREIGN, MIX, STALE];

const BROKEN: readonly BrokenStripe[] = [
  { fault: 'no closing look', options: OVERWRITE, expected: ALL_WRONG },
  { fault: 'odd accepted', options: FOLD, expected: [FALSE_MISS] },
  { fault: 'root loaded before the stripe', options: SPLIT, expected: [FALSE_MISS] },
  { fault: 'version moved once, before the change', options: OVERWRITE, expected: ALL_WRONG },
  { fault: 'version moved once, after the change', options: FOLD, expected: [FALSE_MISS] },
  { fault: 'version of one bit', options: OVERWRITE, expected: ALL_WRONG },
  { fault: 'victim without its stripe', options: EVICT, expected: [FOREIGN, MIX] },
  { fault: 'old bucket cleared before the root moved', options: SPLIT, expected: [FALSE_MISS] },
  { fault: 'memory used again before it is unlinked', options: OVERWRITE, expected: [MIX, STALE] },
];

function mistakes(title: string, options: StripeOptions, memory: MemoryModel): string[] {
  const table: OutcomeTable = { acceptable: {}, forbidden: FORBIDDEN };
  return forbiddenOutcomes(run(title, options, memory), table);
}

describe('the model finds', () => {
  test.each(BROKEN)('$fault', ({ fault, options, expected }) => {
    const found = mistakes(`broken: ${fault}`, { ...options, fault }, 'sequential');
    expect(found).toEqual([...expected].sort());
  });

  // Why the odd value exists at all, beside telling recovery what was being changed.
  test.each([OVERWRITE, EVICT, SPLIT])(
    'nothing where a window of one store moves the version once, afterwards: $scenario',
    (options) => {
      const fault = 'version moved once, after the change';
      const found = mistakes(`not broken: ${fault}`, { ...options, fault }, 'sequential');
      expect(found).toEqual([]);
    },
  );
});

describe('where plain stores may overtake others', () => {
  test('a fence after the odd store is needed, wherever else there is one', () => {
    const options: StripeOptions = { ...OVERWRITE, fences: 'before reuse' };
    const found = mistakes('fence before reuse', options, 'partial-store-order');
    expect(found).toEqual([FALSE_MISS, MIX, STALE].sort());
  });

  test('a victim is overwritten under its reader without any fence', () => {
    const options: StripeOptions = { ...EVICT, fences: 'none' };
    const found = mistakes('no fence', options, 'partial-store-order');
    expect(found).toEqual([FOREIGN, MIX].sort());
  });

  test('no fence is needed in total store order', () => {
    const options: StripeOptions = { ...OVERWRITE, fences: 'none' };
    expect(mistakes('no fence', options, 'total-store-order')).toEqual([]);
  });
});
