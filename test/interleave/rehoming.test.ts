import { describe, expect, test } from 'vitest';
import type { MemoryModel } from './machine.js';
import type { OutcomeTable } from './outcomes.js';
import { examine, findings, forbiddenOutcomes } from './outcomes.js';
import type { RehomingFault } from './rehoming-model.js';
import {
  BY_THE_CALLER,
  BY_THE_FORMER,
  BY_THE_NEW,
  createRehomingModel,
  LEFT_BEHIND,
} from './rehoming-model.js';
import { STUCK } from './schedules.js';

const FORBIDDEN: OutcomeTable['forbidden'] = {
  [LEFT_BEHIND]: 'whoever was rung was not the home any more, and nobody else was',
  [STUCK]: 'a thread waits although it should never block',
};

const TO_ANOTHER: OutcomeTable = {
  acceptable: {
    [BY_THE_FORMER]: 'before it lost the shard, or while two were at it',
    [BY_THE_NEW]: 'it was rung by the caller or by the creator',
  },
  forbidden: FORBIDDEN,
};

const TO_NONE: OutcomeTable = {
  acceptable: {
    [BY_THE_FORMER]: 'before it lost the shard, or while it still looked',
    [BY_THE_CALLER]: 'it found no worker',
  },
  forbidden: FORBIDDEN,
};

const THERE_AND_BACK: OutcomeTable = {
  acceptable: { ...TO_ANOTHER.acceptable, ...TO_NONE.acceptable },
  forbidden: FORBIDDEN,
};

const MODELS: readonly MemoryModel[] = ['sequential', 'total-store-order'];

describe.each(MODELS)('a command is never left behind, memory %s,', (memory) => {
  test.each<readonly [string, readonly number[], OutcomeTable]>([
    ['another worker', [2], TO_ANOTHER],
    ['no worker', [0], TO_NONE],
    ['another and back', [2, 1], TO_ANOTHER],
    ['none and another', [0, 2], THERE_AND_BACK],
    ['another and none', [2, 0], THERE_AND_BACK],
  ])('when its shard gets %s', (title, homes, table) => {
    const exploration = examine(`rehoming, ${title}`, createRehomingModel(homes), memory);
    expect(findings(exploration, table)).toEqual([]);
  });
});

describe('the model finds', () => {
  test.each<readonly [RehomingFault, readonly number[]]>([
    ['home loaded before the work bit', [2]],
    ['new worker not rung', [2]],
    ['rung before the home is stored', [2]],
    ['caller not woken', [0]],
    ['completions read after the home', [0]],
  ])('%s', (fault, homes) => {
    const model = createRehomingModel(homes, fault);
    const exploration = examine(`rehoming, broken: ${fault}`, model, 'sequential');
    expect(forbiddenOutcomes(exploration, THERE_AND_BACK)).toEqual([LEFT_BEHIND]);
  });
});
