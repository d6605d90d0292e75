/** Words of the step model of the hand-over, and what callers and worker have in common. */
import type { StateView, Step, StepBody, StepContext, Word } from './protocol.js';
import { at, NEXT, Protocol, step, WAIT } from './protocol.js';

/** Ways to get the protocol wrong, each of which the model must find out. */
export type HandOverFault =
  | 'release without looking again'
  | 'no second try after the tail'
  | 'second try before the work bit'
  | 'giving up without waking'
  | 'completions read after helping'
  | 'owner taken in two steps'
  | 'own ring not drained first'
  | 'doorbell read last'
  | 'parked without looking again'
  | 'parked stored after the last look'
  | 'rung before the tail'
  | 'wanted trusted without the doorbell'
  | 'second try although wanted'
  | 'left work not rung for'
  | 'plain release'
  | 'plain parked';

export const WORKER_MARK = 255;

export const BY_ITS_CALLER = 'all applied, the last one by its caller';
export const BY_ANOTHER_CALLER = 'all applied, the last one by another caller';
export const BY_THE_WORKER = 'all applied, the last one by the worker';
export const LEFT_BEHIND = 'a command is left behind with nobody responsible';
export const TWO_HOLDERS = 'two threads held the shard at once';
export const OVERTAKEN = 'a command was applied before an older one of its caller';
export const STARVED = 'a caller took the shard with a command that began after wanted was set';

export interface Registers {
  readonly ring: Word;
  readonly tail: Word;
  readonly ranCount: Word;
  readonly roundCount: Word;
}

export interface Caller {
  readonly name: string;
  readonly mark: number;
  readonly bit: number;
  readonly commandCount: number;
  readonly tail: Word;
  /** Guarded by the owner word: the number of the newest command that was applied. */
  readonly applied: Word;
  readonly sentCount: Word;
  /** 1 if this command saw `wanted`. */
  readonly sawWanted: Word;
  /** Moved to wake the caller, where the shard has no home worker. */
  readonly completions: Word;
  /** What `completions` held when the caller last began to take answers in. */
  readonly seen: Word;
  /** Work bits of the callers that this one still has to wake. */
  readonly toWake: Word;
  readonly registers: Registers;
}

export class HandOverShard {
  readonly protocol: Protocol = new Protocol();
  readonly home: boolean;
  readonly work: Word;
  readonly wanted: Word;
  readonly parked: Word;
  readonly doorbell: Word;
  /** Whether the worker is in the queue of the doorbell. */
  readonly asleep: Word;
  readonly callers: readonly Caller[];
  readonly isFaulty: boolean;
  private readonly fault: HandOverFault | undefined;
  private readonly owner: Word;
  private readonly insideCount: Word;
  private readonly lastBy: Word;

  constructor(commandCounts: readonly number[], home: boolean, fault: HandOverFault | undefined) {
    const { protocol } = this;
    this.fault = fault;
    this.isFaulty = fault !== undefined;
    this.home = home;
    this.owner = protocol.shared('owner');
    this.work = protocol.shared('work');
    this.wanted = protocol.shared('wanted');
    this.parked = protocol.shared('parked');
    this.doorbell = protocol.shared('doorbell');
    this.asleep = protocol.private('worker is asleep');
    this.insideCount = protocol.private('threads that hold the shard');
    this.lastBy = protocol.private('who applied the last command');
    this.callers = commandCounts.map((count, index) => this.createCaller(index, count));
  }

  /** The caller of the lowest bit. */
  callerOf(bits: number): Caller {
    return at(this.callers, 31 - Math.clz32(bits & -bits));
  }

  has(fault: HandOverFault): boolean {
    return this.fault === fault;
  }

  /** Names the end of a schedule. */
  describe(view: StateView): string {
    const complete = this.callers.every((each) => view.get(each.applied) === each.commandCount);
    if (!complete) return LEFT_BEHIND;
    return at([BY_ITS_CALLER, BY_ANOTHER_CALLER, BY_THE_WORKER], view.get(this.lastBy));
  }

  /** Tries the owner word; `won` and `lost` say where to go on. */
  tryOwner(label: string, mark: number, won: StepBody, lost: StepBody): Step[] {
    const enter: StepBody = (t) => {
      if (t.get(this.insideCount) !== 0) t.fail(TWO_HOLDERS);
      t.set(this.insideCount, 1);
      return won(t);
    };
    if (this.has('owner taken in two steps')) {
      return [
        step(label, (t) => (t.load(this.owner) === 0 ? NEXT : lost(t))),
        step(`${label}: take`, (t) => {
          t.store(this.owner, mark);
          return enter(t);
        }),
      ];
    }
    return [step(label, (t) => (t.compareExchange(this.owner, 0, mark) ? enter(t) : lost(t)))];
  }

  /** Drains any ring whose bit is set, `commandsMax` commands in all, then frees the shard. */
  drainSteps(registers: Registers, by: number, commandsMax: number): Step[] {
    const { ring, tail, ranCount } = registers;
    const ringOf = (t: StepContext): Caller => at(this.callers, t.get(ring));
    return [
      step('look at the work word', (t) => this.chooseRing(t, registers), this.callers.length),
      step('clear the work bit', (t) => {
        t.and(this.work, 0xff & ~ringOf(t).bit);
        return NEXT;
      }),
      step('load the tail', (t) => {
        const caller = ringOf(t);
        t.set(tail, t.load(caller.tail));
        if (t.get(caller.applied) >= t.get(tail)) {
          t.set(tail, 0);
          return t.get(ranCount) === commandsMax ? 'release' : 'look at the work word';
        }
        if (t.get(ranCount) === commandsMax) return NEXT;
        t.set(ranCount, t.get(ranCount) + 1);
        this.apply(t, caller, t.get(caller.applied) + 1, by);
        return 'load the tail';
      }),
      step('set the work bit again', (t) => {
        t.set(tail, 0);
        t.or(this.work, ringOf(t).bit);
        return NEXT;
      }),
      step('release', (t) => {
        t.set(this.insideCount, 0);
        t.set(ring, 0);
        t.set(ranCount, 0);
        if (this.has('plain release')) t.storePlain(this.owner, 0);
        else t.store(this.owner, 0);
        return NEXT;
      }),
    ];
  }

  private chooseRing(t: StepContext, { ring }: Registers): string | undefined {
    const work = t.load(this.work);
    if (work === 0) return t.branch === 0 ? 'release' : WAIT;
    if ((work & at(this.callers, t.branch).bit) === 0) return WAIT;
    return t.set(ring, t.branch);
  }

  apply(t: StepContext, caller: Caller, number: number, by: number): void {
    if (t.get(caller.applied) !== number - 1) t.fail(OVERTAKEN);
    t.set(caller.applied, number);
    const own = by === caller.mark;
    t.set(this.lastBy, by === WORKER_MARK ? 2 : own ? 0 : 1);
  }
  private createCaller(index: number, commandCount: number): Caller {
    const { protocol } = this;
    const name = `caller ${index}`;
    return {
      name,
      mark: index + 1,
      bit: 1 << index,
      commandCount,
      tail: protocol.shared(`${name} tail`),
      applied: protocol.private(`${name} applied`),
      sentCount: protocol.private(`${name} sent`),
      sawWanted: protocol.private(`${name} saw wanted`),
      completions: protocol.shared(`${name} completions`),
      seen: protocol.private(`${name} seen completions`),
      toWake: protocol.private(`${name} has to wake`),
      registers: this.createRegisters(name),
    };
  }

  createRegisters(name: string): Registers {
    const { protocol } = this;
    return {
      ring: protocol.private(`${name} ring`),
      tail: protocol.private(`${name} loaded tail`),
      ranCount: protocol.private(`${name} ran`),
      roundCount: protocol.private(`${name} rounds`),
    };
  }
}
