// How a home worker waits: it spins a little, then sleeps on its doorbell.
//
// Order before sleeping: read the doorbell, store PARKED, look at work and clock once more, then
// wait for the doorbell to differ from what was read. Whoever brings work does the opposite order
// (work, then PARKED), sequentially consistent on both sides: no wake-up is lost.

import { threadAddress } from "./arena";
import { sharedMs, tick } from "./clock";
import {
  HEADER_STOP,
  HEADER_TICKER_SLOT,
  HEADER_TIME_MS,
  THREAD_DOORBELL,
  THREAD_PARKED,
  THREAD_RETIRED,
} from "./layout";
import { hasWork } from "./maintenance";
import { publish32 } from "./store";

const NS_PER_MS: f64 = 1e6;
/**
 * Longest wait. What a caller stores in place rings no doorbell: expired memory it leaves behind
 * is freed this much later at most.
 */
const WAIT_MS_MAX: f64 = 500;

/** Looks for work for a while; true when some came. */
export function spinForWork(home: u32, rounds: u32): bool {
  for (let i: u32 = 0; i < rounds; i++) {
    if (hasWork(home)) return true;
  }
  return false;
}

/** Waits a moment although there is work: another thread holds what it is for. */
export function pause(home: u32, timeoutMs: f64): void {
  const slot = threadAddress(home);
  const seen = atomic.load<i32>(slot + THREAD_DOORBELL);
  atomic.wait<i32>(slot + THREAD_DOORBELL, seen, <i64>(timeoutMs * NS_PER_MS));
}

function mustStay(home: u32, stopsTicking: bool): bool {
  if (hasWork(home) || atomic.load<u32>(HEADER_STOP) != 0) return true;
  if (atomic.load<u32>(threadAddress(home) + THREAD_RETIRED) != 0) return true;
  return stopsTicking && reinterpret<f64>(atomic.load<u64>(HEADER_TIME_MS)) < Infinity;
}

/**
 * Sleeps until the doorbell rings, at most `timeoutMs`. The worker that ticks stops the shared
 * clock first, unless it `ticksOn` when the time is over. True when it was woken, false when the
 * time was over.
 */
export function park(home: u32, timeoutMs: f64, ticksOn: u32): bool {
  const slot = threadAddress(home);
  const seen = atomic.load<i32>(slot + THREAD_DOORBELL);
  // After the doorbell: a worker that becomes the ticker later is rung later.
  const stopsTicking = ticksOn == 0 && atomic.load<u32>(HEADER_TICKER_SLOT) == home + 1;
  if (stopsTicking && sharedMs() < Infinity) tick(Infinity);
  publish32(slot + THREAD_PARKED, 1);
  if (mustStay(home, stopsTicking)) {
    publish32(slot + THREAD_PARKED, 0);
    return true;
  }
  const waitMs = max<f64>(0, min<f64>(timeoutMs, WAIT_MS_MAX));
  const answer = atomic.wait<i32>(slot + THREAD_DOORBELL, seen, <i64>(waitMs * NS_PER_MS));
  publish32(slot + THREAD_PARKED, 0);
  return answer != 2;
}
