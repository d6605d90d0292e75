import {
  CLASS_LARGE,
  ITEM_CLASS,
  ITEM_CONTENT_TYPE_BYTES,
  ITEM_HEAD_BYTES,
  ITEM_KEY_BYTES,
  PAGE_ENTRY_BYTES,
  PAGE_NEXT,
} from '../../native-free-core/assembly/layout.js';
import type { ThreadSession } from '../thread-session.js';

const REFERENCE_BYTES = 8;

/** Where pages lie: of a thread's session, or of an arena that no thread has attached to. */
export type PageHome = Pick<
  ThreadSession,
  'arena' | 'pageBytes' | 'pagesAddress' | 'directoryAddress'
>;

/** The runs of bytes of a page list, from a place in its first page on, `totalBytes` in all. */
export function pageRuns(home: PageHome, firstAddress: number, totalBytes: number): Uint8Array[] {
  const { pageBytes, pagesAddress, directoryAddress, arena } = home;
  const runs: Uint8Array[] = [];
  let page = Math.floor((firstAddress - pagesAddress) / pageBytes);
  let address = firstAddress;
  let leftBytes = totalBytes;
  while (leftBytes > 0) {
    const roomBytes = pagesAddress + (page + 1) * pageBytes - address;
    const runBytes = Math.min(leftBytes, roomBytes);
    if (runBytes > 0) runs.push(new Uint8Array(arena.buffer, address, runBytes));
    leftBytes -= runBytes;
    if (leftBytes === 0) break;
    page = arena.view.getUint32(directoryAddress + page * PAGE_ENTRY_BYTES + PAGE_NEXT, true) - 1;
    address = pagesAddress + page * pageBytes;
  }
  return runs;
}

/** The runs of an item's value, which the caller pins or owns. */
export function valueRuns(
  session: ThreadSession,
  reference: number,
  valueBytes: number,
): Uint8Array[] {
  const item = reference * REFERENCE_BYTES;
  const { view } = session.arena;
  const first =
    item +
    ITEM_HEAD_BYTES +
    view.getUint16(item + ITEM_KEY_BYTES, true) +
    view.getUint8(item + ITEM_CONTENT_TYPE_BYTES);
  if (view.getUint8(item + ITEM_CLASS) === CLASS_LARGE) return pageRuns(session, first, valueBytes);
  return [new Uint8Array(session.bytes.buffer, first, valueBytes)];
}

/** Runs joined on this thread's heap. */
export function joinRuns(runs: readonly Uint8Array[], totalBytes: number): Buffer {
  const joined = Buffer.allocUnsafe(totalBytes);
  let at = 0;
  for (const run of runs) {
    joined.set(run, at);
    at += run.byteLength;
  }
  return joined;
}
