/** Commands about tags, given to the core by one of a test's threads. */
import {
  FLAG_LARGE,
  FLAG_TAGGED,
  ITEM_HEAD_BYTES,
  ITEM_KEY,
  NAMES_FIRST,
  OP_REMOVE_TAGGED,
  OP_SET,
  PAGE_NEXT,
  SLICE_NAMES,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_OK } from '../../native-free-core/status.js';
import {
  namePageCount,
  type PageHome,
  taggedPageCount,
  writeNamePages,
  writeStagedHead,
} from '../../src/tags/staged-names.js';
import { checkTags, type TagNames } from '../../src/tags/tag-names.js';
import { TagSlice } from '../../src/tags/tag-slice.js';
import type { CoreArena } from './core-arena.js';
import { type CommandOptions, type CoreThread, type Outcome, toBytes } from './core-thread.js';

function namesOf(tags: readonly string[]): TagNames {
  const names = checkTags(tags);
  if (names === undefined) throw new Error('a test of tags names none');
  return names;
}

function pageHome(arena: CoreArena): PageHome {
  const { pageBytes, pagesOffset, directoryOffset } = arena.plan;
  const { view, bytes } = arena;
  return {
    ...{ arena: { view }, bytes, pageBytes },
    pagesAddress: pagesOffset,
    directoryAddress: directoryOffset,
  };
}

/** Sets a key with tags; values and names go into pages where they do not fit. */
export function setTagged(
  arena: CoreArena,
  thread: CoreThread,
  key: string,
  value: Uint8Array,
  tags: readonly string[],
  options: CommandOptions = {},
): Outcome {
  const names = namesOf(tags);
  const keyBytes = toBytes(key);
  thread.collect();
  if (keyBytes.length + value.length + names.inlineBytes > arena.plan.inlineBytes) {
    return setTaggedLarge(arena, thread, keyBytes, value, names, options);
  }
  const room = value.length + names.section.length;
  const at = thread.begin(OP_SET, keyBytes, options, room);
  if (at < 0) return { status: at, old: undefined };
  arena.bytes.set(value, at);
  arena.bytes.set(names.section, at + value.length);
  return thread.submit(value.length, 0, options, (options.flags ?? 0) | FLAG_TAGGED);
}

function setTaggedLarge(
  arena: CoreArena,
  thread: CoreThread,
  key: Uint8Array,
  value: Uint8Array,
  names: TagNames,
  options: CommandOptions,
): Outcome {
  const { pageBytes, inlineBytes } = arena.plan;
  const areStaged = key.length + names.section.length > inlineBytes;
  const itemPages = taggedPageCount(ITEM_HEAD_BYTES + key.length + value.length, pageBytes);
  const pages = itemPages + (areStaged ? namePageCount(names, pageBytes) : 0);
  const first = thread.stage(thread.shardOf(key, options.namespaceId), pages * pageBytes);
  if (first < 0) return { status: first, old: undefined };
  fillPages(arena, first - 1, Buffer.concat([key, value]));
  if (areStaged) writeNamePages(pageHome(arena), first - 1, itemPages, names);
  thread.collect();
  const room = areStaged ? NAMES_FIRST : names.section.length;
  const at = thread.begin(OP_SET, key, options, room);
  if (at < 0) throw new Error(`no room for a record: ${at}`);
  if (areStaged) writeStagedHead(arena.bytes, at, names);
  else arena.bytes.set(names.section, at);
  thread.core.describePages(first, 0);
  const flags = (options.flags ?? 0) | FLAG_TAGGED | FLAG_LARGE;
  return thread.submit(value.length, 0, options, flags);
}

/** Writes key and value into staged pages, of which more may follow. */
function fillPages(arena: CoreArena, firstPage: number, content: Uint8Array): void {
  let page = firstPage;
  let offset = ITEM_KEY;
  for (let done = 0; done < content.length; ) {
    const end = Math.min(content.length, done + arena.plan.pageBytes - offset);
    arena.bytes.set(content.subarray(done, end), arena.pageAddress(page) + offset);
    done = end;
    offset = 0;
    page = arena.view.getUint32(arena.pageEntry(page) + PAGE_NEXT, true) - 1;
  }
}

/** One slice of an invalidation, in place. */
export function sendSlice(
  arena: CoreArena,
  thread: CoreThread,
  slice: TagSlice,
  opcode: number = OP_REMOVE_TAGGED,
): void {
  const { names, shard } = slice;
  thread.collect();
  const room = SLICE_NAMES + names.section.length;
  const at = thread.core.beginTagCommand(opcode, shard, 0, room);
  if (at < 0 && at > -100) throw new Error(`no room for a slice: ${at}`);
  slice.write(arena.view, at >>> 0);
  arena.bytes.set(names.section, (at >>> 0) + SLICE_NAMES);
  const { status } = thread.submit(0, 0, {}, 0);
  if (status !== STATUS_OK) throw new Error(`a slice answered ${status}`);
  slice.take(arena.view, thread.core.commandRecord() >>> 0);
}

/** Where an invalidation of the entries that have all the tags begins. */
export function sliceOf(tags: readonly string[], shard = 0): TagSlice {
  return new TagSlice(shard, namesOf(tags));
}

/**
 * Removes, or with `OP_EXPIRE_TAGGED` makes stale, the entries of a shard that have all the tags;
 * their number.
 */
export function invalidateTagged(
  arena: CoreArena,
  thread: CoreThread,
  tags: readonly string[],
  opcode: number = OP_REMOVE_TAGGED,
): number {
  const slice = sliceOf(tags);
  while (!slice.isDone) sendSlice(arena, thread, slice, opcode);
  return slice.affected;
}
