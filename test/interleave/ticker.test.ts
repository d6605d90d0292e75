import { describe, expect, test } from 'vitest';
import type { MemoryModel } from './machine.js';
import type { OutcomeTable } from './outcomes.js';
import { examine, findings, forbiddenOutcomes } from './outcomes.js';
import { STUCK } from './schedules.js';
import type { TickerFault } from './ticker-model.js';
import { createTickerModel, STANDS, STUCK_TIME } from './ticker-model.js';

const TABLE: OutcomeTable = {
  acceptable: { [STANDS]: 'whoever ticked went to sleep, or nobody is to tick' },
  forbidden: {
    [STUCK_TIME]: 'entries would live on although their time is over',
    [STUCK]: 'a thread waits although it should never block',
  },
};

const MODELS: readonly MemoryModel[] = ['sequential', 'total-store-order'];

describe.each(MODELS)('the clock never stands still unseen, memory %s,', (memory) => {
  test.each([
    ['nobody ticks any more', [0]],
    ['another worker ticks', [2]],
    ['none, then another', [0, 2]],
    ['another, then none', [2, 0]],
  ])('when %s', (title, tickers) => {
    const exploration = examine(`ticker, ${title}`, createTickerModel(tickers), memory);
    expect(findings(exploration, TABLE)).toEqual([]);
  });
});

describe('the model finds', () => {
  test.each<readonly [TickerFault, readonly number[]]>([
    ['reader does not look again', [0]],
    ['reader rings the ticker it saw first', [2]],
    ['worker does not look again', [0]],
    ['former ticker rings nobody', [2]],
    ['new ticker not rung', [2]],
    ['clock stopped before the ticker is stored', [0]],
    ['clock not looked at before sleeping', [2]],
    ['doorbell read after the ticker', [2]],
  ])('%s', (fault, tickers) => {
    const model = createTickerModel(tickers, fault);
    const exploration = examine(`ticker, broken: ${fault}`, model, 'sequential');
    expect(forbiddenOutcomes(exploration, TABLE)).toEqual([STUCK_TIME]);
  });
});
