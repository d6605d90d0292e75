// Birth of an arena: slot table, size classes, shards. And of a thread in it: slot, rings.
// The binding has written the header's constants before.

import {
  segmentsOf,
  stripeMask,
  stripesOffset,
  bindArena,
  bindThread,
  classLookup,
  inlineBytes,
  pageBytes,
  pageCount,
  routing,
  shardAddress,
  thread,
  threadAddress,
  toReference,
} from "./arena";
import { fence } from "./fence";
import { makePagesFree } from "./eviction";
import { isPinned } from "./hazard";
import { dispose } from "./items";
import { announce, release } from "./commands";
import {
  CLASS_LARGE,
  HEADER_ATTACHED,
  HEADER_CLASS_CHUNKS,
  HEADER_CLASS_COUNT,
  HEADER_CLASS_STRIDES,
  HEADER_SHARD_COUNT,
  HEADER_THREAD_SLOTS,
  ITEM_HEAD_BYTES,
  ITEM_RETURNED,
  ITEM_STAMP,
  ITEM_STATE,
  PAGE_DRAINING,
  PAGE_SLAB,
  THREAD_ARRIVING,
  THREAD_ATTACHED,
  THREAD_FREE,
  THREAD_LEAVING,
  PAGE_LARGE_HEAD,
  PAGE_NEXT,
  PAGE_RING,
  PAGE_STAGED,
  RECORD_OLD,
  RECORD_STATUS,
  RING_DONE,
  RING_RECORDS,
  RING_TAKEN,
  SHARD_BUCKET_COUNT,
  SHARD_BYTES_USED,
  SHARD_CLASS_USED,
  SHARD_CLASSES,
  SHARD_FIXED_BYTES,
  SHARD_FREE_PAGE_HEAD,
  SHARD_FREE_PAGES,
  SHARD_ID,
  SHARD_ITEMS,
  SHARD_ITEMS_MAX,
  SHARD_LIMBO,
  SHARD_OVERFLOW_END,
  SHARD_OVERFLOW_FREE,
  SHARD_OVERFLOW_NEXT,
  SHARD_OVERFLOWS,
  SHARD_OWNER,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  SHARD_WHEEL_COUNT,
  SLOT_TABLE_SLOTS,
  STRIDE_FINE_BYTES,
  STRIDE_MIN_BYTES,
  STRIDE_STEP_BYTES,
  THREAD_CALLS,
  THREAD_HAZARD,
  THREAD_HEARTBEAT,
  THREAD_OS_ID,
  THREAD_OS_START,
  THREAD_PARKED,
  THREAD_RETURNED,
  THREAD_RINGS,
  THREAD_STATE,
  THREAD_WAITING,
} from "./layout";
import { registerNamespace } from "./namespaces";
import { markWork, ownMark, tryHold } from "./owner";
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
import { finishRecord, recordAt, waitingBytes } from "./ring";
import { addSegment } from "./segments";
import { chunksPerPage, strideOf } from "./slab";
import {
  STATUS_BUSY,
  STATUS_NO_SLOT,
  STATUS_OK,
  STATUS_OUT_OF_MEMORY,
  STATUS_OUTCOME_UNKNOWN,
} from "./status";
import { add32, publish32, put32, put64, put8, putF64, swap32, zero } from "./store";

/** Growth of the coarse size classes, in 1/64: 1.15 a step. */
const GROWTH_64THS: u32 = 74;
const HOLD_STEP_NS: i64 = 100_000;
/** Two seconds. */
const PATIENT_STEPS: u32 = 20_000;
/** Thread of pages that a reset set aside; no slot has this id. */
const NOBODY: u32 = 0xff;

/** Fills the slot table: slots dealt out evenly, neighbours to different shards. */
function dealSlots(shardCount: u32): void {
  for (let slot: u32 = 0; slot < SLOT_TABLE_SLOTS; slot++) {
    put8(routing + slot, slot % shardCount);
  }
}

/** Lays down strides from the smallest item to the largest that fits one chunk. */
function layClasses(): void {
  const largest = (ITEM_HEAD_BYTES + inlineBytes + 7) & ~7;
  let stride = STRIDE_MIN_BYTES;
  let sizeClass: u32 = 0;
  let filled: u32 = 0;
  while (true) {
    if (stride > largest || sizeClass == CLASS_LARGE - 1) stride = largest;
    put32(HEADER_CLASS_STRIDES + sizeClass * 4, stride);
    put32(HEADER_CLASS_CHUNKS + sizeClass * 4, pageBytes / stride);
    while (filled * 8 <= stride) {
      put8(classLookup + filled, sizeClass);
      filled += 1;
    }
    sizeClass += 1;
    if (stride == largest) break;
    if (stride < STRIDE_FINE_BYTES) stride += STRIDE_STEP_BYTES;
    else stride = (((stride * GROWTH_64THS) >> 6) + 7) & ~7;
  }
  put32(HEADER_CLASS_COUNT, sizeClass);
}

/** Deals out pages to shards in proportion to their slots, and makes each shard's first table. */
function makeShards(shardCount: u32, itemsMax: u32): void {
  let firstPage: u32 = 0;
  let slots: u32 = 0;
  for (let index: u32 = 0; index < shardCount; index++) {
    const shard = shardAddress(index);
    slots += (SLOT_TABLE_SLOTS - index + shardCount - 1) / shardCount;
    const nextPage = <u32>((<u64>pageCount * slots) / SLOT_TABLE_SLOTS);
    put32(shard + SHARD_ID, index);
    put32(shard + SHARD_PAGE_FIRST, firstPage);
    put32(shard + SHARD_PAGE_COUNT, nextPage - firstPage);
    const share = itemsMax / shardCount + (index < itemsMax % shardCount ? 1 : 0);
    put32(shard + SHARD_ITEMS_MAX, itemsMax == 0 ? 0 : max<u32>(1, share));
    // Backwards, so that pages are taken in rising order.
    for (let page = nextPage; page > firstPage; page--) givePage(shard, page - 1);
    addSegment(shard, takePage(shard));
    put32(shard + SHARD_BUCKET_COUNT, pageBytes >> 6);
    firstPage = nextPage;
  }
}

/** Completes a new arena whose header constants are written. */
export function createArena(itemsMax: u32): void {
  bindArena();
  const shardCount = load<u32>(HEADER_SHARD_COUNT);
  // Id 0 is the key space without a name.
  registerNamespace(0, 0);
  dealSlots(shardCount);
  layClasses();
  makeShards(shardCount, itemsMax);
}

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

/**
 * Starts a shard afresh whose holder died: all its entries are gone, what waits in rings stays.
 * `dead` and `generation` name the holder. True when this call did it; false when the shard is
 * not held by that thread. Two threads may try at once: the owner word lets one through.
 */
export function resetShardOf(index: u32, dead: u32, generation: u32): bool {
  const shard = shardAddress(index);
  const word = (dead + 1) | (generation << 8);
  if (swap32(shard + SHARD_OWNER, word, ownMark()) != word) return false;
  for (let i: u32 = 0; i <= stripeMask; i++) {
    const stripe = shard + stripesOffset + (i << 2);
    publish32(stripe, load<u32>(stripe) | 1);
  }
  fence();
  // The dead read nothing any more.
  publish32(threadAddress(dead) + THREAD_HAZARD, 0);
  emptyShard(shard, dead);
  fence();
  for (let i: u32 = 0; i <= stripeMask; i++) {
    const stripe = shard + stripesOffset + (i << 2);
    publish32(stripe, load<u32>(stripe) + 1);
  }
  answerTaken(shard, index);
  release(shard);
  return true;
}

/** Everything derived goes to its first state; pages but those of rings become free. */
function emptyShard(shard: usize, dead: u32): void {
  const firstSegment = load<u32>(segmentsOf(shard));
  zero(firstSegment, pageBytes);
  put32(shard + SHARD_BUCKET_COUNT, pageBytes >> 6);
  const firstPage = load<u32>(shard + SHARD_PAGE_FIRST);
  const count = load<u32>(shard + SHARD_PAGE_COUNT);
  zero(segmentsOf(shard) + 4, (count - 1) * 4);
  zero(shard + SHARD_CLASSES, SHARD_FIXED_BYTES - SHARD_CLASSES);
  put32(shard + SHARD_ITEMS, 0);
  put32(shard + SHARD_FREE_PAGES, 0);
  put32(shard + SHARD_FREE_PAGE_HEAD, 0);
  put32(shard + SHARD_LIMBO, 0);
  put32(shard + SHARD_WHEEL_COUNT, 0);
  put32(shard + SHARD_OVERFLOW_FREE, 0);
  put32(shard + SHARD_OVERFLOW_NEXT, 0);
  put32(shard + SHARD_OVERFLOW_END, 0);
  put32(shard + SHARD_OVERFLOWS, 0);
  put64(shard + SHARD_CLASS_USED, 0);
  put64(shard + SHARD_BYTES_USED, 0);
  for (let page = firstPage; page < firstPage + count; page++) setAside(shard, page, dead);
  for (let page = firstPage + count; page > firstPage; page--) {
    const kind = pageKind(pageEntry(page - 1));
    const isSegment = pageAddress(page - 1) == firstSegment;
    if (isSegment || kind == PAGE_STAGED || isRingInUse(shard, page - 1)) continue;
    givePage(shard, page - 1);
  }
}

/** True for a ring page that its thread names; one that it was losing or getting is nobody's. */
function isRingInUse(shard: usize, page: u32): bool {
  const entry = pageEntry(page);
  if (pageKind(entry) != PAGE_RING) return false;
  const word = threadAddress(pageThread(entry)) + THREAD_RINGS + load<u32>(shard + SHARD_ID) * 4;
  return load<u32>(word) == <u32>pageAddress(page);
}

/** True when the memory at an item's address may still be read by another thread than the dead. */
function isInUse(item: usize, dead: u32): bool {
  if (isPinned(toReference(item))) return true;
  return load<u32>(item + ITEM_STATE) == ITEM_RETURNED && load<u32>(item + ITEM_STAMP) != dead;
}

/**
 * Sets aside pages with items that live threads may still read, pinned or returned as an old
 * value: they stay out of use as long as the arena lives, which is few pages and safe.
 */
function setAside(shard: usize, page: u32, dead: u32): void {
  const entry = pageEntry(page);
  const kind = pageKind(entry);
  const start = pageAddress(page);
  if (kind == PAGE_LARGE_HEAD && isInUse(start, dead)) {
    let next = page + 1;
    while (next != 0) {
      markPage(shard, next - 1, PAGE_STAGED, 0, NOBODY);
      next = load<u32>(pageEntry(next - 1) + PAGE_NEXT);
    }
  }
  if (kind != PAGE_SLAB && kind != PAGE_DRAINING) return;
  const stride = strideOf(pageClass(entry));
  const chunks = chunksPerPage(pageClass(entry));
  for (let i: u32 = 0; i < chunks; i++) {
    if (!isInUse(start + i * stride, dead)) continue;
    markPage(shard, page, PAGE_STAGED, 0, NOBODY);
    return;
  }
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

/**
 * The command that the dead holder had taken is answered, never run a second time. Rings with
 * commands are marked again: the holder may have cleared their bits before it died.
 */
function answerTaken(shard: usize, index: u32): void {
  const slots = load<u32>(HEADER_THREAD_SLOTS);
  for (let id: u32 = 0; id < slots; id++) {
    const ring = <usize>load<u32>(threadAddress(id) + THREAD_RINGS + index * 4);
    if (ring == 0) continue;
    if (waitingBytes(ring) != 0) markWork(shard, id);
    if (load<u32>(ring + RING_TAKEN) == 0) continue;
    const position = load<u32>(ring + RING_TAKEN) - 1;
    if (position != load<u32>(ring + RING_DONE)) {
      publish32(ring + RING_TAKEN, 0);
      continue;
    }
    const record = recordAt(ring, position);
    put32(record + RECORD_OLD, 0);
    put32(record + RECORD_STATUS, STATUS_OUTCOME_UNKNOWN);
    finishRecord(ring, record);
    announce(threadAddress(id));
  }
}
