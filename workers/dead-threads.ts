// Threads that ended without detaching: what they held is released. A thread is dead when the
// system says that its task is gone, never by time-out.

import type { Arena } from '../native-free-core/arena.js';
import {
  HEADER_SHARD_COUNT,
  HEADER_THREAD_SLOTS,
  THREAD_OS_ID,
  THREAD_OS_START,
  THREAD_STATE,
} from '../native-free-core/assembly/layout.js';
import { slotAddress } from './doorbell.js';
import { isThreadAlive } from './os-thread.js';

const ATTACHED = 1;

/** Releases everything of a dead thread; returns the shards it held in mid-write: reset now. */
export function releaseThread(arena: Arena, threadId: number): number[] {
  const shardCount = arena.view.getUint32(HEADER_SHARD_COUNT, true);
  const reset: number[] = [];
  for (let shard = 0; shard < shardCount; shard++) {
    if (arena.core.resetShardOf(shard, threadId) !== 0) reset.push(shard);
  }
  arena.core.detachThread(threadId);
  return reset;
}

/** Looks through all thread slots; the number of dead threads whose slots were released. */
export function reclaimDeadThreads(arena: Arena): number {
  const count = arena.view.getUint32(HEADER_THREAD_SLOTS, true);
  let released = 0;
  for (let threadId = 0; threadId < count; threadId++) {
    const slot = slotAddress(arena, threadId);
    if (arena.view.getUint32(slot + THREAD_STATE, true) !== ATTACHED) continue;
    const osId = arena.view.getFloat64(slot + THREAD_OS_ID, true);
    if (osId === 0 || isThreadAlive(osId, arena.view.getFloat64(slot + THREAD_OS_START, true))) {
      continue;
    }
    releaseThread(arena, threadId);
    released += 1;
  }
  return released;
}
