/** FNV-1a over the UTF-16 units, with the bits mixed so that all of them depend on all units. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * An even sample of the distinct keys of a sequence in bounded memory. A key is in the sample when
 * its hash is below a limit; when the sample is full the limit is halved. How often a key comes
 * makes no difference.
 */
export class DistinctSample {
  readonly #keysMax: number;
  readonly #kept = new Set<string>();
  #halvings = 0;

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  /** How many distinct keys each kept one stands for; 1 when all were kept. */
  get keysPerSample(): number {
    return 2 ** this.#halvings;
  }

  add(key: string): void {
    if (!this.#isWanted(key)) return;
    this.#kept.add(key);
    // 32 halvings leave the hash 0 alone.
    while (this.#kept.size > this.#keysMax && this.#halvings < 32) {
      this.#halvings += 1;
      for (const kept of this.#kept) if (!this.#isWanted(kept)) this.#kept.delete(kept);
    }
  }

  keys(): Iterable<string> {
    return this.#kept;
  }

  #isWanted(key: string): boolean {
    return this.#halvings === 0 || hashOf(key) < 2 ** (32 - this.#halvings);
  }
}
