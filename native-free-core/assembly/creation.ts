// Birth of an arena: slot table, size classes, shards. And of a thread in it: slot, rings.
// The binding has written the header's constants before.

import {
  inPages,
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
  threadAddress,
  toAddress,
} from "./arena";
import { fence } from "./fence";
import { makePagesFree } from "./eviction";
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
  PAGE_LARGE_HEAD,
  PAGE_NEXT,
  PAGE_RING,
  PAGE_STAGED,
  OP_RELEASE,
  RECORD_OLD,
  RECORD_OPCODE,
  RECORD_SIZE,
  RECORD_STATUS,
  RING_DONE,
  RING_HEAD,
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
  SHARD_OVERFLOW_FREE,
  SHARD_OVERFLOWS,
  SHARD_OWNER,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  SHARD_WHEEL_COUNT,
  SLOT_TABLE_SLOTS,
  STRIDE_MIN_BYTES,
  THREAD_CALLS,
  THREAD_GENERATION,
  THREAD_HAZARD,
  THREAD_HEARTBEAT,
  THREAD_OS_ID,
  THREAD_OS_START,
  THREAD_PARKED,
  THREAD_RINGS,
  THREAD_STATE,
  THREAD_WAITING,
} from "./layout";
import { registerNamespace } from "./namespaces";
import { ownMark, tryHold } from "./owner";
import {
  givePage,
  markPage,
  pageAddress,
  pageEntry,
  pageKind,
  pageOf,
  pageShard,
  pageThread,
  takePage,
} from "./pages";
import { finishRecord, recordAt } from "./ring";
import { addSegment } from "./segments";
import {
  STATUS_BUSY,
  STATUS_NO_SLOT,
  STATUS_OK,
  STATUS_OUT_OF_MEMORY,
  STATUS_OUTCOME_UNKNOWN,
} from "./status";
import { add32, publish32, put32, put64, put8, putF64, swap32, zero } from "./store";

/** Growth of the size classes, in 1/64: 1.15 a step. */
const GROWTH_64THS: u32 = 74;
const ATTACH_STEPS_MAX: u32 = 20_000;
const ATTACH_STEP_NS: i64 = 100_000;

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
    stride = (((stride * GROWTH_64THS) >> 6) + 7) & ~7;
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
    put32(shard + SHARD_ITEMS_MAX, itemsMax / shardCount + (index < itemsMax % shardCount ? 1 : 0));
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

/** Takes a free thread slot; its id, or NO_SLOT. */
function claimSlot(): i32 {
  const count = load<u32>(HEADER_THREAD_SLOTS);
  for (let id: u32 = 0; id < count; id++) {
    if (swap32(threadAddress(id) + THREAD_STATE, 0, 1) == 0) return <i32>id;
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
  put32(slot + THREAD_GENERATION, (load<u32>(slot + THREAD_GENERATION) + 1) & 0xffffff);
  putF64(slot + THREAD_OS_ID, osThreadId);
  putF64(slot + THREAD_OS_START, osStartTime);
  publish32(slot + THREAD_HAZARD, 0);
  put32(slot + THREAD_WAITING, 0);
  put32(slot + THREAD_PARKED, 0);
  put32(slot + THREAD_HEARTBEAT, 0);
  bindThread(id);
  const shardCount = load<u32>(HEADER_SHARD_COUNT);
  for (let index: u32 = 0; index < shardCount; index++) {
    const status = giveRing(slot, id, index);
    if (status == STATUS_OK) continue;
    if (dropRings(slot, id, index)) publish32(slot + THREAD_STATE, 0);
    return status;
  }
  put32(slot + THREAD_CALLS, counts);
  if (counts) add32(HEADER_ATTACHED, 1);
  return id;
}

/** Holds a shard for set-up work; false when it stays held elsewhere. */
function holdPatiently(shard: usize, word: usize): bool {
  for (let step: u32 = 0; step < ATTACH_STEPS_MAX; step++) {
    if (tryHold(shard)) return true;
    atomic.wait<i32>(word, load<i32>(word), ATTACH_STEP_NS);
  }
  return false;
}

function giveRing(slot: usize, id: u32, index: u32): i32 {
  const shard = shardAddress(index);
  if (!holdPatiently(shard, slot + THREAD_HEARTBEAT)) return STATUS_BUSY;
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

function dropRings(slot: usize, id: u32, count: u32): bool {
  for (let index: u32 = 0; index < count; index++) {
    const shard = shardAddress(index);
    if (!holdPatiently(shard, slot + THREAD_HEARTBEAT)) return false;
    const ring = load<u32>(slot + THREAD_RINGS + index * 4);
    put32(slot + THREAD_RINGS + index * 4, 0);
    if (ring != 0) givePage(shard, pageOf(ring));
    dropStaged(shard, id);
    release(shard);
  }
  return true;
}

/**
 * Detaches a thread, this one or one that is dead: drops its pin, gives its rings back, frees its
 * slot. Does nothing when another thread does it already. A dead thread's shards come first
 * (`resetShardOf`).
 */
export function detachThread(id: u32): void {
  const slot = threadAddress(id);
  if (swap32(slot + THREAD_STATE, 1, 2) != 1) return;
  publish32(slot + THREAD_HAZARD, 0);
  // A shard that stays held keeps the slot occupied: its holder may still drain this ring.
  if (!dropRings(slot, id, load<u32>(HEADER_SHARD_COUNT))) return;
  if (load<u32>(slot + THREAD_CALLS)) add32(HEADER_ATTACHED, 0xffffffff);
  put32(slot + THREAD_CALLS, 0);
  publish32(slot + THREAD_STATE, 0);
}

/**
 * Starts a shard afresh whose holder died: all its entries are gone, what waits in rings stays.
 * `dead` is the thread slot of the holder. True when this call did it; false when the shard is
 * not held by that thread. Two threads may try at once: the owner word lets one through.
 */
export function resetShardOf(index: u32, dead: u32): bool {
  const shard = shardAddress(index);
  const word = atomic.load<u32>(shard + SHARD_OWNER);
  if (word == 0 || (word & 0xff) != dead + 1) return false;
  if (swap32(shard + SHARD_OWNER, word, ownMark()) != word) return false;
  for (let i: u32 = 0; i <= stripeMask; i++) {
    const stripe = shard + stripesOffset + (i << 2);
    publish32(stripe, load<u32>(stripe) | 1);
  }
  fence();
  forgetReturned(index);
  emptyShard(shard);
  fence();
  for (let i: u32 = 0; i <= stripeMask; i++) {
    const stripe = shard + stripesOffset + (i << 2);
    publish32(stripe, load<u32>(stripe) + 1);
  }
  answerTaken(index);
  release(shard);
  return true;
}

/** Old values that callers were to be given lie in memory that is about to be freed. */
function forgetReturned(index: u32): void {
  const slots = load<u32>(HEADER_THREAD_SLOTS);
  for (let id: u32 = 0; id < slots; id++) {
    const ring = <usize>load<u32>(threadAddress(id) + THREAD_RINGS + index * 4);
    if (ring == 0) continue;
    let position = load<u32>(ring + RING_HEAD);
    const done = load<u32>(ring + RING_DONE);
    while (position != done) {
      const record = recordAt(ring, position);
      if (load<u8>(record + RECORD_OPCODE) != OP_RELEASE) put32(record + RECORD_OLD, 0);
      position += load<u32>(record + RECORD_SIZE);
    }
  }
}

/** Everything derived goes to its first state; pages but those of rings become free. */
function emptyShard(shard: usize): void {
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
  put32(shard + SHARD_OVERFLOWS, 0);
  put64(shard + SHARD_CLASS_USED, 0);
  put64(shard + SHARD_BYTES_USED, 0);
  keepPinned(shard);
  for (let page = firstPage + count; page > firstPage; page--) {
    const kind = pageKind(pageEntry(page - 1));
    const isSegment = pageAddress(page - 1) == firstSegment;
    if (!isSegment && kind != PAGE_RING && kind != PAGE_STAGED) givePage(shard, page - 1);
  }
}

/** Pages that a reader has pinned become that thread's own: it may still read them. */
function keepPinned(shard: usize): void {
  const slots = load<u32>(HEADER_THREAD_SLOTS);
  for (let id: u32 = 0; id < slots; id++) {
    const reference = atomic.load<u32>(threadAddress(id) + THREAD_HAZARD);
    if (!inPages(reference)) continue;
    let next = pageOf(toAddress(reference)) + 1;
    if (pageShard(pageEntry(next - 1)) != load<u32>(shard + SHARD_ID)) continue;
    const isList = pageKind(pageEntry(next - 1)) == PAGE_LARGE_HEAD;
    while (next != 0) {
      const page = next - 1;
      next = isList ? load<u32>(pageEntry(page) + PAGE_NEXT) : 0;
      markPage(shard, page, PAGE_STAGED, 0, id);
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

/** The command that the dead holder had taken is answered, never run a second time. */
function answerTaken(index: u32): void {
  const slots = load<u32>(HEADER_THREAD_SLOTS);
  for (let id: u32 = 0; id < slots; id++) {
    const ring = <usize>load<u32>(threadAddress(id) + THREAD_RINGS + index * 4);
    if (ring == 0 || load<u32>(ring + RING_TAKEN) == 0) continue;
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
