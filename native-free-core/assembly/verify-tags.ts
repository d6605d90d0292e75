// Checks of tags for `verifyShard`: memory, table, and each list against the items that name it.

import { inPages, toAddress, toReference } from "./arena";
import { report } from "./findings";
import {
  ITEM_LIVE,
  ITEM_NAMESPACE,
  ITEM_STATE,
  MEMBER_ITEM,
  MEMBER_NEXT,
  MEMBER_PREV,
  MEMBER_TAG,
  PAGE_FREE_COUNT,
  PAGE_FREE_HEAD,
  PAGE_CARVED,
  PAGE_LISTED,
  PAGE_NEXT,
  PAGE_TAG,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  SHARD_TAG_CHAINS,
  SHARD_TAG_PAGES,
  SHARD_TAG_PARTIAL,
  SHARD_TAGS,
  TAG_CLASSES,
  TAG_COUNT,
  TAG_HASH,
  TAG_LIVE,
  TAG_MEMBERS,
  TAG_NAME,
  TAG_NAME_BYTES,
  TAG_NAMESPACE,
  TAG_NEXT,
  TAG_STATE,
  TAG_TABLE_CLASS,
} from "./layout";
import { pageAddress, pageClass, pageEntry, pageKind, pageOf } from "./pages";
import { blockOf, isTagged, memberAt, memberCount } from "./tag-block";
import { tagsPerPage, tagStride } from "./tag-pages";
import { chainHead, findTag } from "./tag-table";
import { isTag, tagHash } from "./tags";

// Codes; `../verify-report.ts` words them.
const TAG_NAME_WRONG: u32 = 23;
const TAG_LIST: u32 = 24;
const TAG_UNUSED: u32 = 25;
const TAG_TABLE: u32 = 26;
const TAG_PAGE: u32 = 27;
const TAG_MISSING: u32 = 28;

/** Members of all tags, to be compared with those of all items. */
let listed: u32 = 0;
/** Members of the items that `verifyItemTags` saw. */
let named: u32 = 0;

export function beginTagCheck(): void {
  listed = 0;
  named = 0;
}

/** Checks the block of a live item. */
export function verifyItemTags(shard: usize, item: usize): void {
  if (!isTagged(item)) return;
  const block = blockOf(item);
  const count = memberCount(block);
  if (count == 0) report(TAG_MISSING, item);
  for (let i: u32 = 0; i < count; i++) {
    const member = memberAt(block, i);
    if (load<u32>(member + MEMBER_ITEM) != toReference(item)) report(TAG_MISSING, item);
    const reference = load<u32>(member + MEMBER_TAG);
    if (!isTag(shard, reference)) report(TAG_MISSING, item);
    else if (load<u16>(toAddress(reference) + TAG_NAMESPACE) != load<u16>(item + ITEM_NAMESPACE)) {
      report(TAG_MISSING, item);
    }
    named += 1;
  }
}

function verifyTag(shard: usize, tag: usize): void {
  const namespaceId = load<u16>(tag + TAG_NAMESPACE);
  const nameBytes = load<u16>(tag + TAG_NAME_BYTES);
  const hash = load<u64>(tag + TAG_HASH);
  if (tagHash(tag + TAG_NAME, nameBytes, namespaceId) != hash) report(TAG_NAME_WRONG, tag);
  if (findTag(shard, hash, namespaceId, tag + TAG_NAME, nameBytes) != tag) report(TAG_TABLE, tag);
  const count = load<u32>(tag + TAG_COUNT);
  if (count == 0) report(TAG_UNUSED, tag);
  let previous: u32 = 0;
  let link = load<u32>(tag + TAG_MEMBERS);
  let seen: u32 = 0;
  while (link != 0 && seen <= count && inPages(link)) {
    const member = toAddress(link);
    const item = toAddress(load<u32>(member + MEMBER_ITEM));
    if (load<u32>(member + MEMBER_PREV) != previous) report(TAG_LIST, member);
    if (load<u32>(member + MEMBER_TAG) != toReference(tag)) report(TAG_LIST, member);
    if (load<u32>(item + ITEM_STATE) != ITEM_LIVE || !isTagged(item)) report(TAG_LIST, item);
    previous = link;
    link = load<u32>(member + MEMBER_NEXT);
    seen += 1;
  }
  if (link != 0 || seen != count) report(TAG_LIST, tag);
  listed += seen;
}

/** Checks a page of tags; how many it holds. */
function verifyTagPage(shard: usize, page: u32): u32 {
  const entry = pageEntry(page);
  const sizeClass = pageClass(entry);
  const stride = tagStride(sizeClass);
  const chunks = tagsPerPage(sizeClass);
  const start = pageAddress(page);
  let tags: u32 = 0;
  for (let i: u32 = 0; i < chunks; i++) {
    const tag = start + i * stride;
    const state = load<u32>(tag + TAG_STATE);
    if (state == 0) continue;
    tags += 1;
    if (state == TAG_LIVE) verifyTag(shard, tag);
    else report(TAG_PAGE, tag);
  }
  const free = load<u32>(entry + PAGE_FREE_COUNT);
  if (tags == 0 || tags + free != chunks) report(TAG_PAGE, entry);
  let count: u32 = 0;
  let reference = load<u32>(entry + PAGE_FREE_HEAD);
  while (reference != 0 && count <= free) {
    const chunk = toAddress(reference);
    if (pageOf(chunk) != page || load<u32>(chunk + TAG_STATE) != 0) report(TAG_PAGE, chunk);
    count += 1;
    reference = load<u32>(chunk + TAG_NEXT);
  }
  if (count + chunks - load<u32>(entry + PAGE_CARVED) != free) report(TAG_PAGE, entry);
  if ((load<u32>(entry + PAGE_LISTED) == 1) != free > 0) report(TAG_PAGE, entry);
  return tags;
}

/** Pages on the lists of those with free chunks. */
function countPartial(shard: usize): u32 {
  let count: u32 = 0;
  const most = load<u32>(shard + SHARD_PAGE_COUNT);
  for (let sizeClass: u32 = 0; sizeClass < TAG_CLASSES; sizeClass++) {
    let next = load<u32>(shard + SHARD_TAG_PARTIAL + sizeClass * 4);
    while (next != 0 && count <= most) {
      const entry = pageEntry(next - 1);
      const isRight = pageKind(entry) == PAGE_TAG && pageClass(entry) == sizeClass;
      if (!isRight || load<u32>(entry + PAGE_LISTED) != 1) report(TAG_PAGE, entry);
      count += 1;
      next = load<u32>(entry + PAGE_NEXT);
    }
  }
  return count;
}

/** Tags on all chains. */
function countChained(shard: usize, most: u32): u32 {
  let count: u32 = 0;
  const chains = load<u32>(shard + SHARD_TAG_CHAINS);
  for (let i: u32 = 0; i < chains; i++) {
    let reference = load<u32>(chainHead(shard, i));
    while (reference != 0 && count <= most) {
      count += 1;
      if (!isTag(shard, reference)) {
        report(TAG_TABLE, reference);
        break;
      }
      reference = load<u32>(toAddress(reference) + TAG_NEXT);
    }
  }
  return count;
}

/** Checks everything about tags; `verifyItemTags` saw all live items before. */
export function verifyTags(shard: usize): void {
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const end = first + load<u32>(shard + SHARD_PAGE_COUNT);
  let pages: u32 = 0;
  let tags: u32 = 0;
  let partial: u32 = 0;
  for (let page = first; page < end; page++) {
    const entry = pageEntry(page);
    if (pageKind(entry) != PAGE_TAG) continue;
    pages += 1;
    if (pageClass(entry) == TAG_TABLE_CLASS) continue;
    tags += verifyTagPage(shard, page);
    partial += load<u32>(entry + PAGE_FREE_COUNT) > 0 ? 1 : 0;
  }
  if (pages != load<u32>(shard + SHARD_TAG_PAGES)) report(TAG_PAGE, pages);
  if (partial != countPartial(shard)) report(TAG_PAGE, partial);
  if (tags != load<u32>(shard + SHARD_TAGS)) report(TAG_TABLE, tags);
  if (tags != countChained(shard, tags)) report(TAG_TABLE, tags);
  if (tags == 0 && pages != 0) report(TAG_UNUSED, pages);
  if (listed != named) report(TAG_LIST, listed);
}
