/**
 * A model of one thread's writes to keys of its own: what reads must answer at once, and what the
 * promises must resolve to. Conditions promise nothing to reads before they were settled; what was
 * on its way when its namespace was cleared promises nothing at all.
 */
import type { Prng } from '../support/prng.js';

export type Stored = Buffer | undefined;

interface OnTheWay {
  /** `undefined`: a clear came between, anything may be the answer. */
  expected: unknown;
  isVoid: boolean;
}

/** What one key is known to hold. */
export class KeyModel {
  /** The value once everything on its way has been applied. */
  value: Stored;
  /** Conditional writes after the last unconditional one, not settled yet. */
  unsettledConditions = 0;
  /** Grows with every unconditional write: older conditions matter no more. */
  generation = 0;
}

export class WriteModel {
  readonly keys = new Map<string, KeyModel>();
  private readonly onTheWay = new Set<OnTheWay>();

  keyOf(key: string): KeyModel {
    let model = this.keys.get(key);
    if (model === undefined) {
      model = new KeyModel();
      this.keys.set(key, model);
    }
    return model;
  }

  /** Whether reads of the key have one right answer now. */
  isCertain(key: string): boolean {
    return this.keyOf(key).unsettledConditions === 0;
  }

  /** An unconditional write: reads see it at once. */
  write(key: string, value: Stored): Stored {
    const model = this.keyOf(key);
    const old = model.value;
    model.value = value;
    model.generation += 1;
    model.unsettledConditions = 0;
    return old;
  }

  /** A conditional write, its answer, and what to call when it was settled. */
  writeIf(key: string, value: Buffer, only: 'absent' | 'present'): readonly [boolean, () => void] {
    const model = this.keyOf(key);
    const holds = (model.value === undefined) === (only === 'absent');
    if (holds) model.value = value;
    const { generation } = model;
    model.unsettledConditions += 1;
    return [
      holds,
      () => {
        if (model.generation === generation) model.unsettledConditions -= 1;
      },
    ];
  }

  /** Empties everything, and makes void what is on its way. */
  clear(): void {
    for (const key of this.keys.keys()) this.write(key, undefined);
    for (const one of this.onTheWay) one.isVoid = true;
  }

  /** Notes an answer that is still to come; the returned function judges it. */
  expectAnswer(expected: unknown): (answer: unknown) => string | undefined {
    const one: OnTheWay = { expected, isVoid: false };
    this.onTheWay.add(one);
    return (answer) => {
      this.onTheWay.delete(one);
      if (one.isVoid || isSame(answer, expected)) return undefined;
      return `answered ${shown(answer)} instead of ${shown(expected)}`;
    };
  }
}

export function isSame(left: unknown, right: unknown): boolean {
  if (!(left instanceof Uint8Array) || !(right instanceof Uint8Array)) return left === right;
  return Buffer.compare(left, right) === 0;
}

export function shown(value: unknown): string {
  if (!(value instanceof Uint8Array)) return String(value);
  return `${value.byteLength} bytes "${Buffer.from(value).toString('latin1', 0, 12)}"`;
}

/** Sizes that take each way: inline, nearly a ring record, pinned, in page lists. */
const SIZES: readonly number[] = [0, 9, 30, 200, 700, 1_500, 3_900, 4_200, 17_000, 60_000];

/** A value that no other write of the run has. */
export function valueFor(step: number, random: Prng): Buffer {
  const bytes =
    SIZES[Math.min(random.nextBelow(SIZES.length), random.nextBelow(SIZES.length))] ?? 0;
  return Buffer.alloc(bytes, `<${step}>`);
}
