// Wakes a home worker from outside the core: for stopping it, or after its shards changed.

import type { Arena } from '../native-free-core/arena.js';
import {
  HEADER_THREAD_BYTES,
  HEADER_THREADS,
  THREAD_DOORBELL,
} from '../native-free-core/assembly/layout.js';

/** Address of a thread slot. */
export function slotAddress(arena: Arena, threadId: number): number {
  return (
    arena.view.getUint32(HEADER_THREADS, true) +
    threadId * arena.view.getUint32(HEADER_THREAD_BYTES, true)
  );
}

/** Moves the doorbell on and wakes the worker if it sleeps. */
export function ringDoorbell(arena: Arena, threadId: number): void {
  const words = new Int32Array(arena.buffer);
  const index = (slotAddress(arena, threadId) + THREAD_DOORBELL) / 4;
  Atomics.add(words, index, 1);
  Atomics.notify(words, index);
}
