// A shard whose holder ended, or was cut off, in the middle of a change: it is made whole again
// with all its entries. Two steps.
//
// Step 1, at once: the owner word goes from the holder to the recovering thread, by one
// compare-and-swap that names the holder's generation, so one thread does it and never while the
// holder lives. Stripes that are odd say what was being changed: their chains are checked entry by
// entry, then they are made even, and readers go on. The command that the holder had taken is
// answered.
//
// Step 2, in slices: the owner word keeps the thread's id with the mark OWNER_RECOVERS; nobody
// waits for it, commands queue in the rings. Everything derived is built anew from page directory
// and items. The index is what readers go by and stays: what it names is kept, what it does not
// name is free.
//
// Why readers may read all the while. They look at the table root, segments, buckets, the items
// that those name, and the page lists of large ones. Step 2 changes of these only entries that name
// no item of their bucket, in an odd window of their stripe. It writes links, stamps and counts,
// which readers do not look at (a stamp only decides whether a hit is noted), and memory that no
// entry names: an item that was unlinked before the holder ended was so in an odd window, so a
// reader that still copies it does not validate, and one that pinned it is seen in its hazard word.
//
// Why it may be cut off at any store and begun again. Step 1: each of its stores leaves a chain
// that its own check accepts or repairs again, and the stripe is made even last. Answers: what a
// command had in hand is given up before `done` passes its record. Step 2 marks each slice: a
// thread that takes over between slices goes on, one that finds a slice cut off begins a new round,
// whose marks differ from those of the last. No round changes what the next one relies on: page
// states and item states only ever go from "not in use" to free, and derived fields are not read
// before they are written. The phase is cleared and the word freed at the end, in this order.

import { shardAddress, stripeMask, stripesOffset, thread, threadAddress, threadId } from "./arena";
import { ringDoorbell } from "./clock";
import { fence } from "./fence";
import {
  HEADER_SHARD_COUNT,
  OWNER_RECOVERS,
  SHARD_BUCKET_COUNT,
  SHARD_HOME,
  SHARD_OWNER,
  SHARD_RECOVERY_DROPPED,
  SHARD_RECOVERY_HOLDER,
  SHARD_RECOVERY_PHASE,
  SHARD_RECOVERY_READS_MS,
  SHARD_RECOVERY_REASON,
  SHARD_RECOVERY_SLICE,
  SHARD_RECOVERY_STARTED_MS,
  SHARD_RECOVERY_WRITES_MS,
  THREAD_ATTACHED,
  THREAD_HAZARD,
  THREAD_STATE,
} from "./layout";
import { cutOffRecord, endInPlace } from "./in-place";
import { forgetHeld, isRecoverer, letGo, ownMark, recovererMark } from "./owner";
import { checkChain } from "./recovery-index";
import { beginRound, rebuildSome } from "./recovery-rounds";
import { answerTaken, giveUpCommand } from "./recovery-rings";
import { publish32, put32, putF64, swap32 } from "./store";

/** Why a shard is recovered: its holder ended, or lives and was cut off. */
const REASON_DIED: u32 = 1;
const REASON_CUT_OFF: u32 = 2;

/** Answers of `recoverSlice`. */
const NOT_MINE: i32 = -1;
const DONE: i32 = 0;
const MORE: i32 = 1;

/** Step 1 for chains: those of odd stripes are checked, then their stripes are made even. */
export function closeStripes(shard: usize): void {
  const count = load<u32>(shard + SHARD_BUCKET_COUNT);
  for (let i: u32 = 0; i <= stripeMask; i++) {
    const stripe = shard + stripesOffset + (i << 2);
    const version = load<u32>(stripe);
    if ((version & 1) == 0) continue;
    for (let number = i; number < count; number += stripeMask + 1) {
      checkChain(shard, number, 0, true);
    }
    fence();
    publish32(stripe, version + 1);
  }
}

/** True when who recovered the shard before was cut off inside a slice, or never began. */
@inline
function isTorn(shard: usize): bool {
  if (load<u32>(shard + SHARD_RECOVERY_PHASE) == 0) return true;
  return load<u32>(shard + SHARD_RECOVERY_SLICE) != 0;
}

/** Step 1, by the thread whose word was just stored in place of `word`. */
function recoverReads(shard: usize, word: u32, nowMs: f64): void {
  fence();
  const holder = (word & 0x7f) - 1;
  const isFirst = (word & OWNER_RECOVERS) == 0 || load<u32>(shard + SHARD_RECOVERY_PHASE) == 0;
  if (isFirst) {
    put32(shard + SHARD_RECOVERY_REASON, holder == threadId ? REASON_CUT_OFF : REASON_DIED);
    put32(shard + SHARD_RECOVERY_HOLDER, holder + 1);
    putF64(shard + SHARD_RECOVERY_STARTED_MS, nowMs);
    putF64(shard + SHARD_RECOVERY_READS_MS, 0);
    put32(shard + SHARD_RECOVERY_DROPPED, 0);
  }
  // The dead read nothing any more.
  if (holder != threadId) publish32(threadAddress(holder) + THREAD_HAZARD, 0);
  closeStripes(shard);
  const record = holder == threadId ? cutOffRecord(shard) : 0;
  if (record != 0) giveUpCommand(shard, record, threadId);
  answerTaken(shard);
  if (isFirst || isTorn(shard)) beginRound(shard);
}

/**
 * Step 1 for a shard whose holder ended, or is this thread and was cut off: its reads are back when
 * this returns. True when this call did it; then `recoverSlice` has to be called until it says that
 * nothing is left. False when the shard is not held by that thread of that generation, holding or
 * recovering.
 */
export function recoverShard(index: u32, holder: u32, generation: u32, nowMs: f64): bool {
  const shard = shardAddress(index);
  const word = atomic.load<u32>(shard + SHARD_OWNER);
  // A thread without a slot has no id to put there.
  if (thread == 0) return false;
  if ((word & ~OWNER_RECOVERS) != ((holder + 1) | (generation << 8))) return false;
  if (swap32(shard + SHARD_OWNER, word, recovererMark()) != word) return false;
  recoverReads(shard, word, nowMs);
  return true;
}

/** Whether this thread's id stands in the owner word although it is in no call: it was cut off. */
export function isCutOff(shard: usize): bool {
  const word = atomic.load<u32>(shard + SHARD_OWNER);
  if (word == ownMark()) return true;
  return word == recovererMark() && isTorn(shard);
}

/**
 * Step 1 for all shards that this thread holds although it is in no call: a stack overflow, a
 * time-out or a trap cut it off. The number of shards that are to be recovered by it.
 */
export function recoverOwn(nowMs: f64): u32 {
  forgetHeld();
  if (thread == 0) return 0;
  const count = load<u32>(HEADER_SHARD_COUNT);
  let recovering: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const shard = shardAddress(index);
    if (isCutOff(shard)) recoverShard(index, threadId, ownMark() >> 8, nowMs);
    if (isRecoverer(shard)) recovering += 1;
  }
  endInPlace();
  return recovering;
}

/**
 * One slice of step 2: 1 when more is left, -1 when it is not ours, 0 when the shard was freed; the
 * caller then looks whether commands came meanwhile.
 */
export function recoverSlice(index: u32, nowMs: f64): i32 {
  const shard = shardAddress(index);
  if (!isRecoverer(shard)) return NOT_MINE;
  if (isTorn(shard)) recoverReads(shard, recovererMark(), nowMs);
  if (load<f64>(shard + SHARD_RECOVERY_READS_MS) == 0) {
    putF64(shard + SHARD_RECOVERY_READS_MS, nowMs);
  }
  publish32(shard + SHARD_RECOVERY_SLICE, 1);
  const isDone = rebuildSome(shard);
  if (isDone) {
    putF64(shard + SHARD_RECOVERY_WRITES_MS, nowMs);
    publish32(shard + SHARD_RECOVERY_PHASE, 0);
  }
  publish32(shard + SHARD_RECOVERY_SLICE, 0);
  if (!isDone) return MORE;
  letGo(shard);
  return DONE;
}

/**
 * Leaves the rest of step 2 to the home worker of the shard; true when it has one that is another
 * thread. Whoever finds that worker dead recovers the shard anew.
 */
export function handOver(index: u32): bool {
  const shard = shardAddress(index);
  const home = load<u32>(shard + SHARD_HOME);
  if (home == 0 || home - 1 == threadId || !isRecoverer(shard) || isTorn(shard)) return false;
  // Who held it may be its home still, and is dead.
  if (home == load<u32>(shard + SHARD_RECOVERY_HOLDER)) return false;
  const state = atomic.load<u32>(threadAddress(home - 1) + THREAD_STATE);
  if ((state & 0xff) != THREAD_ATTACHED) return false;
  const word = home | OWNER_RECOVERS | (state & 0xffffff00);
  if (swap32(shard + SHARD_OWNER, recovererMark(), word) != recovererMark()) return false;
  ringDoorbell(threadAddress(home - 1));
  return true;
}
