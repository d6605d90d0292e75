// The host's clock of an arena. `performance.now()` counts from the start of each thread, so each
// thread adds its own offset to the process-wide monotonic clock.

// Not the global of that name, which is looked up anew each time.
import { performance } from 'node:perf_hooks';

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

const OFFSET_SAMPLES = 5;

/** What this thread's own clock lacks to the monotonic one. */
function offsetOfThreadMs(): number {
  let offsetMs = Number.NEGATIVE_INFINITY;
  for (let sample = 0; sample < OFFSET_SAMPLES; sample++) {
    // A pause between the two readings makes the offset too small, never too large.
    offsetMs = Math.max(offsetMs, monotonicMs() - performance.now());
  }
  return offsetMs;
}

/** Milliseconds since `birthMs`, a value of `monotonicMs` in any thread of this process. */
export function createClock(birthMs: number): Clock {
  const offsetMs = offsetOfThreadMs() - birthMs;
  return { nowMs: () => performance.now() + offsetMs };
}
