/**
 * Runs single steps of a protocol on a state, under one of three memory models.
 *
 * A state is a byte string: the words; per thread the index of its next step; and, unless memory is
 * sequentially consistent, per thread a store buffer.
 * - `sequential`: every store is visible at once.
 * - `total-store-order` (x86-64): plain and release stores enter the buffer of their thread and
 *   reach memory later, in order; the thread itself sees them at once. Sequentially consistent
 *   stores, read-modify-writes and fences run only when the buffer is empty.
 * - `partial-store-order`: as above, but a plain store may overtake older stores to other words; a
 *   release store overtakes nothing, yet later plain stores may overtake it. This is the part of a
 *   weakly ordered processor that concerns a writer; loads still run in order.
 */
import type { Protocol, StateView, Step, StepContext, ThreadProgram, Word } from './protocol.js';
import { at, END, WAIT } from './protocol.js';

export type MemoryModel = 'sequential' | 'total-store-order' | 'partial-store-order';

/** A model that has more stores under way in one thread is refused, not silently narrowed. */
const BUFFERED_STORES_MAX = 24;
const ENTRY_BYTES = 3;
const BUFFER_BYTES = 1 + BUFFERED_STORES_MAX * ENTRY_BYTES;
const FINISHED = 254;
const DEAD = 255;

export type State = Buffer;

/** What came of trying a step: a next state, an outcome that ends the schedule, or neither. */
export interface StepResult {
  readonly next: State | undefined;
  readonly failure: string | undefined;
}

const BLOCKED: StepResult = { next: undefined, failure: undefined };

export class Machine implements StepContext, StateView {
  readonly protocol: Protocol;
  readonly memory: MemoryModel;
  branch = 0;
  private readonly countersOffset: number;
  private readonly stateBytes: number;
  private readonly threadIndexes: ReadonlyMap<string, number>;
  private state: State = Buffer.alloc(0);
  private thread = 0;
  private accesses = 0;
  private blocked = false;
  private failure: string | undefined;

  constructor(protocol: Protocol, memory: MemoryModel) {
    this.protocol = protocol;
    this.memory = memory;
    this.countersOffset = protocol.words.length;
    const threadCount = protocol.threads.length;
    const buffers = memory === 'sequential' ? 0 : threadCount * BUFFER_BYTES;
    this.stateBytes = this.countersOffset + threadCount + buffers;
    this.threadIndexes = new Map(protocol.threads.map(({ name }, index) => [name, index]));
  }

  initialState(): State {
    const state = Buffer.alloc(this.stateBytes);
    state.set(this.protocol.initial);
    return state;
  }

  /** The step that a thread would take next, or undefined when it has finished or died. */
  nextStep(state: State, thread: number): Step | undefined {
    const counter = this.byte(state, this.countersOffset + thread);
    return counter >= FINISHED ? undefined : at(this.program(thread).steps, counter);
  }

  runStep(state: State, thread: number, step: Step, branch: number): StepResult {
    const next = Buffer.from(state);
    this.begin(next, thread, branch);
    const label = step.run(this);
    if (this.accesses > 1) {
      throw new Error(`step "${step.label}" makes ${this.accesses} accesses to shared memory`);
    }
    if (this.blocked || label === WAIT) return BLOCKED;
    if (this.failure !== undefined) return { next: undefined, failure: this.failure };
    next[this.countersOffset + thread] = this.counterAfter(thread, step, label);
    return { next, failure: undefined };
  }

  kill(state: State, thread: number): State {
    const next = Buffer.from(state);
    next[this.countersOffset + thread] = DEAD;
    return next;
  }

  /** Positions in the store buffer of a thread whose store may reach memory now. */
  flushable(state: State, thread: number): number[] {
    if (this.memory === 'sequential') return [];
    const count = this.byte(state, this.bufferOffset(thread));
    if (count === 0) return [];
    if (this.memory === 'total-store-order') return [0];
    const positions: number[] = [];
    for (let position = 0; position < count; position++) {
      if (this.mayOvertake(state, thread, position)) positions.push(position);
    }
    return positions;
  }

  /** Lets one buffered store reach memory. */
  flush(state: State, thread: number, position: number): State {
    const next = Buffer.from(state);
    const offset = this.bufferOffset(thread);
    const count = this.byte(state, offset);
    const entry = this.entryOffset(thread, position);
    next[this.byte(state, entry)] = this.byte(state, entry + 1);
    const end = this.entryOffset(thread, count);
    next.copyWithin(entry, entry + ENTRY_BYTES, end);
    next.fill(0, end - ENTRY_BYTES, end);
    next[offset] = count - 1;
    return next;
  }

  flushedWord(state: State, thread: number, position: number): Word {
    return at(this.protocol.words, this.byte(state, this.entryOffset(thread, position)));
  }

  /** The view that an outcome is named from; valid until the next call on this machine. */
  view(state: State): StateView {
    this.begin(state, 0, 0);
    return this;
  }

  get(word: Word): number {
    if (word.shared) throw new Error(`${word.name} is shared: it is read by load`);
    return this.byte(this.state, word.index);
  }

  set(word: Word, value: number): undefined {
    if (word.shared) throw new Error(`${word.name} is shared: it is written by store`);
    this.write(word, value);
  }

  inspect(word: Word): number {
    return this.byte(this.state, word.index);
  }

  hasDied(threadName: string): boolean {
    const thread = this.threadIndexes.get(threadName);
    if (thread === undefined) throw new Error(`no thread is called ${threadName}`);
    const dead = this.byte(this.state, this.countersOffset + thread) === DEAD;
    return dead && this.bufferedCount(thread) === 0;
  }

  load(word: Word): number {
    this.access(word);
    if (this.memory !== 'sequential') {
      for (let position = this.bufferedCount(this.thread) - 1; position >= 0; position--) {
        const entry = this.entryOffset(this.thread, position);
        if (this.byte(this.state, entry) === word.index) return this.byte(this.state, entry + 1);
      }
    }
    return this.byte(this.state, word.index);
  }

  storePlain(word: Word, value: number): undefined {
    this.access(word);
    if (this.memory === 'sequential') this.write(word, value);
    else this.enqueue(word, value, false);
  }

  storeRelease(word: Word, value: number): undefined {
    this.access(word);
    if (this.memory === 'sequential') this.write(word, value);
    else this.enqueue(word, value, true);
  }

  store(word: Word, value: number): undefined {
    this.exchange(word, () => value);
  }

  compareExchange(word: Word, expected: number, value: number): boolean {
    const before = this.exchange(word, (present) => (present === expected ? value : present));
    return before === expected;
  }

  add(word: Word, operand: number): number {
    return this.exchange(word, (present) => (present + operand) & 0xff);
  }

  or(word: Word, operand: number): number {
    return this.exchange(word, (present) => present | operand);
  }

  and(word: Word, operand: number): number {
    return this.exchange(word, (present) => present & operand);
  }

  fence(): undefined {
    this.requireDrained();
  }

  fail(outcome: string): undefined {
    this.failure ??= outcome;
  }

  private begin(state: State, thread: number, branch: number): void {
    this.state = state;
    this.thread = thread;
    this.branch = branch;
    this.accesses = 0;
    this.blocked = false;
    this.failure = undefined;
  }

  private exchange(word: Word, change: (present: number) => number): number {
    this.access(word);
    this.requireDrained();
    const before = this.byte(this.state, word.index);
    this.write(word, change(before));
    return before;
  }

  /** The step is undone and tried again until the thread's own stores have reached memory. */
  private requireDrained(): void {
    if (this.bufferedCount(this.thread) > 0) this.blocked = true;
  }

  private access(word: Word): void {
    if (!word.shared) throw new Error(`${word.name} is private: it is read by get`);
    this.accesses += 1;
  }

  private enqueue(word: Word, value: number, release: boolean): void {
    const count = this.bufferedCount(this.thread);
    if (count === BUFFERED_STORES_MAX) throw new Error('too many stores under way in one thread');
    const entry = this.entryOffset(this.thread, count);
    this.state[entry] = word.index;
    this.state[entry + 1] = checkedByte(word, value);
    this.state[entry + 2] = release ? 1 : 0;
    this.state[this.bufferOffset(this.thread)] = count + 1;
  }

  private mayOvertake(state: State, thread: number, position: number): boolean {
    const entry = this.entryOffset(thread, position);
    const index = this.byte(state, entry);
    if (this.byte(state, entry + 2) === 1) return position === 0;
    for (let older = 0; older < position; older++) {
      if (this.byte(state, this.entryOffset(thread, older)) === index) return false;
    }
    return true;
  }

  private counterAfter(thread: number, step: Step, label: string | undefined): number {
    if (label === END) return FINISHED;
    const { labels, steps, name } = this.program(thread);
    const target = labels.get(label ?? step.label);
    if (target === undefined) throw new Error(`thread ${name} has no step called "${label}"`);
    const counter = label === undefined ? target + 1 : target;
    return counter === steps.length ? FINISHED : counter;
  }

  private program(thread: number): ThreadProgram {
    return at(this.protocol.threads, thread);
  }

  private bufferOffset(thread: number): number {
    return this.countersOffset + this.protocol.threads.length + thread * BUFFER_BYTES;
  }

  private entryOffset(thread: number, position: number): number {
    return this.bufferOffset(thread) + 1 + position * ENTRY_BYTES;
  }

  private bufferedCount(thread: number): number {
    return this.memory === 'sequential' ? 0 : this.byte(this.state, this.bufferOffset(thread));
  }

  private write(word: Word, value: number): void {
    this.state[word.index] = checkedByte(word, value);
  }

  private byte(state: State, offset: number): number {
    const value = state[offset];
    if (value === undefined) throw new Error(`offset ${offset} of a state of ${state.length}`);
    return value;
  }
}

function checkedByte(word: Word, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 255) {
    throw new Error(`${word.name} cannot hold ${value}`);
  }
  return value;
}
