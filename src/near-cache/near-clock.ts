import type { NearEntry } from './near-entry.js';

/**
 * Which copies leave when there are too many: CLOCK (F. J. Corbató, "A Paging Experiment with the
 * Multics System", 1968). A hit moves nothing; a copy that was used since the hand last passed
 * gets another round.
 */
export class NearClock {
  readonly #entryCountMax: number;
  readonly #bytesMax: number;
  readonly #places: (NearEntry | undefined)[] = [];
  readonly #freePlaces: number[] = [];
  #hand = 0;
  #bytes = 0;

  constructor(entryCountMax: number, bytesMax: number) {
    this.#entryCountMax = entryCountMax;
    this.#bytesMax = bytesMax;
  }

  /** Copies that are kept. */
  get entryCount(): number {
    return this.#places.length - this.#freePlaces.length;
  }

  /** Stored bytes of what is kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps a copy of so many stored bytes, which may be any number; others leave for it. */
  add(entry: NearEntry, sizeBytes: number): void {
    this.#bytes += sizeBytes;
    while (this.entryCount > 0 && this.#isOver()) this.#evictOne();
    entry.sizeBytes = sizeBytes;
    const position = this.#freePlaces.pop() ?? this.#places.length;
    entry.position = position;
    this.#places[position] = entry;
    entry.home.set(entry.key, entry);
  }

  /** The bytes of a kept copy have changed. */
  resize(entry: NearEntry, sizeBytes: number): void {
    this.#bytes += sizeBytes - entry.sizeBytes;
    entry.sizeBytes = sizeBytes;
  }

  remove(entry: NearEntry): void {
    this.#places[entry.position] = undefined;
    this.#freePlaces.push(entry.position);
    this.#bytes -= entry.sizeBytes;
    entry.home.delete(entry.key);
  }

  clear(): void {
    for (const entry of this.#places) {
      if (entry !== undefined) this.remove(entry);
    }
    this.#places.length = 0;
    this.#freePlaces.length = 0;
    this.#hand = 0;
  }

  #isOver(): boolean {
    return this.entryCount >= this.#entryCountMax || this.#bytes > this.#bytesMax;
  }

  /** The hand stops after two rounds at most: the first takes every mark away. */
  #evictOne(): void {
    for (;;) {
      const entry = this.#places[this.#hand];
      this.#hand = this.#hand + 1 < this.#places.length ? this.#hand + 1 : 0;
      if (entry === undefined) continue;
      if (!entry.isUsed) {
        this.remove(entry);
        return;
      }
      entry.isUsed = false;
    }
  }
}
