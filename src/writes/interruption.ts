// Commands that an exception out of the core cut off: a stack overflow, a trap. (A `vm` time-out
// runs no handler; the core notices at its next call.)

import {
  OP_RELEASE,
  OP_STAGE,
  PAGE_ENTRY_BYTES,
  PAGE_STAGED,
  PAGE_STATE,
  RECORD_OLD,
  RECORD_OPCODE,
  RECORD_PAGES,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_OUTCOME_UNKNOWN, STATUS_PENDING } from '../../native-free-core/status.js';
import { CacheError } from '../errors.js';
import type { ThreadSession } from '../thread-session.js';
import { Command } from './command.js';

/** Answer of `place` while pages for a large value are being claimed by someone else. */
export const STATUS_STAGING = 3;

/** Answers of `core.cutOffSubmit`. */
const CUT_BEFORE = 1;
const CUT_PUBLISHED = 2;

/**
 * What became of a command that threw. A shard that this thread held is recovered. OUTCOME_UNKNOWN
 * when it was begun; PENDING, or STAGING, when its answer will come still.
 *
 * @throws the error, when nothing was sent
 */
export function judgeInterruption(
  session: ThreadSession,
  command: Command,
  error: unknown,
): number {
  if (CacheError.is(error)) throw error;
  session.recover();
  const { core, arena } = session;
  const cut = core.cutOffSubmit();
  if (cut === CUT_PUBLISHED) {
    const opcode = arena.view.getUint8((core.commandRecord() >>> 0) + RECORD_OPCODE);
    return opcode === OP_STAGE ? STATUS_STAGING : STATUS_PENDING;
  }
  // Pages that the command had handed over were given up with it.
  if (!isStaged(session, command.stagedPage)) command.stagedPage = 0;
  if (cut === CUT_BEFORE) return STATUS_OUTCOME_UNKNOWN;
  throw error;
}

/** Whether a page is claimed by this thread. */
function isStaged(session: ThreadSession, stagedPage: number): boolean {
  if (stagedPage === 0) return false;
  const { arena, directoryAddress, threadId } = session;
  const entry = directoryAddress + (stagedPage - 1) * PAGE_ENTRY_BYTES;
  const state = arena.view.getUint32(entry + PAGE_STATE, true);
  return state >>> 24 === PAGE_STAGED && (state & 255) === threadId;
}

/**
 * What is to be given back of an answer that no command waits for: this thread was stopped after
 * it had published the command and before it had noted that.
 */
export function releaseOfLostAnswer(
  session: ThreadSession,
  shard: number,
  record: number,
): Command | undefined {
  const { view } = session.arena;
  const opcode = view.getUint8(record + RECORD_OPCODE);
  const release = new Command();
  release.opcode = OP_RELEASE;
  release.releasedShard = shard;
  if (opcode === OP_STAGE) release.stagedPage = view.getUint32(record + RECORD_PAGES, true);
  else if (opcode !== OP_RELEASE) release.releasedItem = view.getUint32(record + RECORD_OLD, true);
  return release.stagedPage === 0 && release.releasedItem === 0 ? undefined : release;
}
