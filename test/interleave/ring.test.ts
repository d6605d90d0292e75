import { describe, expect, test } from 'vitest';
import type { MemoryModel } from './machine.js';
import type { OutcomeTable } from './outcomes.js';
import { examine, findings, forbiddenOutcomes } from './outcomes.js';
import type { RingOptions } from './ring-model.js';
import { createRingModel } from './ring-model.js';
import type { RingFault } from './ring-words.js';
import {
  COMPLETE,
  COMPLETE_WITHOUT_CALLER,
  LEFT_BEHIND,
  OVERTAKEN,
  TWICE,
  UNKNOWN,
  UNWRITTEN,
  WRONG_ANSWER,
} from './ring-words.js';
import type { Exploration } from './schedules.js';
import { STUCK } from './schedules.js';

const MEMORY_MODELS: readonly MemoryModel[] = [
  'sequential',
  'total-store-order',
  'partial-store-order',
];

const FORBIDDEN: OutcomeTable['forbidden'] = {
  [UNWRITTEN]: 'a record was read before it was complete, or after it held an answer',
  [TWICE]: 'a command that may not be idempotent had its effect twice',
  [OVERTAKEN]: 'a later write of one caller would be overwritten by an earlier one',
  [WRONG_ANSWER]: 'the record was read before its answer, or written again before it was reaped',
  [LEFT_BEHIND]: 'a published command has nobody who will apply it',
  [STUCK]: 'a caller waits for an answer that nobody will write',
};

const FAULTLESS: OutcomeTable = {
  acceptable: { [COMPLETE]: 'nobody died' },
  forbidden: FORBIDDEN,
};

function run(title: string, options: RingOptions, memory: MemoryModel): Exploration {
  return examine(`ring, ${title}`, createRingModel(options), memory);
}

/** Twelve units: three laps of the ring, with padding at the end of two of them. */
const LONG = [1, 2, 2, 1, 2] as const;
const SHORT = [2, 1] as const;

describe('none lost, none doubled, none overwritten, order kept', () => {
  test.each(MEMORY_MODELS)('for one caller over three laps: %s', (memory) => {
    const exploration = run('one caller', { commandSizes: [LONG] }, memory);
    expect(findings(exploration, FAULTLESS)).toEqual([]);
  });

  test('for two callers that share the work word', () => {
    const exploration = run('two callers', { commandSizes: [LONG, SHORT] }, 'sequential');
    expect(findings(exploration, FAULTLESS)).toEqual([]);
  });

  test('for two callers whose stores are delayed', () => {
    const options = { commandSizes: [[2, 1], [1]] };
    const exploration = run('two callers', options, 'total-store-order');
    expect(findings(exploration, FAULTLESS)).toEqual([]);
  });
});

test('a record of more than half the ring may never fit, however empty the ring is', () => {
  const exploration = run('large record', { commandSizes: [[2, 3]] }, 'sequential');
  expect([...exploration.outcomes.keys()]).toEqual([STUCK]);
});

describe('a caller that dies at any step leaves no hole', () => {
  const table: OutcomeTable = {
    acceptable: {
      [COMPLETE]: 'nobody died, or only after the last step',
      [COMPLETE_WITHOUT_CALLER]: 'the tail says exactly what was published',
    },
    forbidden: FORBIDDEN,
  };

  test.each(MEMORY_MODELS)('in its own ring: %s', (memory) => {
    const options = { commandSizes: [LONG.slice(0, 4)], mortalCaller: true };
    expect(findings(run('dying caller', options, memory), table)).toEqual([]);
  });

  test('for the callers beside it', () => {
    const options = { commandSizes: [[2, 1], SHORT], mortalCaller: true };
    expect(findings(run('dying caller, another', options, 'sequential'), table)).toEqual([]);
  });
});

describe('a holder that dies at any step', () => {
  const one: OutcomeTable = {
    acceptable: {
      [COMPLETE]: 'it died between two commands, or not at all',
      [`${UNKNOWN}1`]: 'it died inside a command, which may or may not have had its effect',
    },
    forbidden: FORBIDDEN,
  };

  test.each(MEMORY_MODELS)('costs at most the answer to one command: %s', (memory) => {
    const options = { commandSizes: [LONG.slice(0, 4)], holderCount: 2 };
    expect(findings(run('dying holder', options, memory), one)).toEqual([]);
  });

  test('loses no work bit that it had cleared', () => {
    const options = { commandSizes: [[1, 2], [1]], holderCount: 2 };
    expect(findings(run('dying holder, two callers', options, 'sequential'), one)).toEqual([]);
  });

  test('may be followed by one that dies, even inside its recovery', () => {
    const two = { ...one.acceptable, [`${UNKNOWN}2`]: 'each died inside another command' };
    const options = { commandSizes: [[1, 2]], holderCount: 3 };
    const exploration = run('two dying holders', options, 'sequential');
    expect(findings(exploration, { ...one, acceptable: two })).toEqual([]);
  });

  test('may die beside a caller that dies', () => {
    const options = { commandSizes: [[1, 2], [1]], holderCount: 2, mortalCaller: true };
    const acceptable = {
      ...one.acceptable,
      [COMPLETE_WITHOUT_CALLER]: 'the next holder finds what the caller published',
    };
    const exploration = run('dying caller and holder', options, 'sequential');
    expect(findings(exploration, { ...one, acceptable })).toEqual([]);
  });
});

interface BrokenRing {
  readonly fault: RingFault;
  readonly expected: readonly string[];
  readonly memory?: MemoryModel;
  readonly options?: RingOptions;
}

const OWN: RingOptions = { commandSizes: [LONG] };
const SHARED: RingOptions = { commandSizes: [[1, 1], [1]] };
const MORTAL: RingOptions = { commandSizes: [LONG], holderCount: 2 };

const BROKEN: readonly BrokenRing[] = [
  { fault: 'tail before record', expected: [UNWRITTEN] },
  { fault: 'bit before tail', expected: [STUCK] },
  { fault: 'bit cleared after the drain', expected: [STUCK] },
  { fault: 'bit set in two steps', options: SHARED, expected: [STUCK] },
  { fault: 'done before the answer', expected: [WRONG_ANSWER] },
  { fault: 'room counted from done', expected: [WRONG_ANSWER] },
  {
    fault: 'positions as wide as the ring',
    expected: [OVERTAKEN, STUCK, UNWRITTEN, WRONG_ANSWER],
  },
  { fault: 'taken after the command', options: MORTAL, expected: [TWICE] },
  { fault: 'taken cleared before done', options: MORTAL, expected: [UNWRITTEN] },
  {
    fault: 'stale taken believed',
    options: MORTAL,
    expected: [OVERTAKEN, UNWRITTEN, WRONG_ANSWER],
  },
  { fault: 'recovery trusts the work word', options: MORTAL, expected: [STUCK] },
  { fault: 'bit kept by plain stores', memory: 'total-store-order', expected: [STUCK] },
  { fault: 'plain tail', memory: 'partial-store-order', expected: [UNWRITTEN] },
];

describe('the model finds', () => {
  test.each(BROKEN)('$fault', ({ fault, expected, memory = 'sequential', options = OWN }) => {
    const exploration = run(`broken: ${fault}`, { ...options, fault }, memory);
    expect(forbiddenOutcomes(exploration, FAULTLESS)).toEqual([...expected].sort());
  });

  test.each([
    { fault: 'bit kept by plain stores', memory: 'sequential' },
    { fault: 'plain tail', memory: 'total-store-order' },
  ] as const)('$fault, but not where memory is $memory', ({ fault, memory }) => {
    const exploration = run(`not broken: ${fault}`, { ...OWN, fault }, memory);
    expect(findings(exploration, FAULTLESS)).toEqual([]);
  });
});
