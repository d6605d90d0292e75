import type { Arena } from '../../native-free-core/arena.js';
import {
  CONTENT_TYPE_BYTES_MAX,
  FLAG_LARGE,
  FLAG_TAGGED,
  HEADER_DIRECTORY,
  HEADER_INLINE_BYTES,
  HEADER_MAX_VALUE_BYTES,
  HEADER_PAGE_BYTES,
  HEADER_PAGES,
  ITEM_CONTENT_TYPE_BYTES,
  ITEM_CREATED_MS,
  ITEM_ENCODING,
  ITEM_EPOCH,
  ITEM_EXPIRY_MS,
  ITEM_FLAGS,
  ITEM_HEAD_BYTES,
  ITEM_KEY_BYTES,
  ITEM_LIVE,
  ITEM_NAMESPACE,
  ITEM_STALE,
  ITEM_STATE,
  ITEM_VALUE_BYTES,
  KEY_BYTES_MAX,
  NAMES_COUNT,
  RECORD_CONTENT_TYPE_BYTES,
  RECORD_CREATED_MS,
  RECORD_ENCODING,
  RECORD_EXPIRY_MS,
  RECORD_FLAGS,
  RECORD_KEY,
  RECORD_KEY_BYTES,
  RECORD_NAMESPACE,
  RECORD_OLD,
  RECORD_PAGES,
  RECORD_VALUE_BYTES,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_OK } from '../../native-free-core/status.js';
import { type PageHome, pageRuns } from '../reads/entry-bytes.js';
import { taggedPageCount } from '../tags/staged-names.js';
import { bytesWithTags } from './filed-tags.js';

const U32 = 2 ** 32;
const U16_MASK = 0xffff;

/** What became of the entries of a file. */
export interface ImportCounts {
  imported: number;
  /** Their time was over. */
  expired: number;
  /** No room, a name too many, or bytes that cannot be an entry. */
  dropped: number;
}

/** Where an importer takes entries from, and as what. */
export interface ImportSource {
  /** Epochs of the namespaces in the file, by their ids there. */
  readonly epochs: readonly number[];
  /** Ids here of the namespaces there; -1 = no room for the name. */
  readonly namespaceIds: readonly number[];
  /** Present time of the arena, to which the times in the file belong. */
  readonly nowMs: number;
  readonly isStale: boolean;
  /** Bytes of the longest record. */
  readonly recordBytesMax: number;
}

/**
 * Puts entries out of a file into an arena that nobody else has seen yet. Each goes through the
 * core's door for sets; what does not fit evicts by the arena's own rules.
 */
export class EntryImporter {
  readonly counts: ImportCounts = { imported: 0, expired: 0, dropped: 0 };
  readonly #arena: Arena;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #source: ImportSource;
  readonly #home: PageHome;
  readonly #inlineBytes: number;
  readonly #valueBytesMax: number;
  readonly #recordPages: number;
  /** Address of the record; its key lies where a chunk's key would. */
  readonly #record: number;

  constructor(arena: Arena, source: ImportSource) {
    const { view } = arena;
    this.#arena = arena;
    this.#view = view;
    this.#bytes = new Uint8Array(arena.buffer);
    this.#source = source;
    this.#inlineBytes = view.getUint32(HEADER_INLINE_BYTES, true);
    this.#valueBytesMax = view.getUint32(HEADER_MAX_VALUE_BYTES, true);
    const pageBytes = view.getUint32(HEADER_PAGE_BYTES, true);
    const pagesAddress = view.getUint32(HEADER_PAGES, true);
    const directoryAddress = view.getUint32(HEADER_DIRECTORY, true);
    this.#home = { arena, pageBytes, pagesAddress, directoryAddress };
    this.#recordPages = Math.max(1, Math.ceil(source.recordBytesMax / pageBytes));
    this.#record = arena.core.openImport(this.#recordPages) >>> 0;
    if (this.#record === 0) throw new Error('the arena has no room for entries of a file');
  }

  close(): void {
    this.#arena.core.closeImport(this.#record, this.#recordPages);
  }

  /**
   * Bytes of the entry whose head stands in a page of a file; 0 when it is none to be had: free,
   * over, of a cleared namespace, or no entry at all.
   */
  sizeOf(page: DataView, at: number, roomBytes: number): number {
    if (page.getUint32(at + ITEM_STATE, true) !== ITEM_LIVE) return 0;
    const keyBytes = page.getUint16(at + ITEM_KEY_BYTES, true);
    const typeBytes = page.getUint8(at + ITEM_CONTENT_TYPE_BYTES);
    const totalBytes =
      ITEM_HEAD_BYTES + keyBytes + typeBytes + page.getUint32(at + ITEM_VALUE_BYTES, true);
    const namespaceId = page.getUint16(at + ITEM_NAMESPACE, true);
    const epoch = this.#source.epochs[namespaceId];
    const isSound =
      keyBytes >= 1 &&
      keyBytes <= KEY_BYTES_MAX &&
      typeBytes <= CONTENT_TYPE_BYTES_MAX &&
      totalBytes <= roomBytes &&
      epoch !== undefined;
    if (!isSound) {
      this.counts.dropped += 1;
      return 0;
    }
    // Of a namespace that was cleared before the file was written.
    if (page.getUint32(at + ITEM_EPOCH, true) !== epoch) return 0;
    if (!(page.getFloat64(at + ITEM_EXPIRY_MS, true) > this.#source.nowMs)) {
      this.counts.expired += 1;
      return 0;
    }
    if ((this.#source.namespaceIds[namespaceId] as number) < 0) {
      this.counts.dropped += 1;
      return 0;
    }
    return totalBytes;
  }

  /** Stores an entry that `sizeOf` has found, its bytes in one run, with the names of its tags. */
  put(
    page: DataView,
    bytes: Uint8Array,
    at: number,
    totalBytes: number,
    names: Uint8Array | undefined,
  ): void {
    const tagCount = names?.[NAMES_COUNT];
    const wholeBytes = tagCount === undefined ? totalBytes : bytesWithTags(totalBytes, tagCount);
    this.#describe(page, at);
    if (wholeBytes - ITEM_HEAD_BYTES <= this.#inlineBytes) {
      const body = bytes.subarray(at + ITEM_HEAD_BYTES, at + totalBytes);
      this.#bytes.set(body, this.#record + RECORD_KEY);
      this.#putNames(names, body.length);
      this.#store(page, at, names === undefined ? 0 : FLAG_TAGGED);
    } else {
      this.#putLarge(page, bytes, at, totalBytes, names);
    }
  }

  /** Names follow what the record holds behind its head. */
  #putNames(names: Uint8Array | undefined, bodyBytes: number): void {
    if (names !== undefined) this.#bytes.set(names, this.#record + RECORD_KEY + bodyBytes);
  }

  #putLarge(
    page: DataView,
    bytes: Uint8Array,
    at: number,
    totalBytes: number,
    names: Uint8Array | undefined,
  ): void {
    const { core } = this.#arena;
    const view = this.#view;
    const valueBytes = page.getUint32(at + ITEM_VALUE_BYTES, true);
    const keyBytes = page.getUint16(at + ITEM_KEY_BYTES, true);
    if (valueBytes > this.#valueBytesMax) {
      this.counts.dropped += 1;
      return;
    }
    const body = bytes.subarray(at + ITEM_HEAD_BYTES, at + totalBytes);
    // The key alone: it names the shard, whose pages take all of it.
    this.#bytes.set(body.subarray(0, keyBytes), this.#record + RECORD_KEY);
    const { pagesAddress, pageBytes } = this.#home;
    const stagedBytes =
      names === undefined ? totalBytes : taggedPageCount(totalBytes, pageBytes) * pageBytes;
    view.setUint32(this.#record + RECORD_VALUE_BYTES, stagedBytes, true);
    const first = core.stageImport(this.#record, this.#source.nowMs) >>> 0;
    if (first === 0) {
      this.counts.dropped += 1;
      return;
    }
    view.setUint32(this.#record + RECORD_VALUE_BYTES, valueBytes, true);
    let from = 0;
    const start = pagesAddress + (first - 1) * pageBytes + ITEM_HEAD_BYTES;
    for (const run of pageRuns(this.#home, start, body.length)) {
      run.set(body.subarray(from, from + run.length));
      from += run.length;
    }
    this.#putNames(names, keyBytes);
    this.#store(page, at, names === undefined ? FLAG_LARGE : FLAG_LARGE | FLAG_TAGGED);
  }

  /** Fills in the record from the head of an item, but for key, content type and value. */
  #describe(page: DataView, at: number): void {
    const view = this.#view;
    const record = this.#record;
    const namespaceId = this.#source.namespaceIds[page.getUint16(at + ITEM_NAMESPACE, true)];
    const typeBytes = page.getUint8(at + ITEM_CONTENT_TYPE_BYTES);
    const createdHigh = page.getUint32(at + ITEM_CREATED_MS + 4, true) & U16_MASK;
    const createdMs = createdHigh * U32 + page.getUint32(at + ITEM_CREATED_MS, true);
    view.setUint8(record + RECORD_ENCODING, page.getUint8(at + ITEM_ENCODING));
    view.setUint8(record + RECORD_CONTENT_TYPE_BYTES, typeBytes);
    view.setUint16(record + RECORD_KEY_BYTES, page.getUint16(at + ITEM_KEY_BYTES, true), true);
    view.setUint16(record + RECORD_NAMESPACE, namespaceId as number, true);
    view.setUint32(record + RECORD_VALUE_BYTES, page.getUint32(at + ITEM_VALUE_BYTES, true), true);
    view.setFloat64(record + RECORD_EXPIRY_MS, page.getFloat64(at + ITEM_EXPIRY_MS, true), true);
    view.setFloat64(record + RECORD_CREATED_MS, createdMs, true);
    view.setUint32(record + RECORD_OLD, 0, true);
    view.setUint32(record + RECORD_PAGES, 0, true);
  }

  #store(page: DataView, at: number, flags: number): void {
    this.#view.setUint8(this.#record + RECORD_FLAGS, flags);
    const wasStale = (page.getUint8(at + ITEM_FLAGS) & ITEM_STALE) !== 0;
    const itemFlags = wasStale || this.#source.isStale ? ITEM_STALE : 0;
    const status = this.#arena.core.importRecord(this.#record, this.#source.nowMs, itemFlags);
    if (status === STATUS_OK) this.counts.imported += 1;
    else this.counts.dropped += 1;
  }
}
