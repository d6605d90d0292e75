/** The holder of the hazard model: sets the key twice, deletes it, and frees what it replaced. */
import type { HazardWords } from './hazard-words.js';
import type { Step, StepContext, Word } from './protocol.js';
import { END, NEXT, step, WAIT } from './protocol.js';

/** A value of another key, written into memory as soon as it is free. */
const OTHER_VALUE = 99;

const MAINTENANCE = 'maintenance: choose from limbo';

export class HazardFreer {
  private readonly words: HazardWords;
  /** The item that is linked, and the one that the next operation links. */
  private readonly linked: Word;
  private readonly target: Word;
  /** The item whose hazard words are being looked at. */
  private readonly suspect: Word;
  private readonly isPinned: Word;

  constructor(words: HazardWords) {
    this.words = words;
    this.linked = words.protocol.private('holder linked', 1);
    this.target = words.protocol.private('holder target');
    this.suspect = words.protocol.private('holder suspect');
    this.isPinned = words.protocol.private('holder has seen a pin');
  }

  steps(): Step[] {
    const { history } = this.words;
    const operations = history.slice(1).flatMap((value, index) => {
      const number = index + 1;
      const last = number === history.length - 1;
      return this.replace(number, value, last ? MAINTENANCE : firstLabel(number + 1), last);
    });
    return [...operations, ...this.maintain()];
  }

  /** Links a new value, or none; frees the item that was linked; looks once at one in limbo. */
  private replace(number: number, value: number, after: string, last: boolean): Step[] {
    const { words } = this;
    const name = `operation ${number}`;
    const [opening, ...change] = this.exchange(name, value, number * 2);
    const looks = this.looks(name);
    const early = words.has('holder looks before it unlinks');
    const start = step(firstLabel(number), (t) => {
      t.set(words.startedCount, number);
      t.set(this.suspect, t.get(this.linked));
      return value === 0 ? NEXT : this.writeNew(t, value);
    });
    const sweeps = !last && !words.has('limbo never looked at again');
    const acknowledge = step(`${name}: acknowledge`, (t) => {
      t.storeRelease(words.acknowledged, number);
      return sweeps && this.chooseSuspect(t) ? NEXT : after;
    });
    return [
      start,
      ...(early ? looks : []),
      ...(opening === undefined ? [] : [opening]),
      ...change,
      ...(early ? [] : looks),
      this.dispose(`${name}: free the old item`, acknowledge.label),
      acknowledge,
      ...(sweeps ? this.sweep(name, after) : []),
    ];
  }

  private writeNew(t: StepContext, value: number): undefined {
    const free = t.get(this.words.free);
    const item = free === 0 ? 0 : 1 + Math.log2(free & -free);
    if (item === 0) throw new Error('the model has too few items');
    t.set(this.words.free, free & (free - 1));
    t.set(this.target, item);
    return this.words.writeValue(t, item, value);
  }

  private exchange(name: string, value: number, closed: number): Step[] {
    const { words } = this;
    const storeStripe = (version: number): Step =>
      step(`${name}: stripe = ${version}`, (t) =>
        words.has('plain stripe')
          ? t.storePlain(words.stripe, version)
          : t.store(words.stripe, version),
      );
    const link = step(`${name}: change the reference`, (t) => {
      const item = value === 0 ? 0 : t.get(this.target);
      t.set(this.target, 0);
      t.set(this.linked, item);
      return t.storePlain(words.reference, item);
    });
    return [storeStripe(closed - 1), link, storeStripe(closed)];
  }

  /** One look at each slot's hazard word. */
  private looks(name: string): Step[] {
    const { words } = this;
    const slots = words.has('last slot not looked at') ? words.hazards.slice(0, -1) : words.hazards;
    return slots.map((hazard, slot) =>
      step(`${name}: look at slot ${slot}`, (t) => {
        if (t.load(hazard) === t.get(this.suspect)) t.set(this.isPinned, 1);
        return NEXT;
      }),
    );
  }

  /** Frees the suspect, and another key uses the memory at once; or keeps it in limbo. */
  private dispose(label: string, after: string): Step {
    const { free, limbo, hadLimbo } = this.words;
    return step(label, (t) => {
      const item = t.get(this.suspect);
      const bit = 2 ** (item - 1);
      if (t.get(this.isPinned) === 1) {
        t.set(limbo, t.get(limbo) | bit);
        t.set(hadLimbo, 1);
      } else {
        t.set(limbo, t.get(limbo) & ~bit);
        t.set(free, t.get(free) | bit);
        this.words.writeValue(t, item, OTHER_VALUE);
      }
      t.set(this.isPinned, 0);
      t.set(this.suspect, 0);
      return after;
    });
  }

  /** Looks at one item in limbo, as a later command does. */
  private sweep(name: string, after: string): Step[] {
    const blind = this.words.has('limbo freed without another look');
    const looks = blind ? [] : this.looks(`${name}, limbo`);
    return [...looks, this.dispose(`${name}, limbo: free the item`, after)];
  }

  /** Maintenance looks at limbo until it is empty. */
  private maintain(): Step[] {
    if (this.words.has('limbo never looked at again')) return [step(MAINTENANCE, () => END)];
    return [
      step(MAINTENANCE, (t) => (this.chooseSuspect(t) ? NEXT : END)),
      ...this.words.hazards.map((hazard, slot) =>
        step(`maintenance: look at slot ${slot}`, (t) =>
          t.load(hazard) === t.get(this.suspect) ? WAIT : NEXT,
        ),
      ),
      this.dispose('maintenance: free the item', MAINTENANCE),
    ];
  }

  private chooseSuspect(t: StepContext): boolean {
    const limbo = t.get(this.words.limbo);
    if (limbo === 0) return false;
    t.set(this.suspect, 1 + Math.log2(limbo & -limbo));
    return true;
  }
}

function firstLabel(number: number): string {
  return `operation ${number}: write the new item`;
}
