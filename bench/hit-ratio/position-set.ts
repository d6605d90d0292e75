const BITS = 32;
const BITS_LOG2 = 5;

/**
 * A set of whole numbers below a limit that finds its greatest member in a few steps: a tree of
 * words in which each bit says whether the word below it has a member.
 */
export class PositionSet {
  /** The lowest level has a bit per number; the highest is one word. */
  readonly #levels: readonly Uint32Array[];

  constructor(limit: number) {
    const levels: Uint32Array[] = [];
    let words = limit;
    do {
      words = Math.max(1, Math.ceil(words / BITS));
      levels.push(new Uint32Array(words));
    } while (words > 1);
    this.#levels = levels;
  }

  add(position: number): void {
    let index = position;
    for (const level of this.#levels) {
      const word = index >>> BITS_LOG2;
      const before = level[word] as number;
      level[word] = before | (1 << (index & (BITS - 1)));
      if (before !== 0) return;
      index = word;
    }
  }

  /** Takes a member out. */
  delete(position: number): void {
    let index = position;
    for (const level of this.#levels) {
      const word = index >>> BITS_LOG2;
      const after = (level[word] as number) & ~(1 << (index & (BITS - 1)));
      level[word] = after;
      if (after !== 0) return;
      index = word;
    }
  }

  /** The greatest member; -1 when there is none. */
  greatest(): number {
    let index = 0;
    for (let depth = this.#levels.length - 1; depth >= 0; depth -= 1) {
      const word = this.#levels[depth]?.[index] as number;
      if (word === 0) return -1;
      index = index * BITS + (BITS - 1 - Math.clz32(word));
    }
    return index;
  }
}
