/**
 * Exact least-recently-used cache without values: the yardstick for every hit ratio. It holds the
 * order of all its entries without sampling or batching, so its hit count for a sequence of keys is
 * the textbook number.
 *
 * One JavaScript `Map` holds the keys, which ends at 2^24 entries; more are refused with an error.
 */
export type LruBound =
  | { readonly kind: 'entries'; readonly entriesMax: number }
  | { readonly kind: 'bytes'; readonly bytesMax: number };

const ENTRIES_LIMIT = 2 ** 24 - 1;
const INITIAL_SLOTS = 1024;
/** Ring of links: slot 0 is the head and tail sentinel, entries use slots from 1. */
const SENTINEL = 0;

/** Exact LRU bounded either by the number of entries or by the sum of their bytes. */
export class ExactLru {
  readonly #bound: LruBound;
  readonly #slotOfKey = new Map<string, number>();
  #keyOfSlot: (string | undefined)[] = [undefined];
  #bytesOfSlot: Float64Array = new Float64Array(INITIAL_SLOTS);
  #newer: Uint32Array = new Uint32Array(INITIAL_SLOTS);
  #older: Uint32Array = new Uint32Array(INITIAL_SLOTS);
  #freeSlots: number[] = [];
  #heldBytes = 0;

  /** Throws a RangeError when the bound is not positive, or above 2^24 - 1 entries. */
  constructor(bound: LruBound) {
    const most = bound.kind === 'entries' ? bound.entriesMax : bound.bytesMax;
    if (!(most > 0)) throw new RangeError(`the bound of an LRU must be positive, not ${most}`);
    if (bound.kind === 'entries' && !(most <= ENTRIES_LIMIT && Number.isInteger(most))) {
      throw new RangeError(`entriesMax must be a whole number up to ${ENTRIES_LIMIT}, not ${most}`);
    }
    this.#bound = bound;
  }

  get entryCount(): number {
    return this.#slotOfKey.size;
  }

  /** Sum of the bytes given for the entries held now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  has(key: string): boolean {
    return this.#slotOfKey.has(key);
  }

  /** Looks the key up and makes it the newest when it is there. True is a hit. */
  touch(key: string): boolean {
    const slot = this.#slotOfKey.get(key);
    if (slot === undefined) return false;
    if (this.#older[SENTINEL] !== slot) {
      this.#unlink(slot);
      this.#linkAsNewest(slot);
    }
    return true;
  }

  /** One cache-aside request: a hit, or a miss followed by storing the key. True is a hit. */
  access(key: string, bytes = 1): boolean {
    if (this.touch(key)) return true;
    this.#insert(key, bytes);
    return false;
  }

  /** Stores the key as the newest with these bytes, replacing what was there. */
  set(key: string, bytes = 1): void {
    const slot = this.#slotOfKey.get(key);
    if (slot === undefined) {
      this.#insert(key, bytes);
      return;
    }
    if (this.#bound.kind === 'bytes' && bytes > this.#bound.bytesMax) {
      this.#remove(slot);
      return;
    }
    this.#heldBytes += bytes - this.#bytesAt(slot);
    this.#bytesOfSlot[slot] = bytes;
    this.touch(key);
    // The entry itself is the newest and fits alone, so it is never its own victim.
    while (this.#isOver(0, 0)) this.#remove(this.#oldest());
  }

  /** Removes the key. True when it was there. */
  delete(key: string): boolean {
    const slot = this.#slotOfKey.get(key);
    if (slot === undefined) return false;
    this.#remove(slot);
    return true;
  }

  /** Keys from the newest to the oldest. */
  *keys(): Generator<string> {
    let slot = this.#linkAt(this.#older, SENTINEL);
    while (slot !== SENTINEL) {
      yield this.#keyAt(slot);
      slot = this.#linkAt(this.#older, slot);
    }
  }

  #insert(key: string, bytes: number): void {
    // An entry larger than the whole cache is not admitted and evicts nothing.
    if (this.#bound.kind === 'bytes' && bytes > this.#bound.bytesMax) return;
    while (this.#isOver(1, bytes)) this.#remove(this.#oldest());
    if (this.entryCount >= ENTRIES_LIMIT) {
      throw new RangeError(`an exact LRU of more than ${ENTRIES_LIMIT} entries is not possible`);
    }
    const slot = this.#takeSlot();
    this.#keyOfSlot[slot] = key;
    this.#bytesOfSlot[slot] = bytes;
    this.#slotOfKey.set(key, slot);
    this.#heldBytes += bytes;
    this.#linkAsNewest(slot);
  }

  #isOver(moreEntries: number, moreBytes: number): boolean {
    return this.#bound.kind === 'entries'
      ? this.entryCount + moreEntries > this.#bound.entriesMax
      : this.#heldBytes + moreBytes > this.#bound.bytesMax;
  }

  #takeSlot(): number {
    const freed = this.#freeSlots.pop();
    if (freed !== undefined) return freed;
    const slot = this.#keyOfSlot.length;
    this.#keyOfSlot.push(undefined);
    if (slot >= this.#newer.length) this.#grow();
    return slot;
  }

  #grow(): void {
    const slots = this.#newer.length * 2;
    const newer = new Uint32Array(slots);
    const older = new Uint32Array(slots);
    const bytes = new Float64Array(slots);
    newer.set(this.#newer);
    older.set(this.#older);
    bytes.set(this.#bytesOfSlot);
    this.#newer = newer;
    this.#older = older;
    this.#bytesOfSlot = bytes;
  }

  #remove(slot: number): void {
    this.#slotOfKey.delete(this.#keyAt(slot));
    this.#heldBytes -= this.#bytesAt(slot);
    this.#unlink(slot);
    this.#keyOfSlot[slot] = undefined;
    this.#freeSlots.push(slot);
  }

  #oldest(): number {
    const slot = this.#linkAt(this.#newer, SENTINEL);
    if (slot === SENTINEL) throw new Error('an empty LRU has no oldest entry');
    return slot;
  }

  #linkAsNewest(slot: number): void {
    const second = this.#linkAt(this.#older, SENTINEL);
    this.#older[slot] = second;
    this.#newer[slot] = SENTINEL;
    this.#newer[second] = slot;
    this.#older[SENTINEL] = slot;
  }

  #unlink(slot: number): void {
    const newer = this.#linkAt(this.#newer, slot);
    const older = this.#linkAt(this.#older, slot);
    this.#older[newer] = older;
    this.#newer[older] = newer;
  }

  #linkAt(links: Uint32Array, slot: number): number {
    const link = links[slot];
    if (link === undefined) throw new Error(`slot ${slot} is outside the ${links.length} links`);
    return link;
  }

  #bytesAt(slot: number): number {
    return this.#bytesOfSlot[slot] ?? 0;
  }

  #keyAt(slot: number): string {
    const key = this.#keyOfSlot[slot];
    if (key === undefined) throw new Error(`slot ${slot} holds no key`);
    return key;
  }
}
