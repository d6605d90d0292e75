import { describe, expect, test } from 'vitest';
import type { HandOverOptions } from './hand-over-model.js';
import { createHandOverModel } from './hand-over-model.js';
import type { HandOverFault } from './hand-over-words.js';
import {
  BY_ANOTHER_CALLER,
  BY_ITS_CALLER,
  BY_THE_WORKER,
  LEFT_BEHIND,
  OVERTAKEN,
  STARVED,
  TWO_HOLDERS,
} from './hand-over-words.js';
import type { MemoryModel } from './machine.js';
import type { OutcomeTable } from './outcomes.js';
import { examine, findings, forbiddenOutcomes } from './outcomes.js';
import type { Exploration } from './schedules.js';
import { STUCK } from './schedules.js';

const FORBIDDEN: OutcomeTable['forbidden'] = {
  [LEFT_BEHIND]: 'each of two threads took the other for responsible',
  [TWO_HOLDERS]: 'two writers in one shard corrupt it',
  [OVERTAKEN]: 'a later write of one caller would be overwritten by an earlier one',
  [STARVED]: 'callers could keep the home worker from its shard for ever',
  [STUCK]: 'a thread waits although it should never block',
};

const WITHOUT_HOME: OutcomeTable = {
  acceptable: {
    [BY_ITS_CALLER]: 'in place, or by its second try',
    [BY_ANOTHER_CALLER]: 'a holder looked at the work word again, or was woken',
  },
  forbidden: FORBIDDEN,
};

const WITH_HOME: OutcomeTable = {
  acceptable: {
    ...WITHOUT_HOME.acceptable,
    [BY_THE_WORKER]: 'it was awake, or was rung for',
  },
  forbidden: FORBIDDEN,
};

function run(title: string, options: HandOverOptions, memory: MemoryModel): Exploration {
  return examine(`hand-over, ${title}`, createHandOverModel(options), memory);
}

describe('no command stays behind with nobody responsible', () => {
  test.each(['sequential', 'total-store-order'] as const)('between callers alone: %s', (memory) => {
    const exploration = run('callers alone', { commandCounts: [2, 3], home: false }, memory);
    expect(findings(exploration, WITHOUT_HOME)).toEqual([]);
  });

  test.each(['sequential', 'total-store-order'] as const)('with a home worker: %s', (memory) => {
    const exploration = run('home worker', { commandCounts: [1, 2], home: true }, memory);
    expect(findings(exploration, WITH_HOME)).toEqual([]);
  });
});

interface BrokenHandOver {
  readonly fault: HandOverFault;
  readonly expected: readonly string[];
  readonly home: boolean;
  readonly commandCounts?: readonly number[];
  readonly memory?: MemoryModel;
}

const BROKEN: readonly BrokenHandOver[] = [
  { fault: 'release without looking again', home: false, expected: [LEFT_BEHIND] },
  { fault: 'no second try after the tail', home: false, expected: [LEFT_BEHIND] },
  { fault: 'second try before the work bit', home: false, expected: [LEFT_BEHIND] },
  { fault: 'giving up without waking', home: false, expected: [LEFT_BEHIND] },
  {
    fault: 'completions read after helping',
    home: false,
    commandCounts: [2, 3],
    expected: [LEFT_BEHIND],
  },
  { fault: 'owner taken in two steps', home: false, expected: [TWO_HOLDERS] },
  { fault: 'own ring not drained first', home: true, expected: [OVERTAKEN] },
  { fault: 'doorbell read last', home: true, expected: [LEFT_BEHIND] },
  { fault: 'parked without looking again', home: true, expected: [LEFT_BEHIND] },
  { fault: 'parked stored after the last look', home: true, expected: [LEFT_BEHIND] },
  { fault: 'rung before the tail', home: true, expected: [LEFT_BEHIND] },
  { fault: 'wanted trusted without the doorbell', home: true, expected: [LEFT_BEHIND] },
  { fault: 'second try although wanted', home: true, expected: [STARVED] },
  { fault: 'left work not rung for', home: true, expected: [LEFT_BEHIND] },
  { fault: 'plain release', home: false, memory: 'total-store-order', expected: [LEFT_BEHIND] },
  { fault: 'plain parked', home: true, memory: 'total-store-order', expected: [LEFT_BEHIND] },
];

describe('the model finds', () => {
  test.each(BROKEN)('$fault', ({ fault, expected, home, commandCounts, memory = 'sequential' }) => {
    const options: HandOverOptions = { commandCounts: commandCounts ?? [1, 2], home, fault };
    const exploration = run(`broken: ${fault}`, options, memory);
    expect(forbiddenOutcomes(exploration, WITH_HOME)).toEqual([...expected].sort());
  });

  test.each([
    { fault: 'plain release', home: false },
    { fault: 'plain parked', home: true },
  ] as const)('$fault, but not where memory is sequential', ({ fault, home }) => {
    const options: HandOverOptions = { commandCounts: [1, 2], home, fault };
    const exploration = run(`not broken: ${fault}`, options, 'sequential');
    expect(forbiddenOutcomes(exploration, WITH_HOME)).toEqual([]);
  });
});
