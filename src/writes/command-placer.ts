import {
  CONTENT_TYPE_BYTES_MAX,
  FLAG_LARGE,
  ITEM_HEAD_BYTES,
  NAMES_FIRST,
  NUMBER_BYTES_MAX,
  OP_INCREMENT,
  OP_RELEASE,
  OP_STAGE,
  OP_TOUCH,
  RECORD_PAGES,
  SLICE_NAMES,
  TAGS_MAX,
} from '../../native-free-core/assembly/layout.js';
import {
  STATUS_FULL,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_TOO_LARGE,
} from '../../native-free-core/status.js';
import type { Encoding, Payload } from '../codec/codec.js';
import { settleEncoding, writeText } from '../codec/entry-codec.js';
import { pageRuns } from '../reads/entry-bytes.js';
import {
  namePageCount,
  taggedPageCount,
  writeNamePages,
  writeStagedHead,
} from '../tags/staged-names.js';
import type { TagNames } from '../tags/tag-names.js';
import type { TagSlice } from '../tags/tag-slice.js';
import type { ThreadSession } from '../thread-session.js';
import type { Command } from './command.js';
import { judgeInterruption, STATUS_STAGING } from './interruption.js';

const UTF8_BYTES_PER_UNIT_MAX = 3;
const REFERENCE_BYTES = 4;
/** What the holder writes into the record of an increment: content type, sum, tags. */
const COUNTING_ROOM_BYTES: number =
  CONTENT_TYPE_BYTES_MAX + NUMBER_BYTES_MAX + NAMES_FIRST + TAGS_MAX * REFERENCE_BYTES;

/** Writes commands into this thread's rings and submits them. */
export class CommandPlacer {
  readonly #session: ThreadSession;
  readonly #inPlace: number;

  constructor(session: ThreadSession, inPlace: boolean) {
    this.#session = session;
    this.#inPlace = inPlace ? 1 : 0;
  }

  /**
   * The status of a command that was carried out; PENDING when it was published, STAGING when
   * only the claim for its pages was, FULL when the ring has no room and nothing happened.
   */
  place(command: Command): number {
    try {
      if (command.opcode > OP_TOUCH) return this.#placeSpecial(command);
      const keyBytes = this.#session.keys.encode(command.key);
      const { payload } = command;
      if (payload === undefined) return this.#placeInline(command, keyBytes, 0);
      const roomBytes = typeof payload === 'string' ? this.#textRoom(payload) : payload.byteLength;
      const tagBytes = command.tags === undefined ? 0 : command.tags.inlineBytes;
      const totalBytes = keyBytes + command.contentType.length + roomBytes + tagBytes;
      return totalBytes <= this.#session.inlineBytes
        ? this.#placeInline(command, keyBytes, roomBytes)
        : this.#placeLarge(command, keyBytes, payloadBytes(payload));
    } catch (error) {
      return judgeInterruption(this.#session, command, error);
    }
  }

  /** What is no plain set, delete or touch. */
  #placeSpecial(command: Command): number {
    if (command.opcode === OP_RELEASE) return this.#placeRelease(command);
    if (command.scan !== undefined) return command.scan.submit(this.#session, this.#inPlace);
    if (command.slice !== undefined) return this.#placeSlice(command, command.slice);
    const keyBytes = this.#session.keys.encode(command.key);
    const roomBytes = command.opcode === OP_INCREMENT ? COUNTING_ROOM_BYTES : 0;
    return this.#placeInline(command, keyBytes, roomBytes);
  }

  /** Room for text: its bound where that is small, else what it takes exactly. */
  #textRoom(text: string): number {
    const boundBytes = text.length * UTF8_BYTES_PER_UNIT_MAX;
    return boundBytes <= this.#session.inlineBytes / 4 ? boundBytes : Buffer.byteLength(text);
  }

  #placeInline(command: Command, keyBytes: number, roomBytes: number): number {
    const { core } = this.#session;
    const tagBytes = command.tags === undefined ? 0 : command.tags.section.byteLength;
    const room = command.contentType.length + roomBytes + tagBytes;
    const target = core.beginCommand(command.opcode, keyBytes, command.namespaceId, room);
    if (target === STATUS_FULL) return STATUS_FULL;
    if (command.payload !== undefined) this.#writeValue(command, target >>> 0, roomBytes);
    return this.#submit(command, command.flags);
  }

  #submit(command: Command, flags: number): number {
    const { core } = this.#session;
    // A command that waited on the heap counts from its call: a clear since then wins, and its
    // time to live has begun.
    if (command.isQueued) core.describeCall(command.epoch);
    if (command.isGuarded) core.describeGuard(command.guard);
    const ttlMs = command.isQueued ? command.expiryMs - this.#session.nowMs() : command.ttlMs;
    return core.submit(
      command.valueBytes,
      command.contentType.length,
      command.encoding,
      flags,
      ttlMs,
      this.#inPlace,
    );
  }

  #writeValue(command: Command, target: number, roomBytes: number): void {
    const { bytes, buffer } = this.#session;
    const { contentType, payload } = command;
    let at = target;
    if (contentType.length > 0) at += buffer.write(contentType, at, 'latin1');
    command.valueAddress = at;
    if (typeof payload === 'string') {
      const written = writeText(payload, bytes.subarray(at, at + roomBytes));
      command.encoding = settleEncoding(command.encoding as Encoding, payload.length, written);
      command.valueBytes = written;
    } else if (payload !== undefined) {
      bytes.set(payload, at);
      command.valueBytes = payload.byteLength;
    }
    if (command.tags !== undefined) bytes.set(command.tags.section, at + command.valueBytes);
  }

  /** A value in pages: claims them, fills them without the shard, then links them. */
  #placeLarge(command: Command, keyBytes: number, valueBytes: number): number {
    const { core } = this.#session;
    if (valueBytes > this.#session.valueBytesMax) return STATUS_TOO_LARGE;
    const contentBytes = ITEM_HEAD_BYTES + keyBytes + command.contentType.length + valueBytes;
    if (command.stagedPage === 0) {
      const shard = core.shardOfKey(keyBytes, command.namespaceId);
      const status = this.#stage(
        command,
        shard,
        this.#stagedBytes(command, keyBytes, contentBytes),
      );
      if (status !== STATUS_OK) return status;
    }
    if (command.valueBytes === 0) this.#fillPages(command, keyBytes, valueBytes);
    const { tags } = command;
    const areStaged = tags !== undefined && this.#areNamesStaged(tags, keyBytes);
    const room = tags === undefined ? 0 : areStaged ? NAMES_FIRST : tags.section.byteLength;
    const target = core.beginCommand(command.opcode, keyBytes, command.namespaceId, room);
    if (target === STATUS_FULL) return STATUS_FULL;
    if (tags !== undefined) this.#writeNames(target >>> 0, tags, areStaged);
    core.describePages(command.stagedPage, 0);
    return this.#submit(command, command.flags | FLAG_LARGE);
  }

  /** Bytes of the pages for a large value, its tag block and names that its record cannot take. */
  #stagedBytes({ tags }: Command, keyBytes: number, contentBytes: number): number {
    if (tags === undefined) return contentBytes;
    const { pageBytes } = this.#session;
    const namePages = this.#areNamesStaged(tags, keyBytes) ? namePageCount(tags, pageBytes) : 0;
    return (taggedPageCount(contentBytes, pageBytes) + namePages) * pageBytes;
  }

  /** Whether names do not fit a record that holds so many other bytes. */
  #areNamesStaged(tags: TagNames, otherBytes: number): boolean {
    return otherBytes + tags.section.byteLength > this.#session.inlineBytes;
  }

  #writeNames(address: number, tags: TagNames, areStaged: boolean): void {
    const { bytes } = this.#session;
    if (areStaged) writeStagedHead(bytes, address, tags);
    else bytes.set(tags.section, address);
  }

  /** Claims pages of a shard for a command. */
  #stage(command: Command, shard: number, totalBytes: number): number {
    const { core, arena } = this.#session;
    if (core.beginShardCommand(OP_STAGE, shard) === STATUS_FULL) return STATUS_FULL;
    const status = core.submit(totalBytes, 0, 0, 0, Number.POSITIVE_INFINITY, this.#inPlace);
    if (status === STATUS_PENDING) return STATUS_STAGING;
    if (status === STATUS_OK) {
      const record = core.commandRecord() >>> 0;
      command.stagedPage = arena.view.getUint32(record + RECORD_PAGES, true);
    }
    command.stagedShard = shard;
    return status;
  }

  #fillPages(command: Command, keyBytes: number, valueBytes: number): void {
    const { bytes, pagesAddress, pageBytes, keys } = this.#session;
    const first = pagesAddress + (command.stagedPage - 1) * pageBytes;
    const keyAddress = first + ITEM_HEAD_BYTES;
    const { contentType, payload } = command;
    const totalBytes = keyBytes + contentType.length + valueBytes;
    const runs = pageRuns(this.#session, keyAddress, totalBytes);
    const value = typeof payload === 'string' ? Buffer.from(payload) : (payload as Uint8Array);
    bytes.copyWithin(keyAddress, keys.address, keys.address + keyBytes);
    this.#session.buffer.write(contentType, keyAddress + keyBytes, 'latin1');
    let skip = keyBytes + contentType.length;
    let from = 0;
    for (const run of runs) {
      const room = run.byteLength - skip;
      run.set(value.subarray(from, from + room), skip);
      from += room;
      skip = 0;
    }
    if (typeof payload === 'string') {
      command.encoding = settleEncoding(command.encoding as Encoding, payload.length, valueBytes);
    }
    command.valueBytes = valueBytes;
    const { tags } = command;
    if (tags === undefined || !this.#areNamesStaged(tags, keyBytes)) return;
    const itemPages = taggedPageCount(ITEM_HEAD_BYTES + totalBytes, this.#session.pageBytes);
    writeNamePages(this.#session, command.stagedPage - 1, itemPages, tags);
  }

  /** A slice of an invalidation; names that do not fit its record go into pages. */
  #placeSlice(command: Command, slice: TagSlice): number {
    const { core, arena, pageBytes } = this.#session;
    const { names, shard } = slice;
    const areStaged = this.#areNamesStaged(names, SLICE_NAMES);
    if (areStaged && command.stagedPage === 0) {
      const status = this.#stage(command, shard, namePageCount(names, pageBytes) * pageBytes);
      if (status !== STATUS_OK) return status;
    }
    if (areStaged) writeNamePages(this.#session, command.stagedPage - 1, 0, names);
    const room = SLICE_NAMES + (areStaged ? NAMES_FIRST : names.section.byteLength);
    const target = core.beginTagCommand(command.opcode, shard, command.namespaceId, room);
    if (target === STATUS_FULL) return STATUS_FULL;
    slice.write(arena.view, target >>> 0);
    this.#writeNames((target >>> 0) + SLICE_NAMES, names, areStaged);
    core.describePages(command.stagedPage, 0);
    const flags = areStaged ? FLAG_LARGE : 0;
    return core.submit(0, 0, 0, flags, Number.POSITIVE_INFINITY, this.#inPlace);
  }

  #placeRelease(command: Command): number {
    const { core } = this.#session;
    if (core.beginShardCommand(OP_RELEASE, command.releasedShard) === STATUS_FULL) {
      return STATUS_FULL;
    }
    core.describePages(command.stagedPage, command.releasedItem);
    const flags = command.stagedPage === 0 ? 0 : FLAG_LARGE;
    return core.submit(0, 0, 0, flags, Number.POSITIVE_INFINITY, this.#inPlace);
  }
}

function payloadBytes(payload: Payload): number {
  return typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength;
}
