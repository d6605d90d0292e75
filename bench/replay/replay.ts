import { performance } from 'node:perf_hooks';
import type { TraceRecord } from './formats/trace-format.js';
import { LatencyHistogram } from './latency-histogram.js';
import type { ReplayTarget } from './replay-target.js';

/** Size of a value for which neither the trace nor the command line says one. */
export const DEFAULT_VALUE_BYTES = 100;
const NS_PER_MS = 1_000_000;

/** What a replay counted. */
export interface ReplayCounts {
  requests: number;
  gets: number;
  hits: number;
  sets: number;
  deletes: number;
  /** Values that the cache refused for their size; they are never hits. */
  tooLarge: number;
  /** Size of the smallest of those. */
  tooLargeBytesMin: number;
  /** Sets that the cache had no room for at that moment. */
  refused: number;
  /** Wall-clock time of the replay with the reading of the trace. */
  durationMs: number;
}

export interface ReplayOutcome {
  readonly counts: ReplayCounts;
  /** Time of every get, hit or miss. */
  readonly latency: LatencyHistogram;
}

/** Bytes of the value that a request stores when it stores one. */
export function valueBytesOf(record: TraceRecord, fixedValueBytes: number | undefined): number {
  return fixedValueBytes ?? record.valueBytes ?? DEFAULT_VALUE_BYTES;
}

class Replay {
  readonly counts: ReplayCounts = {
    requests: 0,
    gets: 0,
    hits: 0,
    sets: 0,
    deletes: 0,
    tooLarge: 0,
    tooLargeBytesMin: Number.POSITIVE_INFINITY,
    refused: 0,
    durationMs: 0,
  };
  readonly latency = new LatencyHistogram();
  readonly #target: ReplayTarget;
  readonly #fixedValueBytes: number | undefined;

  constructor(target: ReplayTarget, fixedValueBytes: number | undefined) {
    this.#target = target;
    this.#fixedValueBytes = fixedValueBytes;
  }

  /** A promise only where there is something to wait for, so that hits of the engine stay cheap. */
  apply(record: TraceRecord): void | Promise<void> {
    this.counts.requests += 1;
    switch (record.operation) {
      case 'get':
        return this.#get(record);
      case 'set':
        this.counts.sets += 1;
        return this.#store(record);
      case 'delete':
        this.counts.deletes += 1;
        return this.#target.delete(record.key);
    }
  }

  #get(record: TraceRecord): void | Promise<void> {
    const startMs = performance.now();
    const answer = this.#target.get(record.key);
    if (typeof answer === 'boolean') return this.#finishGet(record, answer, startMs);
    return answer.then((isHit) => this.#finishGet(record, isHit, startMs));
  }

  #finishGet(record: TraceRecord, isHit: boolean, startMs: number): void | Promise<void> {
    this.latency.record((performance.now() - startMs) * NS_PER_MS);
    this.counts.gets += 1;
    if (!isHit) return this.#store(record);
    this.counts.hits += 1;
  }

  async #store(record: TraceRecord): Promise<void> {
    const valueBytes = valueBytesOf(record, this.#fixedValueBytes);
    const outcome = await this.#target.set(record.key, valueBytes);
    if (outcome === 'refused') this.counts.refused += 1;
    if (outcome !== 'too-large') return;
    this.counts.tooLarge += 1;
    this.counts.tooLargeBytesMin = Math.min(this.counts.tooLargeBytesMin, valueBytes);
  }
}

/**
 * Replays requests in order, each one awaited before the next: a get, and on a miss a set of the
 * value; sets and deletes as the trace has them.
 */
export async function replayRecords(
  batches: AsyncIterable<readonly TraceRecord[]>,
  target: ReplayTarget,
  fixedValueBytes: number | undefined,
  onProgress: () => void,
): Promise<ReplayOutcome> {
  const replay = new Replay(target, fixedValueBytes);
  const startMs = performance.now();
  for await (const batch of batches) {
    for (const record of batch) {
      const pending = replay.apply(record);
      if (pending !== undefined) await pending;
    }
    onProgress();
  }
  replay.counts.durationMs = performance.now() - startMs;
  return { counts: replay.counts, latency: replay.latency };
}
