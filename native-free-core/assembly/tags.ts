// Tags: names that items carry, each with the list of its members. A tag is there as long as a
// member is; its name, and in each item the references to its tags, are the truth, lists and
// counts are derived from them.
//
// Order of stores, so that a death loses no tag: a tag is complete before its state says so, and
// says so before an item refers to it; an item's state is cleared before a tag that it alone had
// is freed. Holder only.

import { hashSeed, inPages, pageCount, toAddress, toReference } from "./arena";
import { hashBytes, namespaceSeed } from "./hash";
import {
  MEMBER_ITEM,
  MEMBER_NEXT,
  MEMBER_PREV,
  MEMBER_TAG,
  PAGE_TAG,
  SHARD_ID,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  SHARD_TAGS,
  TAG_CLASSES,
  TAG_COUNT,
  TAG_LIVE,
  TAG_MEMBERS,
  TAG_SEGMENTS_MAX,
  TAG_STATE,
  TAG_TABLE_CLASS,
} from "./layout";
import {
  givePage,
  noteChange,
  offsetInPage,
  pageAddress,
  pageClass,
  pageEntry,
  pageKind,
  pageOf,
  pageShard,
} from "./pages";
import { put32 } from "./store";
import { blockOf, memberAt, memberCount } from "./tag-block";
import {
  forgetTagPages,
  freeTagChunk,
  giveIfEmpty,
  rebuildTagPage,
  tagsPerPage,
  tagStride,
} from "./tag-pages";
import { adoptSegment, closeTable, forgetTable, hasTable, insertTag, removeTag } from "./tag-table";

/** Hash of a tag's name; tags of different namespaces hash apart. */
@inline
export function tagHash(name: usize, nameBytes: u32, namespaceId: u32): u64 {
  return hashBytes(name, nameBytes, namespaceSeed(hashSeed, namespaceId));
}

/** True when a reference starts a tag of this shard. */
export function isTag(shard: usize, reference: u32): bool {
  if (!inPages(reference)) return false;
  const tag = toAddress(reference);
  const page = pageOf(tag);
  if (page >= pageCount) return false;
  const entry = pageEntry(page);
  if (pageKind(entry) != PAGE_TAG || pageShard(entry) != load<u32>(shard + SHARD_ID)) return false;
  const sizeClass = pageClass(entry);
  if (sizeClass >= TAG_CLASSES) return false;
  const offset = offsetInPage(tag);
  const stride = tagStride(sizeClass);
  if (offset % stride != 0 || offset / stride >= tagsPerPage(sizeClass)) return false;
  return load<u32>(tag + TAG_STATE) == TAG_LIVE;
}

/** Puts a tagged item on the lists of its tags. Its block names them. */
export function tagsLink(shard: usize, item: usize): void {
  const block = blockOf(item);
  const count = memberCount(block);
  for (let i: u32 = 0; i < count; i++) {
    const member = memberAt(block, i);
    const reference = load<u32>(member + MEMBER_TAG);
    if (isTag(shard, reference)) linkMember(toAddress(reference), member, item);
    else put32(member + MEMBER_TAG, 0);
  }
}

function linkMember(tag: usize, member: usize, item: usize): void {
  const next = load<u32>(tag + TAG_MEMBERS);
  put32(member + MEMBER_PREV, 0);
  put32(member + MEMBER_NEXT, next);
  put32(member + MEMBER_ITEM, toReference(item));
  if (next != 0) put32(toAddress(next) + MEMBER_PREV, toReference(member));
  put32(tag + TAG_MEMBERS, toReference(member));
  put32(tag + TAG_COUNT, load<u32>(tag + TAG_COUNT) + 1);
}

/** Takes a tagged item off the lists of its tags, which stay until `tagsCollect`. */
export function tagsUnlink(shard: usize, item: usize): void {
  const block = blockOf(item);
  const count = memberCount(block);
  for (let i: u32 = 0; i < count; i++) {
    const member = memberAt(block, i);
    const reference = load<u32>(member + MEMBER_TAG);
    if (reference == 0) continue;
    const tag = toAddress(reference);
    const previous = load<u32>(member + MEMBER_PREV);
    const next = load<u32>(member + MEMBER_NEXT);
    if (previous != 0) put32(toAddress(previous) + MEMBER_NEXT, next);
    else put32(tag + TAG_MEMBERS, next);
    if (next != 0) put32(toAddress(next) + MEMBER_PREV, previous);
    put32(tag + TAG_COUNT, load<u32>(tag + TAG_COUNT) - 1);
  }
}

/** Lets the neighbours of `from`, a linked item, name `to`, its copy, in its place. */
export function tagsMove(shard: usize, from: usize, to: usize): void {
  const block = blockOf(to);
  const count = memberCount(block);
  const reference = toReference(to);
  for (let i: u32 = 0; i < count; i++) {
    const member = memberAt(block, i);
    const tag = load<u32>(member + MEMBER_TAG);
    if (tag == 0) continue;
    const link = toReference(member);
    const previous = load<u32>(member + MEMBER_PREV);
    const next = load<u32>(member + MEMBER_NEXT);
    put32(member + MEMBER_ITEM, reference);
    if (previous != 0) put32(toAddress(previous) + MEMBER_NEXT, link);
    else put32(toAddress(tag) + TAG_MEMBERS, link);
    if (next != 0) put32(toAddress(next) + MEMBER_PREV, link);
  }
}

/** Frees tags that have no member since a tagged item left, whose state says so by now. */
export function tagsCollect(shard: usize, item: usize): void {
  const block = blockOf(item);
  const count = memberCount(block);
  for (let i: u32 = 0; i < count; i++) {
    const member = memberAt(block, i);
    const reference = load<u32>(member + MEMBER_TAG);
    if (reference == 0) continue;
    // The item may stay for a reader; its tags are not looked at again.
    put32(member + MEMBER_TAG, 0);
    const tag = toAddress(reference);
    if (load<u32>(tag + TAG_COUNT) == 0) freeTag(shard, tag);
  }
}

function freeTag(shard: usize, tag: usize): void {
  removeTag(shard, tag);
  put32(tag + TAG_STATE, 0);
  noteChange(pageOf(tag));
  freeTagChunk(shard, tag);
  if (load<u32>(shard + SHARD_TAGS) == 0) closeTable(shard);
}

/** Keeps a tag while a command is about to give it a member. */
export function holdTag(tag: usize): void {
  put32(tag + TAG_COUNT, load<u32>(tag + TAG_COUNT) + 1);
}

/** Ends what `holdTag` began; a tag that has no member then is freed. */
export function releaseTag(shard: usize, tag: usize): void {
  const left = load<u32>(tag + TAG_COUNT) - 1;
  put32(tag + TAG_COUNT, left);
  if (left == 0) freeTag(shard, tag);
}

/** `releaseTag` for the first `count` tags of a block. */
export function releaseTags(shard: usize, block: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    releaseTag(shard, toAddress(load<u32>(memberAt(block, i) + MEMBER_TAG)));
  }
}

/**
 * Recovery: chains, free lists and the page list are built from the tags in the pages; no tag has
 * a member afterwards. `tagsLink` for each live item with a block follows, then `tagsFinish`. The
 * shard's free pages must be known, none is taken.
 */
export function tagsReset(shard: usize): void {
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const end = first + load<u32>(shard + SHARD_PAGE_COUNT);
  forgetTagPages(shard);
  forgetTable(shard);
  let segments: u32 = 0;
  for (let page = first; page < end; page++) {
    const entry = pageEntry(page);
    if (pageKind(entry) != PAGE_TAG || pageClass(entry) != TAG_TABLE_CLASS) continue;
    if (segments < TAG_SEGMENTS_MAX) adoptSegment(shard, page, segments);
    else givePage(shard, page);
    segments += 1;
  }
  for (let page = first; page < end; page++) {
    const entry = pageEntry(page);
    if (pageKind(entry) != PAGE_TAG || pageClass(entry) == TAG_TABLE_CLASS) continue;
    // Without a table no tag was complete: there was none, or none is left to name it.
    if (segments != 0) resetTagsOf(shard, page);
    rebuildTagPage(shard, page, segments != 0);
  }
}

function resetTagsOf(shard: usize, page: u32): void {
  const sizeClass = pageClass(pageEntry(page));
  const stride = tagStride(sizeClass);
  const chunks = tagsPerPage(sizeClass);
  const start = pageAddress(page);
  for (let i: u32 = 0; i < chunks; i++) {
    const tag = start + i * stride;
    if (load<u32>(tag + TAG_STATE) != TAG_LIVE) continue;
    put32(tag + TAG_MEMBERS, 0);
    put32(tag + TAG_COUNT, 0);
    insertTag(shard, tag);
  }
}

/** Recovery: frees tags that no item has, and pages without tags. */
export function tagsFinish(shard: usize): void {
  const first = load<u32>(shard + SHARD_PAGE_FIRST);
  const end = first + load<u32>(shard + SHARD_PAGE_COUNT);
  for (let page = first; page < end; page++) {
    const entry = pageEntry(page);
    if (pageKind(entry) != PAGE_TAG || pageClass(entry) == TAG_TABLE_CLASS) continue;
    if (!giveIfEmpty(shard, page)) freeUnused(shard, page);
  }
  if (hasTable(shard) && load<u32>(shard + SHARD_TAGS) == 0) closeTable(shard);
}

/** Frees the tags of a page that have no member; with the last of them the page goes. */
function freeUnused(shard: usize, page: u32): void {
  const entry = pageEntry(page);
  const sizeClass = pageClass(entry);
  const stride = tagStride(sizeClass);
  const chunks = tagsPerPage(sizeClass);
  const start = pageAddress(page);
  for (let i: u32 = 0; i < chunks && pageKind(entry) == PAGE_TAG; i++) {
    const tag = start + i * stride;
    if (load<u32>(tag + TAG_STATE) != TAG_LIVE) continue;
    if (load<u32>(tag + TAG_COUNT) == 0) freeTag(shard, tag);
  }
}
