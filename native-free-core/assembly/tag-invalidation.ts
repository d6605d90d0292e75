// Invalidation by tags: the entries that have all the tags named are removed, or made stale. A tag
// may have a million members, so a command works through them for a bounded time and leaves its
// place; the caller sends another for the rest. The list is newest first and new members come in
// front, so an invalidation never runs after what is set meanwhile, and what was set after it
// began is newer than its horizon and stays. Holder only.

import { toAddress, toReference } from "./arena";
import { unlinkItem } from "./eviction";
import { dispose } from "./items";
import { stampTag } from "./invalidations";
import {
  ITEM_LIVE,
  ITEM_SEQUENCE,
  ITEM_STATE,
  LOW_48_BITS,
  MEMBER_ITEM,
  MEMBER_NEXT,
  MEMBER_TAG,
  NAME_BYTES,
  NAME_TAG,
  NAME_TEXT,
  OP_EXPIRE_TAGGED,
  PAGE_LARGE_HEAD,
  PAGE_SLAB,
  RECORD_KEY,
  RECORD_NAMESPACE,
  RECORD_OPCODE,
  RECORD_PAGES,
  SHARD_DELETES,
  SHARD_ID,
  SHARD_RECOVERY_ROUND,
  SHARD_SEQUENCE,
  SLICE_AFFECTED,
  SLICE_HORIZON,
  SLICE_ITEM,
  SLICE_MEMBER,
  SLICE_NAMES,
  SLICE_ROUND,
  SLICE_SEQUENCE,
  TAG_COUNT,
  TAG_MEMBERS,
} from "./layout";
import { pageEntry, pageKind, pageOf, pageShard } from "./pages";
import { isCurrent } from "./shard";
import { markStale } from "./staleness";
import { STATUS_OK } from "./status";
import { put32, put64, putF64 } from "./store";
import { blockOf, memberAt, memberCount } from "./tag-block";
import { nextName, openNames } from "./tag-names";
import { findTag } from "./tag-table";
import { tagHash } from "./tags";

/** Bound of one slice: what takes about 100 µs, in units of about one member looked at. */
const UNITS_PER_SLICE: u32 = 512;
const UNITS_PER_REMOVAL: u32 = 8;

/** One slice of an invalidation. Always OK; the answer lies in the SLICE_* fields. */
export function applyTagged(shard: usize, record: usize): i32 {
  const slice = record + RECORD_KEY;
  put32(slice + SLICE_AFFECTED, 0);
  const shortest = resolveNames(shard, record, slice);
  if (load<f64>(slice + SLICE_HORIZON) < 0) {
    putF64(slice + SLICE_HORIZON, <f64>(load<u64>(shard + SHARD_SEQUENCE) & LOW_48_BITS));
  }
  if (shortest == 0) put32(slice + SLICE_MEMBER, 0);
  else workThrough(shard, record, resume(shard, slice, shortest));
  return STATUS_OK;
}

@inline
function openNamesOf(record: usize): u32 {
  return openNames(record + RECORD_KEY + SLICE_NAMES, load<u32>(record + RECORD_PAGES) - 1);
}

/** Finds the tags named; the one with the fewest members, 0 when one of them has none. */
function resolveNames(shard: usize, record: usize, slice: usize): usize {
  const namespaceId = load<u16>(record + RECORD_NAMESPACE);
  const count = openNamesOf(record);
  let shortest: usize = 0;
  let isMissing = false;
  for (let i: u32 = 0; i < count; i++) {
    const name = nextName();
    const nameBytes = load<u16>(name + NAME_BYTES);
    const hash = tagHash(name + NAME_TEXT, nameBytes, namespaceId);
    // Loads under way become void before anything is removed. One name is enough: entries that
    // are meant have all of them.
    if (i == 0 && load<f64>(slice + SLICE_HORIZON) < 0) stampTag(hash);
    const tag = findTag(shard, hash, namespaceId, name + NAME_TEXT, nameBytes);
    put32(name + NAME_TAG, toReference(tag));
    if (tag == 0) isMissing = true;
    else if (shortest == 0 || load<u32>(tag + TAG_COUNT) < load<u32>(shortest + TAG_COUNT)) {
      shortest = tag;
    }
  }
  return isMissing ? 0 : shortest;
}

/** The member where the last slice stopped, else the first of the list. */
function resume(shard: usize, slice: usize, tag: usize): usize {
  const link = load<u32>(slice + SLICE_MEMBER);
  // A recovery in between has built the list anew, in another order: what was behind this member
  // may be before it now.
  const isSameList = load<u32>(slice + SLICE_ROUND) == load<u32>(shard + SHARD_RECOVERY_ROUND);
  if (link != 0 && isSameList) {
    const item = toAddress(load<u32>(slice + SLICE_ITEM));
    if (isStill(shard, item, load<f64>(slice + SLICE_SEQUENCE))) return toAddress(link);
  }
  // The item was removed or moved meanwhile: members that were done are gone, or passed again.
  return toAddress(load<u32>(tag + TAG_MEMBERS));
}

/** True when the live item with that sequence is still at the address: no other write has it. */
function isStill(shard: usize, item: usize, sequence: f64): bool {
  const entry = pageEntry(pageOf(item));
  const kind = pageKind(entry);
  if (kind != PAGE_SLAB && kind != PAGE_LARGE_HEAD) return false;
  if (pageShard(entry) != load<u32>(shard + SHARD_ID)) return false;
  return load<u32>(item + ITEM_STATE) == ITEM_LIVE && sequenceOf(item) == sequence;
}

@inline
function sequenceOf(item: usize): f64 {
  return <f64>(load<u64>(item + ITEM_SEQUENCE) & LOW_48_BITS);
}

function workThrough(shard: usize, record: usize, from: usize): void {
  const slice = record + RECORD_KEY;
  const isSoft = load<u8>(record + RECORD_OPCODE) == OP_EXPIRE_TAGGED;
  const horizon = load<f64>(slice + SLICE_HORIZON);
  let member = from;
  let affected: u32 = 0;
  let units: u32 = 0;
  while (member != 0 && units < UNITS_PER_SLICE) {
    const item = toAddress(load<u32>(member + MEMBER_ITEM));
    member = toAddress(load<u32>(member + MEMBER_NEXT));
    const tags = memberCount(blockOf(item));
    const names = openNamesOf(record);
    units += 1 + (((names - 1) * tags) >> 4);
    if (sequenceOf(item) > horizon || !hasAll(names, item)) continue;
    units += UNITS_PER_REMOVAL + tags;
    const isCounted = isCurrent(item);
    if (isSoft) {
      if (isCounted && markStale(shard, item)) affected += 1;
    } else {
      unlinkItem(shard, item);
      dispose(shard, item);
      if (isCounted) affected += 1;
    }
  }
  if (!isSoft) put64(shard + SHARD_DELETES, load<u64>(shard + SHARD_DELETES) + affected);
  put32(slice + SLICE_AFFECTED, affected);
  leavePlace(shard, slice, member);
}

/** True when an item has all the tags that the opened walk of `names` names goes through. */
function hasAll(names: u32, item: usize): bool {
  if (names == 1) return true;
  const block = blockOf(item);
  const count = memberCount(block);
  for (let i: u32 = 0; i < names; i++) {
    const wanted = load<u32>(nextName() + NAME_TAG);
    let at: u32 = 0;
    while (at < count && load<u32>(memberAt(block, at) + MEMBER_TAG) != wanted) at += 1;
    if (at == count) return false;
  }
  return true;
}

/** Says where the next slice goes on; nowhere when no member is left. */
function leavePlace(shard: usize, slice: usize, member: usize): void {
  put32(slice + SLICE_MEMBER, toReference(member));
  put32(slice + SLICE_ROUND, load<u32>(shard + SHARD_RECOVERY_ROUND));
  if (member == 0) return;
  const item = load<u32>(member + MEMBER_ITEM);
  put32(slice + SLICE_ITEM, item);
  putF64(slice + SLICE_SEQUENCE, sequenceOf(toAddress(item)));
}
