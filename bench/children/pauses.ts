import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { createEngine } from '../../src/index.js';
import { collectGarbage, reportToParent } from '../lib/child.js';
import { createRandom, type Random } from '../lib/random.js';
import { type BenchObject, benchKey, benchObject } from '../lib/workload.js';

/** What one process measures. */
export interface PausesParameter {
  readonly cache: 'hotshard' | 'lru-cache';
  readonly entryCount: number;
  readonly setsPerSecond: number;
  readonly getsPerSecond: number;
  /** Churn before the measurement. */
  readonly settleMs: number;
  readonly churnMs: number;
  readonly seed: number;
}

/** Delays are what a timer fired late, beyond its period of 1 ms. */
export interface PausesOutcome {
  readonly p999Ms: number;
  readonly maxMs: number;
  readonly setCount: number;
  readonly getCount: number;
  readonly hitCount: number;
  readonly itemCount: number;
}

/** The two caches, as the churn sees them; both hold one small object per key. */
interface ObjectCache {
  get(key: string): BenchObject | undefined;
  set(key: string, value: BenchObject): Promise<boolean> | undefined;
  itemCount(): number;
  /** Sets that were refused, of all since the cache was made. */
  failedCount(): number;
  close(): Promise<void>;
}

const TTL_MS = 3_600_000;
const SAMPLE_PERIOD_MS = 1;
const NS_PER_MS = 1e6;
/** Delays below this are none; not zero, so that every ratio exists. */
const DELAY_MS_MIN = 0.001;
const FILL_BATCH_SETS = 1000;
/** Work owed after a pause is paid back in slices: at most this many times a normal tick's work. */
const CATCH_UP_TICKS = 4;

async function createOurs(entryCount: number): Promise<ObjectCache> {
  const engine = await createEngine({ memory: '1gb', maxEntries: entryCount, defaultTtl: TTL_MS });
  return {
    get: (key) => engine.get<BenchObject>(key),
    set: (key, value) => engine.set(key, value),
    itemCount: () => engine.stats().items,
    failedCount: () => engine.stats().failedWrites,
    close: () => engine.close(),
  };
}

function createPeer(entryCount: number): ObjectCache {
  const cache = new LRUCache<string, BenchObject>({ max: entryCount, ttl: TTL_MS });
  return {
    get: (key) => cache.get(key),
    set(key, value) {
      cache.set(key, value);
      return undefined;
    },
    itemCount: () => cache.size,
    failedCount: () => 0,
    close: async () => cache.clear(),
  };
}

async function fill(cache: ObjectCache, entryCount: number): Promise<void> {
  for (let start = 0; start < entryCount; start += FILL_BATCH_SETS) {
    const pending: (Promise<boolean> | undefined)[] = [];
    for (let index = start; index < Math.min(start + FILL_BATCH_SETS, entryCount); index++) {
      pending.push(cache.set(benchKey(index), benchObject(index)));
    }
    await Promise.all(pending);
  }
}

/** A steady stream of new keys and of reads over the newest `entryCount` ones. */
class Churn {
  setCount = 0;
  getCount = 0;
  hitCount = 0;
  failure: unknown;
  readonly #cache: ObjectCache;
  readonly #parameter: PausesParameter;
  readonly #random: Random;
  readonly #timer: NodeJS.Timeout;
  readonly #startMs = performance.now();
  #dueMs = 0;

  constructor(cache: ObjectCache, parameter: PausesParameter) {
    this.#cache = cache;
    this.#parameter = parameter;
    this.#random = createRandom(parameter.seed);
    this.#timer = setInterval(() => this.#tick(), 1);
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.failure !== undefined) {
      throw this.failure;
    }
  }

  #tick(): void {
    const elapsedMs = performance.now() - this.#startMs;
    this.#dueMs = Math.min(elapsedMs, this.#dueMs + CATCH_UP_TICKS);
    const { setsPerSecond, getsPerSecond } = this.#parameter;
    const setsDue = (this.#dueMs * setsPerSecond) / 1000;
    const getsDue = (this.#dueMs * getsPerSecond) / 1000;
    try {
      while (this.setCount < setsDue) {
        this.#setNext();
      }
      while (this.getCount < getsDue) {
        this.#getAny();
      }
    } catch (error) {
      this.failure ??= error;
    }
  }

  #setNext(): void {
    const index = this.#parameter.entryCount + this.setCount;
    this.setCount += 1;
    // Refused sets are counted by the cache itself and looked at in the end.
    void this.#cache.set(benchKey(index), benchObject(index));
  }

  #getAny(): void {
    const index = this.setCount + this.#random.below(this.#parameter.entryCount);
    this.getCount += 1;
    const value = this.#cache.get(benchKey(index));
    if (value === undefined) {
      return;
    }
    this.hitCount += 1;
    if (value.id !== index) {
      throw new Error(`the entry of ${index} holds the value of ${value.id}`);
    }
  }
}

async function measure(parameter: PausesParameter): Promise<PausesOutcome> {
  const { cache: kind, entryCount, settleMs, churnMs } = parameter;
  const cache = kind === 'hotshard' ? await createOurs(entryCount) : createPeer(entryCount);
  await fill(cache, entryCount);
  // The garbage of filling is not the garbage of churn.
  collectGarbage();
  const churn = new Churn(cache, parameter);
  await delay(settleMs);
  const histogram = monitorEventLoopDelay({ resolution: SAMPLE_PERIOD_MS });
  histogram.enable();
  await delay(churnMs);
  histogram.disable();
  churn.stop();
  if (cache.failedCount() !== 0) throw new Error(`${kind}: ${cache.failedCount()} sets failed`);
  // The histogram holds whole intervals between two samples.
  const delayMs = (intervalNs: number) =>
    Math.max(DELAY_MS_MIN, intervalNs / NS_PER_MS - SAMPLE_PERIOD_MS);
  const outcome: PausesOutcome = {
    p999Ms: delayMs(histogram.percentile(99.9)),
    maxMs: delayMs(histogram.max),
    setCount: churn.setCount,
    getCount: churn.getCount,
    hitCount: churn.hitCount,
    itemCount: cache.itemCount(),
  };
  if (outcome.itemCount < 0.9 * entryCount || outcome.hitCount === 0) {
    throw new Error(`${kind} kept ${outcome.itemCount} of ${entryCount} entries`);
  }
  await cache.close();
  return outcome;
}

await reportToParent(measure);
