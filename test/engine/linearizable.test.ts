/**
 * Linearizability per key: two callers send commands on one key while nobody applies them; some
 * order of all of them, each caller's own kept, explains every answer and the value in the end.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attachEngine, createEngine, type Engine } from '../../src/index.js';
import { holdShards } from '../support/held-shards.js';
import { seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';

type Kind = 'set' | 'setIf' | 'setIfAbsent' | 'increment' | 'delete' | 'getAndDelete' | 'getAndSet';

interface Call {
  readonly kind: Kind;
  readonly value: number;
}

interface Done extends Call {
  readonly answer: unknown;
}

/** What the key holds: its value, and whether it is the entry that was read before. */
interface State {
  readonly value: number | undefined;
  readonly isAsRead: boolean;
}

const KINDS: readonly Kind[] = [
  ...(['set', 'setIf', 'setIfAbsent', 'increment', 'delete'] as const),
  ...(['getAndDelete', 'getAndSet'] as const),
];
const calls = fc.array(
  fc.record({ kind: fc.constantFrom(...KINDS), value: fc.integer({ min: -99, max: 99 }) }),
  { maxLength: 4 },
);
const rounds = fc.array(fc.tuple(calls, calls), { minLength: 1, maxLength: 6 });

function send(engine: Engine, version: number, { kind, value }: Call): Promise<unknown> {
  switch (kind) {
    case 'set':
      return engine.set('key', value);
    case 'setIf':
      return engine.setIf('key', value, { version });
    case 'setIfAbsent':
      return engine.setIf('key', value, { version: 0 });
    case 'increment':
      return engine.increment('key', value, { initial: 1_000 });
    case 'delete':
      return engine.delete('key');
    case 'getAndDelete':
      return engine.getAndDelete('key');
    default:
      return engine.getAndSet('key', value);
  }
}

/** The state after a call and the answer that it must have had. */
function step(state: State, { kind, value }: Call): readonly [State, unknown] {
  const stored = { value, isAsRead: false };
  const gone = { value: undefined, isAsRead: false };
  const isThere = state.value !== undefined;
  switch (kind) {
    case 'set':
      return [stored, true];
    case 'setIf':
      return state.isAsRead ? [stored, true] : [state, false];
    case 'setIfAbsent':
      return isThere ? [state, false] : [stored, true];
    case 'increment': {
      const sum = (state.value ?? 1_000) + value;
      return [{ value: sum, isAsRead: false }, sum];
    }
    case 'delete':
      return [gone, isThere];
    case 'getAndDelete':
      return [gone, state.value];
    default:
      return [stored, state.value];
  }
}

/** Whether some merge of both sequences explains all answers and ends at the value. */
function isExplained(
  state: State,
  left: readonly Done[],
  right: readonly Done[],
  last: unknown,
): boolean {
  if (left.length === 0 && right.length === 0) return state.value === last;
  for (const [mine, rest, other] of [
    [left[0], left.slice(1), right],
    [right[0], right.slice(1), left],
  ] as const) {
    if (mine === undefined) continue;
    const [next, answer] = step(state, mine);
    if (answer === mine.answer && isExplained(next, rest, other, last)) return true;
  }
  return false;
}

async function runRound(
  engines: readonly [Engine, Engine],
  [left, right]: readonly [readonly Call[], readonly Call[]],
): Promise<void> {
  const [engine, other] = engines;
  const { value, version, state } = engine.getWithMeta<number>('key');
  const isThere = state === 'hit';
  const letGo = holdShards(engine);
  const asRead = isThere ? version : Number.MAX_SAFE_INTEGER;
  const sent = [left, right].map((list, side) =>
    list.map((call) => send(side === 0 ? engine : other, asRead, call)),
  );
  letGo();
  const answers = await Promise.all(sent.map((list) => Promise.all(list)));
  const done = [left, right].map((list, side) =>
    list.map((call, index) => ({ ...call, answer: answers[side]?.[index] })),
  ) as [Done[], Done[]];
  const last = engine.get('key');
  expect(other.get('key')).toBe(last);
  const first = { value: isThere ? value : undefined, isAsRead: isThere };
  if (!isExplained(first, ...done, last)) {
    throw new Error(`no order explains ${JSON.stringify({ first, done, last })}`);
  }
}

test.each(['inplace', 'ring'] as const)('commands on one key, writes %s', async (kind) => {
  await using engine = await createEngine({ memory: '8mb', workers: 1, writes: { kind } });
  await using other = attachEngine(engine.handle());
  await fc.assert(
    fc.asyncProperty(rounds, async (each) => {
      await engine.delete('key');
      for (const round of each) await runRound([engine, other], round);
    }),
    { seed: seedFromEnvironment(), numRuns: scaled(100) },
  );
});
