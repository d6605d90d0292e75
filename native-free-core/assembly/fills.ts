// What a write means for the lease of its key: a fill must still have one, and any other write ends
// it. Holder only.

import { hasNewerTag } from "./fill-tags";
import { endLease, findLease, voidLeaseOf } from "./leases";
import {
  FLAG_LEASE,
  LEASE_EPOCH,
  LEASE_FILLED,
  LEASE_INVALIDATIONS,
  LEASE_TOKEN,
  LEASE_VOIDED,
  RECORD_FLAGS,
  RECORD_GUARD,
  RECORD_HASH,
  RECORD_NAMESPACE,
  SHARD_LEASES_ACTIVE,
  SHARD_LEASES_REFUSED,
} from "./layout";
import { namespaceEpoch } from "./namespaces";
import { put64 } from "./store";

/** The lease that a record names by its token; 0 when it is over. */
export function leaseOfRecord(shard: usize, record: usize): usize {
  const hash = load<u64>(record + RECORD_HASH);
  const lease = findLease(shard, hash, load<u16>(record + RECORD_NAMESPACE));
  if (lease == 0 || load<f64>(lease + LEASE_TOKEN) != load<f64>(record + RECORD_GUARD)) return 0;
  return lease;
}

/**
 * True when a value of this lease may be stored: nothing it depends on changed since it was
 * granted. A lease whose time is over, but that nobody else was given, still admits it: what was
 * invalidated meanwhile would have voided it.
 */
function isValid(lease: usize, record: usize): bool {
  const epoch = namespaceEpoch(load<u16>(record + RECORD_NAMESPACE));
  if (load<u32>(lease + LEASE_EPOCH) != epoch) return false;
  return !hasNewerTag(record, load<u64>(lease + LEASE_INVALIDATIONS));
}

/** True when a fill may be stored. One that comes too late is counted. */
export function admitsFill(shard: usize, record: usize): bool {
  const lease = leaseOfRecord(shard, record);
  if (lease != 0 && isValid(lease, record)) return true;
  if (lease != 0) endLease(shard, lease, LEASE_VOIDED);
  const refused = shard + SHARD_LEASES_REFUSED;
  put64(refused, load<u64>(refused) + 1);
  return false;
}

/** Ends the lease of a key that was stored, by its own fill or by another write. */
@inline
export function settleLease(shard: usize, record: usize): void {
  if (load<u32>(shard + SHARD_LEASES_ACTIVE) != 0) settleFound(shard, record);
}

function settleFound(shard: usize, record: usize): void {
  const hash = load<u64>(record + RECORD_HASH);
  const lease = findLease(shard, hash, load<u16>(record + RECORD_NAMESPACE));
  if (lease == 0) return;
  const isFill = (load<u8>(record + RECORD_FLAGS) & FLAG_LEASE) != 0;
  endLease(shard, lease, isFill ? LEASE_FILLED : LEASE_VOIDED);
}

/** Voids the lease of a key that is deleted, whether it is there or not. */
@inline
export function voidLeaseOfRecord(shard: usize, record: usize): void {
  voidLeaseOf(shard, load<u64>(record + RECORD_HASH), load<u16>(record + RECORD_NAMESPACE));
}
