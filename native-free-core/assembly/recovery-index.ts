// Recovery of the index: entries that name no live item of their bucket are dropped, or the whole
// index is made anew from the items.
//
// Every store of an odd window leaves the chain sound by itself: a tag and then its reference, one
// link, the root after its new bucket is complete, a copy and then its hole. So what a dead holder
// leaves is a chain that may name an item twice (a fold), or items of the bucket that was split
// off; never memory that holds no item. The checks here do not rely on that.

import { inPages, shardOf, stripeOf, toAddress } from "./arena";
import { itemBytes, pagesFor } from "./items";
import {
  BUCKET_ENTRIES,
  BUCKET_NEXT,
  BUCKET_REFERENCES,
  CHAIN_BUCKETS_MAX,
  CLASS_LARGE,
  ITEM_CLASS,
  ITEM_HASH,
  ITEM_LIVE,
  ITEM_LRU_PREV,
  ITEM_STATE,
  PAGE_LARGE_MEMBER,
  PAGE_NEXT,
  PAGE_OVERFLOW,
  SHARD_BUCKET_COUNT,
  SHARD_ID,
} from "./layout";
import { pageClass, pageEntry, pageKind, pageOf, pageShard } from "./pages";
import { noteAge } from "./recovery-order";
import { bucketAddress } from "./segments";
import { startsChunk, strideOf } from "./slab";
import { put32 } from "./store";
import { stripeClose, stripeOpen } from "./stripe";
import { contentBytes } from "./tag-block";
import { bucketNumber, bucketOf, pruneChain, tagOf } from "./table";

/** True when a reference names a live item, all of whose memory is its own. */
export function isWholeItem(shard: usize, reference: u32): bool {
  if (!startsChunk(shard, reference)) return false;
  const item = toAddress(reference);
  if (load<u32>(item + ITEM_STATE) != ITEM_LIVE) return false;
  const sizeClass = load<u8>(item + ITEM_CLASS);
  let entry = pageEntry(pageOf(item));
  if (pageClass(entry) != sizeClass) return false;
  if (shardOf(load<u64>(item + ITEM_HASH)) != load<u32>(shard + SHARD_ID)) return false;
  // The content first: where a tag block lies follows from it.
  if (sizeClass != CLASS_LARGE) {
    return contentBytes(item) <= strideOf(sizeClass) && itemBytes(item) <= strideOf(sizeClass);
  }
  let wanted = pagesFor(itemBytes(item));
  while (--wanted != 0) {
    const next = load<u32>(entry + PAGE_NEXT);
    if (next == 0) return false;
    entry = pageEntry(next - 1);
    if (pageKind(entry) != PAGE_LARGE_MEMBER) return false;
    if (pageShard(entry) != load<u32>(shard + SHARD_ID)) return false;
  }
  return load<u32>(entry + PAGE_NEXT) == 0;
}

/** True when a reference names an overflow bucket of this shard. */
function isOverflow(shard: usize, reference: u32): bool {
  if (!inPages(reference) || (reference & 7) != 0) return false;
  const entry = pageEntry(pageOf(toAddress(reference)));
  return pageKind(entry) == PAGE_OVERFLOW && pageShard(entry) == load<u32>(shard + SHARD_ID);
}

/** Clears an entry or a link of a chain, in an odd window unless the stripe is odd already. */
function clearWord(stripe: usize, word: usize, isOdd: bool): void {
  if (!isOdd) stripeOpen(stripe);
  put32(word, 0);
  if (!isOdd) stripeClose(stripe);
}

/** True when an entry before this one, in the chain that starts at `first`, names the same item. */
function isRepeated(first: usize, entry: usize): bool {
  const reference = load<u32>(entry);
  let bucket = first;
  for (let i: u32 = 0; i < CHAIN_BUCKETS_MAX; i++) {
    for (let slot: u32 = 0; slot < BUCKET_ENTRIES; slot++) {
      const other = bucket + BUCKET_REFERENCES + (slot << 2);
      if (other == entry) return false;
      if (load<u32>(other) == reference) return true;
    }
    const next = load<u32>(bucket + BUCKET_NEXT);
    if (next == 0) return false;
    bucket = toAddress(next);
  }
  return false;
}

/**
 * Checks each entry of a bucket and of the overflow buckets behind it. Items that stay are marked
 * in ITEM_LRU_PREV when `mark` is not 0 (a mark is no reference: too small). `isOdd` says that the
 * stripe is odd and closed by the caller. The number of entries that stay.
 */
export function checkChain(shard: usize, number: u32, mark: u32, isOdd: bool): u32 {
  const count = load<u32>(shard + SHARD_BUCKET_COUNT);
  const stripe = stripeOf(shard, <u64>number);
  const first = bucketAddress(shard, number);
  let bucket = first;
  let stay: u32 = 0;
  for (let i: u32 = 0; i < CHAIN_BUCKETS_MAX; i++) {
    for (let slot: u32 = 0; slot < BUCKET_ENTRIES; slot++) {
      const entry = bucket + BUCKET_REFERENCES + (slot << 2);
      const reference = load<u32>(entry);
      if (reference == 0) continue;
      const item = toAddress(reference);
      const belongs =
        isWholeItem(shard, reference) &&
        bucketNumber(load<u64>(item + ITEM_HASH), count) == number &&
        load<u8>(bucket + slot) == tagOf(load<u64>(item + ITEM_HASH));
      const isTwice =
        mark != 0 ? load<u32>(item + ITEM_LRU_PREV) == mark : isRepeated(first, entry);
      if (!belongs || isTwice) {
        clearWord(stripe, entry, isOdd);
        continue;
      }
      stay += 1;
      if (mark == 0) continue;
      put32(item + ITEM_LRU_PREV, mark);
      noteAge(shard, item);
    }
    const next = load<u32>(bucket + BUCKET_NEXT);
    if (next == 0) break;
    if (i == CHAIN_BUCKETS_MAX - 1 || !isOverflow(shard, next)) {
      clearWord(stripe, bucket + BUCKET_NEXT, isOdd);
      break;
    }
    bucket = toAddress(next);
  }
  if (mark != 0 && bucket != first) pruneChain(shard, <u64>number, first);
  return stay;
}

/**
 * True when an overflow bucket is part of a chain. One that is holds a reference (empty ones were
 * pruned), and that names an item whose chain it is; what a free one holds leads to other chains.
 */
export function isChained(shard: usize, overflow: usize): bool {
  for (let slot: u32 = 0; slot < BUCKET_ENTRIES; slot++) {
    const reference = load<u32>(overflow + BUCKET_REFERENCES + (slot << 2));
    if (reference == 0) continue;
    if (!startsChunk(shard, reference)) return false;
    let bucket = bucketOf(shard, load<u64>(toAddress(reference) + ITEM_HASH));
    for (let i: u32 = 0; i < CHAIN_BUCKETS_MAX; i++) {
      if (bucket == overflow) return true;
      const next = load<u32>(bucket + BUCKET_NEXT);
      if (next == 0) return false;
      bucket = toAddress(next);
    }
    return false;
  }
  return false;
}
