/**
 * Generated traces for where no recorded one is at hand. The same name, seed and sizes give the
 * same requests on every machine.
 */
import { createRandom, type Random } from '../lib/random.js';
import type { TraceRecord } from './formats/trace-format.js';

const BATCH_RECORDS = 1_024;

export interface WorkloadSettings {
  /** Any 32-bit number. */
  readonly seed: number;
  readonly requestCount: number;
  /** Number of distinct keys to choose from, at least 1. */
  readonly keyCount: number;
}

export interface Workload {
  readonly name: string;
  readonly summary: string;
  /** The numbers of the keys, one per request, each below `keyCount`. */
  keyNumbers(settings: WorkloadSettings): Generator<number>;
}

const ZIPF_SKEW = 0.9;

/** Draws ranks from 0, rank r with a probability in proportion to 1 / (r + 1)^skew. */
export function createZipf(random: Random, keyCount: number, skew: number): () => number {
  const cumulative = new Float64Array(keyCount);
  let total = 0;
  for (let rank = 0; rank < keyCount; rank += 1) {
    total += (rank + 1) ** -skew;
    cumulative[rank] = total;
  }
  return () => {
    const wanted = (random.uint32() / 2 ** 32) * total;
    let low = 0;
    let high = keyCount - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((cumulative[middle] ?? total) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

const zipf: Workload = {
  name: 'zipf',
  summary: `independent draws from a Zipf distribution of exponent ${ZIPF_SKEW}`,
  *keyNumbers({ seed, requestCount, keyCount }) {
    const next = createZipf(createRandom(seed), keyCount, ZIPF_SKEW);
    for (let index = 0; index < requestCount; index += 1) yield next();
  },
};

const loop: Workload = {
  name: 'loop',
  summary: 'all keys in order, again and again',
  *keyNumbers({ requestCount, keyCount }) {
    for (let index = 0; index < requestCount; index += 1) yield index % keyCount;
  },
};

/** Every so many draws, a run over keys that are otherwise rarely asked for. */
const SCAN_EVERY = 2_000;
const SCAN_LENGTH = 500;

const scan: Workload = {
  name: 'scan',
  summary: 'Zipf draws over the first half of the keys, interrupted by scans over the second',
  *keyNumbers({ seed, requestCount, keyCount }) {
    const hotCount = Math.max(1, Math.floor(keyCount / 2));
    const coldCount = keyCount - hotCount;
    const next = createZipf(createRandom(seed), hotCount, ZIPF_SKEW);
    let scanned = 0;
    for (let index = 0; index < requestCount; index += 1) {
      const isScanning = coldCount > 0 && index % SCAN_EVERY >= SCAN_EVERY - SCAN_LENGTH;
      if (isScanning) {
        yield hotCount + (scanned % coldCount);
        scanned += 1;
      } else {
        yield next();
      }
    }
  },
};

/** Requests after which the popular keys change. */
const PHASE_LENGTH = 10_000;

const shift: Workload = {
  name: 'shift',
  summary: 'Zipf draws whose popular keys change from time to time',
  *keyNumbers({ seed, requestCount, keyCount }) {
    const next = createZipf(createRandom(seed), keyCount, ZIPF_SKEW);
    for (let index = 0; index < requestCount; index += 1) {
      const phase = Math.floor(index / PHASE_LENGTH);
      yield (next() + phase * Math.ceil(keyCount / 7)) % keyCount;
    }
  },
};

export const WORKLOADS: readonly Workload[] = [zipf, loop, scan, shift];

/** The requests of a workload in batches, as a trace file gives them; every request is a get. */
export async function* workloadRecords(
  workload: Workload,
  settings: WorkloadSettings,
): AsyncGenerator<TraceRecord[]> {
  let batch: TraceRecord[] = [];
  for (const keyNumber of workload.keyNumbers(settings)) {
    batch.push({ operation: 'get', key: `key:${keyNumber}`, valueBytes: undefined });
    if (batch.length >= BATCH_RECORDS) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
