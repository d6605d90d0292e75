import type { HomeWorker } from './home-worker.js';

/** Looks at the workers so many times within the bound. */
const LOOKS_PER_BOUND = 4;
/** Periods between two looks after which the watch itself must have stood still. */
const STANDSTILL_PERIODS = 2;

interface Sighting {
  readonly heartbeat: number;
  readonly sinceMs: number;
}

/** A worker that has not moved for a while. */
export interface SilentWorker {
  readonly worker: HomeWorker;
  readonly silentMs: number;
  /** For so long that it will not go on by itself. */
  readonly isHung: boolean;
}

/**
 * Finds home workers that are stuck: their loop makes no round, and they are not parked. A parked
 * worker waits for work and wakes by itself twice a second. Without a look in time, as when the
 * machine was asleep or the supervising thread was busy, nobody is judged.
 */
export class HeartbeatWatch {
  /** How often to look. */
  readonly periodMs: number;
  readonly #boundMs: number;
  readonly #sightings = new WeakMap<HomeWorker, Sighting>();
  #lastLookMs = Number.NEGATIVE_INFINITY;

  /** `boundMs`: a worker is hung when it was silent for so long. */
  constructor(boundMs: number) {
    this.#boundMs = boundMs;
    this.periodMs = boundMs / LOOKS_PER_BOUND;
  }

  /** Workers that were silent since the last look, or longer. */
  look(workers: readonly HomeWorker[], nowMs: number): SilentWorker[] {
    const stoodStill = nowMs - this.#lastLookMs > STANDSTILL_PERIODS * this.periodMs;
    this.#lastLookMs = nowMs;
    const silent: SilentWorker[] = [];
    for (const worker of workers) {
      const { heartbeat } = worker;
      const seen = this.#sightings.get(worker);
      if (stoodStill || seen?.heartbeat !== heartbeat || worker.isParked) {
        this.#sightings.set(worker, { heartbeat, sinceMs: nowMs });
        continue;
      }
      const silentMs = nowMs - seen.sinceMs;
      silent.push({ worker, silentMs, isHung: silentMs >= this.#boundMs });
    }
    return silent;
  }
}
