// What concerns many leases of a shard at once: scans, cleared namespaces, the end of a thread,
// recovery. Each walks all records, about 1,000 at most, and none while the shard has
// no lease. Holder only.

import {
  LEASE_EPOCH,
  LEASE_HOLDER,
  LEASE_NAMESPACE,
  LEASE_OUTCOME,
  LEASE_RELEASED,
  LEASE_STATE,
  LEASE_TABLES_MAX,
  LEASE_VOIDED,
  LEASES_CARVED,
  LEASES_COUNT,
  LEASES_FREE,
  LEASES_FREE_LAST,
  LEASES_HEADS,
  PAGE_LEASE,
  SHARD_LEASES_ACTIVE,
  SHARD_LEASES_CURSOR,
  SHARD_LEASES_TABLES,
  SHARD_LEASES_VOIDED,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
} from "./layout";
import {
  countUp,
  endLease,
  freeRecord,
  headsCount,
  isGranted,
  leaseAt,
  leaseTable,
} from "./leases";
import { namespaceEpoch } from "./namespaces";
import { pageAddress, pageEntry, pageKind } from "./pages";
import { publish32, put32, zero } from "./store";

let walkPlace: u32 = 0;
let walkIndex: u32 = 0;

/** Begins to go through the granted leases of a shard; they may end meanwhile. */
export function beginWalk(): void {
  walkPlace = 0;
  walkIndex = 0;
}

/** The next granted lease of the shard; 0 when all were seen. */
export function nextGranted(shard: usize): usize {
  while (walkPlace < LEASE_TABLES_MAX) {
    const table = leaseTable(shard, walkPlace);
    if (table == 0 || load<u32>(shard + SHARD_LEASES_ACTIVE) == 0) return 0;
    let carved: u32 = 0;
    if (load<u32>(table + LEASES_COUNT) != 0) carved = load<u32>(table + LEASES_CARVED);
    while (walkIndex < carved) {
      const lease = leaseAt(table, walkIndex);
      walkIndex += 1;
      if (isGranted(lease)) return lease;
    }
    walkIndex = 0;
    walkPlace += 1;
  }
  return 0;
}

/** Voids the leases of namespaces that were cleared since: their fills are refused anyway. */
export function voidClearedLeases(shard: usize): void {
  beginWalk();
  for (let lease = nextGranted(shard); lease != 0; lease = nextGranted(shard)) {
    const epoch = namespaceEpoch(load<u16>(lease + LEASE_NAMESPACE));
    if (load<u32>(lease + LEASE_EPOCH) != epoch) endLease(shard, lease, LEASE_VOIDED);
  }
}

/** Releases the leases of a thread that leaves or has died. */
export function releaseLeasesOf(shard: usize, holder: u32): void {
  beginWalk();
  for (let lease = nextGranted(shard); lease != 0; lease = nextGranted(shard)) {
    if ((load<u32>(lease + LEASE_HOLDER) & 0xff) != holder + 1) continue;
    endLease(shard, lease, LEASE_RELEASED);
  }
}

/**
 * Voids all leases of a shard whose holder was cut off, at whatever store; finds its tables by the
 * page directory and makes their lists anew. Waiters are woken.
 */
export function leasesReset(shard: usize): void {
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const end = first + load<u32>(shard + SHARD_PAGE_COUNT);
  put32(shard + SHARD_LEASES_ACTIVE, 0);
  put32(shard + SHARD_LEASES_CURSOR, 0);
  let place: u32 = 0;
  for (let page = first; page < end; page++) {
    if (pageKind(pageEntry(page)) != PAGE_LEASE) continue;
    put32(shard + SHARD_LEASES_TABLES + place * 4, <u32>pageAddress(page));
    resetTable(shard, pageAddress(page));
    place += 1;
  }
  while (place < LEASE_TABLES_MAX) {
    put32(shard + SHARD_LEASES_TABLES + place * 4, 0);
    place += 1;
  }
}

function resetTable(shard: usize, table: usize): void {
  const carved = load<u32>(table + LEASES_CARVED);
  zero(table + LEASES_HEADS, headsCount() * 4);
  put32(table + LEASES_COUNT, 0);
  put32(table + LEASES_FREE, 0);
  put32(table + LEASES_FREE_LAST, 0);
  for (let index: u32 = 0; index < carved; index++) {
    const lease = leaseAt(table, index);
    const state = load<u32>(lease + LEASE_STATE);
    if ((state & 1) != 0) {
      put32(lease + LEASE_OUTCOME, LEASE_VOIDED);
      publish32(lease + LEASE_STATE, state + 1);
      countUp(shard + SHARD_LEASES_VOIDED);
    }
    freeRecord(table, lease);
    // Also where the state was even: the holder may have been cut off before it woke anybody.
    atomic.notify(lease + LEASE_STATE, -1);
  }
}
