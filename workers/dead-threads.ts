// Threads that ended without detaching: what they held is released. A thread is dead when the
// system says that its task is gone, never by time-out.

import type { Arena } from '../native-free-core/arena.js';
import {
  HEADER_SHARD_COUNT,
  HEADER_THREAD_SLOTS,
  THREAD_ATTACHED,
  THREAD_LEAVING,
  THREAD_OS_ID,
  THREAD_OS_START,
  THREAD_STATE,
} from '../native-free-core/assembly/layout.js';
import { slotAddress } from './doorbell.js';
import { isThreadAlive } from './os-thread.js';

/** A slot may be occupied by another thread at any time: the generation says which is meant. */
export interface ThreadMark {
  readonly threadId: number;
  readonly generation: number;
}

/** Steps of 0.1 ms that the caller's event loop waits for a shard; the rest is tried again. */
const PATIENCE_STEPS = 20;

/** Who occupies a slot now. */
export function markOf(arena: Arena, threadId: number): ThreadMark {
  const word = arena.view.getUint32(slotAddress(arena, threadId) + THREAD_STATE, true);
  return { threadId, generation: word >>> 8 };
}

/** Starts the shards afresh that a dead thread held in mid-write; returns them. */
export function resetShards(arena: Arena, dead: ThreadMark): number[] {
  const shardCount = arena.view.getUint32(HEADER_SHARD_COUNT, true);
  const reset: number[] = [];
  for (let shard = 0; shard < shardCount; shard++) {
    if (arena.core.resetShardOf(shard, dead.threadId, dead.generation) !== 0) reset.push(shard);
  }
  return reset;
}

/** Gives back a dead thread's slot; false when a shard was held elsewhere: call again later. */
export function releaseSlot(arena: Arena, dead: ThreadMark): boolean {
  return arena.core.detachThread(dead.threadId, dead.generation, PATIENCE_STEPS) !== 0;
}

/** Slots whose threads are gone. */
function deadThreads(arena: Arena): ThreadMark[] {
  const count = arena.view.getUint32(HEADER_THREAD_SLOTS, true);
  const dead: ThreadMark[] = [];
  for (let threadId = 0; threadId < count; threadId++) {
    const slot = slotAddress(arena, threadId);
    // Before its identity: a slot that changes hands meanwhile has another generation.
    const mark = markOf(arena, threadId);
    const state = arena.view.getUint32(slot + THREAD_STATE, true) & 0xff;
    if (state !== THREAD_ATTACHED && state !== THREAD_LEAVING) continue;
    const osId = arena.view.getFloat64(slot + THREAD_OS_ID, true);
    const osStart = arena.view.getFloat64(slot + THREAD_OS_START, true);
    if (osId !== 0 && !isThreadAlive(osId, osStart)) dead.push(mark);
  }
  return dead;
}

/**
 * Looks through all thread slots; the number of slots that are free again. All shards of the dead
 * come first: one of them would make giving back another's rings wait.
 */
export function reclaimDeadThreads(arena: Arena): number {
  const dead = deadThreads(arena);
  for (const mark of dead) resetShards(arena, mark);
  return dead.filter((mark) => releaseSlot(arena, mark)).length;
}
