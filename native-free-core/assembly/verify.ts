// Walks everything of a shard and reports each broken invariant. The caller holds the shard, or
// nobody else uses the arena.

import {
  inPages,
  pageCount,
  shardAddress,
  shardOf,
  stripeMask,
  stripesOffset,
  toAddress,
  toReference,
} from "./arena";
import { beginReport, findings, report } from "./findings";
import { footprintBytes, itemBytes, pagesFor } from "./items";
import {
  BUCKET_ENTRIES,
  BUCKET_NEXT,
  BUCKET_REFERENCES,
  CHAIN_BUCKETS_MAX,
  CLASS_FREE_CHUNKS,
  CLASS_LARGE,
  CLASS_PAGES,
  CLASS_PARTIAL,
  ITEM_EXPIRY_MS,
  ITEM_HASH,
  ITEM_LIVE,
  ITEM_LRU_NEXT,
  ITEM_STATE,
  ITEM_WHEEL_NEXT,
  ITEM_WHEEL_PREV,
  PAGE_CARVED,
  PAGE_FREE,
  PAGE_FREE_COUNT,
  PAGE_FREE_HEAD,
  PAGE_LARGE_HEAD,
  PAGE_LARGE_MEMBER,
  PAGE_LISTED,
  PAGE_NEXT,
  PAGE_SLAB,
  SHARD_BUCKET_COUNT,
  SHARD_BYTES_USED,
  SHARD_FREE_PAGE_HEAD,
  SHARD_FREE_PAGES,
  SHARD_ITEMS,
  SHARD_ITEMS_MAX,
  SHARD_OVERFLOWS,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  SHARD_WHEEL,
  SHARD_WHEEL_COUNT,
  SHARD_WHEEL_OCCUPIED,
  WHEEL_FIRST,
  WHEEL_LEVELS,
  WHEEL_SLOTS,
} from "./layout";
import { pageAddress, pageClass, pageEntry, pageKind, pageOf, pageShard } from "./pages";
import { bucketAddress } from "./segments";
import { chunksPerPage, classAddress, strideOf } from "./slab";
import { faultOfLeases } from "./verify-leases";
import { bucketNumber, findReference, tagOf } from "./table";
import { startsItem, verifyPolicy } from "./verify-policy";
import { beginTagCheck, verifyItemTags, verifyTags } from "./verify-tags";

// Codes; `../verify-report.ts` words them.
const ODD_STRIPE: u32 = 1;
const BAD_REFERENCE: u32 = 2;
const DEAD_REFERENCE: u32 = 3;
const WRONG_SHARD: u32 = 4;
const WRONG_BUCKET: u32 = 5;
const WRONG_TAG: u32 = 6;
const INDEX_COUNT: u32 = 7;
const LONG_CHAIN: u32 = 8;
const LOST_ITEM: u32 = 9;
const FREE_LIST: u32 = 13;
const CLASS_SUMS: u32 = 14;
const PAGE_SUMS: u32 = 15;
const WHEEL_LINKS: u32 = 16;
const WHEEL_TOTAL: u32 = 17;
const NOT_ON_WHEEL: u32 = 18;
const BYTES_SUM: u32 = 19;
const OVERFLOW_SUM: u32 = 20;
const PAGE_LIST: u32 = 21;
const OVER_COUNT: u32 = 22;
const LEASE_TABLES: u32 = 29;

function verifyStripes(shard: usize): void {
  for (let i: u32 = 0; i <= stripeMask; i++) {
    const stripe = shard + stripesOffset + (i << 2);
    if (load<u32>(stripe) & 1) report(ODD_STRIPE, stripe);
  }
}

function verifyEntry(shard: usize, index: u32, number: u32, bucket: usize, slot: u32): u32 {
  const reference = load<u32>(bucket + BUCKET_REFERENCES + (slot << 2));
  if (reference == 0) return 0;
  if (!startsItem(reference)) {
    report(BAD_REFERENCE, bucket);
    return 1;
  }
  const item = toAddress(reference);
  const hash = load<u64>(item + ITEM_HASH);
  if (load<u32>(item + ITEM_STATE) != ITEM_LIVE) report(DEAD_REFERENCE, item);
  if (shardOf(hash) != index) report(WRONG_SHARD, item);
  const count = load<u32>(shard + SHARD_BUCKET_COUNT);
  if (bucketNumber(hash, count) != number) report(WRONG_BUCKET, item);
  if (load<u8>(bucket + slot) != tagOf(hash)) report(WRONG_TAG, item);
  return 1;
}

function verifyIndex(shard: usize, index: u32): void {
  const count = load<u32>(shard + SHARD_BUCKET_COUNT);
  let entries: u32 = 0;
  let overflows: u32 = 0;
  for (let number: u32 = 0; number < count; number++) {
    let bucket = bucketAddress(shard, number);
    for (let i: u32 = 0; i < CHAIN_BUCKETS_MAX; i++) {
      for (let slot: u32 = 0; slot < BUCKET_ENTRIES; slot++) {
        entries += verifyEntry(shard, index, number, bucket, slot);
      }
      const next = load<u32>(bucket + BUCKET_NEXT);
      if (next == 0) break;
      if (i == CHAIN_BUCKETS_MAX - 1 || !inPages(next)) {
        report(LONG_CHAIN, bucket);
        break;
      }
      overflows += 1;
      bucket = toAddress(next);
    }
  }
  if (entries != load<u32>(shard + SHARD_ITEMS)) report(INDEX_COUNT, entries);
  if (overflows != load<u32>(shard + SHARD_OVERFLOWS)) report(OVERFLOW_SUM, overflows);
}

/** Checks one live item; its footprint. */
function verifyItem(shard: usize, item: usize): u32 {
  const reference = toReference(item);
  const entry = findReference(shard, load<u64>(item + ITEM_HASH), reference);
  if (entry == 0) report(LOST_ITEM, item);
  const onWheel = load<u32>(item + ITEM_WHEEL_PREV) != 0;
  if (onWheel != load<f64>(item + ITEM_EXPIRY_MS) < Infinity) report(NOT_ON_WHEEL, item);
  verifyItemTags(shard, item);
  return footprintBytes(item);
}

function verifySlabPage(shard: usize, page: u32): u64 {
  const entry = pageEntry(page);
  const sizeClass = pageClass(entry);
  const chunks = chunksPerPage(sizeClass);
  const stride = strideOf(sizeClass);
  const start = pageAddress(page);
  let bytes: u64 = 0;
  let occupied: u32 = 0;
  for (let i: u32 = 0; i < chunks; i++) {
    const item = start + i * stride;
    const state = load<u32>(item + ITEM_STATE);
    if (state != 0) occupied += 1;
    if (state == ITEM_LIVE) bytes += verifyItem(shard, item);
  }
  const free = load<u32>(entry + PAGE_FREE_COUNT);
  if (occupied + free != chunks) report(FREE_LIST, entry);
  let listed: u32 = 0;
  let reference = load<u32>(entry + PAGE_FREE_HEAD);
  while (reference != 0 && listed <= free) {
    const chunk = toAddress(reference);
    if (pageOf(chunk) != page || load<u32>(chunk + ITEM_STATE) != 0) {
      report(FREE_LIST, chunk);
      break;
    }
    listed += 1;
    reference = load<u32>(chunk + ITEM_LRU_NEXT);
  }
  if (listed + chunks - load<u32>(entry + PAGE_CARVED) != free) report(FREE_LIST, entry);
  if ((load<u32>(entry + PAGE_LISTED) == 1) != free > 0) report(PAGE_LIST, entry);
  return bytes;
}

function verifyLargePages(page: u32): void {
  const item = pageAddress(page);
  const wanted = pagesFor(itemBytes(item));
  let seen: u32 = 1;
  let next = load<u32>(pageEntry(page) + PAGE_NEXT);
  while (next != 0 && seen <= wanted) {
    if (pageKind(pageEntry(next - 1)) != PAGE_LARGE_MEMBER) report(PAGE_LIST, next - 1);
    seen += 1;
    next = load<u32>(pageEntry(next - 1) + PAGE_NEXT);
  }
  if (seen != wanted || next != 0) report(PAGE_LIST, item);
}

function verifyPages(shard: usize, index: u32): void {
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const count = load<u32>(shard + SHARD_PAGE_COUNT);
  let free: u32 = 0;
  let bytes: u64 = 0;
  for (let page = first; page < first + count; page++) {
    const entry = pageEntry(page);
    const kind = pageKind(entry);
    if (pageShard(entry) != index) report(PAGE_SUMS, entry);
    if (kind == PAGE_FREE) free += 1;
    if (kind == PAGE_SLAB) bytes += verifySlabPage(shard, page);
    if (kind == PAGE_LARGE_HEAD) {
      verifyLargePages(page);
      if (load<u32>(pageAddress(page) + ITEM_STATE) == ITEM_LIVE) {
        bytes += verifyItem(shard, pageAddress(page));
      }
    }
  }
  if (free != load<u32>(shard + SHARD_FREE_PAGES)) report(PAGE_SUMS, free);
  let listed: u32 = 0;
  let next = load<u32>(shard + SHARD_FREE_PAGE_HEAD);
  while (next != 0 && listed <= free) {
    if (pageKind(pageEntry(next - 1)) != PAGE_FREE) report(PAGE_LIST, next - 1);
    listed += 1;
    next = load<u32>(pageEntry(next - 1) + PAGE_NEXT);
  }
  if (listed != free) report(PAGE_LIST, listed);
  if (bytes != load<u64>(shard + SHARD_BYTES_USED)) report(BYTES_SUM, <usize>bytes);
}

function verifyClass(shard: usize, sizeClass: u32): void {
  const record = classAddress(shard, sizeClass);
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const count = load<u32>(shard + SHARD_PAGE_COUNT);
  let pages: u32 = 0;
  let free: u32 = 0;
  for (let page = first; page < first + count; page++) {
    const entry = pageEntry(page);
    if (pageKind(entry) != PAGE_SLAB || pageClass(entry) != sizeClass) continue;
    pages += 1;
    free += load<u32>(entry + PAGE_FREE_COUNT);
  }
  if (pages != load<u32>(record + CLASS_PAGES)) report(CLASS_SUMS, record);
  if (free != load<u32>(record + CLASS_FREE_CHUNKS)) report(CLASS_SUMS, record);
  let listed: u32 = 0;
  let next = load<u32>(record + CLASS_PARTIAL);
  while (next != 0 && listed < pages) {
    const entry = pageEntry(next - 1);
    listed += load<u32>(entry + PAGE_FREE_COUNT) > 0 ? 1 : 0;
    if (pageClass(entry) != sizeClass) report(PAGE_LIST, entry);
    next = load<u32>(entry + PAGE_NEXT);
  }
  if (next != 0) report(PAGE_LIST, record);
}

function verifyWheel(shard: usize): void {
  let total: u32 = 0;
  const count = load<u32>(shard + SHARD_WHEEL_COUNT);
  for (let slot: u32 = 0; slot < WHEEL_LEVELS * WHEEL_SLOTS; slot++) {
    let reference = load<u32>(shard + SHARD_WHEEL + slot * 4);
    const bits = load<u64>(shard + SHARD_WHEEL_OCCUPIED + (slot >> 6) * 8);
    if (((bits >> (slot & 63)) & 1) != (reference != 0 ? 1 : 0)) report(WHEEL_LINKS, slot);
    let previous = WHEEL_FIRST | slot;
    while (reference != 0 && total <= count) {
      const item = toAddress(reference);
      if (load<u32>(item + ITEM_STATE) != ITEM_LIVE) report(WHEEL_LINKS, item);
      if (load<u32>(item + ITEM_WHEEL_PREV) != previous) report(WHEEL_LINKS, item);
      previous = reference;
      reference = load<u32>(item + ITEM_WHEEL_NEXT);
      total += 1;
    }
  }
  if (total != count) report(WHEEL_TOTAL, total);
}

/** Checks every invariant of a shard; the number of findings, the first of them in the report. */
export function verifyShard(index: u32, target: usize, room: u32): u32 {
  beginReport(target, room);
  const shard = shardAddress(index);
  beginTagCheck();
  verifyStripes(shard);
  verifyIndex(shard, index);
  verifyPolicy(shard);
  verifyPages(shard, index);
  for (let sizeClass: u32 = 0; sizeClass < CLASS_LARGE; sizeClass++) verifyClass(shard, sizeClass);
  verifyWheel(shard);
  verifyTags(shard);
  const fault = faultOfLeases(shard);
  if (fault != 0) report(LEASE_TABLES, fault);
  const itemsMax = load<u32>(shard + SHARD_ITEMS_MAX);
  if (itemsMax != 0 && load<u32>(shard + SHARD_ITEMS) > itemsMax) report(OVER_COUNT, itemsMax);
  return findings;
}

/** What a reader can reach: the references of the index alone, whatever the lists look like. */
export function verifyIndexOnly(index: u32, target: usize, room: u32): u32 {
  beginReport(target, room);
  const shard = shardAddress(index);
  verifyReachable(shard);
  return findings;
}

function verifyReachable(shard: usize): void {
  const count = load<u32>(shard + SHARD_BUCKET_COUNT);
  for (let number: u32 = 0; number < count; number++) {
    const stripe = shard + stripesOffset + ((number & stripeMask) << 2);
    // An odd stripe is closed to readers.
    if (load<u32>(stripe) & 1) continue;
    let bucket = bucketAddress(shard, number);
    for (let i: u32 = 0; i < CHAIN_BUCKETS_MAX; i++) {
      for (let slot: u32 = 0; slot < BUCKET_ENTRIES; slot++) {
        const reference = load<u32>(bucket + BUCKET_REFERENCES + (slot << 2));
        if (reference == 0) continue;
        if (!inPages(reference)) report(BAD_REFERENCE, bucket);
        else if (load<u32>(toAddress(reference) + ITEM_STATE) != ITEM_LIVE) {
          report(DEAD_REFERENCE, toAddress(reference));
        }
      }
      const next = load<u32>(bucket + BUCKET_NEXT);
      if (next == 0) break;
      bucket = toAddress(next);
    }
  }
}
