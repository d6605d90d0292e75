/**
 * Seeded random numbers for tests: xoshiro128** (Blackman and Vigna), its state filled by a mixer
 * from one 32-bit seed. The same seed gives the same numbers on every machine.
 */
export class Prng {
  private s0: number;
  private s1: number;
  private s2: number;
  private s3: number;

  /** The state, four 32-bit numbers of which at least one is not 0. */
  constructor(state: readonly [number, number, number, number]) {
    if (state.every((word) => word >>> 0 === 0)) throw new Error('a state of zeros stays zero');
    this.s0 = state[0] >>> 0;
    this.s1 = state[1] >>> 0;
    this.s2 = state[2] >>> 0;
    this.s3 = state[3] >>> 0;
  }

  /** A whole number from 0 to 2^32 - 1. */
  nextUint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.s1, 5), 7), 9) >>> 0;
    const shifted = this.s1 << 9;
    this.s2 ^= this.s0;
    this.s3 ^= this.s1;
    this.s1 ^= this.s2;
    this.s0 ^= this.s3;
    this.s2 ^= shifted;
    this.s3 = rotateLeft(this.s3, 11);
    return result;
  }

  /** A whole number from 0 to `bound - 1`, each equally likely; `bound` is 1 to 2^32. */
  nextBelow(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw new Error(`a bound is a whole number from 1 to 2^32, not ${bound}`);
    }
    // Numbers above the last whole multiple of the bound would favour the small results. Fewer
    // than half of all are above it, so the loop ends after two rounds on average.
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let value = this.nextUint32();
    while (value >= limit) value = this.nextUint32();
    return value % bound;
  }

  /** A number from 0 up to, not including, 1, with 32 random bits. */
  nextFraction(): number {
    return this.nextUint32() / 2 ** 32;
  }

  /** One of the items, each equally likely. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('nothing to pick from');
    return items[this.nextBelow(items.length)] as T;
  }
}

/** A generator for a seed, 0 to 2^32 - 1. */
export function createPrng(seed: number): Prng {
  const word = (index: number): number => mix(Math.imul(index + 1, 0x9e3779b9) + seed);
  // Mixing is one-to-one, so of four different inputs at most one gives 0.
  return new Prng([word(0), word(1), word(2), word(3)]);
}

let announcedSeed: number | undefined;

/**
 * The seed of this run: the environment variable HOTSHARD_SEED, else a new one for each process.
 * Prints it once, so that a failing run can be repeated.
 */
export function seedFromEnvironment(): number {
  if (announcedSeed !== undefined) return announcedSeed;
  const text = process.env['HOTSHARD_SEED'];
  const seed = text === undefined || text === '' ? (Math.random() * 2 ** 32) >>> 0 : Number(text);
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new Error(`HOTSHARD_SEED is "${text}", not a whole number from 0 to 4294967295`);
  }
  announcedSeed = seed;
  console.info(`HOTSHARD_SEED=${seed} repeats the random choices of this run`);
  return seed;
}

/** The command that repeats a failing random test, to be put into the failure's message. */
export function replayCommand(seed: number, testPath: string): string {
  return `HOTSHARD_SEED=${seed} npx vitest run --config .vitest.config.mjs ${testPath}`;
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** Spreads each bit of the input over the result (the finalizer of MurmurHash3). */
function mix(input: number): number {
  let value = input | 0;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
