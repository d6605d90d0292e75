import { createEngine, type EngineOptions } from '../../src/index.js';
import type { TraceKeys } from './trace-keys.js';

/** A policy of the engine, and the options that choose it. */
export interface EnginePolicy {
  readonly name: string;
  readonly options: Pick<EngineOptions, 'eviction'>;
}

/** Every policy of the engine, in the order in which tables show them. */
export const ENGINE_POLICIES: readonly EnginePolicy[] = [
  { name: 'lru', options: { eviction: { kind: 'lru' } } },
  { name: 'lfu', options: { eviction: { kind: 'lfu' } } },
  { name: 's3fifo', options: { eviction: { kind: 's3fifo' } } },
];

/** Enough that the bound by entries is always the one that counts. */
const MEMORY_BYTES_MIN = 16 * 2 ** 20;
const MEMORY_BYTES_PER_ENTRY = 512;
const VALUE = new Uint8Array(8);

/**
 * Hits of the engine, with one shard that this thread writes itself, bounded by entries. Each get
 * that misses is followed by an awaited set. Throws an Error when the engine does not hold exactly
 * as many entries at the end as it may.
 */
export async function engineHits(
  policy: EnginePolicy,
  trace: TraceKeys,
  capacity: number,
): Promise<number> {
  const engine = await createEngine({
    memory: MEMORY_BYTES_MIN + capacity * MEMORY_BYTES_PER_ENTRY,
    workers: 0,
    shards: 1,
    defaultTtl: 'never',
    maxEntries: capacity,
    nearCache: { kind: 'off' },
    ...policy.options,
  });
  try {
    const keys = Array.from({ length: trace.keyCount }, (_, number) => `key:${number}`);
    let hits = 0;
    for (const number of trace.requests) {
      const key = keys[number] as string;
      if (engine.getView(key) !== undefined) hits += 1;
      else await engine.set(key, VALUE);
    }
    const { items } = engine.stats();
    const expectedItems = Math.min(capacity, trace.keyCount);
    if (items !== expectedItems) {
      throw new Error(`${policy.name} holds ${items} entries at the end, not ${expectedItems}`);
    }
    return hits;
  } finally {
    await engine.close();
  }
}
