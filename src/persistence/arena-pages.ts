import type { Arena } from '../../native-free-core/arena.js';
import {
  HEADER_CLASS_STRIDES,
  HEADER_DIRECTORY,
  HEADER_NAMES,
  HEADER_NAMESPACES,
  HEADER_PAGE_BYTES,
  HEADER_PAGE_CHANGES,
  HEADER_PAGES,
  HEADER_SHARD_BYTES,
  HEADER_SHARD_COUNT,
  HEADER_SHARDS,
  NAMESPACE_BYTES,
  NAMESPACE_EPOCH,
  NAMESPACE_MAX,
  NAMESPACE_NAME,
  PAGE_DRAINING,
  PAGE_ENTRY_BYTES,
  PAGE_LARGE_HEAD,
  PAGE_LARGE_MEMBER,
  PAGE_NEXT,
  PAGE_SLAB,
  PAGE_STATE,
  PAGE_TAG,
  SHARD_ITEMS,
  SHARD_PAGE_COUNT,
  SHARD_PAGE_FIRST,
  SHARD_SEQUENCE,
  TAG_TABLE_CLASS,
} from '../../native-free-core/assembly/layout.js';

const KIND_SHIFT = 24;
const CLASS_SHIFT = 16;

/** Kind of a page, out of its state word. */
export function kindOf(state: number): number {
  return state >>> KIND_SHIFT;
}

/** Whether a page of this kind has chunks of one size. */
export function hasChunks(kind: number): boolean {
  return kind === PAGE_SLAB || kind === PAGE_DRAINING;
}

/** Whether the page holds names of tags; others of its kind hold the table of them. */
export function holdsTags(state: number): boolean {
  return kindOf(state) === PAGE_TAG && classOf(state) !== TAG_TABLE_CLASS;
}

/** Whether the page holds entries, or tags of them: all that a file needs to hold. */
export function isFiled(state: number): boolean {
  const kind = kindOf(state);
  if (hasChunks(kind) || kind === PAGE_LARGE_HEAD || kind === PAGE_LARGE_MEMBER) return true;
  return holdsTags(state);
}

function classOf(state: number): number {
  return (state >>> CLASS_SHIFT) & 0xff;
}

/** The pages of an arena as a copier sees them, by number. */
export class ArenaPages {
  readonly pageBytes: number;
  readonly pagesAddress: number;
  readonly shardCount: number;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #changesIndex: number;
  readonly #directory: number;

  constructor(arena: Arena) {
    const { view } = arena;
    this.#view = view;
    this.#bytes = new Uint8Array(arena.buffer);
    this.#words = new Uint32Array(arena.buffer);
    this.#changesIndex = view.getUint32(HEADER_PAGE_CHANGES, true) / 4;
    this.#directory = view.getUint32(HEADER_DIRECTORY, true);
    this.pageBytes = view.getUint32(HEADER_PAGE_BYTES, true);
    this.pagesAddress = view.getUint32(HEADER_PAGES, true);
    this.shardCount = view.getUint32(HEADER_SHARD_COUNT, true);
  }

  #shardAddress(shard: number): number {
    const first = this.#view.getUint32(HEADER_SHARDS, true);
    return first + shard * this.#view.getUint32(HEADER_SHARD_BYTES, true);
  }

  /** Pages of a shard that hold entries now. */
  *inUse(shard: number): Generator<number> {
    const address = this.#shardAddress(shard);
    const first = this.#view.getUint32(address + SHARD_PAGE_FIRST, true);
    const end = first + this.#view.getUint32(address + SHARD_PAGE_COUNT, true);
    for (let page = first; page < end; page++) {
      if (isFiled(this.stateOf(page))) yield page;
    }
  }

  /** Items of a shard, those included whose time is over. */
  itemsOf(shard: number): number {
    return this.#view.getUint32(this.#shardAddress(shard) + SHARD_ITEMS, true);
  }

  sequenceOf(shard: number): number {
    return Number(this.#view.getBigUint64(this.#shardAddress(shard) + SHARD_SEQUENCE, true));
  }

  /** State word of the page directory. */
  stateOf(page: number): number {
    const address = this.#directory + page * PAGE_ENTRY_BYTES + PAGE_STATE;
    return Atomics.load(this.#words, address / 4);
  }

  /** Next page of a large value + 1; 0 = none. */
  nextOf(page: number): number {
    return this.#view.getUint32(this.#directory + page * PAGE_ENTRY_BYTES + PAGE_NEXT, true);
  }

  /** Bytes from chunk to chunk; 0 where the page has none. */
  strideOf(state: number): number {
    if (!hasChunks(kindOf(state))) return 0;
    return this.#view.getUint32(HEADER_CLASS_STRIDES + classOf(state) * 4, true);
  }

  /** Counts changes; read before the page is copied, and again with the shard held. */
  changesOf(page: number): number {
    return Atomics.load(this.#words, this.#changesIndex + page);
  }

  /** Copies a page; others may be writing to it. */
  copy(page: number, target: Uint8Array): void {
    const start = this.pagesAddress + page * this.pageBytes;
    target.set(this.#bytes.subarray(start, start + this.pageBytes));
  }

  /** Names and epochs of all namespaces, by id. */
  namespaces(): (readonly [name: string, epoch: number])[] {
    const registry = this.#view.getUint32(HEADER_NAMESPACES, true);
    const names = this.#view.getUint32(HEADER_NAMES, true);
    const found: (readonly [string, number])[] = [];
    for (let id = 0; id < NAMESPACE_MAX; id++) {
      const entry = registry + id * NAMESPACE_BYTES;
      const offset = Atomics.load(this.#words, (entry + NAMESPACE_NAME) / 4);
      if (offset === 0) break;
      const at = names + offset - 1;
      const end = at + 1 + (this.#bytes[at] as number);
      const name = Buffer.from(this.#bytes.slice(at + 1, end)).toString();
      found.push([name, this.#view.getUint32(entry + NAMESPACE_EPOCH, true)]);
    }
    return found;
  }
}
