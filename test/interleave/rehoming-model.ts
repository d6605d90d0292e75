/**
 * Step model of a shard that gets another home worker, or none, while a command is sent
 * (`workers/shard-homes.ts`; the caller's side: `publish` in `assembly/commands.ts`
 * and `src/writes/completions.ts`; the worker's: `parking.ts`).
 *
 *  word         written by       meaning
 *  home         creator          0, or the worker that looks after the shard
 *  work         caller, workers  1: a command waits
 *  parked       a worker         1: it sleeps or is about to; one word per worker
 *  doorbell     caller, creator  moved before a worker is notified; one word per worker
 *  completions  creator          moved to wake the caller
 *
 * - Creator: stores the home, THEN rings the new worker, parked or not; or moves the completions of
 *   the caller where the shard has no worker any more.
 * - Caller: sets the work bit, THEN loads the home; it rings that worker if it is parked. While it
 *   waits it reads its completions, THEN looks at the home, and serves itself where there is none.
 * - Worker: reads the doorbell, looks at the work bit and whether the shard is its own; else stores
 *   `parked`, THEN looks once more, and sleeps only while the doorbell has the value read first.
 */

import type { Step, StepBody, Word } from './protocol.js';
import { at, END, NEXT, Protocol, step, WAIT } from './protocol.js';

/** Ways to get it wrong, each of which the model must find out. */
export type RehomingFault =
  | 'home loaded before the work bit'
  | 'new worker not rung'
  | 'rung before the home is stored'
  | 'caller not woken'
  | 'completions read after the home';

export const BY_THE_FORMER = 'applied by the former worker';
export const BY_THE_NEW = 'applied by the new worker';
export const BY_THE_CALLER = 'applied by the caller';
export const LEFT_BEHIND = 'a command waits and nobody will look';

/** The home at first; the second worker is the new one. */
const FORMER = 1;

interface Home {
  readonly name: string;
  readonly number: number;
  readonly parked: Word;
  readonly doorbell: Word;
  readonly bell: Word;
  readonly asleep: Word;
}

class Rehoming {
  readonly protocol: Protocol = new Protocol();
  private readonly fault: RehomingFault | undefined;
  private readonly home: Word;
  private readonly work: Word;
  private readonly completions: Word;
  private readonly appliedBy: Word;
  private readonly workers: readonly Home[];

  constructor(homes: readonly number[], fault: RehomingFault | undefined) {
    const { protocol } = this;
    this.fault = fault;
    this.home = protocol.shared('home', FORMER);
    this.work = protocol.shared('work');
    this.completions = protocol.shared('completions');
    this.appliedBy = protocol.private('who applied the command');
    this.workers = [FORMER, 2].map((number) => ({
      name: `worker ${number}`,
      number,
      parked: protocol.shared(`worker ${number} parked`),
      doorbell: protocol.shared(`worker ${number} doorbell`),
      bell: protocol.private(`worker ${number} bell`),
      asleep: protocol.private(`worker ${number} asleep`),
    }));
    protocol.thread('caller', this.callerSteps(), { daemon: true });
    protocol.thread('creator', this.creatorSteps(homes));
    for (const worker of this.workers) {
      protocol.thread(worker.name, this.workerSteps(worker), { daemon: true });
    }
    protocol.outcome((view) => {
      const names = [LEFT_BEHIND, BY_THE_FORMER, BY_THE_NEW, BY_THE_CALLER];
      return at(names, view.get(this.appliedBy));
    });
  }

  private worker(number: number): Home {
    return at(this.workers, number - 1);
  }

  private callerSteps(): Step[] {
    const { protocol } = this;
    const seen = protocol.private('caller seen completions');
    const target = protocol.private('caller target');
    const loadHome = step('load the home', (t) => t.set(target, t.load(this.home)));
    const setBit = step('set the work bit', (t) => {
      t.or(this.work, 1);
      return NEXT;
    });
    const isEarly = this.fault === 'home loaded before the work bit';
    const readSeen = step('read the completions', (t) => t.set(seen, t.load(this.completions)));
    const isLate = this.fault === 'completions read after the home';
    const waiting = 'wait for an answer';
    return [
      ...(isEarly ? [loadHome, setBit] : [setBit, loadHome]),
      step('is there a worker', (t) => (t.get(target) === 0 ? waiting : NEXT)),
      step('load parked', (t) =>
        t.load(this.worker(t.get(target)).parked) === 0 ? waiting : NEXT,
      ),
      step('move the doorbell', (t) => {
        t.add(this.worker(t.get(target)).doorbell, 1);
        return NEXT;
      }),
      step('notify', (t) => t.set(this.worker(t.get(target)).asleep, 0)),
      // It looks before its first sleep as well.
      step(waiting, (t) => (t.get(this.appliedBy) === 0 ? NEXT : END)),
      ...(isLate ? [] : [readSeen]),
      step('is the shard without a worker', (t) => (t.load(this.home) === 0 ? NEXT : 'rest')),
      step('serve itself', (t) => {
        if (t.and(this.work, 0) !== 0) t.set(this.appliedBy, 3);
        return 'rest';
      }),
      ...(isLate ? [step('rest', () => NEXT), readSeen] : [step('rest', () => NEXT)]),
      step('sleep', (t) => {
        if (t.get(this.appliedBy) !== 0) return END;
        return t.load(this.completions) === t.get(seen) ? WAIT : waiting;
      }),
    ];
  }

  private creatorSteps(homes: readonly number[]): Step[] {
    return homes.flatMap((home, index) => {
      const label = `change ${index + 1}: `;
      const store = step(`${label}store the home`, (t) => t.store(this.home, home));
      const after = home === 0 ? this.wakeCaller(label) : this.ring(label, this.worker(home));
      if (this.fault?.startsWith('rung') === true) return [...after, store];
      return [store, ...after];
    });
  }

  private wakeCaller(label: string): Step[] {
    if (this.fault === 'caller not woken') return [];
    const wake: StepBody = (t) => {
      t.add(this.completions, 1);
      return NEXT;
    };
    return [step(`${label}move the completions`, wake)];
  }

  private ring(label: string, worker: Home): Step[] {
    if (this.fault === 'new worker not rung') return [];
    const move = step(`${label}move the doorbell`, (t) => {
      t.add(worker.doorbell, 1);
      return NEXT;
    });
    const notify = step(`${label}notify`, (t) => t.set(worker.asleep, 0));
    return [move, notify];
  }

  private workerSteps(worker: Home): Step[] {
    const begin = 'read the doorbell';
    const look = (label: string, nothing: string): Step[] => [
      step(`${label}: is there work`, (t) => (t.load(this.work) === 0 ? nothing : NEXT)),
      step(`${label}: is it mine`, (t) => (t.load(this.home) === worker.number ? NEXT : nothing)),
    ];
    return [
      step(begin, (t) => t.set(worker.bell, t.load(worker.doorbell))),
      ...look('look', 'park'),
      step('serve', (t) => {
        if (t.and(this.work, 0) !== 0) t.set(this.appliedBy, worker.number);
        t.set(worker.bell, 0);
        return begin;
      }),
      step('park', (t) => t.store(worker.parked, 1)),
      ...look('look once more', 'sleep'),
      step('stay', () => 'unpark'),
      step('sleep', (t) =>
        t.load(worker.doorbell) === t.get(worker.bell) ? t.set(worker.asleep, 1) : 'unpark',
      ),
      step('asleep', (t) => (t.get(worker.asleep) === 1 ? WAIT : NEXT)),
      step('unpark', (t) => t.store(worker.parked, 0)),
      step('again', (t) => {
        t.set(worker.bell, 0);
        return begin;
      }),
    ];
  }
}

/** The homes that the shard gets one after the other; at first it has worker 1. */
export function createRehomingModel(homes: readonly number[], fault?: RehomingFault): Protocol {
  return new Rehoming(homes, fault).protocol;
}
