/** Words of the hazard model; the protocol is in `hazard-model.ts`. */
import type { StepContext, Word } from './protocol.js';
import { at, Protocol } from './protocol.js';

/** Ways to get the protocol wrong, each of which the model must find out. */
export type HazardFault =
  | 'hazard stored after validation'
  | 'holder looks before it unlinks'
  | 'last slot not looked at'
  | 'limbo freed without another look'
  | 'limbo never looked at again'
  | 'pin of a dead reader kept'
  | 'plain hazard'
  | 'plain stripe';

export const FREED_AT_ONCE = 'all memory was freed at once';
export const FREED_LATER = 'an item waited in limbo and was freed when its pin was dropped';
export const REUSED = 'memory was used again while it was pinned and validated';
export const STALE = 'a value was pinned that was not current at any time of the read';
export const LEAK = 'an item was never freed';

const ITEMS = 3;
const FIRST_VALUE = 11;

export class HazardWords {
  readonly protocol: Protocol = new Protocol();
  readonly stripe: Word;
  readonly reference: Word;
  readonly hazards: readonly Word[];
  /** Number of the operation whose completion is visible to all. */
  readonly acknowledged: Word;
  readonly startedCount: Word;
  /** Bit per item, from item 1 on: memory that belongs to nobody. Guarded by the shard. */
  readonly free: Word;
  readonly limbo: Word;
  readonly hadLimbo: Word;
  readonly allItems: number = 2 ** ITEMS - 1;
  /** The value of the key before the first operation, after it, and so on; 0 is a miss. */
  readonly history: readonly number[];
  private readonly values: readonly Word[];
  private readonly pinned: readonly Word[];
  private readonly fault: HazardFault | undefined;

  constructor(slotCount: number, values: readonly number[], fault: HazardFault | undefined) {
    const { protocol } = this;
    this.fault = fault;
    this.history = [FIRST_VALUE, ...values];
    this.stripe = protocol.shared('stripe');
    this.reference = protocol.shared('reference', 1);
    this.hazards = protocol.sharedArray('hazard', slotCount);
    this.values = Array.from({ length: ITEMS }, (_, index) =>
      protocol.shared(`value of item ${index + 1}`, index === 0 ? FIRST_VALUE : 0),
    );
    this.acknowledged = protocol.shared('operations acknowledged');
    this.startedCount = protocol.private('operations started');
    this.free = protocol.private('free items', this.allItems - 1);
    this.limbo = protocol.private('items in limbo');
    this.hadLimbo = protocol.private('some item was in limbo');
    this.pinned = protocol.privateArray('item pinned and validated', slotCount);
  }

  has(fault: HazardFault): boolean {
    return this.fault === fault;
  }

  hazardOf(slot: number): Word {
    return at(this.hazards, slot);
  }

  valueOf(item: number): Word {
    return at(this.values, item - 1);
  }

  /** Notes, for the check, which item a reader may use from now on. */
  setPinned(t: StepContext, slot: number, item: number): void {
    t.set(at(this.pinned, slot), item);
  }

  /** Writes a value into memory that nobody may be using. */
  writeValue(t: StepContext, item: number, value: number): undefined {
    if (this.pinned.some((word) => t.get(word) === item)) t.fail(REUSED);
    return t.storePlain(this.valueOf(item), value);
  }
}
