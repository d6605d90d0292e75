// A shard made anew from its pages and items alone: what a file of pages gives back. The index is
// made first, then a round of recovery (recovery-rounds.ts) does the rest.
//
// Nobody else uses the shard meanwhile: no owner word is asked, no slice ends early.

import {
  hashSeed,
  pageBytes,
  pageShift,
  segmentsOf,
  shardAddress,
  stripeMask,
  stripesOffset,
  toAddress,
  toReference,
} from "./arena";
import { holdCount } from "./eviction";
import { hashBytes, namespaceSeed } from "./hash";
import {
  BUCKET_BYTES,
  BUCKET_LOAD_MAX,
  ITEM_HASH,
  ITEM_KEY,
  ITEM_KEY_BYTES,
  ITEM_NAMESPACE,
  ITEM_SEQUENCE,
  ITEM_STAMP,
  ITEM_STATE,
  LOW_48_BITS,
  PAGE_DRAINING,
  PAGE_FREE,
  PAGE_INDEX,
  PAGE_LARGE_HEAD,
  PAGE_LEASE,
  PAGE_OVERFLOW,
  PAGE_RING,
  PAGE_SLAB,
  PAGE_STAGED,
  SHARD_BUCKET_COUNT,
  SHARD_FREE_PAGES,
  SHARD_ITEMS,
  SHARD_ITEMS_MAX,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  SHARD_RECOVERY_DROPPED,
  SHARD_RECOVERY_PHASE,
  SHARD_SEQUENCE,
  SHARD_STAMP,
  SHARD_WHEEL_TICK,
  WHEEL_TICK_MS,
} from "./layout";
import {
  givePage,
  markPage,
  NO_PAGE,
  pageAddress,
  pageClass,
  pageEntry,
  pageKind,
  pagesReset,
  pageThread,
  takePage,
} from "./pages";
import { isWholeItem } from "./recovery-index";
import { isRingInUse, isThread } from "./recovery-pages";
import { beginRound, rebuildSome } from "./recovery-rounds";
import { addOverflowPage, overflowReset } from "./segments";
import { chunksPerPage, strideOf } from "./slab";
import { publish32, put32, put64, zero } from "./store";
import {
  chainRoom,
  findKey,
  HAS_ROOM,
  insertReference,
  NO_OVERFLOW,
  swapReference,
} from "./table";

/** Frees the pages of the old index, of rings and of values that nobody is filling any more. */
function freeIdlePages(shard: usize): void {
  pagesReset(shard);
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  for (let page = first + load<u32>(shard + SHARD_PAGE_COUNT); page > first; page--) {
    const entry = pageEntry(page - 1);
    const kind = pageKind(entry);
    const isIdle =
      kind == PAGE_FREE ||
      kind == PAGE_INDEX ||
      kind == PAGE_OVERFLOW ||
      kind == PAGE_LEASE ||
      (kind == PAGE_RING && !isRingInUse(shard, page - 1)) ||
      (kind == PAGE_STAGED && !isThread(pageThread(entry)));
    if (isIdle) givePage(shard, page - 1);
  }
}

/** True for an item whose memory, shard and hash are as its head says. */
function isGenuine(shard: usize, item: usize): bool {
  if (!isWholeItem(shard, toReference(item))) return false;
  const seed = namespaceSeed(hashSeed, load<u16>(item + ITEM_NAMESPACE));
  const hash = hashBytes(item + ITEM_KEY, load<u16>(item + ITEM_KEY_BYTES), seed);
  return hash == load<u64>(item + ITEM_HASH);
}

/** Chunks of a page in which items may start. */
function chunksIn(page: u32): u32 {
  const kind = pageKind(pageEntry(page));
  if (kind == PAGE_LARGE_HEAD) return 1;
  return kind == PAGE_SLAB || kind == PAGE_DRAINING ? chunksPerPage(pageClass(pageEntry(page))) : 0;
}

let newestStamp: u32 = 0;
let newestSequence: u64 = 0;

/** Looks at all items, or indexes them; their number. */
function walkItems(shard: usize, isIndexing: bool): u32 {
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const end = first + load<u32>(shard + SHARD_PAGE_COUNT);
  let items: u32 = 0;
  for (let page = first; page < end; page++) {
    const chunks = chunksIn(page);
    const stride = chunks > 1 ? strideOf(pageClass(pageEntry(page))) : 0;
    for (let i: u32 = 0; i < chunks; i++) {
      const item = pageAddress(page) + i * stride;
      if (load<u32>(item + ITEM_STATE) == 0 || !isGenuine(shard, item)) continue;
      items += 1;
      if (isIndexing) {
        if (!indexItem(shard, item)) put32(item + ITEM_STATE, 0);
      } else {
        newestStamp = max<u32>(newestStamp, load<u32>(item + ITEM_STAMP));
        newestSequence = max<u64>(newestSequence, load<u64>(item + ITEM_SEQUENCE) & LOW_48_BITS);
      }
    }
  }
  return items;
}

/** An empty table for so many items, smaller when pages are short. */
function makeTable(shard: usize, items: u32): void {
  const pageCount = load<u32>(shard + SHARD_PAGE_COUNT);
  const perPage = pageBytes / BUCKET_BYTES;
  const wanted = max<u32>(perPage, (items + BUCKET_LOAD_MAX - 1) / BUCKET_LOAD_MAX);
  zero(segmentsOf(shard), pageCount * 4);
  overflowReset(shard);
  let segment: u32 = 0;
  while (segment << (pageShift - 6) < wanted) {
    // What lies in the last page has to go when there is no other for the first segment.
    if (segment == 0 && load<u32>(shard + SHARD_FREE_PAGES) == 0) {
      givePage(shard, load<u32>(shard + SHARD_PAGE_FIRST) + pageCount - 1);
    }
    const page = takePage(shard);
    if (page == NO_PAGE) break;
    zero(pageAddress(page), pageBytes);
    markPage(shard, page, PAGE_INDEX, 0, 0);
    put32(segmentsOf(shard) + (segment << 2), <u32>pageAddress(page));
    segment += 1;
  }
  publish32(shard + SHARD_BUCKET_COUNT, min<u32>(wanted, segment << (pageShift - 6)));
}

/** Puts an item into the index; false when it has to go: no room, or a later one of its key. */
function indexItem(shard: usize, item: usize): bool {
  const hash = load<u64>(item + ITEM_HASH);
  const keyBytes = load<u16>(item + ITEM_KEY_BYTES);
  const entry = findKey(shard, hash, load<u16>(item + ITEM_NAMESPACE), item + ITEM_KEY, keyBytes);
  if (entry != 0) {
    const other = toAddress(load<u32>(entry));
    const sequence = load<u64>(item + ITEM_SEQUENCE) & LOW_48_BITS;
    if (sequence <= (load<u64>(other + ITEM_SEQUENCE) & LOW_48_BITS)) return false;
    swapReference(shard, hash, entry, toReference(item));
    put32(other + ITEM_STATE, 0);
    return true;
  }
  if (chainRoom(shard, hash) == NO_OVERFLOW) {
    const page = takePage(shard);
    if (page != NO_PAGE) addOverflowPage(shard, page);
  }
  return insertReference(shard, hash, toReference(item)) == HAS_ROOM;
}

/** Evicts what is more than this shard may hold: it may have been another's, with another bound. */
function holdAllowed(shard: usize): void {
  const itemsMax = load<u32>(shard + SHARD_ITEMS_MAX);
  if (itemsMax == 0) return;
  while (load<u32>(shard + SHARD_ITEMS) > itemsMax) holdCount(shard, itemsMax + 1);
}

/**
 * Makes a shard from page directory and items, with a new index: of two items with one key the one
 * that was written later stands. Times of items count on the clock that says `nowMs`. The number of
 * entries that were found, those included that were then evicted for the bound by count;
 * SHARD_RECOVERY_DROPPED says how many live items had to go before.
 */
export function rebuildShard(index: u32, nowMs: f64): u32 {
  const shard = shardAddress(index);
  put32(shard + SHARD_RECOVERY_DROPPED, 0);
  // Nobody reads: what a file left odd is nobody's change any more.
  zero(shard + stripesOffset, (stripeMask + 1) * 4);
  freeIdlePages(shard);
  newestStamp = load<u32>(shard + SHARD_STAMP);
  newestSequence = load<u64>(shard + SHARD_SEQUENCE);
  const items = walkItems(shard, false);
  if (load<u32>(shard + SHARD_STAMP) == 0) put32(shard + SHARD_STAMP, newestStamp);
  put64(shard + SHARD_SEQUENCE, newestSequence);
  put64(shard + SHARD_WHEEL_TICK, <u64>max<f64>(0, floor<f64>(nowMs / WHEEL_TICK_MS)));
  makeTable(shard, items);
  walkItems(shard, true);
  beginRound(shard);
  while (!rebuildSome(shard)) {}
  put32(shard + SHARD_RECOVERY_PHASE, 0);
  const kept = load<u32>(shard + SHARD_ITEMS);
  put32(shard + SHARD_RECOVERY_DROPPED, items - kept);
  holdAllowed(shard);
  return kept;
}
