import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scaled } from '../support/scale.js';
import type { MemoryModel } from './machine.js';
import type { Instruction, Programs } from './naive-runner.js';
import { protocolOf, runNaively } from './naive-runner.js';
import type { OutcomeTable } from './outcomes.js';
import { findings, forbiddenOutcomes } from './outcomes.js';
import type { Step } from './protocol.js';
import { END, NEXT, Protocol, step, WAIT } from './protocol.js';
import { explore, LIVELOCK, STUCK } from './schedules.js';

const MEMORY_MODELS: readonly MemoryModel[] = [
  'sequential',
  'total-store-order',
  'partial-store-order',
];

/** Threads whose steps touch nothing: only the order of the steps counts. */
function independent(stepCounts: readonly number[]): Protocol {
  const protocol = new Protocol();
  for (const [thread, count] of stepCounts.entries()) {
    const steps = Array.from({ length: count }, (_, index) => step(`${index}`, () => NEXT));
    protocol.thread(`thread ${thread}`, steps);
  }
  return protocol;
}

function outcomeNames(protocol: Protocol, memory: MemoryModel): string[] {
  return [...explore(protocol, { memory }).outcomes.keys()].sort();
}

describe('the enumerator runs every schedule', () => {
  test.each([
    { stepCounts: [1, 1], schedules: 2n, states: 4 },
    { stepCounts: [3, 3], schedules: 20n, states: 16 },
    { stepCounts: [4, 4], schedules: 70n, states: 25 },
    { stepCounts: [2, 2, 2], schedules: 90n, states: 27 },
    { stepCounts: [10, 10], schedules: 184_756n, states: 121 },
    { stepCounts: [30, 30, 30], schedules: 0n, states: 29_791 },
  ])('of $stepCounts independent steps', ({ stepCounts, schedules, states }) => {
    const exploration = explore(independent(stepCounts), { countSchedules: true });
    expect(exploration.stateCount).toBe(states);
    // 90! / (30!)^3, as a product of two binomial coefficients.
    const expected = schedules === 0n ? choose(90n, 30n) * choose(60n, 30n) : schedules;
    expect(exploration.scheduleCount).toBe(expected);
  });

  test('and agrees with a naive runner on random programs', () => {
    const instruction: fc.Arbitrary<Instruction> = fc.record({
      kind: fc.constantFrom('load', 'store-plain', 'store-release', 'store', 'add'),
      word: fc.nat({ max: 1 }),
      value: fc.integer({ min: 1, max: 9 }),
    });
    const programs: fc.Arbitrary<Programs> = fc.oneof(
      fc.array(fc.array(instruction, { minLength: 1, maxLength: 3 }), {
        minLength: 2,
        maxLength: 2,
      }),
      fc.array(fc.array(instruction, { minLength: 1, maxLength: 1 }), {
        minLength: 3,
        maxLength: 3,
      }),
    );
    const property = fc.property(programs, fc.constantFrom(...MEMORY_MODELS), (tiny, memory) => {
      const naive = runNaively(tiny, memory);
      const { outcomes } = explore(protocolOf(tiny), { memory, countSchedules: true });
      const counted = [...outcomes.values()].map(({ name, scheduleCount }) => [
        name,
        Number(scheduleCount),
      ]);
      expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(naive));
    });
    fc.assert(property, { numRuns: scaled(150) });
  });

  test('and tries every branch of a step', () => {
    const protocol = new Protocol();
    const taken = protocol.private('taken');
    protocol.thread('chooser', [step('choose', (t) => t.set(taken, t.branch), 3)]);
    protocol.outcome((view) => `branch ${view.get(taken)}`);
    expect(outcomeNames(protocol, 'sequential')).toEqual(['branch 0', 'branch 1', 'branch 2']);
  });

  test('and kills a mortal thread before each of its steps', () => {
    const protocol = new Protocol();
    const done = protocol.private('done');
    const count = (label: string): Step => step(label, (t) => t.set(done, t.get(done) + 1));
    protocol.thread('victim', [count('first'), count('second'), count('third')], { mortal: true });
    protocol.outcome((view) => `${view.get(done)} ${view.hasDied('victim') ? 'dead' : 'alive'}`);
    const names = ['0 dead', '1 dead', '2 dead', '3 alive'];
    expect(outcomeNames(protocol, 'sequential')).toEqual(names);
  });
});

function choose(total: bigint, chosen: bigint): bigint {
  let result = 1n;
  for (let index = 1n; index <= chosen; index++) result = (result * (total + 1n - index)) / index;
  return result;
}

/** Each of two threads stores to its own word, then loads the other's. */
function storeBuffering(kind: Instruction['kind']): Protocol {
  return protocolOf([
    [
      { kind, word: 0, value: 1 },
      { kind: 'load', word: 1, value: 0 },
    ],
    [
      { kind, word: 1, value: 1 },
      { kind: 'load', word: 0, value: 0 },
    ],
  ]);
}

/** One thread stores data and then a flag; the other loads the flag and then the data. */
function messagePassing(flagStore: Instruction['kind']): Protocol {
  return protocolOf([
    [
      { kind: 'store-plain', word: 0, value: 1 },
      { kind: flagStore, word: 1, value: 1 },
    ],
    [
      { kind: 'load', word: 1, value: 0 },
      { kind: 'load', word: 0, value: 0 },
    ],
  ]);
}

describe('the memory models', () => {
  const neither = '0 / 0';
  const flagWithoutData = ' / 1 0';

  test('let both threads miss the other store only when stores are delayed', () => {
    expect(outcomeNames(storeBuffering('store-plain'), 'sequential')).not.toContain(neither);
    expect(outcomeNames(storeBuffering('store-plain'), 'total-store-order')).toContain(neither);
    expect(outcomeNames(storeBuffering('store-release'), 'total-store-order')).toContain(neither);
    expect(outcomeNames(storeBuffering('store'), 'total-store-order')).not.toContain(neither);
    expect(outcomeNames(storeBuffering('store'), 'partial-store-order')).not.toContain(neither);
  });

  test('keep stores in order, except plain ones under partial store order', () => {
    const total = outcomeNames(messagePassing('store-plain'), 'total-store-order');
    const partial = outcomeNames(messagePassing('store-plain'), 'partial-store-order');
    const released = outcomeNames(messagePassing('store-release'), 'partial-store-order');
    expect(total).not.toContain(flagWithoutData);
    expect(partial).toContain(flagWithoutData);
    expect(released).not.toContain(flagWithoutData);
  });

  test('let a thread see its own delayed store', () => {
    const own = protocolOf([
      [
        { kind: 'store-plain', word: 0, value: 7 },
        { kind: 'load', word: 0, value: 0 },
      ],
    ]);
    for (const memory of MEMORY_MODELS) expect(outcomeNames(own, memory)).toEqual(['7']);
  });

  test('hide a death until the stores of the dead thread are visible', () => {
    const protocol = new Protocol();
    const word = protocol.shared('word');
    const seen = protocol.private('seen');
    protocol.thread(
      'victim',
      [step('store', (t) => t.storePlain(word, 1)), step('idle', () => WAIT)],
      {
        mortal: true,
        daemon: true,
      },
    );
    protocol.thread('heir', [
      step('await death', (t) => (t.hasDied('victim') ? NEXT : WAIT)),
      step('load', (t) => t.set(seen, 1 + t.load(word))),
    ]);
    protocol.outcome((view) => `seen ${view.get(seen)}, memory ${view.inspect(word)}`);
    const names = [STUCK, 'seen 1, memory 0', 'seen 2, memory 1'].sort();
    for (const memory of MEMORY_MODELS) expect(outcomeNames(protocol, memory)).toEqual(names);
  });
});

describe('the enumerator reports', () => {
  test('a thread that waits for ever, with the schedule that leads there', () => {
    const protocol = new Protocol();
    const [first, second] = protocol.sharedArray('lock', 2);
    const take = (word: typeof first, me: string): Step =>
      step(me, (t) => (t.compareExchange(word!, 0, 1) ? NEXT : WAIT));
    const free = (word: typeof first, me: string): Step => step(me, (t) => t.store(word!, 0));
    const release = [free(first, 'free first'), free(second, 'free second')];
    protocol.thread('left', [take(first, 'first'), take(second, 'second'), ...release]);
    protocol.thread('right', [take(second, 'second'), take(first, 'first'), ...release]);
    const stuck = explore(protocol).outcomes.get(STUCK);
    expect(stuck?.schedule).toEqual(['left: first', 'right: second']);
  });

  test('states from which no end can be reached', () => {
    const protocol = new Protocol();
    const flag = protocol.shared('flag');
    protocol.thread('waiter', [
      step('look', (t) => (t.load(flag) === 1 ? END : 'again')),
      step('again', () => 'look'),
    ]);
    expect(explore(protocol).outcomes.has(LIVELOCK)).toBe(true);
    protocol.thread('setter', [step('set', (t) => t.store(flag, 1))]);
    const exploration = explore(protocol, { countSchedules: true });
    expect([...exploration.outcomes.keys()]).toEqual(['finished']);
    expect(exploration.scheduleCount).toBeUndefined();
  });

  test('no wait for a daemon', () => {
    const protocol = new Protocol();
    protocol.thread('parked', [step('sleep', () => WAIT)], { daemon: true });
    expect(outcomeNames(protocol, 'sequential')).toEqual(['finished']);
  });

  test('a step with two accesses, an unknown label and an exploding model as mistakes', () => {
    const greedy = new Protocol();
    const word = greedy.shared('word');
    greedy.thread('greedy', [step('both', (t) => t.store(word, t.load(word) + 1))]);
    expect(() => explore(greedy)).toThrow('makes 2 accesses');
    const lost = new Protocol();
    lost.thread('lost', [step('jump', () => 'nowhere')]);
    expect(() => explore(lost)).toThrow('no step called "nowhere"');
    expect(() => explore(independent([9, 9, 9]), { stateCountMax: 500 })).toThrow('more than 500');
  });
});

const CANARY_OUTCOMES: OutcomeTable = {
  acceptable: { 'both were inside, one after the other': 'the lock did its work' },
  forbidden: { 'two threads were inside': 'the lock excludes nobody' },
};

/** A lock that looks and takes in two steps: broken, and known to be. */
function canary(sound: boolean): Protocol {
  const protocol = new Protocol();
  const lock = protocol.shared('lock');
  const inside = protocol.private('inside');
  const take: Step[] = sound
    ? [step('look and take', (t) => (t.compareExchange(lock, 0, 1) ? NEXT : WAIT))]
    : [
        step('look', (t) => (t.load(lock) === 0 ? NEXT : WAIT)),
        step('take', (t) => t.store(lock, 1)),
      ];
  const body: Step[] = [
    step('enter', (t) => {
      if (t.get(inside) !== 0) t.fail('two threads were inside');
      return t.set(inside, 1);
    }),
    step('leave', (t) => t.set(inside, 0)),
    step('release', (t) => t.store(lock, 0)),
  ];
  protocol.thread('left', [...take, ...body]);
  protocol.thread('right', [...take, ...body]);
  protocol.outcome(() => 'both were inside, one after the other');
  return protocol;
}

/** Fails only if the two threads alternate strictly: in one schedule of 184,756. */
function needle(): Protocol {
  const protocol = new Protocol();
  const progress = protocol.private('strictly alternating steps so far');
  const steps = (turn: number): Step[] =>
    Array.from({ length: 10 }, (_, index) =>
      step(`${index}`, (t) => {
        if (t.get(progress) !== 2 * index + turn) return NEXT;
        if (t.get(progress) === 19) t.fail('the needle');
        return t.set(progress, t.get(progress) + 1);
      }),
    );
  protocol.thread('left', steps(0));
  protocol.thread('right', steps(1));
  return protocol;
}

describe('the canary', () => {
  test('is found, and its repaired form is not', () => {
    const broken = explore(canary(false));
    expect(forbiddenOutcomes(broken, CANARY_OUTCOMES)).toEqual(['two threads were inside']);
    expect(findings(broken, CANARY_OUTCOMES)[0]).toContain('left: look\n  ');
    expect(findings(explore(canary(true)), CANARY_OUTCOMES)).toEqual([]);
  });

  test('is found even when one schedule of 184,756 shows it', () => {
    const exploration = explore(needle(), { countSchedules: true });
    expect(exploration.scheduleCount).toBe(184_756n);
    expect(exploration.outcomes.get('the needle')?.scheduleCount).toBe(1n);
  });

  test('makes an unlisted outcome and one that is never reached findings too', () => {
    const exploration = explore(independent([1]));
    const table: OutcomeTable = {
      acceptable: { imagined: 'no schedule does this' },
      forbidden: {},
    };
    expect(findings(exploration, table)).toEqual([
      'not listed: finished\n  thread 0: 0',
      'never reached: imagined',
    ]);
  });
});
