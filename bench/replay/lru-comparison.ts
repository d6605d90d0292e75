/**
 * What an exact LRU of the same capacity would have hit on the same requests. It runs in passes of
 * its own after the replay, so that its memory and its garbage do not show in the latencies.
 *
 * The capacity: with a bound on entries, that many entries. With bytes alone, the bytes of keys and
 * values that the cache held when the replay ended: the memory limit itself would flatter nobody,
 * because it also pays for indexes and slack, which an LRU on paper does not have.
 */
import { ExactLru, type LruBound } from '../hit-ratio/exact-lru.js';
import { DistinctSample } from './distinct-sample.js';
import type { TraceRecord } from './formats/trace-format.js';
import { valueBytesOf } from './replay.js';
import type { ReplayTarget } from './replay-target.js';

type Batches = AsyncIterable<readonly TraceRecord[]>;

export interface LruSettings {
  readonly fixedValueBytes: number | undefined;
  /** Larger values are never stored, as the cache refused them. */
  readonly storableBytesMax: number;
}

export interface LruOutcome {
  readonly gets: number;
  readonly hits: number;
}

/** Hits of an exact LRU over the requests, cache-aside as in the replay. */
export async function simulateLru(
  batches: Batches,
  bound: LruBound,
  settings: LruSettings,
  onProgress: () => void,
): Promise<LruOutcome> {
  const lru = new ExactLru(bound);
  let gets = 0;
  let hits = 0;
  for await (const batch of batches) {
    for (const record of batch) {
      if (record.operation === 'get') gets += 1;
      if (applyToLru(lru, record, settings)) hits += 1;
    }
    onProgress();
  }
  return { gets, hits };
}

/** True when the record was a get and a hit. */
function applyToLru(lru: ExactLru, record: TraceRecord, settings: LruSettings): boolean {
  const { key, operation } = record;
  if (operation === 'delete') {
    lru.delete(key);
    return false;
  }
  if (operation === 'get' && lru.touch(key)) return true;
  const valueBytes = valueBytesOf(record, settings.fixedValueBytes);
  if (valueBytes <= settings.storableBytesMax) lru.set(key, Buffer.byteLength(key) + valueBytes);
  return false;
}

/**
 * Bytes of keys and values that the target holds now, found by asking for the keys of the trace.
 * Where these are too many, for an even sample of them: the result is then an estimate.
 */
export async function measureHeldBytes(
  batches: Batches,
  target: ReplayTarget,
  onProgress: () => void,
): Promise<number> {
  const sample = new DistinctSample(target.probesMax);
  for await (const batch of batches) {
    for (const record of batch) sample.add(record.key);
    onProgress();
  }
  let heldBytes = 0;
  for (const key of sample.keys()) {
    const valueBytes = await target.heldValueBytes(key);
    if (valueBytes !== undefined) heldBytes += Buffer.byteLength(key) + valueBytes;
  }
  return Math.round(heldBytes * sample.keysPerSample);
}
