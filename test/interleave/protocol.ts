/**
 * How a lock-free protocol is written down as a step model.
 *
 * A protocol is a set of words and a set of threads. A thread is a list of labelled steps; one step
 * makes at most ONE access to shared memory (the machine refuses a second one), so that everything
 * which can come between two accesses on real processors can come between two steps here. Words
 * are bytes: a model uses counters of a few bits, so that their wrap is enumerated as well.
 *
 * Two kinds of words exist:
 * - shared words, read and written by `load`, `store…` and the read-modify-write verbs;
 * - private words, read and written by `get` and `set`: a thread's registers, state that a lock
 *   word guards, and the notes that a check needs. They take no part in the memory model.
 */

/** Returned by a step: the thread has finished. */
export const END = 'end';

/** Returned by a step: go on with the step below it. */
export const NEXT = undefined;

/** Returned by a step: it cannot run now. What it did is undone; it is tried again later. */
export const WAIT = 'wait';

/** One byte of a model's state. */
export interface Word {
  readonly name: string;
  readonly index: number;
  readonly shared: boolean;
  /** What a schedule says when a delayed store to this word becomes visible. */
  readonly arrival: string;
}

/** What a check may look at. */
export interface StateView {
  /** The value of a private word, 0 to 255. */
  get(word: Word): number;
  /** The value of a shared word as memory holds it; for checks, not for protocol steps. */
  inspect(word: Word): number;
  /** Whether a thread was killed and every store it had made has reached memory. */
  hasDied(threadName: string): boolean;
}

/** What a step can do. Each method but `get`, `set`, `inspect` and `fail` counts as an access. */
export interface StepContext extends StateView {
  /** Which of the step's branches is being tried, 0 to `branches - 1`. */
  readonly branch: number;
  set(word: Word, value: number): undefined;
  load(word: Word): number;
  /** A store that the processor may delay. */
  storePlain(word: Word, value: number): undefined;
  /** A store that becomes visible after all earlier ones of this thread, but may be delayed. */
  storeRelease(word: Word, value: number): undefined;
  /** A sequentially consistent store: earlier ones are visible, and so is this one at once. */
  store(word: Word, value: number): undefined;
  /** Swaps `expected` for `value`; true when it did. */
  compareExchange(word: Word, expected: number, value: number): boolean;
  /** Atomic add modulo 256; returns the value before. */
  add(word: Word, operand: number): number;
  /** Atomic or; returns the value before. */
  or(word: Word, operand: number): number;
  /** Atomic and; returns the value before. */
  and(word: Word, operand: number): number;
  /** Waits until all stores of this thread are visible. */
  fence(): undefined;
  /** Ends the schedule with this outcome. */
  fail(outcome: string): undefined;
}

/** Runs one step; returns the label of the next one, `NEXT`, `END` or `WAIT`. */
export type StepBody = (context: StepContext) => string | undefined;

export interface Step {
  readonly label: string;
  readonly run: StepBody;
  /** How many ways the step can go, all of which are tried. */
  readonly branches: number;
}

export function step(label: string, run: StepBody, branches = 1): Step {
  return { label, run, branches };
}

export interface ThreadOptions {
  /** The thread may be killed before each of its steps. */
  readonly mortal?: boolean;
  /** The thread may still wait when everything else has ended (a parked worker). */
  readonly daemon?: boolean;
}

export interface ThreadProgram {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly labels: ReadonlyMap<string, number>;
  readonly mortal: boolean;
  readonly daemon: boolean;
}

const STEPS_MAX = 250;
const WORDS_MAX = 255;

/** A step model: words, threads, and a name for each way in which it can end. */
export class Protocol {
  readonly words: Word[] = [];
  readonly initial: number[] = [];
  readonly threads: ThreadProgram[] = [];
  describe: (view: StateView) => string = () => 'finished';

  shared(name: string, initial = 0): Word {
    return this.addWord(name, initial, true);
  }

  sharedArray(name: string, count: number, initial = 0): Word[] {
    return Array.from({ length: count }, (_, index) => this.shared(`${name}[${index}]`, initial));
  }

  private(name: string, initial = 0): Word {
    return this.addWord(name, initial, false);
  }

  privateArray(name: string, count: number, initial = 0): Word[] {
    return Array.from({ length: count }, (_, index) => this.private(`${name}[${index}]`, initial));
  }

  thread(name: string, steps: readonly Step[], options: ThreadOptions = {}): void {
    const labels = new Map<string, number>();
    for (const [index, { label }] of steps.entries()) {
      if (labels.has(label)) throw new Error(`thread ${name} has two steps called "${label}"`);
      labels.set(label, index);
    }
    if (steps.length === 0 || steps.length > STEPS_MAX) {
      throw new Error(`thread ${name} has ${steps.length} steps, not 1 to ${STEPS_MAX}`);
    }
    const { mortal = false, daemon = false } = options;
    this.threads.push({ name, steps, labels, mortal, daemon });
  }

  /** Names the outcome of a schedule that ended with no thread waiting. */
  outcome(describe: (view: StateView) => string): void {
    this.describe = describe;
  }

  private addWord(name: string, initial: number, shared: boolean): Word {
    if (this.words.length === WORDS_MAX) throw new Error(`more than ${WORDS_MAX} words`);
    const arrival = `${name} reaches memory`;
    const word: Word = { name, index: this.words.length, shared, arrival };
    this.words.push(word);
    this.initial.push(initial);
    return word;
  }
}

/** The element of a model's table; a model that reaches outside its own tables is wrong. */
export function at<T>(items: ArrayLike<T>, index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`index ${index} of a table of ${items.length}`);
  return item;
}

/** The same steps, the last of which goes on as `after` says. */
export function endingWith(steps: readonly Step[], after: StepBody): Step[] {
  const last = at(steps, steps.length - 1);
  const run: StepBody = (t) => last.run(t) ?? after(t);
  return [...steps.slice(0, -1), { ...last, run }];
}
