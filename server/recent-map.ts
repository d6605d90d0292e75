const GENERATIONS = 2;
/** Of those that are new, one in so many is kept: what comes once costs next to nothing then. */
const KEPT_ONE_IN = 8;

/**
 * What texts led to lately. It spares work for texts that come again and again, and is bounded by
 * generations: when the young one is full it becomes the old one, and what was old and not asked
 * for since is forgotten.
 */
export class RecentMap<Value> {
  private readonly generationMax: number;
  private readonly lengthMax: number;
  private young = new Map<string, Value>();
  private old = new Map<string, Value>();
  private newCount = 0;

  /**
   * @param entriesMax texts kept at most
   * @param lengthMax longer texts are not kept
   */
  constructor(entriesMax: number, lengthMax: number) {
    this.generationMax = Math.ceil(entriesMax / GENERATIONS);
    this.lengthMax = lengthMax;
  }

  /** Texts that are kept now. */
  get size(): number {
    return this.young.size + this.old.size;
  }

  get(text: string): Value | undefined {
    const young = this.young.get(text);
    if (young !== undefined) return young;
    const old = this.old.get(text);
    if (old === undefined) return undefined;
    this.old.delete(text);
    this.add(text, old);
    return old;
  }

  /** Notes what a text led to that `get` did not know; it may be kept, or not. */
  note(text: string, value: Value): void {
    this.newCount += 1;
    if (this.newCount % KEPT_ONE_IN !== 0 || text.length > this.lengthMax) return;
    this.add(text, value);
  }

  private add(text: string, value: Value): void {
    if (this.young.size >= this.generationMax) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(text, value);
  }
}
