// What a shard does: set, delete, change of expiry, staging of large values. Each function takes
// a record (layout.ts) and returns its status. Holder only; the structures that it joins do not
// know each other.
//
// A set takes memory, writes the new item completely, its state last, then swaps one reference in
// the odd window, then frees the old item. At no moment is the key without a value.

import { evictionPolicy, stripeOf, threadAddress, toAddress, toReference } from "./arena";
import { copyBytes } from "./bytes";
import { judgeMs } from "./clock";
import { acquireChunk, evict, holdCount, makePagesFree, stealPage, upheavals } from "./eviction";
import { fence } from "./fence";
import { admitsFill, settleLease, voidLeaseOfRecord } from "./fills";
import { delist, dispose, enlist, freePageList, pagesFor, retire } from "./items";
import {
  BUCKET_NEXT,
  BUCKET_REFERENCES,
  CHAIN_BUCKETS_MAX,
  CLASS_LARGE,
  FLAG_KEEP_TTL,
  FLAG_LARGE,
  FLAG_LEASE,
  FLAG_ONLY_ABSENT,
  FLAG_ONLY_PRESENT,
  FLAG_RETURN_OLD,
  FLAG_TAGGED,
  FLAG_VERSION,
  HIGH_16_SHIFT,
  ITEM_CLASS,
  ITEM_CREATED_MS,
  ITEM_ENCODING,
  ITEM_EPOCH,
  ITEM_EXPIRY_MS,
  ITEM_FLAGS,
  ITEM_HASH,
  ITEM_HEAD_BYTES,
  ITEM_KEY,
  ITEM_KEY_BYTES,
  ITEM_LIVE,
  ITEM_NAMESPACE,
  ITEM_RETURNED,
  ITEM_SEQUENCE,
  ITEM_STAMP,
  ITEM_STATE,
  ITEM_TAGGED,
  ITEM_VALUE_BYTES,
  ITEM_WHEEL_PREV,
  LOW_48_BITS,
  NAMES_COUNT,
  NO_THREAD,
  PAGE_LARGE_HEAD,
  PAGE_LARGE_MEMBER,
  PAGE_NEXT,
  PAGE_STAGED,
  POLICY_LRU,
  RECORD_CONTENT_TYPE_BYTES,
  RECORD_CREATED_MS,
  RECORD_ENCODING,
  RECORD_EPOCH,
  RECORD_EXPIRY_MS,
  RECORD_FLAGS,
  RECORD_GUARD,
  RECORD_HASH,
  RECORD_KEY,
  RECORD_KEY_BYTES,
  RECORD_NAMESPACE,
  RECORD_OLD,
  RECORD_PAGES,
  RECORD_VALUE_BYTES,
  SHARD_DELETES,
  SHARD_ITEMS_MAX,
  SHARD_SEQUENCE,
  SHARD_SETS,
  SHARD_STAMP,
  THREAD_RETURNED,
} from "./layout";
import { namespaceEpoch } from "./namespaces";
import {
  markPage,
  NO_PAGE,
  noteChange,
  pageAddress,
  pageEntry,
  pageOf,
  takePage,
} from "./pages";
import { policyAddPage, policyAdmit, policyArrive, policyWantsPage } from "./policy";
import { addOverflowPage, addSegment, hasRoomForBucket } from "./segments";
import { classOfBytes, freeChunk, startsChunk } from "./slab";
import { isStale } from "./staleness";
import { STATUS_OK, STATUS_OUT_OF_MEMORY, STATUS_REFUSED } from "./status";
import { add32, put16, put32, put64, put8, putF64, release32 } from "./store";
import { stripeClose, stripeOpen } from "./stripe";
import {
  bucketOf,
  findKey,
  CHAIN_FULL,
  chainRoom,
  HAS_ROOM,
  insertReference,
  NO_OVERFLOW,
  removeEntry,
  splitBucket,
  swapReference,
  wantsGrowth,
} from "./table";
import { taggedBytes } from "./tag-block";
import { beginTags, finishTags, namesOf } from "./tagging";
import { wheelInsert, wheelRemove } from "./wheel";

/** True when an item still counts: not expired and of the present epoch of its namespace. */
export function isCurrent(item: usize): bool {
  const epoch = namespaceEpoch(load<u16>(item + ITEM_NAMESPACE));
  if (load<u32>(item + ITEM_EPOCH) != epoch) return false;
  const expiry = load<f64>(item + ITEM_EXPIRY_MS);
  return expiry == Infinity || judgeMs < expiry;
}

/** True when an item is what reads answer with: current and not stale. */
@inline
export function isFresh(item: usize): bool {
  return isCurrent(item) && !isStale(item);
}

/** Index entry of a record's key; 0 = none. */
export function findRecordKey(shard: usize, record: usize): usize {
  return findKey(
    shard,
    load<u64>(record + RECORD_HASH),
    load<u16>(record + RECORD_NAMESPACE),
    record + RECORD_KEY,
    load<u16>(record + RECORD_KEY_BYTES),
  );
}

/** True when the namespace was cleared after the command was given: the clear wins. */
@inline
export function isOvertaken(record: usize): bool {
  return load<u32>(record + RECORD_EPOCH) != namespaceEpoch(load<u16>(record + RECORD_NAMESPACE));
}

/** Next touch stamp of the shard. */
export function nextStamp(shard: usize): u32 {
  const stamp = load<u32>(shard + SHARD_STAMP) + 1;
  put32(shard + SHARD_STAMP, stamp);
  return stamp;
}

function count(counter: usize): void {
  put64(counter, load<u64>(counter) + 1);
}

/** True unless a write asks for another version than that of the present item; 0 = no item. */
@inline
function hasVersion(record: usize, item: usize): bool {
  if ((load<u8>(record + RECORD_FLAGS) & FLAG_VERSION) == 0) return true;
  const version = item == 0 ? <u64>0 : load<u64>(item + ITEM_SEQUENCE) & LOW_48_BITS;
  return load<f64>(record + RECORD_GUARD) == <f64>(<i64>version);
}

/** True when a set is refused where no entry is. */
function needsOld(record: usize): bool {
  const flags = load<u8>(record + RECORD_FLAGS);
  if (flags & FLAG_ONLY_PRESENT) return true;
  return (flags & FLAG_VERSION) != 0 && load<f64>(record + RECORD_GUARD) != 0;
}

/** Frees a new item that nothing names yet. */
function discard(shard: usize, item: usize): void {
  put32(item + ITEM_STATE, 0);
  if (load<u8>(item + ITEM_FLAGS) & ITEM_TAGGED) finishTags(shard, item);
  if (load<u8>(item + ITEM_CLASS) == CLASS_LARGE) freePageList(shard, pageOf(item));
  else freeChunk(shard, item);
}

/** Stores a value. OK, REFUSED when a condition does not hold, or OUT_OF_MEMORY. */
export function applySet(shard: usize, record: usize, thread: u32): i32 {
  const flags = load<u8>(record + RECORD_FLAGS);
  put32(record + RECORD_OLD, 0);
  if ((flags & FLAG_LEASE) != 0 && !admitsFill(shard, record)) {
    dropStaged(shard, record);
    return STATUS_REFUSED;
  }
  if (isOvertaken(record)) {
    dropStaged(shard, record);
    settleLease(shard, record);
    // No version outlives a clear.
    return (flags & FLAG_VERSION) != 0 ? STATUS_REFUSED : STATUS_OK;
  }
  let entry = findRecordKey(shard, record);
  let old = entry != 0 ? toAddress(load<u32>(entry)) : 0;
  const current = old != 0 && isCurrent(old);
  const fresh = current && !isStale(old);
  const refusing = fresh ? FLAG_ONLY_ABSENT : FLAG_ONLY_PRESENT;
  if ((flags & refusing) != 0 || !hasVersion(record, fresh ? old : 0)) {
    dropStaged(shard, record);
    return STATUS_REFUSED;
  }
  const ownExpiryMs = load<f64>(record + RECORD_EXPIRY_MS);
  const keepsExpiry = (flags & FLAG_KEEP_TTL) != 0 && fresh;
  if (keepsExpiry) {
    putF64(record + RECORD_EXPIRY_MS, load<f64>(old + ITEM_EXPIRY_MS));
  }
  const before = upheavals;
  // Room in the index first: from here to the link the item is on no list, so nothing that could
  // move it may happen in between.
  if (entry == 0) makeIndexRoom(shard, load<u64>(record + RECORD_HASH));
  if (evictionPolicy != POLICY_LRU) {
    policyArrive(shard, load<u64>(record + RECORD_HASH), current ? old : 0);
  }
  const item = makeItem(shard, record, old);
  if (item == 0) return STATUS_OUT_OF_MEMORY;
  if (upheavals != before) {
    entry = findRecordKey(shard, record);
    old = entry != 0 ? toAddress(load<u32>(entry)) : 0;
    // The entry made room for its own replacement: it went before the command, which missed it.
    if (old == 0 && fresh && needsOld(record)) {
      discard(shard, item);
      return STATUS_REFUSED;
    }
    // Nor is there a time to live to keep then. The item is on no list yet.
    if (old == 0 && keepsExpiry) putF64(item + ITEM_EXPIRY_MS, ownExpiryMs);
  }
  if (evictionPolicy != POLICY_LRU) policyAdmit(shard, item);
  linkItem(shard, record, item, entry);
  enlist(shard, item);
  if (flags & FLAG_TAGGED) finishTags(shard, item);
  if (old != 0) {
    if (fresh && (flags & FLAG_RETURN_OLD) != 0) returnOld(shard, record, old, thread);
    else dropOld(shard, old);
  }
  settleLease(shard, record);
  count(shard + SHARD_SETS);
  if (wantsGrowth(shard)) growTable(shard);
  if (policyWantsPage(shard)) growPolicy(shard);
  return STATUS_OK;
}

/** Bytes of the item that a record describes, but for a large one. */
@inline
export function bytesOfRecord(record: usize): u32 {
  const content =
    ITEM_HEAD_BYTES +
    load<u16>(record + RECORD_KEY_BYTES) +
    load<u8>(record + RECORD_CONTENT_TYPE_BYTES) +
    load<u32>(record + RECORD_VALUE_BYTES);
  if ((load<u8>(record + RECORD_FLAGS) & FLAG_TAGGED) == 0) return content;
  return taggedBytes(content, load<u8>(namesOf(record) + NAMES_COUNT));
}

/** Writes the item that a record describes; 0 when there is no memory for it. */
function makeItem(shard: usize, record: usize, old: usize): usize {
  const keyBytes = load<u16>(record + RECORD_KEY_BYTES);
  const typeBytes = load<u8>(record + RECORD_CONTENT_TYPE_BYTES);
  const valueBytes = load<u32>(record + RECORD_VALUE_BYTES);
  if (old == 0) boundCount(shard);
  let item: usize;
  let sizeClass: u32 = CLASS_LARGE;
  const flags = load<u8>(record + RECORD_FLAGS);
  if (flags & FLAG_LARGE) {
    item = pageAddress(load<u32>(record + RECORD_PAGES) - 1);
  } else {
    sizeClass = classOfBytes(bytesOfRecord(record));
    const reserve: u32 = old != 0 && load<u8>(old + ITEM_CLASS) == sizeClass ? 0 : 1;
    item = acquireChunk(shard, sizeClass, reserve);
    if (item == 0) return 0;
    copyBytes(item + ITEM_KEY, record + RECORD_KEY, keyBytes + typeBytes + valueBytes);
  }
  put8(item + ITEM_CLASS, sizeClass);
  put8(item + ITEM_ENCODING, load<u8>(record + RECORD_ENCODING));
  put16(item + ITEM_KEY_BYTES, keyBytes);
  put32(item + ITEM_VALUE_BYTES, valueBytes);
  put64(item + ITEM_HASH, load<u64>(record + RECORD_HASH));
  const sequence = load<u64>(shard + SHARD_SEQUENCE) + 1;
  put64(shard + SHARD_SEQUENCE, sequence);
  const namespaceId = <u64>load<u16>(record + RECORD_NAMESPACE);
  put64(item + ITEM_SEQUENCE, (sequence & LOW_48_BITS) | (namespaceId << HIGH_16_SHIFT));
  putF64(item + ITEM_EXPIRY_MS, load<f64>(record + RECORD_EXPIRY_MS));
  const createdMs = <u64>load<f64>(record + RECORD_CREATED_MS) & LOW_48_BITS;
  const itemFlags: u32 = flags & FLAG_TAGGED ? ITEM_TAGGED : 0;
  put64(item + ITEM_CREATED_MS, createdMs | (<u64>(typeBytes | (itemFlags << 8)) << HIGH_16_SHIFT));
  put32(item + ITEM_STAMP, nextStamp(shard));
  put32(item + ITEM_EPOCH, load<u32>(record + RECORD_EPOCH));
  put32(item + ITEM_WHEEL_PREV, 0);
  if ((flags & FLAG_TAGGED) != 0 && !beginTags(shard, record, item)) {
    if (sizeClass == CLASS_LARGE) dropStaged(shard, record);
    else freeChunk(shard, item);
    return 0;
  }
  if (sizeClass == CLASS_LARGE) adoptPages(shard, record);
  fence();
  release32(item + ITEM_STATE, ITEM_LIVE);
  return item;
}

function boundCount(shard: usize): void {
  const itemsMax = load<u32>(shard + SHARD_ITEMS_MAX);
  if (itemsMax != 0) holdCount(shard, itemsMax);
}

/** Makes the staged pages of a record part of an item. */
function adoptPages(shard: usize, record: usize): void {
  const first = load<u32>(record + RECORD_PAGES) - 1;
  let next = load<u32>(pageEntry(first) + PAGE_NEXT);
  while (next != 0) {
    markPage(shard, next - 1, PAGE_LARGE_MEMBER, CLASS_LARGE, 0);
    next = load<u32>(pageEntry(next - 1) + PAGE_NEXT);
  }
  put32(pageAddress(first) + ITEM_STATE, 0);
  markPage(shard, first, PAGE_LARGE_HEAD, CLASS_LARGE, 0);
  put32(record + RECORD_PAGES, 0);
}

/** Makes sure that the chain of a hash takes one more reference. */
function makeIndexRoom(shard: usize, hash: u64): void {
  const room = chainRoom(shard, hash);
  if (room == NO_OVERFLOW) {
    const page = stealPage(shard);
    if (page != NO_PAGE) addOverflowPage(shard, page);
    else evictInChain(shard, hash);
  } else if (room == CHAIN_FULL) {
    evictInChain(shard, hash);
  }
}

/** Lets the index name the item. */
function linkItem(shard: usize, record: usize, item: usize, entry: usize): void {
  const hash = load<u64>(record + RECORD_HASH);
  if (entry != 0) swapReference(shard, hash, entry, toReference(item));
  else if (insertReference(shard, hash, toReference(item)) != HAS_ROOM) unreachable();
}

/** Evicts the least recently used item of the chain of a hash. */
function evictInChain(shard: usize, hash: u64): void {
  let bucket = bucketOf(shard, hash);
  let oldest: usize = 0;
  let oldestAge: u32 = 0;
  const stamp = load<u32>(shard + SHARD_STAMP);
  for (let i: u32 = 0; i < CHAIN_BUCKETS_MAX; i++) {
    for (let at: u32 = BUCKET_REFERENCES; at < 64; at += 4) {
      const reference = load<u32>(bucket + at);
      if (reference == 0) continue;
      const age = stamp - load<u32>(toAddress(reference) + ITEM_STAMP);
      if (oldest == 0 || age > oldestAge) {
        oldest = toAddress(reference);
        oldestAge = age;
      }
    }
    const next = load<u32>(bucket + BUCKET_NEXT);
    if (next == 0) break;
    bucket = toAddress(next);
  }
  if (oldest != 0) evict(shard, oldest);
}

/** Removes an item that the index does not name any more. */
function dropOld(shard: usize, old: usize): void {
  delist(shard, old);
  dispose(shard, old);
}

/**
 * Leaves an item that the index does not name any more to its caller, until it releases it. The
 * record and the count come before the state: whoever recovers the shard finds by the record what
 * its caller never learns of, and no returned item is ever left out of the count.
 */
function returnOld(shard: usize, record: usize, old: usize, thread: u32): void {
  delist(shard, old);
  put32(old + ITEM_STAMP, thread);
  put32(record + RECORD_OLD, toReference(old));
  add32(threadAddress(thread) + THREAD_RETURNED, 1);
  retire(shard, old, ITEM_RETURNED);
}

/** Splits a bucket; finds memory for the index first where it lacks some. */
function growTable(shard: usize): void {
  if (!hasRoomForBucket(shard)) {
    const page = stealPage(shard);
    if (page == NO_PAGE) return;
    addSegment(shard, page);
  }
  splitBucket(shard);
}

/** Finds memory for the eviction policy. */
function growPolicy(shard: usize): void {
  const page = stealPage(shard);
  if (page != NO_PAGE) policyAddPage(shard, page);
}

/**
 * Removes a key. OK when it was there, stale too, else REFUSED; a stale value is not returned, and
 * has no version.
 */
export function applyDelete(shard: usize, record: usize, thread: u32): i32 {
  put32(record + RECORD_OLD, 0);
  const entry = findRecordKey(shard, record);
  const item = entry != 0 ? toAddress(load<u32>(entry)) : 0;
  const current = item != 0 && isCurrent(item);
  const fresh = current && !isStale(item);
  // One that is refused by its condition leaves a load of the key alone, too.
  if (!hasVersion(record, fresh ? item : 0)) return STATUS_REFUSED;
  voidLeaseOfRecord(shard, record);
  if (entry == 0 || isOvertaken(record)) return STATUS_REFUSED;
  removeEntry(shard, load<u64>(record + RECORD_HASH), entry);
  const isWanted = (load<u8>(record + RECORD_FLAGS) & FLAG_RETURN_OLD) != 0;
  if (fresh && isWanted) returnOld(shard, record, item, thread);
  else dropOld(shard, item);
  count(shard + SHARD_DELETES);
  return current ? STATUS_OK : STATUS_REFUSED;
}

/** Gives a key a new expiry. OK, or REFUSED when there is no such key or its entry is stale. */
export function applyTouch(shard: usize, record: usize): i32 {
  const entry = findRecordKey(shard, record);
  if (entry == 0 || isOvertaken(record)) return STATUS_REFUSED;
  const item = toAddress(load<u32>(entry));
  if (!isFresh(item)) return STATUS_REFUSED;
  const expiry = load<f64>(record + RECORD_EXPIRY_MS);
  wheelRemove(shard, item);
  // In the odd window, so that decoded copies elsewhere notice.
  const stripe = stripeOf(shard, load<u64>(record + RECORD_HASH));
  stripeOpen(stripe);
  putF64(item + ITEM_EXPIRY_MS, expiry);
  stripeClose(stripe);
  noteChange(pageOf(item));
  if (expiry < Infinity) wheelInsert(shard, item);
  return STATUS_OK;
}

/**
 * Claims pages for a large value: OK with the first page in the record, or OUT_OF_MEMORY. Pages
 * are nobody's until the record names their list: what is cut off before is freed by recovery.
 */
export function applyStage(shard: usize, record: usize, thread: u32): i32 {
  const wanted = pagesFor(load<u32>(record + RECORD_VALUE_BYTES));
  put32(record + RECORD_PAGES, 0);
  if (!makePagesFree(shard, wanted)) return STATUS_OUT_OF_MEMORY;
  let first: u32 = 0;
  for (let i: u32 = 0; i < wanted; i++) {
    const page = takePage(shard);
    // Nobody takes the page for an item while its caller fills it.
    put32(pageEntry(page) + PAGE_NEXT, first);
    markPage(shard, page, PAGE_STAGED, CLASS_LARGE, NO_THREAD);
    first = page + 1;
  }
  put32(record + RECORD_PAGES, first);
  markStaged(shard, first, thread);
  return STATUS_OK;
}

/** Gives the staged pages of a list to a thread, or to nobody. */
function markStaged(shard: usize, first: u32, thread: u32): void {
  let next = first;
  while (next != 0) {
    markPage(shard, next - 1, PAGE_STAGED, CLASS_LARGE, thread);
    next = load<u32>(pageEntry(next - 1) + PAGE_NEXT);
  }
}

/** Gives back staged pages that no item takes; nobody's first, so that none is ever left over. */
export function dropStaged(shard: usize, record: usize): void {
  const first = load<u32>(record + RECORD_PAGES);
  if ((load<u8>(record + RECORD_FLAGS) & FLAG_LARGE) == 0 || first == 0) return;
  markStaged(shard, first, NO_THREAD);
  freePageList(shard, first - 1);
  put32(record + RECORD_PAGES, 0);
}

/** True for an item that was returned to this thread and that recovery left it. */
function isReturned(shard: usize, reference: u32, thread: u32): bool {
  if (!startsChunk(shard, reference)) return false;
  const item = toAddress(reference);
  return load<u32>(item + ITEM_STATE) == ITEM_RETURNED && load<u32>(item + ITEM_STAMP) == thread;
}

/** Frees a returned old item, or staged pages. */
export function applyRelease(shard: usize, record: usize, thread: u32): i32 {
  const old = load<u32>(record + RECORD_OLD);
  if (isReturned(shard, old, thread)) {
    dispose(shard, toAddress(old));
    add32(threadAddress(thread) + THREAD_RETURNED, 0xffffffff);
  }
  dropStaged(shard, record);
  put32(record + RECORD_OLD, 0);
  return STATUS_OK;
}
