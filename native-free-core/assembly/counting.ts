// Increment: adds to the integer whose decimal text is the value of a key. The record is made a
// plain set of the sum, which is then applied like any other: a new item, never a change in place,
// so a reader sees the text before or the text after, and a cut leaves one of the two.

import { inlineBytes, toAddress } from "./arena";
import { copyBytes } from "./bytes";
import { NOT_DECIMAL, parseDecimal, SAFE_MAX, writeDecimal } from "./decimal";
import {
  ENCODING_NO_TEXT,
  FLAG_KEEP_TTL,
  ITEM_CONTENT_TYPE_BYTES,
  ITEM_ENCODING,
  ITEM_FLAGS,
  ITEM_HEAD_BYTES,
  ITEM_KEY,
  ITEM_KEY_BYTES,
  ITEM_STALE,
  ITEM_VALUE_BYTES,
  RECORD_CONTENT_TYPE_BYTES,
  RECORD_ENCODING,
  RECORD_FLAGS,
  RECORD_GUARD,
  RECORD_KEY,
  RECORD_KEY_BYTES,
  RECORD_VALUE_BYTES,
} from "./layout";
import { applySet, bytesOfRecord, findRecordKey, isCurrent, isOvertaken } from "./shard";
import { STATUS_NOT_A_NUMBER, STATUS_NUMBER_OVERFLOW, STATUS_OUT_OF_MEMORY } from "./status";
import { put32, put8, putF64 } from "./store";
import { isTagged } from "./tag-block";
import { carryTags, dropCarried } from "./tagging";

/** The integer that an item's text stands for, or NOT_DECIMAL. */
function numberOf(item: usize): i64 {
  // Names of tags may have given a number pages of its own: key and text still fit the first.
  if (load<u8>(item + ITEM_ENCODING) == ENCODING_NO_TEXT) return NOT_DECIMAL;
  const before = <u32>load<u16>(item + ITEM_KEY_BYTES) + load<u8>(item + ITEM_CONTENT_TYPE_BYTES);
  return parseDecimal(item + ITEM_KEY + before, load<u32>(item + ITEM_VALUE_BYTES));
}

/** The item that the sum goes on from; 0 = none. A stale one is none: its value was given up. */
function presentItem(shard: usize, record: usize): usize {
  if (isOvertaken(record)) return 0;
  const entry = findRecordKey(shard, record);
  if (entry == 0) return 0;
  const item = toAddress(load<u32>(entry));
  return isCurrent(item) && (load<u8>(item + ITEM_FLAGS) & ITEM_STALE) == 0 ? item : 0;
}

/** Lets the record describe the present item in all but its value and tags. */
function takeOver(record: usize, item: usize): void {
  const keyBytes = load<u16>(item + ITEM_KEY_BYTES);
  const typeBytes = load<u8>(item + ITEM_CONTENT_TYPE_BYTES);
  copyBytes(record + RECORD_KEY + keyBytes, item + ITEM_KEY + keyBytes, typeBytes);
  put8(record + RECORD_CONTENT_TYPE_BYTES, typeBytes);
  put8(record + RECORD_ENCODING, load<u8>(item + ITEM_ENCODING));
}

/**
 * Adds RECORD_GUARD to the value of a key, or to the number in the record when there is no such
 * key, and leaves the sum in RECORD_GUARD. The record has room for a content type of any
 * length, NUMBER_BYTES_MAX, and references of TAGS_MAX tags. OK, NOT_A_NUMBER, NUMBER_OVERFLOW, or
 * OUT_OF_MEMORY; nothing is changed unless it is OK.
 */
export function applyIncrement(shard: usize, record: usize, thread: u32): i32 {
  const keyBytes = load<u16>(record + RECORD_KEY_BYTES);
  const first = record + RECORD_KEY + keyBytes;
  const item = presentItem(shard, record);
  const before =
    item != 0 ? numberOf(item) : parseDecimal(first, load<u32>(record + RECORD_VALUE_BYTES));
  if (before == NOT_DECIMAL) return STATUS_NOT_A_NUMBER;
  const sum = before + <i64>load<f64>(record + RECORD_GUARD);
  if (sum > SAFE_MAX || sum < -SAFE_MAX) return STATUS_NUMBER_OVERFLOW;
  if (item != 0) takeOver(record, item);
  else put8(record + RECORD_FLAGS, load<u8>(record + RECORD_FLAGS) & ~FLAG_KEEP_TTL);
  const target = first + load<u8>(record + RECORD_CONTENT_TYPE_BYTES);
  put32(record + RECORD_VALUE_BYTES, writeDecimal(sum, target));
  putF64(record + RECORD_GUARD, <f64>sum);
  if (item == 0 || !isTagged(item)) return applySet(shard, record, thread);
  carryTags(record, item);
  // Pages are never so small that a number with all its tags takes more than a chunk; those of
  // tests may be.
  const fits = bytesOfRecord(record) <= ITEM_HEAD_BYTES + inlineBytes;
  const status = fits ? applySet(shard, record, thread) : STATUS_OUT_OF_MEMORY;
  dropCarried(shard, record);
  return status;
}
