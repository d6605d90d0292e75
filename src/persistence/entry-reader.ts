import { ITEM_HEAD_BYTES, PAGE_LARGE_HEAD } from '../../native-free-core/assembly/layout.js';
import { hasChunks, kindOf } from './arena-pages.js';
import type { PageRecord } from './checkpoint-format.js';
import type { EntryFilter, LoadCounts } from './entry-filter.js';
import type { EntryImporter } from './entry-importer.js';
import { type FiledTags, TAGS_LOST } from './filed-tags.js';
import type { OpenCheckpoint } from './open-checkpoint.js';

/** What an entry reader works with. */
export interface EntryReaderParts {
  readonly checkpoint: OpenCheckpoint;
  readonly importer: EntryImporter;
  readonly filter: EntryFilter;
  readonly tags: FiledTags;
  readonly counts: LoadCounts;
}

/** Takes entries one by one out of the pages of a file, into an arena of any geometry. */
export class EntryReader {
  readonly #parts: EntryReaderParts;
  readonly #pageBytes: number;
  readonly #records = new Map<number, PageRecord>();

  constructor(parts: EntryReaderParts) {
    this.#parts = parts;
    const { meta, pages } = parts.checkpoint.table;
    this.#pageBytes = meta.pageBytes;
    for (const record of pages) this.#records.set(record.page, record);
  }

  /** Takes the entries of a page whose bytes are those that were written. */
  async read(record: PageRecord, bytes: Uint8Array, view: DataView): Promise<void> {
    const kind = kindOf(record.state);
    if (hasChunks(kind)) this.#readChunks(record.strideBytes, bytes, view);
    else if (kind === PAGE_LARGE_HEAD) await this.#readLarge(record, bytes, view);
  }

  #readChunks(strideBytes: number, bytes: Uint8Array, view: DataView): void {
    const { filter, tags } = this.#parts;
    if (strideBytes < ITEM_HEAD_BYTES) return;
    for (let at = 0; at + strideBytes <= this.#pageBytes; at += strideBytes) {
      const contentBytes = filter.sizeOf(view, at, strideBytes);
      if (contentBytes === 0) continue;
      const names = tags.namesOf(view, at, contentBytes, at + strideBytes);
      this.#take(view, bytes, at, contentBytes, names);
    }
  }

  #take(
    view: DataView,
    bytes: Uint8Array,
    at: number,
    contentBytes: number,
    names: ReturnType<FiledTags['namesOf']>,
  ): void {
    const { importer, counts } = this.#parts;
    if (names === TAGS_LOST) counts.dropped += 1;
    else importer.put(view, bytes, at, contentBytes, names);
  }

  async #readLarge(head: PageRecord, bytes: Uint8Array, view: DataView): Promise<void> {
    const { filter, tags, counts } = this.#parts;
    const contentBytes = filter.sizeOf(view, 0, this.#records.size * this.#pageBytes);
    if (contentBytes === 0) return;
    const endByte = tags.endOfLarge(view, contentBytes);
    const whole = await this.#gather(head, bytes, endByte);
    if (whole === undefined) {
      counts.dropped += 1;
      return;
    }
    const names = tags.namesOf(whole.view, 0, contentBytes, endByte);
    this.#take(whole.view, whole.bytes, 0, contentBytes, names);
  }

  /** A large item in one run; undefined when a page of it is missing or damaged. */
  async #gather(
    head: PageRecord,
    first: Uint8Array,
    endByte: number,
  ): Promise<{ bytes: Uint8Array; view: DataView } | undefined> {
    const pageCount = Math.ceil(endByte / this.#pageBytes);
    const bytes = new Uint8Array(pageCount * this.#pageBytes);
    bytes.set(first);
    let { next } = head;
    for (let index = 1; index < pageCount; index++) {
      const record = this.#records.get(next - 1);
      if (record === undefined) return undefined;
      const start = index * this.#pageBytes;
      const target = bytes.subarray(start, start + this.#pageBytes);
      if (!(await this.#parts.checkpoint.readPage(record, target))) return undefined;
      next = record.next;
    }
    return { bytes, view: new DataView(bytes.buffer) };
  }
}
