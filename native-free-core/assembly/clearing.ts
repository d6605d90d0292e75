// Clearing a namespace: one addition makes its entries invisible and refuses every fill that was
// begun before. Who waits for such a fill is woken here, as far as shards are free; the sweep of a
// home worker wakes the rest, and waiters look at the epoch from time to time.

import { shardAddress } from "./arena";
import { release } from "./commands";
import { HEADER_SHARD_COUNT, SHARD_LEASES_ACTIVE } from "./layout";
import { voidClearedLeases } from "./lease-walks";
import { clearNamespace as addEpoch } from "./namespaces";
import { tryHold } from "./owner";

/** Removes all entries of a namespace for every reader at once. */
export function clearNamespace(id: u32): void {
  addEpoch(id);
  const count = load<u32>(HEADER_SHARD_COUNT);
  for (let index: u32 = 0; index < count; index++) {
    const shard = shardAddress(index);
    if (load<u32>(shard + SHARD_LEASES_ACTIVE) == 0 || !tryHold(shard)) continue;
    voidClearedLeases(shard);
    release(shard);
  }
}
