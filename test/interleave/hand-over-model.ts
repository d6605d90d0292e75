/**
 * Step model of the hand-over of a shard (`native-free-core/assembly/owner.ts` and `commands.ts`;
 * the worker's side: `workers/`).
 *
 *  word      written by  meaning
 *  owner     all         0, or who may write to the shard
 *  work      all         one bit per caller: its ring may have commands
 *  tail      caller      the number of the newest command in its ring
 *  wanted    worker      1: the home worker does not get the shard, callers shall use their rings
 *  parked    worker      1: the home worker sleeps or is about to
 *  doorbell  callers     moved before the sleeping worker is notified
 *
 * - Caller: unless `wanted` is set it tries the owner word. If it gets it, it first drains its own
 *   ring, applies its command in place, then drains a bounded number of commands of others. If not,
 *   it stores the tail, sets its work bit, THEN tries the owner word once more (unless it saw
 *   `wanted`). If that fails and work is left, it looks at `parked`, and if that is set it moves the
 *   doorbell and notifies.
 * - Holder: frees the owner word, THEN looks at the work word once more and tries again if it is
 *   not 0. A caller does so in a bounded number of rounds if the shard has a home worker, and rings
 *   for the worker if work is left even then; without a home worker it may not give up.
 * - Worker: reads the doorbell, looks at the work word; if it is 0 it stores `parked`, THEN looks at
 *   the work word once more, and sleeps only if it is still 0 and while the doorbell has the value
 *   that was read first. When it fails to get the shard it may set `wanted`, which it clears once
 *   it holds the shard.
 *
 * Each THEN is a store followed by a load of another word on one side, and the same crosswise on
 * the other: both sides need sequential consistency, so that at least one sees the other.
 * Sleeping is as in WebAssembly: comparing the doorbell and joining the queue is one action.
 */
import type { Step, StepBody, StepContext, Word } from './protocol.js';
import { at, END, endingWith, NEXT, Protocol, step, WAIT } from './protocol.js';

/** Ways to get the protocol wrong, each of which the model must find out. */
export type HandOverFault =
  | 'release without looking again'
  | 'no second try after the tail'
  | 'second try before the work bit'
  | 'giving up without a home worker'
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

export interface HandOverOptions {
  /** Commands of each caller. */
  readonly commandCounts: readonly number[];
  /** Whether the shard has a home worker. */
  readonly home: boolean;
  readonly fault?: HandOverFault;
}

/** Commands of others that a caller runs before it lets go, and how often it looks again. */
const FOREIGN_COMMANDS_MAX = 1;
const ROUNDS_MAX = 1;

const WORKER_MARK = 255;

export const BY_ITS_CALLER = 'all applied, the last one by its caller';
export const BY_ANOTHER_CALLER = 'all applied, the last one by another caller';
export const BY_THE_WORKER = 'all applied, the last one by the worker';
export const LEFT_BEHIND = 'a command is left behind with nobody responsible';
export const TWO_HOLDERS = 'two threads held the shard at once';
export const OVERTAKEN = 'a command was applied before an older one of its caller';
export const STARVED = 'a caller took the shard with a command that began after wanted was set';

interface Registers {
  readonly ring: Word;
  readonly tail: Word;
  readonly ranCount: Word;
  readonly roundCount: Word;
}

interface Caller {
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
  readonly registers: Registers;
}

export function createHandOverModel(options: HandOverOptions): Protocol {
  return new HandOverModel(options).protocol;
}

class HandOverModel {
  readonly protocol: Protocol = new Protocol();
  private readonly fault: HandOverFault | undefined;
  private readonly home: boolean;
  private readonly owner: Word;
  private readonly work: Word;
  private readonly wanted: Word;
  private readonly parked: Word;
  private readonly doorbell: Word;
  private readonly asleep: Word;
  private readonly insideCount: Word;
  private readonly lastBy: Word;
  private readonly callers: readonly Caller[];

  constructor({ commandCounts, home, fault }: HandOverOptions) {
    const { protocol } = this;
    this.fault = fault;
    this.home = home;
    this.owner = protocol.shared('owner');
    this.work = protocol.shared('work');
    this.wanted = protocol.shared('wanted');
    this.parked = protocol.shared('parked');
    this.doorbell = protocol.shared('doorbell');
    this.asleep = protocol.private('worker is in the queue of the doorbell');
    this.insideCount = protocol.private('threads that hold the shard');
    this.lastBy = protocol.private('who applied the last command');
    this.callers = commandCounts.map((count, index) => this.createCaller(index, count));
    for (const caller of this.callers) protocol.thread(caller.name, this.callerSteps(caller));
    if (home) protocol.thread('worker', this.workerSteps(), { daemon: true });
    protocol.outcome((view) => {
      const complete = this.callers.every((each) => view.get(each.applied) === each.commandCount);
      if (!complete) return LEFT_BEHIND;
      const names = [BY_ITS_CALLER, BY_ANOTHER_CALLER, BY_THE_WORKER];
      return at(names, view.get(this.lastBy));
    });
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
      registers: this.createRegisters(name),
    };
  }

  private createRegisters(name: string): Registers {
    const { protocol } = this;
    return {
      ring: protocol.private(`${name} ring`),
      tail: protocol.private(`${name} loaded tail`),
      ranCount: protocol.private(`${name} ran`),
      roundCount: protocol.private(`${name} rounds`),
    };
  }

  private has(fault: HandOverFault): boolean {
    return this.fault === fault;
  }

  // ---- what callers and worker share

  /** Tries the owner word; `won` and `lost` say where to go on. */
  private tryOwner(label: string, mark: number, won: StepBody, lost: StepBody): Step[] {
    const enter: StepBody = (t) => {
      if (t.get(this.insideCount) !== 0) t.fail(TWO_HOLDERS);
      t.set(this.insideCount, 1);
      return won(t);
    };
    if (this.has('owner taken in two steps')) {
      return [
        step(`${label}: look`, (t) => (t.load(this.owner) === 0 ? NEXT : lost(t))),
        step(`${label}: take`, (t) => {
          t.store(this.owner, mark);
          return enter(t);
        }),
      ];
    }
    return [step(label, (t) => (t.compareExchange(this.owner, 0, mark) ? enter(t) : lost(t)))];
  }

  /** Drains any ring whose bit is set, `commandsMax` commands in all, then frees the shard. */
  private drainSteps(registers: Registers, by: number, commandsMax: number): Step[] {
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

  private apply(t: StepContext, caller: Caller, number: number, by: number): void {
    if (t.get(caller.applied) !== number - 1) t.fail(OVERTAKEN);
    t.set(caller.applied, number);
    const own = by === caller.mark;
    t.set(this.lastBy, by === WORKER_MARK ? 2 : own ? 0 : 1);
  }
  // ---- a caller

  private callerSteps(caller: Caller): Step[] {
    const { mark, sawWanted, applied, sentCount } = caller;
    const begin = step('load wanted', (t) => {
      t.set(sawWanted, t.load(this.wanted));
      return t.get(sawWanted) === 1 ? 'store the tail' : 'try the owner';
    });
    const won: StepBody = (t) => {
      const behind = t.get(applied) < t.get(sentCount) && !this.has('own ring not drained first');
      return behind ? 'drain the own ring' : this.applyInPlace(t, caller);
    };
    return [
      ...(this.home ? [begin] : []),
      ...this.tryOwner('try the owner', mark, won, () => 'store the tail'),
      step('drain the own ring', (t) => {
        t.and(this.work, 0xff & ~caller.bit);
        return this.applyInPlace(t, caller);
      }),
      ...this.publishSteps(caller),
      ...this.drainSteps(caller.registers, mark, FOREIGN_COMMANDS_MAX),
      ...this.releasedSteps(caller),
      ...this.ringSteps('', (t) => this.nextCommand(t, caller)),
    ];
  }

  private nextCommand(t: StepContext, caller: Caller): string {
    t.set(caller.sawWanted, 0);
    t.set(caller.registers.roundCount, 0);
    if (t.get(caller.sentCount) === caller.commandCount) return END;
    return this.home ? 'load wanted' : 'try the owner';
  }

  private applyInPlace(t: StepContext, caller: Caller): string {
    const { applied, sentCount, mark } = caller;
    const number = t.get(sentCount) + 1;
    if (!this.has('own ring not drained first')) {
      while (t.get(applied) < number - 1) this.apply(t, caller, t.get(applied) + 1, mark);
    }
    this.apply(t, caller, number, mark);
    t.set(sentCount, number);
    return 'look at the work word';
  }

  private publishSteps(caller: Caller): Step[] {
    const { mark, bit, sawWanted, sentCount } = caller;
    const again = 'try the owner again';
    const storeTail = step('store the tail', (t) => {
      t.set(sentCount, t.get(sentCount) + 1);
      return t.storeRelease(caller.tail, t.get(sentCount));
    });
    const setBit = (label: string, after: StepBody): Step =>
      step(label, (t) => {
        t.or(this.work, bit);
        return after(t);
      });
    const next: StepBody = (t) => this.nextCommand(t, caller);
    const notMine: StepBody = this.home ? () => 'is work left' : next;
    if (this.has('second try before the work bit')) {
      const inside = setBit('set the work bit inside', () => 'look at the work word');
      const lost = (): string => 'set the work bit';
      const tries = this.tryOwner(again, mark, () => inside.label, lost);
      return [storeTail, ...tries, setBit('set the work bit', next), inside];
    }
    const won: StepBody = (t) => {
      if (t.get(sawWanted) === 1) t.fail(STARVED);
      return 'look at the work word';
    };
    const afterBit: StepBody = (t) => {
      if (this.has('no second try after the tail')) return notMine(t);
      if (t.get(sawWanted) === 0 || this.has('second try although wanted')) return again;
      return this.has('wanted trusted without the doorbell') ? next(t) : notMine(t);
    };
    const early = this.has('rung before the tail');
    return [
      ...(early ? this.ringSteps('early: ', () => storeTail.label) : []),
      storeTail,
      setBit('set the work bit', afterBit),
      ...this.tryOwner(again, mark, won, early ? next : notMine),
    ];
  }

  private releasedSteps(caller: Caller): Step[] {
    const { roundCount } = caller.registers;
    const bounded = this.home || this.has('giving up without a home worker');
    const next: StepBody = (t) => this.nextCommand(t, caller);
    if (this.has('release without looking again')) return [step('go on', next)];
    return [
      step('look at the work word after release', (t) => {
        if (t.load(this.work) === 0) return next(t);
        if (!bounded) return NEXT;
        if (t.get(roundCount) < ROUNDS_MAX) return t.set(roundCount, t.get(roundCount) + 1);
        const ring = this.home && !this.has('left work not rung for');
        return ring ? 'load parked' : next(t);
      }),
      ...this.tryOwner(
        'try the owner after release',
        caller.mark,
        () => 'look at the work word',
        next,
      ),
    ];
  }

  private ringSteps(prefix: string, after: StepBody): Step[] {
    if (!this.home) return [];
    const look = step('is work left', (t) => (t.load(this.work) === 0 ? after(t) : NEXT));
    return [
      ...(prefix === '' ? [look] : []),
      step(`${prefix}load parked`, (t) => (t.load(this.parked) === 0 ? after(t) : NEXT)),
      step(`${prefix}move the doorbell`, (t) => {
        t.add(this.doorbell, 1);
        return NEXT;
      }),
      step(`${prefix}notify`, (t) => {
        t.set(this.asleep, 0);
        return after(t);
      }),
    ];
  }

  // ---- the worker

  private workerSteps(): Step[] {
    const bell = this.protocol.private('worker bell');
    const wants = this.protocol.private('worker has set wanted');
    const retried = this.protocol.private('worker has retried');
    const begin = 'read the doorbell';
    const again: StepBody = () => begin;
    const readBell = step(begin, (t) => t.set(bell, t.load(this.doorbell)));
    const won: StepBody = (t) => {
      t.set(retried, 0);
      return t.get(wants) === 1 ? 'clear wanted' : 'look at the work word';
    };
    const contend: StepBody = (t) => {
      if (t.branch === 0) return 'spin for the owner';
      if (t.branch === 1) return 'set wanted';
      // Once is enough to see what follows, and keeps the number of schedules finite.
      if (t.get(retried) === 1) return WAIT;
      t.set(retried, 1);
      return begin;
    };
    return [
      ...(this.has('doorbell read last') ? [step(begin, () => NEXT)] : [readBell]),
      step('look', (t) => (t.load(this.work) === 0 ? 'park' : NEXT)),
      ...this.tryOwner('try the owner', WORKER_MARK, won, () => 'contend'),
      step('contend', contend, 3),
      step('set wanted', (t) => {
        t.set(wants, 1);
        return t.storePlain(this.wanted, 1);
      }),
      ...this.tryOwner('spin for the owner', WORKER_MARK, won, () => WAIT),
      step('clear wanted', (t) => {
        t.set(wants, 0);
        return t.storePlain(this.wanted, 0);
      }),
      ...endingWith(this.drainSteps(this.createRegisters('worker'), WORKER_MARK, 255), again),
      ...this.parkSteps(bell, again),
    ];
  }

  private parkSteps(bell: Word, again: StepBody): Step[] {
    const storeParked = step('store parked', (t) =>
      this.has('plain parked') ? t.storePlain(this.parked, 1) : t.store(this.parked, 1),
    );
    const look = step('look once more', (t) => (t.load(this.work) === 0 ? NEXT : 'unpark'));
    const readBell = step('read the doorbell last', (t) => t.set(bell, t.load(this.doorbell)));
    let order = [storeParked, look];
    if (this.has('doorbell read last')) order = [storeParked, look, readBell];
    else if (this.has('parked without looking again')) order = [storeParked];
    else if (this.has('parked stored after the last look')) order = [look, storeParked];
    return [
      step('park', () => NEXT),
      ...order,
      step('sleep', (t) =>
        t.load(this.doorbell) === t.get(bell) ? t.set(this.asleep, 1) : 'unpark',
      ),
      step('asleep', (t) => (t.get(this.asleep) === 1 ? WAIT : NEXT)),
      ...endingWith([step('unpark', (t) => t.store(this.parked, 0))], (t) => {
        t.set(bell, 0);
        return again(t);
      }),
    ];
  }
}
