// The loop of a home worker thread: attaches to the arena, then serves the shards that name it as
// their home until the arena stops or the worker is retired. Wiring only; the work is the core's.

import { availableParallelism } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { type Arena, type ArenaHandle, attachArena } from '../native-free-core/arena.js';
import {
  HEADER_STOP,
  THREAD_HEARTBEAT,
  THREAD_RETIRED,
} from '../native-free-core/assembly/layout.js';
import { createClock } from './clock.js';
import { markOf } from './dead-threads.js';
import { slotAddress } from './doorbell.js';
import { IdleStrategy } from './idle-strategy.js';
import { currentThread } from './os-thread.js';

/** Steps of 0.1 ms that a retired worker waits for a shard; what is left the group gives back. */
const DETACH_STEPS = 1_000;

/** What the group hands to a worker. */
export interface HomeWorkerData {
  readonly arena: ArenaHandle;
  readonly birthMs: number;
}

/** What a worker says once it serves: its thread slot, or the core's refusal. */
export interface HomeWorkerReady {
  readonly threadId: number;
}

/** Serves until there is nothing to serve any more; `beforeRound` is for workers of tests. */
export function serveShards(
  data: HomeWorkerData,
  beforeRound?: (arena: Arena, home: number) => void,
): void {
  const clock = createClock(data.birthMs);
  const arena = attachArena(data.arena, clock);
  if (arena === undefined) throw new Error('the memory holds no arena of this layout version');
  const osThread = currentThread();
  const home = arena.core.attachThread(osThread?.threadId ?? 0, osThread?.startTime ?? 0, 0);
  const ready: HomeWorkerReady = { threadId: home };
  parentPort?.postMessage(ready);
  if (home < 0) return;

  const words = new Int32Array(arena.buffer);
  const slot = slotAddress(arena, home);
  const heartbeat = (slot + THREAD_HEARTBEAT) / 4;
  const retired = (slot + THREAD_RETIRED) / 4;
  const idle = new IdleStrategy(arena.core, words, home, clock, availableParallelism());
  while (Atomics.load(words, HEADER_STOP / 4) === 0 && Atomics.load(words, retired) === 0) {
    const nowMs = clock.nowMs();
    Atomics.add(words, heartbeat, 1);
    idle.beginRound(nowMs);
    beforeRound?.(arena, home);
    if (arena.core.serveHome(home, nowMs) > 0) idle.stayAwake(nowMs);
    else idle.idle(nowMs);
  }
  // Commands that are waiting now are answered still.
  arena.core.serveHome(home, clock.nowMs());
  // When the arena ends the slot stays as it is.
  if (Atomics.load(words, HEADER_STOP / 4) !== 0) return;
  arena.core.detachThread(home, markOf(arena, home).generation, DETACH_STEPS);
}
