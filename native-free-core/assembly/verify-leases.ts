// Checks the leases of a shard. Knows no report: says where the first fault lies.

import { threadAddress } from "./arena";
import {
  HEADER_THREAD_SLOTS,
  LEASE_HASH,
  LEASE_HOLDER,
  LEASE_NAMESPACE,
  LEASE_NEXT,
  LEASE_TABLES_MAX,
  LEASES_CARVED,
  LEASES_COUNT,
  LEASES_FREE,
  LEASES_FREE_LAST,
  PAGE_LEASE,
  SHARD_ID,
  SHARD_LEASES_ACTIVE,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  THREAD_FREE,
  THREAD_STATE,
} from "./layout";
import { findLease, isGranted, leaseAt, leasesPerTable, leaseTable } from "./leases";
import { pageEntry, pageKind, pageOf, pageShard } from "./pages";

/** Free records of a table that its list holds, each once; more than there are when it loops. */
function countFree(table: usize, carved: u32): u32 {
  let free: u32 = 0;
  let lease: usize = load<u32>(table + LEASES_FREE);
  let last: usize = 0;
  while (lease != 0 && free <= carved) {
    if (isGranted(lease)) return carved + 1;
    free += 1;
    last = lease;
    lease = load<u32>(lease + LEASE_NEXT);
  }
  return last == load<u32>(table + LEASES_FREE_LAST) ? free : carved + 1;
}

/** True when a lease is found under its key and its holder is a thread that is there. */
function isSound(shard: usize, lease: usize): bool {
  const namespaceId = load<u16>(lease + LEASE_NAMESPACE);
  if (findLease(shard, load<u64>(lease + LEASE_HASH), namespaceId) != lease) return false;
  const holder = load<u32>(lease + LEASE_HOLDER);
  if ((holder & 0xff) == 0 || (holder & 0xff) > load<u32>(HEADER_THREAD_SLOTS)) return false;
  const state = load<u32>(threadAddress((holder & 0xff) - 1) + THREAD_STATE);
  return (state & 0xff) != THREAD_FREE && (state & 0xffffff00) == (holder & 0xffffff00);
}

/** Address of the first fault of a table, 0 = none. */
function faultOfTable(shard: usize, table: usize): usize {
  const page = pageEntry(pageOf(table));
  if (pageKind(page) != PAGE_LEASE || pageShard(page) != load<u32>(shard + SHARD_ID)) return table;
  const carved = load<u32>(table + LEASES_CARVED);
  if (carved > leasesPerTable()) return table;
  let granted: u32 = 0;
  for (let index: u32 = 0; index < carved; index++) {
    const lease = leaseAt(table, index);
    if (!isGranted(lease)) continue;
    granted += 1;
    if (!isSound(shard, lease)) return lease;
  }
  if (granted != load<u32>(table + LEASES_COUNT)) return table;
  return granted + countFree(table, carved) == carved ? 0 : table;
}

/** Address of the first fault, 0 when all invariants hold. */
export function faultOfLeases(shard: usize): usize {
  let granted: u32 = 0;
  let tables: u32 = 0;
  for (let place: u32 = 0; place < LEASE_TABLES_MAX; place++) {
    const table = leaseTable(shard, place);
    if (table == 0) break;
    tables += 1;
    const fault = faultOfTable(shard, table);
    if (fault != 0) return fault;
    granted += load<u32>(table + LEASES_COUNT);
  }
  if (granted != load<u32>(shard + SHARD_LEASES_ACTIVE)) return shard + SHARD_LEASES_ACTIVE;
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const end = first + load<u32>(shard + SHARD_PAGE_COUNT);
  for (let page = first; page < end; page++) {
    if (pageKind(pageEntry(page)) == PAGE_LEASE) tables -= 1;
  }
  return tables == 0 ? 0 : shard;
}
