// Birth of an arena: slot table, size classes, shards. The binding has written the header's
// constants before.

import {
  bindArena,
  classLookup,
  inlineBytes,
  pageBytes,
  pageCount,
  routing,
  shardAddress,
} from "./arena";
import {
  CLASS_LARGE,
  HEADER_CLASS_CHUNKS,
  HEADER_CLASS_COUNT,
  HEADER_CLASS_STRIDES,
  HEADER_SHARD_COUNT,
  ITEM_HEAD_BYTES,
  SHARD_BUCKET_COUNT,
  SHARD_ID,
  SHARD_ITEMS_MAX,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  SLOT_TABLE_SLOTS,
  STRIDE_FINE_BYTES,
  STRIDE_MIN_BYTES,
  STRIDE_STEP_BYTES,
} from "./layout";
import { registerNamespace } from "./namespaces";
import { givePage, takePage } from "./pages";
import { policyAddPage, policyWantsPage } from "./policy";
import { addSegment } from "./segments";
import { put32, put8 } from "./store";

/** Growth of the coarse size classes, in 1/64: 1.15 a step. */
const GROWTH_64THS: u32 = 74;

/** Fills the slot table: slots dealt out evenly, neighbours to different shards. */
function dealSlots(shardCount: u32): void {
  for (let slot: u32 = 0; slot < SLOT_TABLE_SLOTS; slot++) {
    put8(routing + slot, slot % shardCount);
  }
}

/** Lays down strides from the smallest item to the largest that fits one chunk. */
function layClasses(): void {
  const largest = (ITEM_HEAD_BYTES + inlineBytes + 7) & ~7;
  let stride = STRIDE_MIN_BYTES;
  let sizeClass: u32 = 0;
  let filled: u32 = 0;
  while (true) {
    if (stride > largest || sizeClass == CLASS_LARGE - 1) stride = largest;
    put32(HEADER_CLASS_STRIDES + sizeClass * 4, stride);
    put32(HEADER_CLASS_CHUNKS + sizeClass * 4, pageBytes / stride);
    while (filled * 8 <= stride) {
      put8(classLookup + filled, sizeClass);
      filled += 1;
    }
    sizeClass += 1;
    if (stride == largest) break;
    if (stride < STRIDE_FINE_BYTES) stride += STRIDE_STEP_BYTES;
    else stride = (((stride * GROWTH_64THS) >> 6) + 7) & ~7;
  }
  put32(HEADER_CLASS_COUNT, sizeClass);
}

/** Deals out pages to shards in proportion to their slots, and makes each shard's first table. */
function makeShards(shardCount: u32, itemsMax: u32): void {
  let firstPage: u32 = 0;
  let slots: u32 = 0;
  for (let index: u32 = 0; index < shardCount; index++) {
    const shard = shardAddress(index);
    slots += (SLOT_TABLE_SLOTS - index + shardCount - 1) / shardCount;
    const nextPage = <u32>((<u64>pageCount * slots) / SLOT_TABLE_SLOTS);
    put32(shard + SHARD_ID, index);
    put32(shard + SHARD_PAGE_FIRST, firstPage);
    put32(shard + SHARD_PAGE_COUNT, nextPage - firstPage);
    const share = itemsMax / shardCount + (index < itemsMax % shardCount ? 1 : 0);
    put32(shard + SHARD_ITEMS_MAX, itemsMax == 0 ? 0 : max<u32>(1, share));
    // Backwards, so that pages are taken in rising order.
    for (let page = nextPage; page > firstPage; page--) givePage(shard, page - 1);
    addSegment(shard, takePage(shard));
    put32(shard + SHARD_BUCKET_COUNT, pageBytes >> 6);
    while (policyWantsPage(shard)) policyAddPage(shard, takePage(shard));
    firstPage = nextPage;
  }
}

/** Completes a new arena whose header constants are written. */
export function createArena(itemsMax: u32): void {
  bindArena();
  const shardCount = load<u32>(HEADER_SHARD_COUNT);
  // Id 0 is the key space without a name.
  registerNamespace(0, 0);
  dealSlots(shardCount);
  layClasses();
  makeShards(shardCount, itemsMax);
}
