// Soft expiry: a stale entry keeps its value as a fallback, but is no answer any more. Reads call
// it a miss unless they ask for stale entries, conditions take it for absent; eviction, time to
// live and deletion treat it like any other. A value that is set again is another item, and fresh.

import { stripeOf } from "./arena";
import { ITEM_FLAGS, ITEM_HASH, ITEM_STALE } from "./layout";
import { noteChange, pageOf } from "./pages";
import { put8 } from "./store";
import { stripeClose, stripeOpen } from "./stripe";

/** True for a soft-expired item. For readers only between two looks at its stripe. */
@inline
export function isStale(item: usize): bool {
  return (load<u8>(item + ITEM_FLAGS) & ITEM_STALE) != 0;
}

/**
 * Makes a linked item stale; false when it was before. In the odd window, so that a reader that
 * has seen it fresh looks again, and decoded copies elsewhere notice. One byte changes: cut off
 * there, the item is fresh or stale, never anything else. Holder only.
 */
export function markStale(shard: usize, item: usize): bool {
  const flags = load<u8>(item + ITEM_FLAGS);
  if ((flags & ITEM_STALE) != 0) return false;
  const stripe = stripeOf(shard, load<u64>(item + ITEM_HASH));
  stripeOpen(stripe);
  put8(item + ITEM_FLAGS, flags | ITEM_STALE);
  stripeClose(stripe);
  noteChange(pageOf(item));
  return true;
}
