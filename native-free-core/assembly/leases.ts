// Leases of a shard: who may load a key that is missing. One lease for a key at a time; it is over
// when its holder stores the value or gives up, when anything else writes or invalidates the key,
// when its time is over, or when its thread ends. A fill names its lease by a token that no other
// lease of the arena ever has, so one that comes too late finds none and is refused.
//
// A lease lies in a page that is nothing else for good: other threads wait on its state word, and
// may still look at it when the lease is long over. The state counts: odd while granted, even when
// over, so who waits for the end of one lease never takes a later one in the same record for it.
// Records that became free are used again as late as possible, because their outcome is what
// waiters of other threads read.
//
// Nothing here must survive its holder: recovery voids all leases of a shard (`lease-walks.ts`).
// Holder only.

import { pageBytes, threadAddress } from "./arena";
import { copyBytes } from "./bytes";
import { judgeMs } from "./clock";
import { makePagesFree } from "./eviction";
import { invalidationNumber } from "./invalidations";
import {
  HEADER_LEASE_TOKENS,
  LEASE_BYTES,
  LEASE_EPOCH,
  LEASE_EXPIRES_MS,
  LEASE_HASH,
  LEASE_HOLDER,
  LEASE_INVALIDATIONS,
  LEASE_NAMESPACE,
  LEASE_NEXT,
  LEASE_OUTCOME,
  LEASE_STATE,
  LEASE_TABLES_MAX,
  LEASE_TEXT,
  LEASE_TEXT_BYTES,
  LEASE_TEXT_BYTES_MAX,
  LEASE_TOKEN,
  LEASE_VOIDED,
  LEASES_CARVED,
  LEASES_COUNT,
  LEASES_FREE,
  LEASES_FREE_LAST,
  LEASES_HEADS,
  PAGE_LEASE,
  SHARD_LEASES_ACTIVE,
  SHARD_LEASES_CURSOR,
  SHARD_LEASES_GRANTED,
  SHARD_LEASES_TABLES,
  SHARD_LEASES_VOIDED,
  THREAD_STATE,
} from "./layout";
import { namespaceEpoch } from "./namespaces";
import { markPage, NO_PAGE, pageAddress, pageOf, takePage } from "./pages";
import { add64, publish32, put16, put32, put64, putF64, zero } from "./store";

/** Leases of one shard are about 1,000 at most: walking all of them takes a slice. */
const TABLE_BYTES_MAX: u32 = 262144;
/** Records that are looked at for one whose time is over, when none is free. */
const EXPIRED_LOOKS_MAX: u32 = 128;

/** Pages of leases that a shard may have. */
@inline
function tablesMax(): u32 {
  return min<u32>(LEASE_TABLES_MAX, max<u32>(1, TABLE_BYTES_MAX / pageBytes));
}

/** Chains of a table, a power of two: as many as its page holds records. */
@inline
export function headsCount(): u32 {
  return pageBytes / LEASE_BYTES;
}

@inline
function firstOffset(): u32 {
  return (LEASES_HEADS + headsCount() * 4 + LEASE_BYTES - 1) & ~(LEASE_BYTES - 1);
}

/** Leases of one table. */
@inline
export function leasesPerTable(): u32 {
  return (pageBytes - firstOffset()) / LEASE_BYTES;
}

/** Address of a table of the shard; 0 when it has none in that place. */
@inline
export function leaseTable(shard: usize, place: u32): usize {
  return load<u32>(shard + SHARD_LEASES_TABLES + place * 4);
}

@inline
export function leaseAt(table: usize, index: u32): usize {
  return table + firstOffset() + index * LEASE_BYTES;
}

@inline
function headOf(table: usize, hash: u64): usize {
  return table + LEASES_HEADS + (<u32>(hash >> 32) & (headsCount() - 1)) * 4;
}

@inline
export function isGranted(lease: usize): bool {
  return (load<u32>(lease + LEASE_STATE) & 1) != 0;
}

export function countUp(counter: usize): void {
  put64(counter, load<u64>(counter) + 1);
}

/**
 * The lease of a key, 0 = none. Keys are told apart by their 64-bit hash alone: should two meet,
 * one waits for the other's load and then asks again, and a write of one voids both.
 */
export function findLease(shard: usize, hash: u64, namespaceId: u32): usize {
  if (load<u32>(shard + SHARD_LEASES_ACTIVE) == 0) return 0;
  for (let place: u32 = 0; place < LEASE_TABLES_MAX; place++) {
    const table = leaseTable(shard, place);
    if (table == 0) break;
    let lease: usize = load<u32>(headOf(table, hash));
    while (lease != 0) {
      const isSame = load<u64>(lease + LEASE_HASH) == hash;
      if (isSame && load<u16>(lease + LEASE_NAMESPACE) == namespaceId) return lease;
      lease = load<u32>(lease + LEASE_NEXT);
    }
  }
  return 0;
}

/** True when the lease says nothing any more: its time is over, or its namespace was cleared. */
export function isLeaseOver(lease: usize): bool {
  if (load<u32>(lease + LEASE_EPOCH) != namespaceEpoch(load<u16>(lease + LEASE_NAMESPACE))) {
    return true;
  }
  return load<f64>(lease + LEASE_EXPIRES_MS) <= judgeMs;
}

/** Takes a page for leases; false when none could be had. */
function addTable(shard: usize): bool {
  for (let place: u32 = 0; place < tablesMax(); place++) {
    if (leaseTable(shard, place) != 0) continue;
    if (!makePagesFree(shard, 1)) return false;
    const page = takePage(shard);
    if (page == NO_PAGE) return false;
    const table = pageAddress(page);
    // All states even, all lists empty, before the directory says what it is.
    zero(table, pageBytes);
    markPage(shard, page, PAGE_LEASE, 0, 0);
    put32(shard + SHARD_LEASES_TABLES + place * 4, <u32>table);
    return true;
  }
  return false;
}

/** A record of a table that no lease uses; 0 = none. */
function takeRecord(table: usize): usize {
  const carved = load<u32>(table + LEASES_CARVED);
  if (carved < leasesPerTable()) {
    put32(table + LEASES_CARVED, carved + 1);
    return leaseAt(table, carved);
  }
  const lease: usize = load<u32>(table + LEASES_FREE);
  if (lease != 0) {
    put32(table + LEASES_FREE, load<u32>(lease + LEASE_NEXT));
    if (load<u32>(lease + LEASE_NEXT) == 0) put32(table + LEASES_FREE_LAST, 0);
  }
  return lease;
}

function takeAnyRecord(shard: usize): usize {
  for (let place: u32 = 0; place < LEASE_TABLES_MAX; place++) {
    const table = leaseTable(shard, place);
    if (table == 0) break;
    const lease = takeRecord(table);
    if (lease != 0) return lease;
  }
  return 0;
}

/** A free record: a new table, or the room of leases that are over, where there is none. */
function findRoom(shard: usize): usize {
  const lease = takeAnyRecord(shard);
  if (lease != 0) return lease;
  if (!addTable(shard)) endSomeOver(shard);
  return takeAnyRecord(shard);
}

/** Ends leases whose time is over, looking at some in turn. */
function endSomeOver(shard: usize): void {
  const perTable = leasesPerTable();
  let cursor = load<u32>(shard + SHARD_LEASES_CURSOR);
  for (let i: u32 = 0; i < EXPIRED_LOOKS_MAX; i++) {
    let table = leaseTable(shard, min<u32>(cursor / perTable, LEASE_TABLES_MAX - 1));
    if (table == 0 || cursor >= perTable * LEASE_TABLES_MAX) {
      cursor = 0;
      table = leaseTable(shard, 0);
      if (table == 0) break;
    }
    const lease = leaseAt(table, cursor % perTable);
    if (isGranted(lease) && isLeaseOver(lease)) endLease(shard, lease, LEASE_VOIDED);
    cursor += 1;
  }
  put32(shard + SHARD_LEASES_CURSOR, cursor);
}

/**
 * Grants a lease of a key that has none; its address, or 0 when the table is full. `holder` is the
 * thread slot that may fill; the key is kept for invalidation by prefix, its first bytes at least.
 */
export function grantLease(
  shard: usize,
  hash: u64,
  namespaceId: u32,
  key: usize,
  keyBytes: u32,
  holder: u32,
  expiresMs: f64,
): usize {
  const lease = findRoom(shard);
  if (lease == 0) return 0;
  const table = pageAddress(pageOf(lease));
  const generation = load<u32>(threadAddress(holder) + THREAD_STATE) & 0xffffff00;
  put32(lease + LEASE_HOLDER, (holder + 1) | generation);
  put64(lease + LEASE_HASH, hash);
  putF64(lease + LEASE_TOKEN, <f64>(add64(HEADER_LEASE_TOKENS, 1) + 1));
  putF64(lease + LEASE_EXPIRES_MS, expiresMs);
  put64(lease + LEASE_INVALIDATIONS, invalidationNumber());
  put32(lease + LEASE_EPOCH, namespaceEpoch(namespaceId));
  put16(lease + LEASE_NAMESPACE, namespaceId);
  put16(lease + LEASE_TEXT_BYTES, keyBytes);
  copyBytes(lease + LEASE_TEXT, key, min<u32>(keyBytes, LEASE_TEXT_BYTES_MAX));
  publish32(lease + LEASE_STATE, load<u32>(lease + LEASE_STATE) + 1);
  const head = headOf(table, hash);
  put32(lease + LEASE_NEXT, load<u32>(head));
  put32(head, <u32>lease);
  put32(table + LEASES_COUNT, load<u32>(table + LEASES_COUNT) + 1);
  put32(shard + SHARD_LEASES_ACTIVE, load<u32>(shard + SHARD_LEASES_ACTIVE) + 1);
  countUp(shard + SHARD_LEASES_GRANTED);
  return lease;
}

function unchain(table: usize, lease: usize): void {
  let link = headOf(table, load<u64>(lease + LEASE_HASH));
  while (load<u32>(link) != 0) {
    if (load<u32>(link) == <u32>lease) {
      put32(link, load<u32>(lease + LEASE_NEXT));
      return;
    }
    link = load<u32>(link) + LEASE_NEXT;
  }
}

/** Puts a record that is in no chain at the end of the free list. */
export function freeRecord(table: usize, lease: usize): void {
  put32(lease + LEASE_NEXT, 0);
  const last: usize = load<u32>(table + LEASES_FREE_LAST);
  if (last != 0) put32(last + LEASE_NEXT, <u32>lease);
  else put32(table + LEASES_FREE, <u32>lease);
  put32(table + LEASES_FREE_LAST, <u32>lease);
}

/** Ends a lease and wakes who waits for that. */
export function endLease(shard: usize, lease: usize, outcome: u32): void {
  const table = pageAddress(pageOf(lease));
  put32(lease + LEASE_OUTCOME, outcome);
  publish32(lease + LEASE_STATE, load<u32>(lease + LEASE_STATE) + 1);
  unchain(table, lease);
  freeRecord(table, lease);
  put32(table + LEASES_COUNT, load<u32>(table + LEASES_COUNT) - 1);
  put32(shard + SHARD_LEASES_ACTIVE, load<u32>(shard + SHARD_LEASES_ACTIVE) - 1);
  if (outcome == LEASE_VOIDED) countUp(shard + SHARD_LEASES_VOIDED);
  atomic.notify(lease + LEASE_STATE, -1);
}

/** Leaves a message with a lease that is about to end: waiters of other threads read it. */
export function describeEnd(lease: usize, message: usize, messageBytes: u32): void {
  const kept = min<u32>(messageBytes, LEASE_TEXT_BYTES_MAX);
  put16(lease + LEASE_TEXT_BYTES, kept);
  copyBytes(lease + LEASE_TEXT, message, kept);
}

function voidFound(shard: usize, hash: u64, namespaceId: u32): void {
  const lease = findLease(shard, hash, namespaceId);
  if (lease != 0) endLease(shard, lease, LEASE_VOIDED);
}

/**
 * Voids the lease of a key that was written, deleted or invalidated, after the change. Costs one
 * load while the shard has no lease.
 */
@inline
export function voidLeaseOf(shard: usize, hash: u64, namespaceId: u32): void {
  if (load<u32>(shard + SHARD_LEASES_ACTIVE) != 0) voidFound(shard, hash, namespaceId);
}
