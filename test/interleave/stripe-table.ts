/** Memory of the stripe model and the holder's stores; the protocol is in `stripe-model.ts`. */
import type { Step, Word } from './protocol.js';
import { at, NEXT, Protocol, step } from './protocol.js';

/** Ways to get the protocol wrong, each of which the model must find out. */
export type StripeFault =
  | 'no closing look'
  | 'odd accepted'
  | 'root loaded before the stripe'
  | 'version moved once, before the change'
  | 'version moved once, after the change'
  | 'version of one bit'
  | 'victim without its stripe'
  | 'old bucket cleared before the root moved'
  | 'memory used again before it is unlinked';

/** Which fences the holder executes; they matter where plain stores may overtake others. */
export type StripeFences = 'after odd' | 'before reuse' | 'none';

/** Keys. A key is its own tag; in a table of two buckets, odd keys are in bucket 1. */
export const KEY = 1;
export const NEIGHBOUR = 2;
export const VICTIM = 3;

const BUCKETS = 2;
const ENTRIES = 2;
/** Tags of a bucket are the digits of one number to this base, for one load takes them all. */
const TAG_BASE = 4;
/** Pieces of item memory; a reference is 1 to this number. */
const ITEMS = 3;

export interface Bucket {
  readonly tags: Word;
  readonly entries: readonly Word[];
}

export interface Item {
  readonly key: Word;
  readonly first: Word;
  readonly second: Word;
}

/** What each key maps to at some time; keys that are not in it are not in the table. */
export type Contents = ReadonlyMap<number, number>;

export class StripeTable {
  readonly protocol: Protocol = new Protocol();
  readonly root: Word;
  readonly buckets: readonly Bucket[];
  readonly items: readonly Item[];
  /** Number of the operation that the holder works on. */
  readonly startedCount: Word;
  /** Number of the operation whose completion is visible to all. */
  readonly acknowledged: Word;
  /** Contents before the first operation, after it, after the second, and so on. */
  readonly history: Contents[] = [];
  private readonly stripes: readonly Word[];
  private readonly versions: number[];
  private readonly fault: StripeFault | undefined;
  private readonly fences: StripeFences;

  constructor(stripeCount: number, fault: StripeFault | undefined, fences: StripeFences) {
    const { protocol } = this;
    this.fault = fault;
    this.fences = fences;
    this.stripes = protocol.sharedArray('stripe', stripeCount);
    this.versions = this.stripes.map(() => 0);
    this.root = protocol.shared('root');
    this.buckets = Array.from({ length: BUCKETS }, (_, index) => ({
      tags: protocol.shared(`bucket ${index} tags`),
      entries: protocol.sharedArray(`bucket ${index} entry`, ENTRIES),
    }));
    this.items = Array.from({ length: ITEMS }, (_, index) => ({
      key: protocol.shared(`item ${index + 1} key`),
      first: protocol.shared(`item ${index + 1} first word`),
      second: protocol.shared(`item ${index + 1} second word`),
    }));
    this.startedCount = protocol.private('operations started');
    this.acknowledged = protocol.shared('operations acknowledged');
  }

  has(fault: StripeFault): boolean {
    return this.fault === fault;
  }

  bucketOf(key: number, bucketCount: number): number {
    return bucketCount === 2 ? key % 2 : 0;
  }

  /** Keys whose buckets may become one by a merge, or come from one by a split, share a stripe. */
  stripeOf(key: number): Word {
    return at(this.stripes, key % this.stripes.length);
  }

  itemAt(reference: number): Item {
    return at(this.items, reference - 1);
  }

  /** The next entry from `first` on whose tag is the key's, or -1. */
  matchTag(tags: number, key: number, first: number): number {
    for (let entry = first; entry < ENTRIES; entry++) {
      if (Math.floor(tags / TAG_BASE ** entry) % TAG_BASE === key) return entry;
    }
    return -1;
  }

  // ---- contents before the first operation

  initialRoot(bucketCount: number): void {
    this.initial(this.root, bucketCount);
  }

  initialEntry(bucket: number, entry: number, reference: number, key: number): void {
    const { tags, entries } = at(this.buckets, bucket);
    this.initial(at(entries, entry), reference);
    this.initial(tags, at(this.protocol.initial, tags.index) + key * TAG_BASE ** entry);
  }

  initialItem(reference: number, key: number, value: number): void {
    const item = this.itemAt(reference);
    this.initial(item.key, key);
    this.initial(item.first, value);
    this.initial(item.second, value);
  }

  private initial(word: Word, value: number): void {
    this.protocol.initial[word.index] = value;
  }

  // ---- stores of the holder

  /** Numbers the steps of an operation, tells when it began, and acknowledges it at the end. */
  operation(name: string, after: Contents, steps: readonly Step[]): Step[] {
    const number = this.history.length;
    this.history.push(after);
    const named = steps.map(({ label, run, branches }, index) =>
      step(`${name}, ${index}: ${label}`, run, branches),
    );
    const [first, ...others] = named;
    if (first === undefined) throw new Error(`operation ${name} does nothing`);
    const begin = step(first.label, (t) => {
      t.set(this.startedCount, number);
      return first.run(t);
    });
    const end = step(`${name}: acknowledge`, (t) => t.storeRelease(this.acknowledged, number));
    return [begin, ...others, end];
  }

  /** Writes an item completely into memory that no entry names. */
  writeItem(reference: number, key: number, value: number): Step[] {
    const item = this.itemAt(reference);
    return [
      ...(this.fences === 'before reuse' ? [this.fence()] : []),
      this.put(item.key, key),
      this.put(item.first, value),
      this.put(item.second, value),
    ];
  }

  /** An odd window around changes of references. */
  window(key: number, changes: readonly Step[]): Step[] {
    const stripe = this.stripeOf(key);
    const version = (advance: number): number => {
      const next = at(this.versions, key % this.stripes.length) + advance;
      this.versions[key % this.stripes.length] = next;
      return this.has('version of one bit') ? next % 2 : next;
    };
    const store = (advance: number): Step => {
      const value = version(advance);
      return step(`${stripe.name} = ${value}`, (t) => t.storeRelease(stripe, value));
    };
    if (this.has('version moved once, before the change')) return [store(2), ...changes];
    if (this.has('version moved once, after the change')) return [...changes, store(2)];
    const opening = store(1);
    const fence = this.fences === 'after odd' ? [this.fence()] : [];
    return [opening, ...fence, ...changes, store(1)];
  }

  put(word: Word, value: number): Step {
    return step(`${word.name} = ${value}`, (t) => t.storePlain(word, value));
  }

  entry(bucket: number, entry: number): Word {
    return at(at(this.buckets, bucket).entries, entry);
  }

  /** Stores all tags of a bucket, as the keys of its entries. */
  putTags(bucket: number, keys: readonly number[]): Step {
    const tags = keys.reduce((sum, key, entry) => sum + key * TAG_BASE ** entry, 0);
    return this.put(at(this.buckets, bucket).tags, tags);
  }

  private fence(): Step {
    return step('fence', (t) => {
      t.fence();
      return NEXT;
    });
  }
}
