// Entry of a home worker thread: attaches to the arena, then serves the shards that name it as
// their home until the arena stops. Wiring only; the work is the core's.

import { availableParallelism } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { type ArenaHandle, attachArena } from '../native-free-core/arena.js';
import {
  HEADER_STOP,
  HEADER_THREAD_BYTES,
  HEADER_THREADS,
  THREAD_HEARTBEAT,
} from '../native-free-core/assembly/layout.js';
import { createClock } from './clock.js';
import { IdleStrategy } from './idle-strategy.js';
import { currentThread } from './os-thread.js';

/** What the group hands to a worker. */
export interface ShardOwnerData {
  readonly arena: ArenaHandle;
  readonly birthMs: number;
  /** Whether this worker keeps the shared clock. */
  readonly ticks: boolean;
}

/** What a worker says once it serves: its thread slot, or the core's refusal. */
export interface ShardOwnerReady {
  readonly threadId: number;
}

function serve(data: ShardOwnerData): void {
  const clock = createClock(data.birthMs);
  const arena = attachArena(data.arena, clock);
  if (arena === undefined) throw new Error('the memory holds no arena of this layout version');
  const osThread = currentThread();
  const home = arena.core.attachThread(osThread?.threadId ?? 0, osThread?.startTime ?? 0, 0);
  const ready: ShardOwnerReady = { threadId: home };
  parentPort?.postMessage(ready);
  if (home < 0) return;

  const words = new Int32Array(arena.buffer);
  const slot =
    arena.view.getUint32(HEADER_THREADS, true) +
    home * arena.view.getUint32(HEADER_THREAD_BYTES, true);
  const heartbeat = (slot + THREAD_HEARTBEAT) / 4;
  const idle = new IdleStrategy(arena.core, home, clock, data.ticks, availableParallelism());
  while (Atomics.load(words, HEADER_STOP / 4) === 0) {
    const nowMs = clock.nowMs();
    Atomics.add(words, heartbeat, 1);
    idle.beginRound(nowMs);
    if (arena.core.serveHome(home, nowMs) > 0) idle.stayAwake(nowMs);
    else idle.idle(nowMs);
  }
  // Commands that are waiting now are answered still. The slot stays as it is: the arena ends.
  arena.core.serveHome(home, clock.nowMs());
}

serve(workerData as ShardOwnerData);
