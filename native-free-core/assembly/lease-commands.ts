// Commands about leases, run by the holder of the key's shard and so in order with all its writes:
// asking for a lease, and giving one up. Holder only.

import { toAddress, toReference } from "./arena";
import { leaseOfRecord } from "./fills";
import {
  LEASE_STATE,
  LEASE_TOKEN,
  LEASE_VOIDED,
  RECORD_ENCODING,
  RECORD_EXPIRY_MS,
  RECORD_GUARD,
  RECORD_HASH,
  RECORD_KEY,
  RECORD_KEY_BYTES,
  RECORD_NAMESPACE,
  RECORD_OLD,
  RECORD_PAGES,
  RECORD_VALUE_BYTES,
  SHARD_LEASES_WAITS,
} from "./layout";
import { describeEnd, endLease, findLease, grantLease, isLeaseOver } from "./leases";
import { findRecordKey, isFresh } from "./shard";
import { STATUS_NO_LEASE, STATUS_OK, STATUS_PRESENT, STATUS_REFUSED, STATUS_WAIT } from "./status";
import { put32, put64, putF64 } from "./store";

/** True when a read would find the key of a record. */
function isPresent(shard: usize, record: usize): bool {
  const entry = findRecordKey(shard, record);
  return entry != 0 && isFresh(toAddress(load<u32>(entry)));
}

/** Says in the record where the lease lies and what its state is while it is granted. */
function describeLease(record: usize, lease: usize): void {
  put32(record + RECORD_OLD, toReference(lease));
  put32(record + RECORD_PAGES, load<u32>(lease + LEASE_STATE));
}

/**
 * Asks for the lease of a key, until the record's expiry. OK when it was granted, its token in the
 * record; PRESENT when there is an entry; WAIT when another has it; NO_LEASE when the table is
 * full. The judgement is made here, so that of all who missed the key one is granted the lease.
 */
export function applyLease(shard: usize, record: usize, thread: u32): i32 {
  put32(record + RECORD_OLD, 0);
  put32(record + RECORD_PAGES, 0);
  if (isPresent(shard, record)) return STATUS_PRESENT;
  const hash = load<u64>(record + RECORD_HASH);
  const namespaceId = load<u16>(record + RECORD_NAMESPACE);
  const other = findLease(shard, hash, namespaceId);
  if (other != 0) {
    if (!isLeaseOver(other)) {
      describeLease(record, other);
      const waits = shard + SHARD_LEASES_WAITS;
      put64(waits, load<u64>(waits) + 1);
      return STATUS_WAIT;
    }
    endLease(shard, other, LEASE_VOIDED);
  }
  const keyBytes = load<u16>(record + RECORD_KEY_BYTES);
  const expiresMs = load<f64>(record + RECORD_EXPIRY_MS);
  const key = record + RECORD_KEY;
  const lease = grantLease(shard, hash, namespaceId, key, keyBytes, thread, expiresMs);
  if (lease == 0) return STATUS_NO_LEASE;
  putF64(record + RECORD_GUARD, load<f64>(lease + LEASE_TOKEN));
  describeLease(record, lease);
  return STATUS_OK;
}

/**
 * Gives a lease up. How it ended (LEASE_RELEASED, LEASE_FAILED, LEASE_EMPTY) stands in the place of
 * the encoding, what waiters are told in that of the value. OK, or REFUSED when it was over before.
 */
export function applyLeaseEnd(shard: usize, record: usize): i32 {
  put32(record + RECORD_OLD, 0);
  const lease = leaseOfRecord(shard, record);
  if (lease == 0) return STATUS_REFUSED;
  const message = record + RECORD_KEY + load<u16>(record + RECORD_KEY_BYTES);
  describeEnd(lease, message, load<u32>(record + RECORD_VALUE_BYTES));
  endLease(shard, lease, load<u8>(record + RECORD_ENCODING));
  return STATUS_OK;
}
