// The host's clock of an arena. `performance.now()` counts from the start of each thread, so each
// thread adds its own offset to the process-wide monotonic clock.

const NS_PER_MS = 1e6;

/** A monotonic clock. */
export interface Clock {
  /** Milliseconds since the arena's birth; the same in every thread, never goes back. */
  nowMs(): number;
}

/** Milliseconds of the monotonic clock of this machine; comparable between threads. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / NS_PER_MS;
}

/** Milliseconds since `birthMs`, a value of `monotonicMs` in any thread of this process. */
export function createClock(birthMs: number): Clock {
  const offsetMs = monotonicMs() - performance.now() - birthMs;
  return { nowMs: () => performance.now() + offsetMs };
}
