// Checks what the eviction policy keeps of a shard: queues, their counts, its pages.

import {
  evictionPolicy,
  filterOffset,
  filterPagesMax,
  inPages,
  pageCount,
  toAddress,
} from "./arena";
import { report } from "./findings";
import {
  CLASS_ITEMS,
  CLASS_LRU_HEAD,
  CLASS_LRU_TAIL,
  CLASS_MAX,
  ITEM_CLASS,
  ITEM_LRU_NEXT,
  ITEM_LRU_PREV,
  ITEM_STAMP,
  PAGE_LARGE_HEAD,
  PAGE_NEXT,
  PAGE_SKETCH,
  PAGE_SLAB,
  POLICY_LRU,
  QUEUES,
  SHADOWS,
  SHARD_CLASS_USED,
  SHARD_FILTER_PAGES,
  SHARD_ITEMS,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  SHARD_QUEUE_ITEMS,
  SHARD_SHADOW_PAGES,
} from "./layout";
import { pageAddress, pageClass, pageEntry, pageKind, pageOf } from "./pages";
import { listOf, queueOf } from "./queues";
import { strideOf } from "./slab";

const QUEUE_LINKS: u32 = 10;
const QUEUE_COUNT: u32 = 11;
const QUEUE_ORDER: u32 = 12;
const WRONG_QUEUE: u32 = 30;
const POLICY_PAGES: u32 = 31;

/** True when an item starts at a reference. */
export function startsItem(reference: u32): bool {
  if (!inPages(reference)) return false;
  const address = toAddress(reference);
  const page = pageOf(address);
  if (page >= pageCount) return false;
  const entry = pageEntry(page);
  const offset = <u32>(address - pageAddress(page));
  if (pageKind(entry) == PAGE_LARGE_HEAD) return offset == 0;
  return pageKind(entry) == PAGE_SLAB && offset % strideOf(pageClass(entry)) == 0;
}

/** Checks one list; its length. */
function verifyList(queue: u32, sizeClass: u32, record: usize): u32 {
  const items = load<u32>(record + CLASS_ITEMS);
  let previous: u32 = 0;
  let reference = load<u32>(record + CLASS_LRU_HEAD);
  let seen: u32 = 0;
  while (reference != 0 && seen <= items && startsItem(reference)) {
    const item = toAddress(reference);
    if (load<u32>(item + ITEM_LRU_PREV) != previous) report(QUEUE_LINKS, item);
    if (load<u8>(item + ITEM_CLASS) != sizeClass) report(QUEUE_LINKS, item);
    if (queueOf(item) != queue) report(WRONG_QUEUE, item);
    if (previous != 0) {
      const step = load<u32>(toAddress(previous) + ITEM_STAMP) - load<u32>(item + ITEM_STAMP);
      if (<i32>step <= 0) report(QUEUE_ORDER, item);
    }
    previous = reference;
    reference = load<u32>(item + ITEM_LRU_NEXT);
    seen += 1;
  }
  if (reference != 0 || seen != items) report(QUEUE_COUNT, record);
  if (load<u32>(record + CLASS_LRU_TAIL) != previous) report(QUEUE_LINKS, record);
  return seen;
}

function verifyQueues(shard: usize): void {
  const used = load<u64>(shard + SHARD_CLASS_USED);
  const queues: u32 = evictionPolicy == POLICY_LRU ? 1 : QUEUES;
  let total: u32 = 0;
  for (let sizeClass: u32 = 0; sizeClass < CLASS_MAX; sizeClass++) {
    let ofClass: u32 = 0;
    for (let queue: u32 = 0; queue < queues; queue++) {
      ofClass += verifyList(queue, sizeClass, listOf(shard, queue, sizeClass));
    }
    if ((ofClass != 0) != (((used >> <u64>sizeClass) & 1) != 0)) report(QUEUE_COUNT, sizeClass);
    total += ofClass;
  }
  if (total != load<u32>(shard + SHARD_ITEMS)) report(QUEUE_COUNT, total);
  if (evictionPolicy == POLICY_LRU) return;
  for (let queue: u32 = 0; queue < QUEUES; queue++) {
    let items: u32 = 0;
    for (let sizeClass: u32 = 0; sizeClass < CLASS_MAX; sizeClass++) {
      items += load<u32>(listOf(shard, queue, sizeClass) + CLASS_ITEMS);
    }
    if (items != load<u32>(shard + SHARD_QUEUE_ITEMS + queue * 4)) report(QUEUE_COUNT, queue);
  }
}

/** The policy's pages are those that the directory says, each in the place that it says. */
function verifyPolicyPages(shard: usize): void {
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const count = load<u32>(shard + SHARD_PAGE_COUNT);
  const pages = load<u32>(shard + SHARD_FILTER_PAGES);
  const shadows = load<u32>(shard + SHARD_SHADOW_PAGES);
  if (pages > filterPagesMax || shadows > SHADOWS) report(POLICY_PAGES, shard);
  let found: u32 = 0;
  for (let page = first; page < first + count; page++) {
    const entry = pageEntry(page);
    if (pageKind(entry) != PAGE_SKETCH) continue;
    found += 1;
    const number = load<u32>(entry + PAGE_NEXT);
    const isNamed = number < filterPagesMax ? number < pages : number - filterPagesMax < shadows;
    const named = isNamed ? load<u32>(shard + filterOffset + number * 4) : 0;
    if (named != <u32>pageAddress(page)) report(POLICY_PAGES, entry);
  }
  if (found != pages + shadows) report(POLICY_PAGES, found);
}

/** Checks everything that the policy keeps of a shard. */
export function verifyPolicy(shard: usize): void {
  verifyQueues(shard);
  verifyPolicyPages(shard);
}
