/** The lock-free reader of the stripe model, and the check of what it returns. */
import type { StateView, Step, StepContext, Word } from './protocol.js';
import { at, END, NEXT, step, WAIT } from './protocol.js';
import type { StripeTable } from './stripe-table.js';

export const MIX = 'a mix of two values was returned';
export const FOREIGN = 'a value of another key was returned';
export const FALSE_MISS = 'a key was missed that was there all the time';
export const STALE = 'a value was returned that was not current at any time of the read';

const CLOSING = 'load the stripe again';

export class StripeReader {
  private readonly table: StripeTable;
  private readonly keys: readonly number[];
  private readonly readCount: Word;
  /** Per read, the value returned; 0 for a miss. */
  private readonly results: readonly Word[];
  /** The first operation whose contents may be returned, by this read or a later one. */
  private readonly oldestAllowed: Word;
  private readonly version: Word;
  private readonly bucket: Word;
  private readonly tags: Word;
  private readonly entry: Word;
  private readonly reference: Word;
  private readonly first: Word;
  private readonly second: Word;

  constructor(table: StripeTable, keys: readonly number[]) {
    const { protocol } = table;
    this.table = table;
    this.keys = keys;
    this.readCount = protocol.private('reads done');
    this.results = protocol.privateArray('result', keys.length);
    this.oldestAllowed = protocol.private('oldest operation allowed');
    this.version = protocol.private('version');
    this.bucket = protocol.private('bucket');
    this.tags = protocol.private('tags');
    this.entry = protocol.private('entry');
    this.reference = protocol.private('reference');
    this.first = protocol.private('first word');
    this.second = protocol.private('second word');
  }

  steps(): Step[] {
    const { table } = this;
    const opening = step('load the stripe', (t) => this.openRead(t));
    const root = step('load the root', (t) => {
      return t.set(this.bucket, table.bucketOf(this.keyOf(t), t.load(table.root)));
    });
    const early = table.has('root loaded before the stripe');
    const bucketOf = (t: StepContext) => at(table.buckets, t.get(this.bucket));
    const itemOf = (t: StepContext) => table.itemAt(t.get(this.reference));
    return [
      ...(early ? [root, opening] : [opening, root]),
      step('load the tags', (t) => {
        t.set(this.tags, t.load(bucketOf(t).tags));
        return this.nextMatch(t, 0);
      }),
      step('load the entry', (t) => {
        t.set(this.reference, t.load(at(bucketOf(t).entries, t.get(this.entry))));
        return t.get(this.reference) === 0 ? this.nextMatch(t, t.get(this.entry) + 1) : NEXT;
      }),
      step('load the key', (t) => {
        if (t.load(itemOf(t).key) === this.keyOf(t)) return NEXT;
        t.set(this.reference, 0);
        return this.nextMatch(t, t.get(this.entry) + 1);
      }),
      step('copy the first word', (t) => t.set(this.first, t.load(itemOf(t).first))),
      step('copy the second word', (t) => t.set(this.second, t.load(itemOf(t).second))),
      step(CLOSING, (t) => this.closeRead(t)),
    ];
  }

  /** Names the end of a schedule by what the reads returned. */
  describe(view: StateView): string {
    const texts = this.results.map((word) => (view.get(word) === 0 ? 'miss' : view.get(word)));
    return texts.join(', ');
  }

  private keyOf(t: StateView): number {
    return at(this.keys, t.get(this.readCount));
  }

  private openRead(t: StepContext): string | undefined {
    const version = t.load(this.table.stripeOf(this.keyOf(t)));
    if (version % 2 === 1 && !this.table.has('odd accepted')) return WAIT;
    t.set(this.version, version);
    const acknowledged = t.inspect(this.table.acknowledged);
    t.set(this.oldestAllowed, Math.max(t.get(this.oldestAllowed), acknowledged));
    return NEXT;
  }

  /** Goes on at the next entry with the key's tag; without one, the answer would be a miss. */
  private nextMatch(t: StepContext, from: number): string {
    const entry = this.table.matchTag(t.get(this.tags), this.keyOf(t), from);
    t.set(this.entry, Math.max(entry, 0));
    return entry < 0 ? CLOSING : 'load the entry';
  }

  private closeRead(t: StepContext): string {
    const version = t.load(this.table.stripeOf(this.keyOf(t)));
    if (version === t.get(this.version) || this.table.has('no closing look')) this.answer(t);
    for (const register of [this.version, this.bucket, this.tags, this.entry, this.reference]) {
      t.set(register, 0);
    }
    t.set(this.first, 0);
    t.set(this.second, 0);
    const begin = this.table.has('root loaded before the stripe')
      ? 'load the root'
      : 'load the stripe';
    return t.get(this.readCount) === this.keys.length ? END : begin;
  }

  /** The answer must be the contents of one moment between this read's first and last step. */
  private answer(t: StepContext): void {
    const key = this.keyOf(t);
    const value = t.get(this.first);
    if (value !== t.get(this.second)) t.fail(MIX);
    const newest = t.get(this.table.startedCount);
    let moment = t.get(this.oldestAllowed);
    while (moment <= newest && this.valueAt(moment, key) !== value) moment += 1;
    if (moment > newest) t.fail(this.nameOfMistake(key, value));
    // A later read may not see older contents than this one.
    t.set(this.oldestAllowed, Math.min(moment, newest));
    t.set(at(this.results, t.get(this.readCount)), value);
    t.set(this.readCount, t.get(this.readCount) + 1);
  }

  private valueAt(moment: number, key: number): number {
    return at(this.table.history, moment).get(key) ?? 0;
  }

  private nameOfMistake(key: number, value: number): string {
    if (value === 0) return FALSE_MISS;
    const known = this.table.history.some((contents) => contents.get(key) === value);
    return known ? STALE : FOREIGN;
  }
}
