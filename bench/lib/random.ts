/** A seeded source of numbers: the same seed gives the same run on every machine. */
export interface Random {
  /** The next number, 0 to 2^32 - 1. */
  uint32(): number;
  /** A number from 0 to `limit` - 1; `limit` is at most 2^32. */
  below(limit: number): number;
}

/** A generator of 32-bit numbers (mulberry32) that starts from `seed`. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return { uint32, below: (limit) => Math.floor((uint32() / 2 ** 32) * limit) };
}

/** A seed of its own for each named part of a run (FNV-1a over the name). */
export function seedFor(seed: number, name: string): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}

/** A shuffled copy (Fisher-Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const copy = [...items];
  for (let last = copy.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    const held = copy[last] as T;
    copy[last] = copy[other] as T;
    copy[other] = held;
  }
  return copy;
}
