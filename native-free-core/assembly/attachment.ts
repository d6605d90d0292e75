// A thread comes and goes: its slot, its ring page in each shard, what it leaves behind.

import { bindArena, bindThread, shardAddress, thread, threadAddress } from "./arena";
import { release } from "./commands";
import { makePagesFree } from "./eviction";
import { dispose } from "./items";
import {
  HEADER_ATTACHED,
  HEADER_SHARD_COUNT,
  HEADER_THREAD_SLOTS,
  ITEM_RETURNED,
  ITEM_STAMP,
  ITEM_STATE,
  PAGE_LARGE_HEAD,
  PAGE_RING,
  PAGE_SLAB,
  PAGE_STAGED,
  RING_RECORDS,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  THREAD_ARRIVING,
  THREAD_ATTACHED,
  THREAD_CALLS,
  THREAD_FREE,
  THREAD_HAZARD,
  THREAD_HEARTBEAT,
  THREAD_LEAVING,
  THREAD_OS_ID,
  THREAD_OS_START,
  THREAD_PARKED,
  THREAD_RETIRED,
  THREAD_RETURNED,
  THREAD_RINGS,
  THREAD_STATE,
  THREAD_WAITING,
} from "./layout";
import { releaseLeasesOf } from "./lease-walks";
import { tryHold } from "./owner";
import {
  givePage,
  markPage,
  pageAddress,
  pageClass,
  pageEntry,
  pageKind,
  pageOf,
  pageThread,
  takePage,
} from "./pages";
import { chunksPerPage, strideOf } from "./slab";
import { STATUS_BUSY, STATUS_NO_SLOT, STATUS_OK, STATUS_OUT_OF_MEMORY } from "./status";
import { add32, publish32, put32, putF64, swap32, zero } from "./store";

const HOLD_STEP_NS: i64 = 100_000;

/** Two seconds. */
const PATIENT_STEPS: u32 = 20_000;

/** Takes a free thread slot, of the next generation; its id, or NO_SLOT. */
function claimSlot(): i32 {
  const count = load<u32>(HEADER_THREAD_SLOTS);
  for (let id: u32 = 0; id < count; id++) {
    const word = threadAddress(id) + THREAD_STATE;
    const seen = atomic.load<u32>(word);
    if ((seen & 0xff) != THREAD_FREE) continue;
    if (swap32(word, seen, (seen + 0x100) | THREAD_ARRIVING) == seen) return <i32>id;
  }
  return STATUS_NO_SLOT;
}

/**
 * Attaches the calling thread: a slot, and a ring page in each shard. The slot's id, NO_SLOT,
 * OUT_OF_MEMORY, or BUSY when a shard stayed held for seconds. `counts` says whether it is a
 * thread of callers (1) or a home worker (0).
 */
export function attachThread(osThreadId: f64, osStartTime: f64, counts: u32): i32 {
  bindArena();
  const id = claimSlot();
  if (id < 0) return id;
  const slot = threadAddress(id);
  putF64(slot + THREAD_OS_ID, osThreadId);
  putF64(slot + THREAD_OS_START, osStartTime);
  publish32(slot + THREAD_HAZARD, 0);
  put32(slot + THREAD_WAITING, 0);
  put32(slot + THREAD_PARKED, 0);
  put32(slot + THREAD_RETIRED, 0);
  put32(slot + THREAD_HEARTBEAT, 0);
  put32(slot + THREAD_CALLS, counts);
  put32(slot + THREAD_RETURNED, 0);
  bindThread(id);
  if (counts) add32(HEADER_ATTACHED, 1);
  // From here on the slot says whose it is: others may find the thread dead and release it.
  const generation = load<u32>(slot + THREAD_STATE) >> 8;
  publish32(slot + THREAD_STATE, (generation << 8) | THREAD_ATTACHED);
  const shardCount = load<u32>(HEADER_SHARD_COUNT);
  for (let index: u32 = 0; index < shardCount; index++) {
    const status = giveRing(slot, id, index);
    if (status == STATUS_OK) continue;
    detachThread(id, generation, PATIENT_STEPS);
    return status;
  }
  return id;
}

/** Holds a shard for set-up work, waiting 0.1 ms a step; false when it stays held elsewhere. */
function holdPatiently(shard: usize, word: usize, stepsMax: u32): bool {
  for (let step: u32 = 0; step < stepsMax; step++) {
    if (tryHold(shard)) return true;
    atomic.wait<i32>(word, load<i32>(word), HOLD_STEP_NS);
  }
  return false;
}

function giveRing(slot: usize, id: u32, index: u32): i32 {
  const shard = shardAddress(index);
  if (!holdPatiently(shard, slot + THREAD_HEARTBEAT, PATIENT_STEPS)) return STATUS_BUSY;
  let status = STATUS_OUT_OF_MEMORY;
  if (makePagesFree(shard, 1)) {
    const page = takePage(shard);
    zero(pageAddress(page), RING_RECORDS);
    markPage(shard, page, PAGE_RING, 0, id);
    put32(slot + THREAD_RINGS + index * 4, <u32>pageAddress(page));
    status = STATUS_OK;
  }
  release(shard);
  return status;
}

/** Gives back what a thread has in each shard; false when one stayed held elsewhere. */
function dropRings(slot: usize, id: u32, state: u32, stepsMax: u32): bool {
  const count = load<u32>(HEADER_SHARD_COUNT);
  for (let index: u32 = 0; index < count; index++) {
    const word = slot + THREAD_RINGS + index * 4;
    if (load<u32>(word) == 0) continue;
    const shard = shardAddress(index);
    if (!holdPatiently(shard, thread + THREAD_HEARTBEAT, stepsMax)) return false;
    const ring = load<u32>(word);
    // Another thread may have done this meanwhile, and the slot may be a newcomer's by now.
    if (ring != 0 && atomic.load<u32>(slot + THREAD_STATE) == state) {
      if (load<u32>(slot + THREAD_RETURNED) != 0) dropReturned(shard, id);
      dropStaged(shard, id);
      releaseLeasesOf(shard, id);
      put32(word, 0);
      givePage(shard, pageOf(ring));
    }
    release(shard);
  }
  return true;
}

/**
 * Detaches a thread, this one or a dead one: drops its pin, gives back its rings and staged
 * pages, frees its slot. `generation` names which thread of that slot is meant. False when a
 * shard stayed held for `stepsMax` steps of 0.1 ms: call again later. A dead thread's shards come
 * first (`resetShardOf`).
 */
export function detachThread(id: u32, generation: u32, stepsMax: u32): bool {
  const slot = threadAddress(id);
  const word = generation << 8;
  swap32(slot + THREAD_STATE, word | THREAD_ATTACHED, word | THREAD_LEAVING);
  if (atomic.load<u32>(slot + THREAD_STATE) != (word | THREAD_LEAVING)) return true;
  publish32(slot + THREAD_HAZARD, 0);
  if (!dropRings(slot, id, word | THREAD_LEAVING, stepsMax)) return false;
  const calls = load<u32>(slot + THREAD_CALLS);
  // Two threads may have come here for the same dead one: one of them frees the slot.
  const seen = swap32(slot + THREAD_STATE, word | THREAD_LEAVING, word | THREAD_FREE);
  if (seen == (word | THREAD_LEAVING) && calls != 0) add32(HEADER_ATTACHED, 0xffffffff);
  return true;
}

/** Frees old values that were returned to a thread and not released by it. */
function dropReturned(shard: usize, id: u32): void {
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const end = first + load<u32>(shard + SHARD_PAGE_COUNT);
  for (let page = first; page < end; page++) {
    const kind = pageKind(pageEntry(page));
    if (kind != PAGE_SLAB && kind != PAGE_LARGE_HEAD) continue;
    const sizeClass = pageClass(pageEntry(page));
    const chunks = kind == PAGE_SLAB ? chunksPerPage(sizeClass) : 1;
    for (let i: u32 = 0; i < chunks && pageKind(pageEntry(page)) == kind; i++) {
      const item = pageAddress(page) + i * strideOf(sizeClass);
      if (load<u32>(item + ITEM_STATE) != ITEM_RETURNED) continue;
      if (load<u32>(item + ITEM_STAMP) == id) dispose(shard, item);
    }
  }
}

/** Gives back pages that a thread had claimed and not handed over. */
function dropStaged(shard: usize, id: u32): void {
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const end = first + load<u32>(shard + SHARD_PAGE_COUNT);
  for (let page = first; page < end; page++) {
    const entry = pageEntry(page);
    if (pageKind(entry) == PAGE_STAGED && pageThread(entry) == id) givePage(shard, page);
  }
}
