// Version stripes: sequence locks over the index, many buckets to a stripe. H.-J. Boehm, "Can
// seqlocks get along with programming language memory models?" (MSPC 2012).
//
// One writer at a time (the holder of the shard), readers of any thread. Even: nothing changes.
// Odd: something that its readers rely on changes right now. The odd window holds a few stores of
// references, tags, the table root or an expiry; no loop, no call, no user byte; at most one
// stripe is odd at a time.

import { fence } from "./fence";
import { release32 } from "./store";

/** Opens the odd window. */
@inline
export function stripeOpen(stripe: usize): void {
  release32(stripe, load<u32>(stripe) + 1);
  fence();
}

/** Closes the odd window. */
@inline
export function stripeClose(stripe: usize): void {
  fence();
  release32(stripe, load<u32>(stripe) + 1);
}
