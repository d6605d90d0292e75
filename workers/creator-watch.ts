// An engine ends with the thread that created it: that thread keeps home workers and clock alive.
// Threads that are attached watch for its death, since nobody else tells them.

import type { Arena } from '../native-free-core/arena.js';
import {
  HEADER_CREATOR_OS_ID,
  HEADER_CREATOR_OS_START,
  HEADER_STOP,
  HEADER_TICKER_SLOT,
} from '../native-free-core/assembly/layout.js';
import { currentThread, isThreadAlive } from './os-thread.js';
import { goOnRecovering } from './shard-recovery.js';

/** A clock that nobody ticks any more may stand still for so long. */
const WATCH_MS = 500;

/** Notes the calling thread as the creator. */
export function signArena(arena: Arena): void {
  const osThread = currentThread();
  arena.view.setFloat64(HEADER_CREATOR_OS_ID, osThread?.threadId ?? 0, true);
  arena.view.setFloat64(HEADER_CREATOR_OS_START, osThread?.startTime ?? 0, true);
}

/** Whether the creating thread is known to be gone. */
function isOrphaned(arena: Arena): boolean {
  const osId = arena.view.getFloat64(HEADER_CREATOR_OS_ID, true);
  return osId !== 0 && !isThreadAlive(osId, arena.view.getFloat64(HEADER_CREATOR_OS_START, true));
}

/** Ends an engine whose creator is gone: calls fail from now on, and no stale clock is believed. */
function stopOrphan(arena: Arena): void {
  const words = new Int32Array(arena.buffer);
  Atomics.store(words, HEADER_STOP / 4, 1);
  Atomics.store(words, HEADER_TICKER_SLOT / 4, 0);
  arena.core.tick(Number.POSITIVE_INFINITY);
}

/**
 * Watches the creator from an attached thread, and this thread itself: a shard that it was cut off
 * with is given back although it may call nothing more. Call what it returns to stop watching.
 */
export function watchCreator(arena: Arena): () => void {
  const timer = setInterval(() => {
    arena.core.recoverOwn();
    goOnRecovering(arena);
    if (!isOrphaned(arena)) return;
    clearInterval(timer);
    stopOrphan(arena);
  }, WATCH_MS);
  timer.unref();
  return () => clearInterval(timer);
}
