// The owner word: who may write to a shard. Zero when free, else slot and generation of the
// holder. Nobody waits for it: who does not get it sends a command through its ring.
//
// Hand-over. A caller stores its tail, sets its bit in the work word, then tries the owner word
// once more; a holder frees the owner word, then looks at the work word once more. All four are
// sequentially consistent: at least one of the two sees the other, so no command is left behind.

import { thread, threadId } from "./arena";
import { OWNER_RECOVERS, SHARD_OWNER, SHARD_WORK, THREAD_STATE } from "./layout";
import { and64, or64, publish32, swap32 } from "./store";

/**
 * The shard that this thread holds now. Not 0 outside of a call: the last call was cut off, by a
 * stack overflow, a time-out or a trap.
 */
export let held: usize = 0;

/** Says that nothing is held, whatever a call that was cut off left. */
export function forgetHeld(): void {
  held = 0;
}

/** This thread's value of an owner word. */
@inline
export function ownMark(): u32 {
  return (threadId + 1) | (load<u32>(thread + THREAD_STATE) & 0xffffff00);
}

/** This thread's value of the owner word of a shard that it recovers. */
@inline
export function recovererMark(): u32 {
  return ownMark() | OWNER_RECOVERS;
}

/** True while this thread recovers the shard. */
@inline
export function isRecoverer(shard: usize): bool {
  return atomic.load<u32>(shard + SHARD_OWNER) == recovererMark();
}

/** Takes the shard if it is free. */
@inline
export function tryHold(shard: usize): bool {
  if (atomic.load<u32>(shard + SHARD_OWNER) != 0) return false;
  if (swap32(shard + SHARD_OWNER, 0, ownMark()) != 0) return false;
  held = shard;
  return true;
}

/** Frees the shard. The caller looks at the work word afterwards. */
@inline
export function letGo(shard: usize): void {
  publish32(shard + SHARD_OWNER, 0);
  held = 0;
}

/** Threads whose rings have commands, one bit each. */
@inline
export function workOf(shard: usize): u64 {
  return atomic.load<u64>(shard + SHARD_WORK);
}

/** Says that this thread's ring has commands; after the tail was stored. */
@inline
export function markWork(shard: usize, id: u32): void {
  or64(shard + SHARD_WORK, (<u64>1) << <u64>id);
}

/** Clears a thread's bit; before its ring is drained. */
@inline
export function clearWork(shard: usize, id: u32): void {
  and64(shard + SHARD_WORK, ~((<u64>1) << <u64>id));
}
