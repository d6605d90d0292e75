/** Words and geometry of the step model of the command ring; the protocol is in `ring-model.ts`. */
import type { StepContext, Word } from './protocol.js';
import { at, Protocol } from './protocol.js';

/** Ways to get the protocol wrong, each of which the model must find out. */
export type RingFault =
  | 'tail before record'
  | 'bit before tail'
  | 'bit cleared after the drain'
  | 'bit set in two steps'
  | 'bit kept by plain stores'
  | 'done before the answer'
  | 'room counted from done'
  | 'positions as wide as the ring'
  | 'plain tail'
  | 'taken after the command'
  | 'taken cleared before done'
  | 'stale taken believed'
  | 'recovery trusts the work word';

export const CAPACITY_UNITS = 4;

// What a unit of record memory can hold: a command's number, 1 to 49, or that number plus
export const PAYLOAD = 50;
export const ANSWER = 100;
export const OUTCOME_UNKNOWN = 150;
/** Padding, plus its size in units. */
export const PADDING = 200;

export const COMPLETE = 'every command was applied once, in order, and answered';
export const COMPLETE_WITHOUT_CALLER = 'all that the dead caller published was applied once';
export const UNKNOWN = 'answered with "outcome unknown": ';
export const UNWRITTEN = 'something was applied that was no command';
export const TWICE = 'a command was applied twice';
export const OVERTAKEN = 'a command was applied before an older one of its caller';
export const WRONG_ANSWER = 'a caller read something else than the answer to its command';
export const LEFT_BEHIND = 'a command that a dead caller published was not applied';

/** The words of one ring, the registers of its caller, and what the checks count. */
export interface Ring {
  readonly caller: string;
  readonly bit: number;
  readonly sizes: readonly number[];
  readonly tail: Word;
  readonly taken: Word;
  readonly done: Word;
  readonly head: Word;
  readonly record: readonly Word[];
  /** The caller's own copies of its tail and head. */
  readonly ownTail: Word;
  readonly ownHead: Word;
  readonly sentCount: Word;
  readonly reapedCount: Word;
  readonly unknownCount: Word;
  readonly appliedCount: Word;
}

/** One shard: the work word and the ring of each caller. */
export class RingShard {
  readonly protocol: Protocol = new Protocol();
  readonly work: Word;
  readonly rings: readonly Ring[];
  private readonly fault: RingFault | undefined;
  private readonly positionCount: number;

  constructor(commandSizes: readonly (readonly number[])[], fault: RingFault | undefined) {
    this.fault = fault;
    const narrow = fault === 'positions as wide as the ring';
    this.positionCount = narrow ? CAPACITY_UNITS : CAPACITY_UNITS * 2;
    this.work = this.protocol.shared('work');
    this.rings = commandSizes.map((sizes, index) => this.createRing(index, sizes));
  }

  has(fault: RingFault): boolean {
    return this.fault === fault;
  }

  advanced(position: number, units: number): number {
    return (position + units) % this.positionCount;
  }

  unitsBetween(from: number, to: number): number {
    return (to - from + this.positionCount) % this.positionCount;
  }

  recordAt(ring: Ring, position: number): Word {
    return at(ring.record, position % CAPACITY_UNITS);
  }

  setBit(t: StepContext, bit: number): undefined {
    if (this.has('bit kept by plain stores')) t.storePlain(this.work, bit);
    else t.or(this.work, bit);
  }

  private createRing(index: number, sizes: readonly number[]): Ring {
    const { protocol } = this;
    const caller = `caller ${index}`;
    return {
      caller,
      bit: 1 << index,
      sizes,
      tail: protocol.shared(`${caller} tail`),
      taken: protocol.shared(`${caller} taken`),
      done: protocol.shared(`${caller} done`),
      head: protocol.shared(`${caller} head`),
      record: protocol.sharedArray(`${caller} record`, CAPACITY_UNITS),
      ownTail: protocol.private(`${caller} own tail`),
      ownHead: protocol.private(`${caller} own head`),
      sentCount: protocol.private(`${caller} sent`),
      reapedCount: protocol.private(`${caller} reaped`),
      unknownCount: protocol.private(`${caller} unknown`),
      appliedCount: protocol.private(`${caller} applied`),
    };
  }
}
