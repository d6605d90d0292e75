/** A reader of the hazard model: pins the value, uses it in place, drops the pin. */
import type { HazardWords } from './hazard-words.js';
import { REUSED, STALE } from './hazard-words.js';
import type { Step, StepContext, Word } from './protocol.js';
import { at, END, NEXT, step, WAIT } from './protocol.js';

export class HazardReader {
  private readonly words: HazardWords;
  private readonly slot: number;
  private readonly readCount: number;
  private readonly done: Word;
  private readonly version: Word;
  private readonly item: Word;
  private readonly seen: Word;
  private readonly oldestAllowed: Word;

  constructor(words: HazardWords, slot: number, readCount: number) {
    const { protocol } = words;
    this.words = words;
    this.slot = slot;
    this.readCount = readCount;
    this.done = protocol.private(`reader ${slot} reads done`);
    this.version = protocol.private(`reader ${slot} version`);
    this.item = protocol.private(`reader ${slot} item`);
    this.seen = protocol.private(`reader ${slot} value seen`);
    this.oldestAllowed = protocol.private(`reader ${slot} oldest operation allowed`);
  }

  steps(): Step[] {
    const { words } = this;
    const hazard = words.hazardOf(this.slot);
    const pin = step('store the hazard word', (t) =>
      words.has('plain hazard')
        ? t.storePlain(hazard, t.get(this.item))
        : t.store(hazard, t.get(this.item)),
    );
    const validate = step('load the stripe again', (t) => this.validate(t));
    const late = words.has('hazard stored after validation');
    return [
      step('load the stripe', (t) => {
        const version = t.load(words.stripe);
        const acknowledged = t.inspect(words.acknowledged);
        t.set(this.version, version);
        t.set(this.oldestAllowed, Math.max(t.get(this.oldestAllowed), acknowledged));
        return version % 2 === 1 ? WAIT : NEXT;
      }),
      step('load the reference', (t) => {
        t.set(this.item, t.load(words.reference));
        return t.get(this.item) === 0 ? validate.label : NEXT;
      }),
      ...(late ? [validate, pin] : [pin, validate]),
      step('use the value', (t) => {
        t.set(this.seen, t.load(words.valueOf(t.get(this.item))));
        return this.checkCurrent(t, t.get(this.seen));
      }),
      step('use it again', (t) => {
        const value = t.load(words.valueOf(t.get(this.item)));
        if (value !== t.get(this.seen)) t.fail(REUSED);
        words.setPinned(t, this.slot, 0);
        return this.finish(t);
      }),
      step('drop the pin', (t) => {
        t.store(hazard, 0);
        t.set(this.item, 0);
        return t.get(this.done) === this.readCount ? END : 'load the stripe';
      }),
    ];
  }

  private validate(t: StepContext): string | undefined {
    const valid = t.load(this.words.stripe) === t.get(this.version);
    t.set(this.version, 0);
    if (!valid) return 'drop the pin';
    this.words.setPinned(t, this.slot, t.get(this.item));
    if (t.get(this.item) !== 0) return NEXT;
    this.checkCurrent(t, 0);
    return this.finish(t);
  }

  private finish(t: StepContext): string {
    t.set(this.seen, 0);
    t.set(this.done, t.get(this.done) + 1);
    return 'drop the pin';
  }

  /** The value must have been the key's at one moment of this read. */
  private checkCurrent(t: StepContext, value: number): undefined {
    const newest = t.get(this.words.startedCount);
    for (let moment = t.get(this.oldestAllowed); moment <= newest; moment++) {
      if (at(this.words.history, moment) === value) return t.set(this.oldestAllowed, moment);
    }
    return t.fail(this.words.history.includes(value) ? STALE : REUSED);
  }
}
