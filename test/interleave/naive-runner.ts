/**
 * A second, deliberately simple way to run all schedules of tiny programs: plain recursion over
 * copied objects, no state is recognised, memory models written out by hand. It exists to be
 * compared with the enumerator.
 */
import type { MemoryModel } from './machine.js';
import type { Step } from './protocol.js';
import { NEXT, Protocol, step } from './protocol.js';

/** One instruction of a tiny program over two shared words. */
export interface Instruction {
  readonly kind: 'load' | 'store-plain' | 'store-release' | 'store' | 'add';
  /** Which shared word, 0 or 1. */
  readonly word: number;
  /** The value stored or added. */
  readonly value: number;
}

/** Per thread, its instructions. */
export type Programs = readonly (readonly Instruction[])[];

interface BufferedStore {
  readonly word: number;
  readonly value: number;
  readonly release: boolean;
}

interface NaiveThread {
  readonly position: number;
  /** What the loads and adds returned, in order. */
  readonly seen: readonly number[];
  readonly buffer: readonly BufferedStore[];
}

interface NaiveState {
  readonly memory: readonly number[];
  readonly threads: readonly NaiveThread[];
}

/** How often each outcome is reached, over all schedules counted one by one. */
export function runNaively(programs: Programs, memory: MemoryModel): Map<string, number> {
  const counts = new Map<string, number>();
  const start: NaiveState = {
    memory: [0, 0],
    threads: programs.map(() => ({ position: 0, seen: [], buffer: [] })),
  };
  const pending = [start];
  for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
    const nexts = successors(state, programs, memory);
    if (nexts.length === 0) {
      const outcome = outcomeText(state.threads.map(({ seen }) => seen));
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }
    pending.push(...nexts);
  }
  return counts;
}

/** The same programs as a protocol for the enumerator. */
export function protocolOf(programs: Programs): Protocol {
  const protocol = new Protocol();
  const words = protocol.sharedArray('word', 2);
  const seen = programs.map((program, thread) =>
    protocol.privateArray(`seen by ${thread}`, program.length),
  );
  for (const [thread, program] of programs.entries()) {
    const steps = program.map((instruction, position): Step => {
      const word = words[instruction.word]!;
      return step(`${position}: ${instruction.kind}`, (t) => {
        const { kind, value } = instruction;
        if (kind === 'load') t.set(seen[thread]![position]!, t.load(word));
        else if (kind === 'add') t.set(seen[thread]![position]!, t.add(word, value));
        else if (kind === 'store') t.store(word, value);
        else if (kind === 'store-plain') t.storePlain(word, value);
        else t.storeRelease(word, value);
        return NEXT;
      });
    });
    protocol.thread(`thread ${thread}`, steps);
  }
  protocol.outcome((view) =>
    outcomeText(
      programs.map((program, thread) =>
        program.flatMap(({ kind }, position) =>
          kind === 'load' || kind === 'add' ? [view.get(seen[thread]![position]!)] : [],
        ),
      ),
    ),
  );
  return protocol;
}

function successors(state: NaiveState, programs: Programs, memory: MemoryModel): NaiveState[] {
  return state.threads.flatMap((thread, index) => {
    const instruction = programs[index]![thread.position];
    const stepped = instruction === undefined ? [] : execute(state, index, instruction, memory);
    return [...stepped, ...flushes(state, index, memory)];
  });
}

function execute(
  state: NaiveState,
  index: number,
  { kind, word, value }: Instruction,
  memory: MemoryModel,
): NaiveState[] {
  const thread = state.threads[index]!;
  const position = thread.position + 1;
  if (kind === 'load') {
    const own = thread.buffer.findLast((entry) => entry.word === word);
    const seen = [...thread.seen, own?.value ?? state.memory[word]!];
    return [withThread(state, index, { ...thread, position, seen })];
  }
  if (memory !== 'sequential' && (kind === 'store-plain' || kind === 'store-release')) {
    const buffer = [...thread.buffer, { word, value, release: kind === 'store-release' }];
    return [withThread(state, index, { ...thread, position, buffer })];
  }
  if (thread.buffer.length > 0) return [];
  const before = state.memory[word]!;
  const seen = kind === 'add' ? [...thread.seen, before] : thread.seen;
  const stored = withMemory(state, word, kind === 'add' ? before + value : value);
  return [withThread(stored, index, { ...thread, position, seen })];
}

function flushes(state: NaiveState, index: number, memory: MemoryModel): NaiveState[] {
  const thread = state.threads[index]!;
  return thread.buffer.flatMap((entry, position) => {
    const older = thread.buffer.slice(0, position);
    const ordered = memory === 'total-store-order' || entry.release;
    const waits = ordered ? older.length > 0 : older.some(({ word }) => word === entry.word);
    if (waits) return [];
    const buffer = [...older, ...thread.buffer.slice(position + 1)];
    const stored = withMemory(state, entry.word, entry.value);
    return [withThread(stored, index, { ...thread, buffer })];
  });
}

function withThread(state: NaiveState, index: number, thread: NaiveThread): NaiveState {
  return { ...state, threads: state.threads.with(index, thread) };
}

function withMemory(state: NaiveState, word: number, value: number): NaiveState {
  return { ...state, memory: state.memory.with(word, value) };
}

function outcomeText(seen: readonly (readonly number[])[]): string {
  return seen.map((values) => values.join(' ')).join(' / ');
}
