/**
 * Several doubly linked lists over the keys of a trace, each key on at most one of them. Links are
 * kept in typed arrays by key; behind the keys comes one ring head per list.
 */
export class KeyLists {
  readonly #keyCount: number;
  readonly #newer: Int32Array;
  readonly #older: Int32Array;
  /** List of each key, from 1; 0 for a key that is on none. */
  readonly #listOfKey: Uint8Array;
  readonly #lengths: Int32Array;

  constructor(keyCount: number, listCount: number) {
    this.#keyCount = keyCount;
    this.#newer = new Int32Array(keyCount + listCount);
    this.#older = new Int32Array(keyCount + listCount);
    this.#listOfKey = new Uint8Array(keyCount);
    this.#lengths = new Int32Array(listCount + 1);
    for (let head = keyCount; head < keyCount + listCount; head += 1) {
      this.#newer[head] = head;
      this.#older[head] = head;
    }
  }

  /** Number of the list that holds the key, from 1; 0 when none does. */
  listOf(key: number): number {
    return this.#listOfKey[key] as number;
  }

  lengthOf(list: number): number {
    return this.#lengths[list] as number;
  }

  /** The key that was put on the list before all others; -1 when the list is empty. */
  oldestOf(list: number): number {
    const head = this.#headOf(list);
    const oldest = this.#newer[head] as number;
    return oldest === head ? -1 : oldest;
  }

  /** Puts the key at the newest end of the list, wherever it was before. */
  moveToNewest(key: number, list: number): void {
    if (this.#listOfKey[key] !== 0) this.#unlink(key);
    const head = this.#headOf(list);
    const newest = this.#older[head] as number;
    this.#older[key] = newest;
    this.#newer[key] = head;
    this.#newer[newest] = key;
    this.#older[head] = key;
    this.#listOfKey[key] = list;
    this.#lengths[list] = (this.#lengths[list] as number) + 1;
  }

  /** Takes the key off its list; it must be on one. */
  remove(key: number): void {
    this.#unlink(key);
    this.#listOfKey[key] = 0;
  }

  #headOf(list: number): number {
    return this.#keyCount + list - 1;
  }

  #unlink(key: number): void {
    const list = this.#listOfKey[key] as number;
    const older = this.#older[key] as number;
    const newer = this.#newer[key] as number;
    this.#newer[older] = newer;
    this.#older[newer] = older;
    this.#lengths[list] = (this.#lengths[list] as number) - 1;
  }
}
