// How a set gives its item tags: the tags are found or made, and kept, before the item is known to
// anybody. The place where tags and the making of room meet. Holder only.

import { toAddress, toReference } from "./arena";
import { copyBytes } from "./bytes";
import { stealPage } from "./eviction";
import { fence } from "./fence";
import {
  FLAG_LARGE,
  FLAG_TAGGED,
  MEMBER_TAG,
  MEMBERS_COUNT,
  NAME_BYTES,
  NAME_TEXT,
  NAMES_COUNT,
  NAMES_FIRST,
  NAMES_HELD,
  NAMES_PLACE,
  PAGE_NEXT,
  RECORD_CONTENT_TYPE_BYTES,
  RECORD_FLAGS,
  RECORD_KEY,
  RECORD_KEY_BYTES,
  RECORD_NAMESPACE,
  RECORD_VALUE_BYTES,
  TAG_COUNT,
  TAG_HASH,
  TAG_LIVE,
  TAG_MEMBERS,
  TAG_NAME,
  TAG_NAME_BYTES,
  TAG_NAMESPACE,
  TAG_STATE,
} from "./layout";
import { givePage, NO_PAGE, noteChange, pageEntry, pageOf } from "./pages";
import { publish32, put16, put32, put64, put8 } from "./store";
import { blockOf, memberAt, memberCount } from "./tag-block";
import { areStaged, nextName, openNames } from "./tag-names";
import { addTagPage, freeTagChunk, takeTagChunk, tagClassOf } from "./tag-pages";
import { findTag, hasTable, insertTag, openTable } from "./tag-table";
import { holdTag, releaseTag, releaseTags, tagHash } from "./tags";

/** Names of the tags that a set carries. */
export function namesOf(record: usize): usize {
  const key = record + RECORD_KEY + load<u16>(record + RECORD_KEY_BYTES);
  if (load<u8>(record + RECORD_FLAGS) & FLAG_LARGE) return key;
  const typeBytes = load<u8>(record + RECORD_CONTENT_TYPE_BYTES);
  return key + typeBytes + load<u32>(record + RECORD_VALUE_BYTES);
}

/**
 * Fills the block of an item that nobody knows yet: finds or makes its tags, and keeps them until
 * `finishTags`. False when there is no memory for them; then none is kept. May evict.
 */
export function beginTags(shard: usize, record: usize, item: usize): bool {
  const names = namesOf(record);
  const block = blockOf(item);
  const page = areStaged(names) ? load<u32>(pageEntry(pageOf(block)) + PAGE_NEXT) - 1 : NO_PAGE;
  const count = openNames(names, page);
  put32(block + MEMBERS_COUNT, count);
  if (load<u8>(names + NAMES_PLACE) == NAMES_HELD) {
    for (let i: u32 = 0; i < count; i++) {
      const tag = load<u32>(names + NAMES_FIRST + i * 4);
      holdTag(toAddress(tag));
      put32(memberAt(block, i) + MEMBER_TAG, tag);
    }
    return true;
  }
  const namespaceId = load<u16>(record + RECORD_NAMESPACE);
  for (let i: u32 = 0; i < count; i++) {
    const tag = internTag(shard, nextName(), namespaceId);
    if (tag == 0) {
      releaseTags(shard, block, i);
      return false;
    }
    put32(memberAt(block, i) + MEMBER_TAG, toReference(tag));
  }
  if (page != NO_PAGE) dropNamePages(shard, pageOf(block));
  return true;
}

/** The item is on the lists of its tags: they need no keeping any more. */
export function finishTags(shard: usize, item: usize): void {
  const block = blockOf(item);
  releaseTags(shard, block, memberCount(block));
}

/**
 * Lets a record, which is complete but for its tags, carry those of an item, and keeps them:
 * `dropCarried` follows, whatever becomes of the record. There is room for TAGS_MAX references.
 */
export function carryTags(record: usize, item: usize): void {
  put8(record + RECORD_FLAGS, load<u8>(record + RECORD_FLAGS) | FLAG_TAGGED);
  const names = namesOf(record);
  const block = blockOf(item);
  const count = memberCount(block);
  put8(names + NAMES_COUNT, count);
  put8(names + NAMES_PLACE, NAMES_HELD);
  for (let i: u32 = 0; i < count; i++) {
    const tag = load<u32>(memberAt(block, i) + MEMBER_TAG);
    holdTag(toAddress(tag));
    put32(names + NAMES_FIRST + i * 4, tag);
  }
}

/** Ends what `carryTags` began. */
export function dropCarried(shard: usize, record: usize): void {
  const names = namesOf(record);
  const count = load<u8>(names + NAMES_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    releaseTag(shard, toAddress(load<u32>(names + NAMES_FIRST + i * 4)));
  }
}

/** Gives back the staged pages behind the last page of an item. */
function dropNamePages(shard: usize, last: u32): void {
  const link = pageEntry(last) + PAGE_NEXT;
  while (load<u32>(link) != 0) {
    const page = load<u32>(link) - 1;
    put32(link, load<u32>(pageEntry(page) + PAGE_NEXT));
    givePage(shard, page);
  }
}

/** The tag of a name, made if need be and kept once more; 0 when there is no memory for it. */
function internTag(shard: usize, name: usize, namespaceId: u32): usize {
  const nameBytes = load<u16>(name + NAME_BYTES);
  const hash = tagHash(name + NAME_TEXT, nameBytes, namespaceId);
  let tag = findTag(shard, hash, namespaceId, name + NAME_TEXT, nameBytes);
  if (tag != 0) {
    holdTag(tag);
    return tag;
  }
  tag = acquireTag(shard, tagClassOf(nameBytes));
  if (tag == 0) return 0;
  copyBytes(tag + TAG_NAME, name + NAME_TEXT, nameBytes);
  put64(tag + TAG_HASH, hash);
  put16(tag + TAG_NAMESPACE, namespaceId);
  put16(tag + TAG_NAME_BYTES, nameBytes);
  put32(tag + TAG_MEMBERS, 0);
  put32(tag + TAG_COUNT, 1);
  fence();
  publish32(tag + TAG_STATE, TAG_LIVE);
  noteChange(pageOf(tag));
  insertTag(shard, tag);
  return tag;
}

/** Memory for a tag, and a table that takes it. */
function acquireTag(shard: usize, sizeClass: u32): usize {
  let tag = takeTagChunk(shard, sizeClass);
  if (tag == 0) {
    const page = stealPage(shard);
    if (page != NO_PAGE) addTagPage(shard, page, sizeClass);
    // What was evicted may have left a chunk where there was none.
    tag = takeTagChunk(shard, sizeClass);
    if (tag == 0) return 0;
  }
  if (!hasTable(shard)) {
    const page = stealPage(shard);
    if (page == NO_PAGE) {
      freeTagChunk(shard, tag);
      return 0;
    }
    openTable(shard, page);
  }
  return tag;
}
