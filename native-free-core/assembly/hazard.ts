// Hazard words: M. M. Michael, "Hazard Pointers" (IEEE TPDS 2004), one per thread.
//
// A reader of a value too large to copy stores the item's reference in its hazard word, then
// validates the stripe. Whoever frees such an item unlinks it first (odd window), then looks at
// all hazard words. A full fence lies between the two steps on either side (the sequentially
// consistent store of the pin, an atomic addition of nothing before the look), so either the
// reader's validation sees the changed stripe, or the freer sees the pin.

import { scratchBytes, thread, threadAddress } from "./arena";
import {
  CLASS_LARGE,
  HEADER_THREAD_SLOTS,
  ITEM_CLASS,
  ITEM_VALUE_BYTES,
  THREAD_HAZARD,
  THREAD_RETURNED,
} from "./layout";
import { add32, publish32 } from "./store";

/** True for items that readers pin instead of copying. */
@inline
export function isPinnable(item: usize): bool {
  if (load<u32>(item + ITEM_VALUE_BYTES) > scratchBytes) return true;
  return load<u8>(item + ITEM_CLASS) == CLASS_LARGE;
}

/** Pins an item for this thread; the caller validates afterwards. */
@inline
export function pin(reference: u32): void {
  publish32(thread + THREAD_HAZARD, reference);
}

/** Drops this thread's pin. */
export function unpin(): void {
  if (load<u32>(thread + THREAD_HAZARD) != 0) publish32(thread + THREAD_HAZARD, 0);
}

/** True when some thread may still read the item. */
export function isPinned(reference: u32): bool {
  add32(thread + THREAD_RETURNED, 0);
  const slots = load<u32>(HEADER_THREAD_SLOTS);
  for (let id: u32 = 0; id < slots; id++) {
    if (atomic.load<u32>(threadAddress(id) + THREAD_HAZARD) == reference) return true;
  }
  return false;
}
