// Commands on their way: built in the caller's ring, applied in place when the shard is free, or
// published for whoever holds the shard next.

import { announce } from "./announce";
import {
  hashSeed,
  shardAddress,
  shardOf,
  thread,
  threadAddress,
  threadId,
} from "./arena";
import { copyKey } from "./bytes";
import { countOperation, currentMs, judgeBy, ringDoorbell } from "./clock";
import { applyIncrement } from "./counting";
import { hashBytes, namespaceSeed } from "./hash";
import { unpin } from "./hazard";
import { beginInPlace, endInPlace } from "./in-place";
import { applyLease, applyLeaseEnd } from "./lease-commands";
import {
  OP_DELETE,
  OP_EXPIRE_TAGGED,
  OP_INCREMENT,
  OP_LEASE,
  OP_LEASE_END,
  OP_RELEASE,
  OP_REMOVE_TAGGED,
  OP_SCAN,
  OP_SET,
  OP_STAGE,
  OP_TOUCH,
  RECORD_ALIGN,
  RECORD_CONTENT_TYPE_BYTES,
  RECORD_CREATED_MS,
  RECORD_ENCODING,
  RECORD_EPOCH,
  RECORD_EXPIRY_MS,
  RECORD_FLAGS,
  RECORD_GUARD,
  RECORD_HASH,
  RECORD_KEY,
  RECORD_KEY_BYTES,
  RECORD_NAMESPACE,
  RECORD_OLD,
  RECORD_OPCODE,
  RECORD_PAGES,
  RECORD_SIZE,
  RECORD_STATUS,
  RECORD_VALUE_BYTES,
  RING_CLAIMED,
  RING_HEAD,
  RING_TAIL,
  SHARD_HOME,
  SHARD_ID,
  SHARD_LAST_SERVED,
  SHARD_WANTED,
  THREAD_COMPLETIONS,
  THREAD_INPLACE,
  THREAD_KEY,
  THREAD_QUEUED,
  THREAD_RING_HIGH,
  THREAD_RINGS,
  THREAD_SLOTS_MAX,
  THREAD_WAITING,
} from "./layout";
import { namespaceEpoch } from "./namespaces";
import { clearWork, held, isRecoverer, letGo, markWork, tryHold, workOf } from "./owner";
import { drainTouches } from "./recency";
import { handOver, recoverOwn, recoverSlice } from "./recovery";
import {
  claimRecord,
  finishRecord,
  publishRecord,
  takeRecord,
  waitingBytes,
} from "./ring";
import { applyScan } from "./scan";
import { applyDelete, applyRelease, applySet, applyStage, applyTouch, dropStaged } from "./shard";
import { STATUS_FULL, STATUS_PENDING, STATUS_REFUSED } from "./status";
import { add32, put16, put32, put64, put8, putF64 } from "./store";
import { applyTagged } from "./tag-invalidation";
import { upkeep } from "./upkeep";

/** Work for other callers that one holder does before it lets go, in units (see `drainWork`). */
const FOREIGN_UNITS_MAX: u32 = 64;
const HAND_OVER_ROUNDS_MAX: u32 = 4;
/** What a slice of a scan costs of a holder's units: no second one follows it. */
const SCAN_COST: u32 = 256;
/** Units that a slice of an invalidation counts for, however little it finds to do. */
const SLICE_UNITS: u32 = 32;

let record: usize = 0;
let shardIndex: u32 = 0;

/** Answers of `cutOffSubmit`. */
const NOT_CUT: u32 = 0;
const CUT_BEFORE: u32 = 1;
const CUT_PUBLISHED: u32 = 2;

/** True while `submit` runs; still afterwards when it was cut off. */
let isSubmitting: bool = false;

/**
 * Whether the last `submit` was cut off: 0 = no; 1 = yes, and nobody else sees its record; 2 = yes,
 * and its answer comes through the ring. Says so once.
 */
export function cutOffSubmit(): u32 {
  if (!isSubmitting) return NOT_CUT;
  isSubmitting = false;
  const ring = ringOf(thread, shardIndex);
  const ahead = load<u32>(ring + RING_TAIL) - load<u32>(ring + RING_CLAIMED);
  return <i32>ahead > 0 ? CUT_PUBLISHED : CUT_BEFORE;
}

/** Address of this thread's ring page for a shard. */
@inline
export function ringOf(slot: usize, shard: u32): usize {
  return load<u32>(slot + THREAD_RINGS + shard * 4);
}

/** Shard of the command being built, or of the last one. */
export function commandShard(): u32 {
  return shardIndex;
}

/** Record of the command being built, or of the last one. */
export function commandRecord(): usize {
  return record;
}

/**
 * Begins a command on the key in the key scratch area. Returns the address where content type and
 * value go, `roomBytes` of them, or FULL. Nothing is visible before `submit`.
 */
export function beginCommand(opcode: u32, keyBytes: u32, namespaceId: u32, roomBytes: u32): i32 {
  countOperation();
  isSubmitting = false;
  if (held != 0) recoverOwn(currentMs());
  const key = thread + THREAD_KEY;
  const hash = hashBytes(key, keyBytes, namespaceSeed(hashSeed, namespaceId));
  shardIndex = shardOf(hash);
  const size = (RECORD_KEY + keyBytes + roomBytes + RECORD_ALIGN - 1) & ~(RECORD_ALIGN - 1);
  record = claimRecord(ringOf(thread, shardIndex), size);
  if (record == 0) return STATUS_FULL;
  put32(record + RECORD_SIZE, size);
  put8(record + RECORD_OPCODE, opcode);
  put16(record + RECORD_KEY_BYTES, keyBytes);
  put16(record + RECORD_NAMESPACE, namespaceId);
  put64(record + RECORD_HASH, hash);
  put32(record + RECORD_EPOCH, namespaceEpoch(namespaceId));
  put32(record + RECORD_OLD, 0);
  put32(record + RECORD_PAGES, 0);
  copyKey(record + RECORD_KEY, key, keyBytes);
  return <i32>(record + RECORD_KEY + keyBytes);
}

/** Begins a command that names a shard instead of a key (stage and release). */
export function beginShardCommand(opcode: u32, shard: u32): i32 {
  return beginTagCommand(opcode, shard, 0, 0) == STATUS_FULL ? STATUS_FULL : 0;
}

/**
 * Begins a command about tags in a shard. Returns the address where its slice and the names go,
 * `roomBytes` of them, or FULL.
 */
export function beginTagCommand(opcode: u32, shard: u32, namespaceId: u32, roomBytes: u32): i32 {
  isSubmitting = false;
  if (held != 0) recoverOwn(currentMs());
  shardIndex = shard;
  const size = (RECORD_KEY + roomBytes + RECORD_ALIGN - 1) & ~(RECORD_ALIGN - 1);
  record = claimRecord(ringOf(thread, shard), size);
  if (record == 0) return STATUS_FULL;
  put32(record + RECORD_SIZE, size);
  put8(record + RECORD_OPCODE, opcode);
  put16(record + RECORD_KEY_BYTES, 0);
  put16(record + RECORD_NAMESPACE, namespaceId);
  put32(record + RECORD_OLD, 0);
  put32(record + RECORD_PAGES, 0);
  return <i32>(record + RECORD_KEY);
}

/**
 * Begins a slice of a scan of one shard. Returns the address where its fields (SCAN_*), the
 * pattern and room for keys go, `roomBytes` in all, or FULL.
 */
export function beginScan(
  shard: u32,
  namespaceId: u32,
  patternBytes: u32,
  roomBytes: u32,
): i32 {
  const target = beginTagCommand(OP_SCAN, shard, namespaceId, roomBytes);
  if (target != STATUS_FULL) put16(record + RECORD_KEY_BYTES, patternBytes);
  return target;
}

/** The namespace's epoch at the call, for a command that waited before it was begun. */
export function describeCall(epoch: u32): void {
  put32(record + RECORD_EPOCH, epoch);
}

/** Version that a set asks for, token of a lease, or what an increment adds. */
export function describeGuard(guard: f64): void {
  putF64(record + RECORD_GUARD, guard);
}

/** Pages or old item that the command is about. */
export function describePages(firstPage: u32, oldReference: u32): void {
  put32(record + RECORD_PAGES, firstPage);
  put32(record + RECORD_OLD, oldReference);
}

/**
 * Completes the command: sizes of what was written behind the key, conditions, time to live.
 * Carries it out when the shard is free and `inPlace` is set, else publishes it. The status of
 * the command, or PENDING.
 */
export function submit(
  valueBytes: u32,
  contentTypeBytes: u32,
  encoding: u32,
  flags: u32,
  ttlMs: f64,
  inPlace: u32,
): i32 {
  isSubmitting = true;
  // Only now: the value may have been copied out of a pinned entry. Slices of scans and
  // invalidations (opcodes 6 to 8) are sent while their thread still looks at what it has pinned.
  const opcode = load<u8>(record + RECORD_OPCODE);
  if (opcode < OP_REMOVE_TAGGED || opcode > OP_SCAN) unpin();
  const now = currentMs();
  put32(record + RECORD_VALUE_BYTES, valueBytes);
  put8(record + RECORD_CONTENT_TYPE_BYTES, contentTypeBytes);
  put8(record + RECORD_ENCODING, encoding);
  put8(record + RECORD_FLAGS, flags);
  putF64(record + RECORD_CREATED_MS, now);
  putF64(record + RECORD_EXPIRY_MS, now + ttlMs);
  const shard = shardAddress(shardIndex);
  const ring = ringOf(thread, shardIndex);
  judgeBy(now);
  const mayHold = mayHoldInPlace(shard, inPlace);
  if (mayHold && tryHold(shard)) {
    if (waitingBytes(ring) != 0) drainRing(shard, threadId, 0xffffffff);
    drainTouches(shard, ring);
    beginInPlace(shard, record);
    const status = apply(shard, record, threadId);
    put32(record + RECORD_STATUS, status);
    put64(thread + THREAD_INPLACE, load<u64>(thread + THREAD_INPLACE) + 1);
    if (workOf(shard) != 0) drainWork(shard, FOREIGN_UNITS_MAX);
    if (load<u32>(shard + SHARD_HOME) == 0) keepUp(shard, now);
    release(shard);
    endInPlace();
    isSubmitting = false;
    return status;
  }
  const status = publish(shard, ring, mayHold, now);
  isSubmitting = false;
  return status;
}

/** In place when the caller wants it and the home worker does not; always where there is none. */
@inline
function mayHoldInPlace(shard: usize, inPlace: u32): bool {
  if (load<u32>(shard + SHARD_HOME) == 0) return true;
  return inPlace != 0 && load<u32>(shard + SHARD_WANTED) == 0;
}

let upkeeps: u32 = 0;

/** Upkeep of a shard without a home worker: a slice with every 32nd command. */
function keepUp(shard: usize, nowMs: f64): void {
  upkeeps += 1;
  if ((upkeeps & 31) == 0) upkeep(shard, nowMs);
}

function publish(shard: usize, ring: usize, mayHold: bool, nowMs: f64): i32 {
  publishRecord(ring);
  markWork(shard, threadId);
  put64(thread + THREAD_QUEUED, load<u64>(thread + THREAD_QUEUED) + 1);
  const waiting = <u64>(load<u32>(ring + RING_TAIL) - load<u32>(ring + RING_HEAD));
  if (waiting > load<u64>(thread + THREAD_RING_HIGH)) put64(thread + THREAD_RING_HIGH, waiting);
  // The holder may have looked at the work word just before: try once more.
  if (mayHold && tryHold(shard)) {
    drainWork(shard, FOREIGN_UNITS_MAX);
    release(shard);
  } else if (isRecoverer(shard)) {
    goOnRecovering(shardIndex, nowMs);
  }
  // After the work bit: whoever gives the shard to another worker stores the home, then rings.
  const home = atomic.load<u32>(shard + SHARD_HOME);
  if (home != 0 && workOf(shard) != 0) ringDoorbell(threadAddress(home - 1));
  return STATUS_PENDING;
}

/**
 * A slice of this thread's recovery of a shard, which its home worker does where it has another:
 * as `recoverSlice` answers.
 */
export function goOnRecovering(index: u32, nowMs: f64): i32 {
  if (handOver(index)) return 0;
  const answer = recoverSlice(index, nowMs);
  if (answer == 0) handOn(shardAddress(index));
  return answer;
}

/**
 * Drains a shard's rings if it is free; true when it was. For callers whose ring is full: also
 * when the home worker wants the shard, which it had the time of a whole ring to take.
 */
export function helpShard(index: u32): bool {
  const shard = shardAddress(index);
  const now = currentMs();
  if (held != 0) recoverOwn(now);
  if (isRecoverer(shard)) goOnRecovering(index, now);
  judgeBy(now);
  if (!tryHold(shard)) return false;
  drainWork(shard, FOREIGN_UNITS_MAX);
  release(shard);
  return true;
}

/** Frees the shard, then looks once more whether a command came in between. */
export function release(shard: usize): void {
  letGo(shard);
  handOn(shard);
}

/** Looks whether commands came for a shard that this thread has just freed. */
function handOn(shard: usize): void {
  let rounds: u32 = 0;
  while (workOf(shard) != 0) {
    // Others may go on publishing for ever: after some rounds the home worker takes over, or,
    // where there is none, the callers themselves.
    if (rounds == HAND_OVER_ROUNDS_MAX) {
      const home = atomic.load<u32>(shard + SHARD_HOME);
      if (home != 0) ringDoorbell(threadAddress(home - 1));
      else wakeCallers(shard);
      return;
    }
    if (!tryHold(shard)) return;
    drainWork(shard, FOREIGN_UNITS_MAX);
    letGo(shard);
    rounds += 1;
  }
}

/** Wakes the callers whose commands wait: taking answers in, they help the shard themselves. */
function wakeCallers(shard: usize): void {
  let work = workOf(shard);
  while (work != 0) {
    announce(threadAddress(<u32>ctz<u64>(work)));
    work &= work - 1;
  }
}

/**
 * Runs waiting commands of all callers for about `unitsMax` units; the units used. A command costs
 * a unit or more (see `unitsOf`).
 */
export function drainWork(shard: usize, unitsMax: u32): u32 {
  const work = workOf(shard);
  // Rings take turns: one that is always full must not keep those behind it waiting.
  const last = <u64>(load<u32>(shard + SHARD_LAST_SERVED) & (THREAD_SLOTS_MAX - 1));
  const later = work & ~(((<u64>2) << last) - 1);
  const ran = drainRings(shard, later, unitsMax);
  return ran < unitsMax ? ran + drainRings(shard, work & ~later, unitsMax - ran) : ran;
}

/** Drains the rings of the threads named by bits, the lowest first; the units used. */
function drainRings(shard: usize, rings: u64, unitsMax: u32): u32 {
  let work = rings;
  let ran: u32 = 0;
  while (work != 0 && ran < unitsMax) {
    const id = <u32>ctz<u64>(work);
    work &= work - 1;
    put32(shard + SHARD_LAST_SERVED, id);
    ran += drainRing(shard, id, unitsMax - ran);
  }
  return ran;
}

/** Runs waiting commands of one caller; the units used. */
function drainRing(shard: usize, id: u32, unitsMax: u32): u32 {
  const slot = threadAddress(id);
  const ring = ringOf(slot, load<u32>(shard + SHARD_ID));
  // The bit goes first: what is published from here on sets it again.
  clearWork(shard, id);
  if (ring == 0) return 0;
  drainTouches(shard, ring);
  let ran: u32 = 0;
  while (ran < unitsMax) {
    const next = takeRecord(ring);
    if (next == 0) break;
    const units = unitsOf(next);
    put32(next + RECORD_STATUS, apply(shard, next, id));
    finishRecord(ring, next);
    ran += units;
  }
  if (waitingBytes(ring) != 0) markWork(shard, id);
  if (ran != 0) announce(slot);
  return ran;
}

/** What a command costs: one unit, one more for each KiB, and what a slice may take. */
@inline
function unitsOf(command: usize): u32 {
  const opcode = load<u8>(command + RECORD_OPCODE);
  // No second slice of a scan follows the first: it is as much as a slice of a home worker.
  if (opcode == OP_SCAN) return SCAN_COST;
  const isSlice = opcode == OP_REMOVE_TAGGED || opcode == OP_EXPIRE_TAGGED;
  return (isSlice ? SLICE_UNITS : 1) + (load<u32>(command + RECORD_SIZE) >> 10);
}

function apply(shard: usize, command: usize, id: u32): i32 {
  const opcode = load<u8>(command + RECORD_OPCODE);
  if (opcode == OP_SET) return applySet(shard, command, id);
  if (opcode == OP_DELETE) return applyDelete(shard, command, id);
  if (opcode == OP_TOUCH) return applyTouch(shard, command);
  if (opcode == OP_STAGE) return applyStage(shard, command, id);
  if (opcode == OP_RELEASE) return applyRelease(shard, command, id);
  if (opcode == OP_INCREMENT) return applyIncrement(shard, command, id);
  if (opcode == OP_SCAN) return applyScan(shard, command);
  if (opcode == OP_REMOVE_TAGGED || opcode == OP_EXPIRE_TAGGED) {
    const status = applyTagged(shard, command);
    dropStaged(shard, command);
    return status;
  }
  if (opcode == OP_LEASE) return applyLease(shard, command, id);
  if (opcode == OP_LEASE_END) return applyLeaseEnd(shard, command);
  return STATUS_REFUSED;
}
