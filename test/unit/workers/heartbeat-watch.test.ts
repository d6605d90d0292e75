import { expect, test } from 'vitest';
import { HeartbeatWatch } from '../../../workers/heartbeat-watch.js';
import type { HomeWorker } from '../../../workers/home-worker.js';

const BOUND_MS = 2_000;
const PERIOD_MS = 500;

interface Beating {
  heartbeat: number;
  isParked: boolean;
}

function beating(heartbeat = 0, isParked = false): { state: Beating; worker: HomeWorker } {
  const state: Beating = { heartbeat, isParked };
  return { state, worker: state as unknown as HomeWorker };
}

/** Looks as often as it should from one time to another; what the last look said. */
function watchUntil(
  watch: HeartbeatWatch,
  workers: readonly HomeWorker[],
  fromMs: number,
  toMs: number,
): ReturnType<HeartbeatWatch['look']> {
  let silent: ReturnType<HeartbeatWatch['look']> = [];
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += PERIOD_MS) silent = watch.look(workers, nowMs);
  return silent;
}

test('a worker that makes no round is silent at the next look, and hung after the bound', () => {
  const watch = new HeartbeatWatch(BOUND_MS);
  expect(watch.periodMs).toBe(PERIOD_MS);
  const { worker } = beating(7);
  expect(watch.look([worker], 1_000)).toEqual([]);
  expect(watch.look([worker], 1_500)).toEqual([{ worker, silentMs: 500, isHung: false }]);
  expect(watchUntil(watch, [worker], 2_000, 2_500)).toMatchObject([{ isHung: false }]);
  expect(watch.look([worker], 3_000)).toEqual([{ worker, silentMs: 2_000, isHung: true }]);
});

test('one that moves or parks is alive, however long', () => {
  const watch = new HeartbeatWatch(BOUND_MS);
  const moving = beating(0xffff_fffe);
  const parked = beating(3, true);
  for (let nowMs = 0; nowMs < 60_000; nowMs += PERIOD_MS) {
    expect(watch.look([moving.worker, parked.worker], nowMs)).toEqual([]);
    moving.state.heartbeat = (moving.state.heartbeat + 1) >>> 0;
  }
  // Silence counts from when it was last seen to move.
  parked.state.isParked = false;
  expect(watchUntil(watch, [parked.worker], 60_000, 61_000)).toMatchObject([{ isHung: false }]);
  parked.state.heartbeat += 1;
  expect(watch.look([parked.worker], 61_500)).toEqual([]);
});

test('who looked late judges nobody', () => {
  const watch = new HeartbeatWatch(BOUND_MS);
  const { worker } = beating(1);
  watchUntil(watch, [worker], 0, 1_500);
  // The machine slept, or the event loop was blocked: the worker has had no time either.
  expect(watch.look([worker], 30_000)).toEqual([]);
  expect(watchUntil(watch, [worker], 30_500, 31_500)).toMatchObject([{ isHung: false }]);
  expect(watch.look([worker], 32_000)).toMatchObject([{ isHung: true }]);
});
