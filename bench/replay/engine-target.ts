import { CacheError, createEngine, type Engine, type EngineOptions } from '../../src/index.js';
import { ReplayError } from './replay-error.js';
import type { CacheOccupancy, ReplayTarget, StoreOutcome } from './replay-target.js';
import { VALUE_BYTES_MAX, ValueSource } from './value-source.js';

export interface EngineTargetSettings {
  readonly memoryBytes: number;
  readonly entriesMax: number | undefined;
  readonly shards: number;
}

const PROBES_MAX = 512 * 1024;
/** The cache had no room at that moment; a real cache-aside caller would go on as well. */
const REFUSALS: ReadonlySet<string> = new Set([
  'ERR_CACHE_OUT_OF_MEMORY',
  'ERR_CACHE_OVERLOADED',
  'ERR_CACHE_BUSY',
]);

class EngineTarget implements ReplayTarget {
  readonly description: string;
  readonly probesMax = PROBES_MAX;
  readonly #engine: Engine;
  readonly #values = new ValueSource();

  constructor(engine: Engine, description: string) {
    this.#engine = engine;
    this.description = description;
  }

  get(key: string): boolean {
    return this.#engine.getBytes(key) !== undefined;
  }

  async set(key: string, valueBytes: number): Promise<StoreOutcome> {
    if (valueBytes > VALUE_BYTES_MAX) return 'too-large';
    try {
      await this.#engine.set(key, this.#values.take(valueBytes));
      return 'stored';
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      if (error.code === 'ERR_CACHE_VALUE_TOO_LARGE') return 'too-large';
      if (REFUSALS.has(error.code)) return 'refused';
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    await this.#engine.delete(key);
  }

  heldValueBytes(key: string): number | undefined {
    return this.#engine.getBytes(key)?.length;
  }

  occupancy(): CacheOccupancy {
    const { items, evictions } = this.#engine.stats();
    return { items, evictions };
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}

/**
 * Creates an engine whose shards this thread owns, so that the replay is one thread's work. Throws
 * a `ReplayError` when the settings do not go together.
 */
export async function createEngineTarget(settings: EngineTargetSettings): Promise<ReplayTarget> {
  const { memoryBytes, entriesMax, shards } = settings;
  const options: EngineOptions = {
    memory: memoryBytes,
    workers: 0,
    shards,
    defaultTtl: 'never',
    ...(entriesMax === undefined ? {} : { maxEntries: entriesMax }),
  };
  const description = `engine in this thread, ${shards} shard${shards > 1 ? 's' : ''}`;
  try {
    return new EngineTarget(await createEngine(options), description);
  } catch (error) {
    if (!(error instanceof CacheError) || error.code !== 'ERR_CACHE_INVALID_OPTIONS') throw error;
    throw new ReplayError(error.message, { cause: error });
  }
}
