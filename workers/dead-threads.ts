// Threads that ended without detaching: what they held is released. A thread is dead when the
// system says that its task is gone, never by time-out.

import type { Arena } from '../native-free-core/arena.js';
import {
  HEADER_THREAD_SLOTS,
  THREAD_ARRIVING,
  THREAD_CLAIMANT,
  THREAD_FREE,
  THREAD_OS_ID,
  THREAD_OS_START,
  THREAD_STATE,
} from '../native-free-core/assembly/layout.js';
import { slotAddress } from './doorbell.js';
import { currentThread, isThreadAlive } from './os-thread.js';
import { endRecoveries, goOnRecovering, recoverOrphans, recoverShards } from './shard-recovery.js';

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

/** Gives back a dead thread's slot; false when a shard was held elsewhere: call again later. */
export function releaseSlot(arena: Arena, dead: ThreadMark): boolean {
  return arena.core.detachThread(dead.threadId, dead.generation, PATIENCE_STEPS) !== 0;
}

/** Slots whose threads are gone, those included that came no further than their claim. */
function deadThreads(arena: Arena): ThreadMark[] {
  const count = arena.view.getUint32(HEADER_THREAD_SLOTS, true);
  const dead: ThreadMark[] = [];
  for (let threadId = 0; threadId < count; threadId++) {
    // Before its identity: a slot that changes hands meanwhile has another generation.
    const mark = markOf(arena, threadId);
    if (isDead(arena, slotAddress(arena, threadId))) dead.push(mark);
  }
  return dead;
}

/** The claimant is stored with the state; the start time is its own once both ids agree. */
function isDead(arena: Arena, slot: number): boolean {
  const { view } = arena;
  const state = view.getUint32(slot + THREAD_STATE, true) & 0xff;
  if (state === THREAD_FREE) return false;
  const claimant = view.getUint32(slot + THREAD_CLAIMANT, true);
  if (claimant === 0) return false;
  const isDescribed =
    state !== THREAD_ARRIVING && view.getFloat64(slot + THREAD_OS_ID, true) === claimant;
  return !isThreadAlive(
    claimant,
    isDescribed ? view.getFloat64(slot + THREAD_OS_START, true) : undefined,
  );
}

/**
 * Looks through all thread slots: recovers what threads held that are gone, or that this thread
 * held when it was cut off, then gives back the slots of the dead. All shards come first: one of
 * them would make giving back another's rings wait. For a thread that is attached.
 */
export function reclaimDeadThreads(arena: Arena): void {
  arena.core.recoverOwn();
  const dead = deadThreads(arena);
  for (const { threadId, generation } of dead) recoverShards(arena, threadId, generation);
  recoverOrphans(arena);
  goOnRecovering(arena, () => {
    for (const mark of dead) releaseSlot(arena, mark);
  });
}

/**
 * The same for a thread that has no slot yet: it takes the place of each dead one, whose shards
 * are then its own. Returns when all of them serve again.
 */
export function reclaimBeforeAttach(arena: Arena): void {
  const osThread = currentThread();
  if (osThread === undefined) return;
  const { core } = arena;
  for (const { threadId, generation } of deadThreads(arena)) {
    const { threadId: osId, startTime } = osThread;
    if (core.adoptSlot(threadId, generation, osId, startTime) === 0) continue;
    recoverShards(arena, threadId, generation);
    endRecoveries(arena);
    releaseSlot(arena, markOf(arena, threadId));
  }
}
