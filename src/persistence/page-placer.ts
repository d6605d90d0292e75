import type { Arena } from '../../native-free-core/arena.js';
import {
  HEADER_NAMESPACES,
  ITEM_FLAGS,
  ITEM_POLICY_MASK,
  ITEM_STALE,
  ITEM_STATE,
  NAMESPACE_BYTES,
  NAMESPACE_EPOCH,
  PAGE_FREE,
  PAGE_INDEX,
  PAGE_LARGE_HEAD,
  PAGE_LARGE_MEMBER,
  PAGE_SLAB,
  SHARD_RECOVERY_DROPPED,
} from '../../native-free-core/assembly/layout.js';
import { ArenaPages, hasChunks, isOfTags, kindOf } from './arena-pages.js';
import type { CheckpointTable, PageRecord } from './checkpoint-format.js';
import { EntryFilter, type FileSource, type LoadCounts } from './entry-filter.js';
import type { FiledTags } from './filed-tags.js';

const KIND_SHIFT = 24;
const SHARD_SHIFT = 8;
const CLASS_MASK = 0xff_0000;

/**
 * Whether pages of the file mean the same in this arena, address for address, and lie where it has
 * nothing but its empty index.
 */
export function isSameGeometry(arena: Arena, { meta, pages }: CheckpointTable): boolean {
  const own = new ArenaPages(arena);
  return (
    meta.pageBytes === own.pageBytes &&
    meta.pagesAddress === own.pagesAddress &&
    meta.pageCount === own.pageCount &&
    meta.shardCount === own.shardCount &&
    pages.every(
      ({ page, state, strideBytes }) =>
        page < own.pageCount &&
        strideBytes === own.strideOf(state) &&
        isReplaceable(kindOf(own.stateOf(page))),
    )
  );
}

function isReplaceable(kind: number): boolean {
  return kind === PAGE_FREE || kind === PAGE_INDEX;
}

/** What is known of a large value whose pages are being placed. */
interface LargeValue {
  readonly head: PageRecord;
  readonly pageCount: number;
}

/**
 * Puts whole pages of a file where they lay in the arena that wrote them, then lets the core build
 * everything else anew: recency, policy, tags and tables come back as they were. Only in an arena
 * of the same geometry and hash seed, before any thread attaches.
 */
export class PagePlacer {
  readonly #arena: Arena;
  readonly #pages: ArenaPages;
  readonly #source: FileSource;
  readonly #counts: LoadCounts;
  readonly #filter: EntryFilter;
  readonly #tags: FiledTags;
  readonly #shardByPage: Uint8Array;
  readonly #placed = new Map<number, PageRecord>();
  readonly #large: LargeValue[] = [];

  constructor(arena: Arena, source: FileSource, counts: LoadCounts, tags: FiledTags) {
    this.#arena = arena;
    this.#pages = new ArenaPages(arena);
    this.#source = source;
    this.#counts = counts;
    this.#filter = new EntryFilter(source, counts);
    this.#tags = tags;
    this.#shardByPage = this.#pages.shardByPage();
    this.#takeEpochs();
  }

  #takeEpochs(): void {
    const { view } = this.#arena;
    const registry = view.getUint32(HEADER_NAMESPACES, true);
    this.#source.epochs.forEach((epoch, id) => {
      view.setUint32(registry + id * NAMESPACE_BYTES + NAMESPACE_EPOCH, epoch, true);
    });
  }

  /** Takes a page whose bytes are those that were written; they are changed. */
  place(record: PageRecord, bytes: Uint8Array, view: DataView): void {
    const kind = kindOf(record.state);
    if (hasChunks(kind)) {
      const { strideBytes } = record;
      for (let at = 0; at + strideBytes <= bytes.length; at += strideBytes) {
        this.#settle(view, at, strideBytes);
      }
      this.#put(record, bytes, PAGE_SLAB);
    } else if (kind === PAGE_LARGE_HEAD) {
      const contentBytes = this.#settle(view, 0, this.#pages.pageCount * this.#pages.pageBytes);
      if (contentBytes === 0) return;
      const endByte = this.#tags.endOfLarge(view, contentBytes);
      const pageCount = Math.ceil(endByte / this.#pages.pageBytes);
      this.#large.push({ head: record, pageCount });
      this.#put(record, bytes, PAGE_LARGE_HEAD);
    } else if (kind === PAGE_LARGE_MEMBER || isOfTags(record.state)) {
      this.#put(record, bytes, kind);
    }
  }

  /** Leaves an entry that is taken, and clears what is none; its bytes, 0 = cleared. */
  #settle(view: DataView, at: number, roomBytes: number): number {
    const contentBytes = this.#filter.sizeOf(view, at, roomBytes);
    if (contentBytes === 0) {
      view.setUint32(at + ITEM_STATE, 0, true);
      return 0;
    }
    const { isStale, isSamePolicy } = this.#source;
    let flags = view.getUint8(at + ITEM_FLAGS);
    if (isStale) flags |= ITEM_STALE;
    // Queues of another policy mean nothing here: all begin in the first one.
    if (!isSamePolicy) flags &= ~ITEM_POLICY_MASK;
    view.setUint8(at + ITEM_FLAGS, flags);
    return contentBytes;
  }

  #put(record: PageRecord, bytes: Uint8Array, kind: number): void {
    const shard = this.#shardByPage[record.page] as number;
    const state =
      ((kind << KIND_SHIFT) | (record.state & CLASS_MASK) | (shard << SHARD_SHIFT)) >>> 0;
    this.#pages.place(record.page, bytes, state, record.next);
    this.#placed.set(record.page, record);
  }

  /** After the last page: builds the shards. */
  finish(shardAddresses: Iterable<number>): void {
    for (const value of this.#large) this.#checkLarge(value);
    let shard = 0;
    for (const address of shardAddresses) {
      this.#counts.entries += this.#arena.core.rebuildShard(shard, this.#source.nowMs);
      this.#counts.dropped += this.#arena.view.getUint32(address + SHARD_RECOVERY_DROPPED, true);
      shard += 1;
    }
  }

  /** A large value that lacks a page is none: its head is cleared, the rest is freed with it. */
  #checkLarge({ head, pageCount }: LargeValue): void {
    let record: PageRecord | undefined = head;
    for (let left = pageCount - 1; left > 0 && record !== undefined; left--) {
      record = this.#placed.get(record.next - 1);
      if (record !== undefined && kindOf(record.state) !== PAGE_LARGE_MEMBER) record = undefined;
    }
    if (record?.next === 0) return;
    const address = this.#pages.pagesAddress + head.page * this.#pages.pageBytes;
    this.#arena.view.setUint32(address + ITEM_STATE, 0, true);
    this.#counts.dropped += 1;
  }
}
