import { ExactLru, type LruBound } from '../../bench/hit-ratio/exact-lru.js';
import type { ReplayTarget, StoreOutcome } from '../../bench/replay/replay-target.js';

/** A target whose cache is an exact LRU, so that a replay and its comparison must agree. */
export class MemoryTarget implements ReplayTarget {
  readonly description = 'memory';
  readonly probesMax: number;
  readonly log: string[] = [];
  evictions = 0;
  readonly #lru: ExactLru;
  readonly #values = new Map<string, number>();
  readonly #valueBytesMax: number;

  constructor(
    bound: LruBound,
    probesMax = 1_000,
    valueBytesMax: number = Number.POSITIVE_INFINITY,
  ) {
    this.#lru = new ExactLru(bound);
    this.probesMax = probesMax;
    this.#valueBytesMax = valueBytesMax;
  }

  get(key: string): boolean {
    this.log.push(`get ${key}`);
    return this.#lru.touch(key);
  }

  async set(key: string, valueBytes: number): Promise<StoreOutcome> {
    this.log.push(`set ${key} ${valueBytes}`);
    if (valueBytes > this.#valueBytesMax) return 'too-large';
    const before = this.#lru.entryCount + (this.#lru.has(key) ? 0 : 1);
    this.#lru.set(key, Buffer.byteLength(key) + valueBytes);
    this.#values.set(key, valueBytes);
    this.evictions += before - this.#lru.entryCount;
    return 'stored';
  }

  async delete(key: string): Promise<void> {
    this.log.push(`delete ${key}`);
    this.#lru.delete(key);
  }

  heldValueBytes(key: string): number | undefined {
    return this.#lru.has(key) ? this.#values.get(key) : undefined;
  }

  occupancy(): { items: number; evictions: number } {
    return { items: this.#lru.entryCount, evictions: this.evictions };
  }

  async close(): Promise<void> {
    this.log.push('close');
  }
}
