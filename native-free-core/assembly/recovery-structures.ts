// What recovery asks of the structures of a shard: to forget what is derived, and to end. Each
// structure offers `xReset(shard)`, and `xFinish(shard)` where it needs one; in between every live
// item is enlisted (items.ts), the oldest first.

import { itemsReset } from "./items";
import { PAGE_DRAINING } from "./layout";
import { leasesReset } from "./lease-walks";
import { pagesReset } from "./pages";
import { overflowReset } from "./segments";
import { slabReset } from "./slab";
import { tagsFinish, tagsReset } from "./tags";
import { restartSweep } from "./upkeep";

/** Whether pages of a kind that only its structure knows stay: tags, leases. */
export function isKeptKind(kind: u32): bool {
  return kind > PAGE_DRAINING;
}

/** Forgets what follows from page directory and items, but the index; voids all leases. */
export function resetDerived(shard: usize): void {
  pagesReset(shard);
  slabReset(shard);
  overflowReset(shard);
  itemsReset(shard);
  leasesReset(shard);
}

/** Once free pages are known: what is built from pages of its own kind. */
export function resetFromPages(shard: usize): void {
  tagsReset(shard);
}

/** After the last item was enlisted. */
export function finishDerived(shard: usize): void {
  tagsFinish(shard);
  restartSweep(shard);
}
