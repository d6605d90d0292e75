// What a file of entries needs of the core. Writing one: a shard held while its pages are copied.
// Reading one: entries put in one by one, through the same door as every set, into an arena that
// nobody else has seen yet. What a file says is hostile: only its bytes are taken, never a
// reference, and lengths have been compared by whoever built the record.

import { hashSeed, shardAddress, shardOf, thread, threadId, toAddress } from "./arena";
import { release } from "./commands";
import { judgeBy } from "./clock";
import { hashBytes, namespaceSeed } from "./hash";
import {
  ITEM_FLAGS,
  PAGE_STAGED,
  RECORD_EPOCH,
  RECORD_HASH,
  RECORD_KEY,
  RECORD_KEY_BYTES,
  RECORD_NAMESPACE,
  RECORD_PAGES,
  SHARD_FREE_PAGES,
  THREAD_HEARTBEAT,
} from "./layout";
import { namespaceEpoch } from "./namespaces";
import { letGo, tryHold } from "./owner";
import { givePage, markPage, pageAddress, pageOf, takePage } from "./pages";
import { applySet, applyStage, findRecordKey } from "./shard";
import { STATUS_BUSY, STATUS_OK } from "./status";
import { put32, put64, put8 } from "./store";

const HOLD_STEP_NS: i64 = 100_000;

/** Holds a shard, waiting 0.1 ms a step; false when it stays held elsewhere. */
export function holdShard(index: u32, stepsMax: u32): bool {
  const shard = shardAddress(index);
  for (let step: u32 = 0; step < stepsMax; step++) {
    if (tryHold(shard)) return true;
    const word = thread + THREAD_HEARTBEAT;
    atomic.wait<i32>(word, load<i32>(word), HOLD_STEP_NS);
  }
  return false;
}

/** Gives back what `holdShard` took, and runs what came in meanwhile. */
export function letGoShard(index: u32): void {
  release(shardAddress(index));
}

/**
 * Takes pages of shard 0 for records that are built in them, before any entry is there, when free
 * pages still lie in a row; address of the first, or 0 when there are too few.
 */
export function openImport(count: u32): usize {
  const shard = shardAddress(0);
  if (load<u32>(shard + SHARD_FREE_PAGES) < count || !tryHold(shard)) return 0;
  const first = takePage(shard);
  markPage(shard, first, PAGE_STAGED, 0, threadId);
  for (let i: u32 = 1; i < count; i++) markPage(shard, takePage(shard), PAGE_STAGED, 0, threadId);
  letGo(shard);
  return pageAddress(first);
}

/** Gives back what `openImport` took. */
export function closeImport(address: usize, count: u32): void {
  const shard = shardAddress(0);
  if (!tryHold(shard)) return;
  const first = pageOf(address);
  for (let page = first + count; page > first; page--) givePage(shard, page - 1);
  letGo(shard);
}

/** The shard of the record's key, held, its hash and epoch written to the record; 0 = busy. */
function holdForRecord(record: usize, nowMs: f64): usize {
  const namespaceId = load<u16>(record + RECORD_NAMESPACE);
  const seed = namespaceSeed(hashSeed, namespaceId);
  const hash = hashBytes(record + RECORD_KEY, load<u16>(record + RECORD_KEY_BYTES), seed);
  put64(record + RECORD_HASH, hash);
  put32(record + RECORD_EPOCH, namespaceEpoch(namespaceId));
  const shard = shardAddress(shardOf(hash));
  if (!tryHold(shard)) return 0;
  judgeBy(nowMs);
  return shard;
}

/**
 * Stores the entry that a record describes, as a set; the answer is that of a set. The record lies
 * anywhere in the arena, complete but for hash and epoch. `itemFlags` is added to ITEM_FLAGS.
 */
export function importRecord(record: usize, nowMs: f64, itemFlags: u32): i32 {
  const shard = holdForRecord(record, nowMs);
  if (shard == 0) return STATUS_BUSY;
  const status = applySet(shard, record, threadId);
  if (status == STATUS_OK && itemFlags != 0) {
    const entry = findRecordKey(shard, record);
    if (entry != 0) {
      const flags = toAddress(load<u32>(entry)) + ITEM_FLAGS;
      put8(flags, load<u8>(flags) | itemFlags);
    }
  }
  letGo(shard);
  return status;
}

/** Claims pages for an item of RECORD_VALUE_BYTES in all; the first of them + 1, or 0. */
export function stageImport(record: usize, nowMs: f64): u32 {
  const shard = holdForRecord(record, nowMs);
  if (shard == 0) return 0;
  const status = applyStage(shard, record, threadId);
  letGo(shard);
  return status == STATUS_OK ? load<u32>(record + RECORD_PAGES) : 0;
}
