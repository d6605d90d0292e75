// The shared clock: milliseconds since the arena's birth, one float64 in the header.
//
// A worker ticks it while there is work. Before that worker sleeps it stores +infinity, and with
// no worker at all the word stays +infinity: every comparison "now < expiry" then fails into the
// slow path, which asks the host. So a hit pays one load and no extra branch, and an idle engine
// does nothing.

import { threads, threadBytes } from "./arena";
import {
  HEADER_TICKER_SLOT,
  HEADER_TIME_MS,
  THREAD_DOORBELL,
  THREAD_PARKED,
} from "./layout";
import { add32, publishF64, replaceF64 } from "./store";

@external("host", "nowMs")
declare function hostNowMs(): f64;

/** The shared time word as it stands; +infinity when nobody ticks. */
@inline
export function sharedMs(): f64 {
  return load<f64>(HEADER_TIME_MS);
}

/** Asks the host for the time; shares it when a worker ticks, and wakes that worker. */
export function refreshMs(): f64 {
  const now = hostNowMs();
  const ticker = load<u32>(HEADER_TICKER_SLOT);
  if (ticker != 0) {
    const shared = raiseMs(now);
    passOn();
    return shared;
  }
  return now;
}

/**
 * After the time was raised: wakes the worker that ticks, or stops the clock where there is none.
 * Whoever gives the clock to another worker, or to none, stores the slot, then rings the worker or
 * stops the clock: this thread sees the slot, or they see the time.
 */
function passOn(): void {
  const ticker = atomic.load<u32>(HEADER_TICKER_SLOT);
  if (ticker == 0) publishF64(HEADER_TIME_MS, Infinity);
  else ringDoorbell(threads + (ticker - 1) * threadBytes);
}

/** Moves the shared time on, by the worker that ticks; by now it may be another one. */
export function tickBy(home: u32, nowMs: f64): void {
  raiseMs(nowMs);
  if (atomic.load<u32>(HEADER_TICKER_SLOT) != home + 1) passOn();
}

/**
 * Moves the shared time on to `now`, never back; starts it when it stood still. The time that is
 * shared then. Sequentially consistent, like the look at PARKED: a ticker about to sleep sees this
 * store, or is seen to be parked.
 */
function raiseMs(now: f64): f64 {
  while (true) {
    const seen = sharedMs();
    if (seen < Infinity && seen >= now) return seen;
    if (replaceF64(HEADER_TIME_MS, seen, now)) return now;
  }
}

/** The time now: the shared word, or the host's when nobody ticks. */
@inline
export function currentMs(): f64 {
  const now = sharedMs();
  return now < Infinity ? now : refreshMs();
}

/** Wakes a home worker if it sleeps. The doorbell moves first, so a worker about to sleep stays. */
export function ringDoorbell(worker: usize): void {
  if (atomic.load<u32>(worker + THREAD_PARKED) == 0) return;
  add32(worker + THREAD_DOORBELL, 1);
  atomic.notify(worker + THREAD_DOORBELL, 1);
}

/**
 * The time by which a holder judges expiry. Read before the shard is taken: no code of the host
 * runs while it is held.
 */
export let judgeMs: f64 = 0;

export function judgeBy(nowMs: f64): void {
  judgeMs = nowMs;
}

let operations: u32 = 0;

/** Called once per operation: every 64th refreshes the shared clock, in case its ticker starves. */
@inline
export function countOperation(): void {
  operations += 1;
  if ((operations & 63) == 0) refreshTicked();
}

/** Moves a ticking clock on; one that was stopped meanwhile stays stopped. */
export function refreshTicked(): void {
  const seen = sharedMs();
  if (!(seen < Infinity)) return;
  const now = hostNowMs();
  if (now > seen) replaceF64(HEADER_TIME_MS, seen, now);
}

/** Moves the shared time on; +infinity stops it: nobody ticks any more. */
export function tick(nowMs: f64): void {
  if (nowMs < Infinity) raiseMs(nowMs);
  else publishF64(HEADER_TIME_MS, nowMs);
}

/** True while the shared time stands for the present. */
export function isTicking(): bool {
  return sharedMs() < Infinity;
}
