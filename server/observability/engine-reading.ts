import type { EngineStats } from '../../src/index.js';
import type { CacheStore } from '../cache/cache-store.js';

/**
 * The counters of the engine, read at most once in an interval: they are a walk over all shards and
 * threads, and anybody may ask for metrics.
 */
export class EngineReading {
  private readonly store: Pick<CacheStore, 'stats'>;
  private readonly intervalMs: number;
  private last: EngineStats | undefined;
  private readAtMs = 0;

  constructor(store: Pick<CacheStore, 'stats'>, intervalMs: number) {
    this.store = store;
    this.intervalMs = intervalMs;
  }

  /** Milliseconds since the counters were read that `read` gave last. */
  get ageMs(): number {
    return performance.now() - this.readAtMs;
  }

  read(): EngineStats {
    const nowMs = performance.now();
    if (this.last === undefined || nowMs - this.readAtMs >= this.intervalMs) {
      this.last = this.store.stats();
      this.readAtMs = nowMs;
    }
    return this.last;
  }
}
