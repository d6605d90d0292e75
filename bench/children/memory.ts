import { LRUCache } from 'lru-cache';
import { createEngine } from '../../src/index.js';
import { collectGarbage, reportToParent } from '../lib/child.js';
import { benchKey, createWorkload, fold, type Workload } from '../lib/workload.js';

/** What one process fills. */
export interface MemoryParameter {
  readonly cache: 'hotshard' | 'lru-cache-buffers' | 'lru-cache-strings';
  readonly entryCount: number;
  readonly seed: number;
}

/** What the fill cost. */
export interface MemoryOutcome {
  /** Resident bytes after the fill, less those before the cache was made. */
  readonly addedBytes: number;
  /** Hash of sampled entries, read back. */
  readonly hash: number;
}

/** A filled cache; the entries live as long as it is referenced. */
interface FilledCache {
  readonly itemCount: number;
  firstByteOf(index: number): number | undefined;
  close(): Promise<void>;
}

const TTL_MS = 3_600_000;
const FILL_BATCH_SETS = 1000;
const SAMPLE_COUNT = 1000;

async function fillOurs(entryCount: number, { values, valueMask }: Workload): Promise<FilledCache> {
  const engine = await createEngine({ memory: '512mb', defaultTtl: TTL_MS });
  // One promise of each batch is awaited, so that what is measured is the cache and not arrays of
  // promises; that no set failed and every entry has arrived is checked by count afterwards.
  for (let index = 0; index < entryCount; index++) {
    const set = engine.set(benchKey(index), values[index & valueMask]);
    if (index % FILL_BATCH_SETS === FILL_BATCH_SETS - 1 || index === entryCount - 1) await set;
  }
  const { items, failedWrites } = engine.stats();
  if (failedWrites !== 0) throw new Error(`${failedWrites} sets failed`);
  return {
    itemCount: items,
    firstByteOf: (index) => engine.getBytes(benchKey(index))?.[0],
    close: () => engine.close(),
  };
}

function fillBuffers(entryCount: number, { values, valueMask }: Workload): FilledCache {
  const cache = new LRUCache<string, Buffer>({ max: entryCount, ttl: TTL_MS });
  for (let index = 0; index < entryCount; index++) {
    cache.set(benchKey(index), Buffer.from(values[index & valueMask] as Buffer));
  }
  return {
    itemCount: cache.size,
    firstByteOf: (index) => cache.get(benchKey(index))?.[0],
    close: async () => cache.clear(),
  };
}

/** The peer's best case: text that happens to have one byte per character. */
function fillStrings(entryCount: number, { values, valueMask }: Workload): FilledCache {
  const cache = new LRUCache<string, string>({ max: entryCount, ttl: TTL_MS });
  for (let index = 0; index < entryCount; index++) {
    cache.set(benchKey(index), (values[index & valueMask] as Buffer).toString('latin1'));
  }
  return {
    itemCount: cache.size,
    firstByteOf: (index) => cache.get(benchKey(index))?.charCodeAt(0),
    close: async () => cache.clear(),
  };
}

function fillCache(parameter: MemoryParameter, workload: Workload): Promise<FilledCache> {
  switch (parameter.cache) {
    case 'hotshard':
      return fillOurs(parameter.entryCount, workload);
    case 'lru-cache-buffers':
      return Promise.resolve(fillBuffers(parameter.entryCount, workload));
    case 'lru-cache-strings':
      return Promise.resolve(fillStrings(parameter.entryCount, workload));
  }
}

/** Twice, because a first collection leaves what only finalizers free. */
function residentBytes(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage.rss();
}

function readSamples(cache: FilledCache, entryCount: number, workload: Workload): number {
  const stride = Math.max(1, Math.floor(entryCount / SAMPLE_COUNT));
  let hash = 0;
  for (let index = 0; index < entryCount; index += stride) {
    const expected = (workload.values[index & workload.valueMask] as Buffer)[0];
    const found = cache.firstByteOf(index);
    if (found === undefined || found !== expected) {
      throw new Error(`entry ${index} holds ${found}, not ${expected}`);
    }
    hash = fold(hash, found);
  }
  return hash;
}

let warmUp = 0;

async function measure(parameter: MemoryParameter): Promise<MemoryOutcome> {
  const { entryCount } = parameter;
  const workload = createWorkload(0, parameter.seed);
  // Once through all keys before the first reading: the garbage of making them lets the young
  // generation grow, which no cache is to blame for.
  for (let index = 0; index < entryCount; index++) warmUp = fold(warmUp, benchKey(index).length);
  const beforeBytes = residentBytes();
  const cache = await fillCache(parameter, workload);
  const addedBytes = residentBytes() - beforeBytes;
  if (cache.itemCount !== entryCount) {
    throw new Error(`${parameter.cache} holds ${cache.itemCount} of ${entryCount} entries`);
  }
  const hash = readSamples(cache, entryCount, workload);
  await cache.close();
  return { addedBytes, hash };
}

await reportToParent(measure);
