// Recovery of commands: the one that a holder had begun is answered, never run a second time.
// What it had claimed or taken out for its caller, who never learns of it, is given up here and
// freed when the pages are scanned. Commands behind it run as usual once the shard is free.

import { announce } from "./announce";
import { pageCount, threadAddress, toAddress } from "./arena";
import {
  HEADER_THREAD_SLOTS,
  ITEM_LIMBO,
  ITEM_RETURNED,
  ITEM_STAMP,
  ITEM_STATE,
  NO_THREAD,
  OP_LEASE,
  PAGE_LARGE_MEMBER,
  PAGE_NEXT,
  PAGE_STAGED,
  RECORD_OLD,
  RECORD_OPCODE,
  RECORD_PAGES,
  RECORD_STATUS,
  RING_DONE,
  RING_TAKEN,
  SHARD_ID,
  THREAD_RINGS,
} from "./layout";
import { markWork } from "./owner";
import { markPage, pageClass, pageEntry, pageKind, pageShard, pageThread } from "./pages";
import { finishRecord, recordAt, waitingBytes } from "./ring";
import { startsChunk } from "./slab";
import { STATUS_OUTCOME_UNKNOWN } from "./status";
import { publish32, put32 } from "./store";

/**
 * Gives up what a command had in hand for a caller: staged pages that became no item, an old value
 * that nobody will release. Each is one store of a state, so this may be cut off and done again.
 */
export function giveUpCommand(shard: usize, record: usize, id: u32): void {
  // These fields of a request for a lease name no pages and no item.
  if (load<u8>(record + RECORD_OPCODE) == OP_LEASE) return;
  giveUpPages(shard, load<u32>(record + RECORD_PAGES), id);
  const old = load<u32>(record + RECORD_OLD);
  if (old == 0 || !startsChunk(shard, old)) return;
  const item = toAddress(old);
  if (load<u32>(item + ITEM_STATE) != ITEM_RETURNED) return;
  // In limbo at first: a reader may have pinned it while it was an entry.
  if (load<u32>(item + ITEM_STAMP) == id) put32(item + ITEM_STATE, ITEM_LIMBO);
}

function giveUpPages(shard: usize, first: u32, id: u32): void {
  let next = first;
  while (next != 0 && next <= pageCount) {
    const entry = pageEntry(next - 1);
    const kind = pageKind(entry);
    if (pageShard(entry) != load<u32>(shard + SHARD_ID)) return;
    if (kind == PAGE_STAGED) {
      const owner = pageThread(entry);
      if (owner != id && owner != NO_THREAD) return;
      if (owner == id) markPage(shard, next - 1, PAGE_STAGED, pageClass(entry), NO_THREAD);
    } else if (kind != PAGE_LARGE_MEMBER) {
      return;
    }
    next = load<u32>(entry + PAGE_NEXT);
  }
}

/**
 * Answers the command that the holder had taken. Rings with commands are marked again: the holder
 * may have cleared their bits before it was cut off.
 */
export function answerTaken(shard: usize): void {
  const slots = load<u32>(HEADER_THREAD_SLOTS);
  for (let id: u32 = 0; id < slots; id++) {
    const slot = threadAddress(id);
    const ring = <usize>load<u32>(slot + THREAD_RINGS + load<u32>(shard + SHARD_ID) * 4);
    if (ring == 0) continue;
    if (load<u32>(ring + RING_TAKEN) != 0) answerRing(shard, ring, id);
    if (waitingBytes(ring) != 0) markWork(shard, id);
  }
}

function answerRing(shard: usize, ring: usize, id: u32): void {
  const position = load<u32>(ring + RING_TAKEN) - 1;
  // Answered already, and no longer the holder's: only the mark was left.
  if (position != load<u32>(ring + RING_DONE)) {
    publish32(ring + RING_TAKEN, 0);
    return;
  }
  const record = recordAt(ring, position);
  giveUpCommand(shard, record, id);
  put32(record + RECORD_PAGES, 0);
  put32(record + RECORD_OLD, 0);
  put32(record + RECORD_STATUS, STATUS_OUTCOME_UNKNOWN);
  finishRecord(ring, record);
  announce(threadAddress(id));
}
