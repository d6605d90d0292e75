import { setTimeout as delay } from 'node:timers/promises';
import type { Listener } from './http/transport.js';

/** How a service came to rest: nothing was left, it was told to hurry, or time was up. */
export type DrainOutcome = 'drained' | 'hastened' | 'timed-out';

const POLL_MS = 10;
/**
 * Idle connections are cut after nothing was asked on any of them for so long: a request that was
 * sent just before still arrives.
 */
const QUIET_MS = 200;

/**
 * Brings a listener to rest: no more connections, each open one closed after its next response,
 * idle ones cut when all has been quiet for a moment, everything cut when time is up.
 *
 * @param timeoutMs milliseconds until requests in flight are cut
 * @param hasten when it aborts, what is left is cut at once
 * @param countSocketRequests how many requests of WebSockets are not answered yet
 */
export async function drainListener(
  listener: Listener,
  timeoutMs: number,
  hasten?: AbortSignal,
  countSocketRequests: () => number = () => 0,
): Promise<DrainOutcome> {
  const isBusy = (): boolean => listener.pendingExchanges > 0 || countSocketRequests() > 0;
  listener.drain();
  const outcome = await waitUntilQuiet(listener, timeoutMs, isBusy, hasten);
  const isCut = isBusy();
  listener.close();
  return isCut ? outcome : 'drained';
}

async function waitUntilQuiet(
  listener: Listener,
  timeoutMs: number,
  isBusy: () => boolean,
  hasten?: AbortSignal,
): Promise<DrainOutcome> {
  const deadlineMs = performance.now() + timeoutMs;
  let seenExchanges = listener.startedExchanges;
  let quietSinceMs = performance.now();
  while (listener.openConnections > 0) {
    if (hasten?.aborted) return 'hastened';
    const nowMs = performance.now();
    if (nowMs >= deadlineMs) return 'timed-out';
    if (isBusy() || listener.startedExchanges !== seenExchanges) {
      seenExchanges = listener.startedExchanges;
      quietSinceMs = nowMs;
    } else if (nowMs - quietSinceMs >= QUIET_MS) {
      return 'drained';
    }
    await pause(Math.min(POLL_MS, deadlineMs - nowMs), hasten);
  }
  return 'drained';
}

async function pause(durationMs: number, hasten?: AbortSignal): Promise<void> {
  try {
    await delay(durationMs, undefined, hasten === undefined ? {} : { signal: hasten });
  } catch (error) {
    // An abort only ends the pause early; the caller looks at the signal itself.
    if (!hasten?.aborted) throw error;
  }
}

/** The part of `process` that tells of signals. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
}

/** How an operator stops the service: the first signal asks for it, a second one hastens it. */
export interface StopRequest {
  /** Resolves with the first signal. */
  readonly requested: Promise<void>;
  /** Aborts with the second one. */
  readonly hastened: AbortSignal;
}

/** Listens for SIGTERM and SIGINT, which from now on no longer end the process by themselves. */
export function listenForStop(source: SignalSource): StopRequest {
  const hasten = new AbortController();
  const requested = new Promise<void>((resolve) => {
    let isRequested = false;
    const onSignal = (): void => {
      if (isRequested) hasten.abort();
      isRequested = true;
      resolve();
    };
    source.on('SIGTERM', onSignal);
    source.on('SIGINT', onSignal);
  });
  return { requested, hastened: hasten.signal };
}
