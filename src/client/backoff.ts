/** Waits between tries: exponential with full jitter, so that clients do not come back in step. */

/** Doublings after which a wait is at its longest in any case. */
const DOUBLINGS_MAX = 20;

/**
 * A random number of milliseconds from 0 to the bound of this try.
 *
 * @param failedTries 0 before the second try
 */
export function jitteredWaitMs(failedTries: number, firstMs: number, mostMs: number): number {
  const boundMs = Math.min(mostMs, firstMs * 2 ** Math.min(failedTries, DOUBLINGS_MAX));
  return Math.random() * boundMs;
}
