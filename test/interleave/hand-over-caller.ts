/** A caller of the hand-over model. */

import type { Caller, HandOverShard } from './hand-over-words.js';
import { STARVED } from './hand-over-words.js';
import type { Step, StepBody, StepContext } from './protocol.js';
import { at, END, endingWith, NEXT, step, WAIT } from './protocol.js';

/** Commands of others that a caller runs before it lets go, and how often it looks again. */
const FOREIGN_COMMANDS_MAX = 1;
const ROUNDS_MAX = 1;

const WAITING = 'wait for answers';

export class HandOverCaller {
  private readonly shard: HandOverShard;
  private readonly caller: Caller;

  constructor(shard: HandOverShard, caller: Caller) {
    this.shard = shard;
    this.caller = caller;
  }

  steps(): Step[] {
    const { caller } = this;
    const { mark, sawWanted, applied, sentCount } = caller;
    const publish = this.publishSteps();
    const begin = step('load wanted', (t) => {
      t.set(sawWanted, t.load(this.shard.wanted));
      return t.get(sawWanted) === 1 ? at(publish, 0).label : 'try the owner';
    });
    const won: StepBody = (t) => {
      const behind =
        t.get(applied) < t.get(sentCount) && !this.shard.has('own ring not drained first');
      return behind ? 'drain the own ring' : this.applyInPlace(t);
    };
    return [
      ...(this.shard.home ? [begin] : []),
      ...this.shard.tryOwner('try the owner', mark, won, () => at(publish, 0).label),
      step('drain the own ring', (t) => {
        t.and(this.shard.work, 0xff & ~caller.bit);
        return this.applyInPlace(t);
      }),
      ...publish,
      ...this.shard.drainSteps(caller.registers, mark, FOREIGN_COMMANDS_MAX),
      ...this.releasedSteps(),
      ...this.waitSteps(),
      ...this.ringSteps('', (t) => this.nextCommand(t)),
    ];
  }

  private nextCommand(t: StepContext): string {
    const { caller } = this;
    t.set(caller.sawWanted, 0);
    t.set(caller.registers.roundCount, 0);
    if (t.get(caller.sentCount) === caller.commandCount) return this.shard.home ? END : WAITING;
    return this.shard.home ? 'load wanted' : 'try the owner';
  }

  private applyInPlace(t: StepContext): string {
    const { caller } = this;
    const { applied, sentCount, mark } = caller;
    const number = t.get(sentCount) + 1;
    if (!this.shard.has('own ring not drained first')) {
      while (t.get(applied) < number - 1) this.shard.apply(t, caller, t.get(applied) + 1, mark);
    }
    this.shard.apply(t, caller, number, mark);
    t.set(sentCount, number);
    return 'look at the work word';
  }

  private publishSteps(): Step[] {
    const { caller } = this;
    const { mark, bit, sawWanted, sentCount } = caller;
    const again = 'try the owner again';
    const storeTail = step('store the tail', (t) => {
      t.set(sentCount, t.get(sentCount) + 1);
      return t.storeRelease(caller.tail, t.get(sentCount));
    });
    const setBit = (label: string, after: StepBody): Step =>
      step(label, (t) => {
        t.or(this.shard.work, bit);
        return after(t);
      });
    const next: StepBody = (t) => this.nextCommand(t);
    const early = this.shard.has('rung before the tail');
    const notMine: StepBody = this.shard.home && !early ? () => 'is work left' : next;
    if (this.shard.has('second try before the work bit')) {
      const inside = setBit('set the work bit inside', () => 'look at the work word');
      const lost = (): string => 'set the work bit';
      const tries = this.shard.tryOwner(again, mark, () => inside.label, lost);
      return [storeTail, ...tries, setBit('set the work bit', next), inside];
    }
    const won: StepBody = (t) => {
      if (t.get(sawWanted) === 1) t.fail(STARVED);
      return 'look at the work word';
    };
    const afterBit: StepBody = (t) => {
      if (this.shard.has('no second try after the tail')) return notMine(t);
      if (t.get(sawWanted) === 0 || this.shard.has('second try although wanted')) return again;
      return this.shard.has('wanted trusted without the doorbell') ? next(t) : notMine(t);
    };
    return [
      ...(early ? this.ringSteps('early: ', () => storeTail.label) : []),
      storeTail,
      setBit('set the work bit', afterBit),
      ...this.shard.tryOwner(again, mark, won, notMine),
    ];
  }

  private releasedSteps(): Step[] {
    const { caller } = this;
    const { roundCount } = caller.registers;
    const next: StepBody = (t) => this.nextCommand(t);
    if (this.shard.has('release without looking again')) return [step('go on', next)];
    return [
      step('look at the work word after release', (t) => {
        if (t.load(this.shard.work) === 0) return next(t);
        if (t.get(roundCount) < ROUNDS_MAX) return t.set(roundCount, t.get(roundCount) + 1);
        if (this.shard.home) {
          return this.shard.has('left work not rung for') ? next(t) : 'load parked';
        }
        return this.shard.has('giving up without waking') ? next(t) : 'look whom to wake';
      }),
      ...this.shard.tryOwner(
        'try the owner after release',
        caller.mark,
        () => 'look at the work word',
        next,
      ),
    ];
  }

  /** Without a home worker: who gives up wakes the others, who is woken tries to hold the shard. */
  private waitSteps(): Step[] {
    if (this.shard.home) return [];
    const { caller } = this;
    const { applied, completions, seen, toWake } = caller;
    const readSeen = step('read the completions', (t) => t.set(seen, t.load(completions)));
    const won = (): string => 'look at the work word';
    const help = (lost: string): Step[] =>
      this.shard.tryOwner('help the shard', caller.mark, won, () => lost);
    const late = this.shard.has('completions read after helping');
    return [
      step('look whom to wake', (t) => {
        t.set(toWake, t.load(this.shard.work));
        return t.get(toWake) === 0 ? this.nextCommand(t) : NEXT;
      }),
      step('wake a caller', (t) => {
        const woken = this.shard.callerOf(t.get(toWake));
        t.set(toWake, t.get(toWake) & ~woken.bit);
        t.add(woken.completions, 1);
        return t.get(toWake) === 0 ? this.nextCommand(t) : 'wake a caller';
      }),
      step(WAITING, (t) => {
        if (t.get(applied) === caller.commandCount) return END;
        return t.load(completions) === t.get(seen) ? WAIT : NEXT;
      }),
      ...(late
        ? [...help(readSeen.label), ...endingWith([readSeen], () => WAITING)]
        : [readSeen, ...help(WAITING)]),
    ];
  }

  private ringSteps(prefix: string, after: StepBody): Step[] {
    if (!this.shard.home) return [];
    const look = step('is work left', (t) => (t.load(this.shard.work) === 0 ? after(t) : NEXT));
    return [
      ...(prefix === '' ? [look] : []),
      step(`${prefix}load parked`, (t) => (t.load(this.shard.parked) === 0 ? after(t) : NEXT)),
      step(`${prefix}move the doorbell`, (t) => {
        t.add(this.shard.doorbell, 1);
        return NEXT;
      }),
      step(`${prefix}notify`, (t) => {
        t.set(this.shard.asleep, 0);
        return after(t);
      }),
    ];
  }
}
