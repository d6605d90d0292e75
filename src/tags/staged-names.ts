import {
  NAME_BYTES,
  NAME_TEXT,
  NAMES_COUNT,
  NAMES_FIRST,
  NAMES_PLACE,
  NAMES_STAGED,
  PAGE_ENTRY_BYTES,
  PAGE_NEXT,
  TAG_BLOCK_BYTES_MAX,
} from '../../native-free-core/assembly/layout.js';
import type { ThreadSession } from '../thread-session.js';
import type { TagNames } from './tag-names.js';

const BLOCK_ALIGN_BYTES = 8;
const END_BYTES = 6;

/** Pages of a large item with tags: its block lies behind the value, in one page. */
export function taggedPageCount(contentBytes: number, pageBytes: number): number {
  const start = Math.ceil(contentBytes / BLOCK_ALIGN_BYTES) * BLOCK_ALIGN_BYTES;
  const fullPages = Math.floor(start / pageBytes);
  const roomBytes = pageBytes - (start % pageBytes);
  return fullPages + (roomBytes < TAG_BLOCK_BYTES_MAX ? 2 : 1);
}

/** The names of a section in runs that each fit one page. */
function pageRunsOf(section: Buffer, pageBytes: number): Buffer[] {
  const runs: Buffer[] = [];
  let from = NAMES_FIRST;
  let at = from;
  while (at < section.byteLength) {
    const nameBytes = NAME_TEXT + section.readUInt16LE(at + NAME_BYTES);
    if (at + nameBytes - from > pageBytes) {
      runs.push(section.subarray(from, at));
      from = at;
    }
    at += nameBytes;
  }
  runs.push(section.subarray(from));
  return runs;
}

/** Pages that names take when they do not fit their record. */
export function namePageCount(tags: TagNames, pageBytes: number): number {
  return pageRunsOf(tags.section, pageBytes).length;
}

/** Writes what a record says of names that lie elsewhere: their number. */
export function writeStagedHead(bytes: Uint8Array, at: number, tags: TagNames): void {
  bytes[at + NAMES_COUNT] = tags.names.size;
  bytes[at + NAMES_PLACE] = NAMES_STAGED;
}

/** Writes names to staged pages, from the one behind `skipPages` others on. */
export function writeNamePages(
  session: ThreadSession,
  firstPage: number,
  skipPages: number,
  tags: TagNames,
): void {
  const { arena, bytes, pageBytes, pagesAddress, directoryAddress } = session;
  const pageAfter = (page: number): number =>
    arena.view.getUint32(directoryAddress + page * PAGE_ENTRY_BYTES + PAGE_NEXT, true) - 1;
  let page = firstPage;
  for (let skipped = 0; skipped < skipPages; skipped++) page = pageAfter(page);
  for (const run of pageRunsOf(tags.section, pageBytes)) {
    const address = pagesAddress + page * pageBytes;
    bytes.set(run, address);
    const roomBytes = pageBytes - run.byteLength;
    if (roomBytes >= END_BYTES)
      bytes.fill(0, address + run.byteLength, address + run.byteLength + END_BYTES);
    page = pageAfter(page);
  }
}
