// Where the tag block of an item lies: behind its value, at the next multiple of 8. Readers do not
// know of it; key, content type and value lie where they lie without it.
//
// With a large value the block keeps together: it begins in a further page where the last one
// lacks room for the largest block. Its place then follows from the lengths in the head alone.

import { pageBytes, pageShift } from "./arena";
import {
  CLASS_LARGE,
  ITEM_CLASS,
  ITEM_CONTENT_TYPE_BYTES,
  ITEM_FLAGS,
  ITEM_HEAD_BYTES,
  ITEM_KEY_BYTES,
  ITEM_TAGGED,
  ITEM_VALUE_BYTES,
  MEMBER_BYTES,
  MEMBERS_COUNT,
  MEMBERS_FIRST,
  PAGE_NEXT,
  TAG_BLOCK_BYTES_MAX,
  TAGS_MAX,
} from "./layout";
import { pageAddress, pageEntry, pageOf } from "./pages";

@inline
export function isTagged(item: usize): bool {
  return (load<u8>(item + ITEM_FLAGS) & ITEM_TAGGED) != 0;
}

/** Bytes of head, key, content type and value. */
@inline
export function contentBytes(item: usize): u32 {
  return (
    ITEM_HEAD_BYTES +
    load<u16>(item + ITEM_KEY_BYTES) +
    load<u8>(item + ITEM_CONTENT_TYPE_BYTES) +
    load<u32>(item + ITEM_VALUE_BYTES)
  );
}

/** Bytes of an item in one chunk whose block has `count` members. */
@inline
export function taggedBytes(content: u32, count: u32): u32 {
  return ((content + 7) & ~7) + MEMBERS_FIRST + count * MEMBER_BYTES;
}

/** Where the block of a large item begins, counted over its pages. */
export function largeBlockOffset(content: u32): u32 {
  const start = (content + 7) & ~7;
  const room = pageBytes - (start & (pageBytes - 1));
  return room < TAG_BLOCK_BYTES_MAX ? start + room : start;
}

/** The block of a tagged item. */
export function blockOf(item: usize): usize {
  const content = contentBytes(item);
  if (load<u8>(item + ITEM_CLASS) != CLASS_LARGE) return item + ((content + 7) & ~7);
  const offset = largeBlockOffset(content);
  let page = pageOf(item);
  for (let i = offset >> pageShift; i != 0; i--) page = load<u32>(pageEntry(page) + PAGE_NEXT) - 1;
  return pageAddress(page) + (offset & (pageBytes - 1));
}

/** Members of a block; none where the number cannot be true. */
@inline
export function memberCount(block: usize): u32 {
  const count = load<u32>(block + MEMBERS_COUNT);
  return count <= TAGS_MAX ? count : 0;
}

@inline
export function memberAt(block: usize, index: u32): usize {
  return block + MEMBERS_FIRST + index * MEMBER_BYTES;
}

/** Bytes of a tagged item with its block. */
export function bytesWithBlock(item: usize): u32 {
  const content = contentBytes(item);
  if (load<u8>(item + ITEM_CLASS) == CLASS_LARGE) {
    return largeBlockOffset(content) + TAG_BLOCK_BYTES_MAX;
  }
  return taggedBytes(content, memberCount(blockOf(item)));
}
