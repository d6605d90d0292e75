import type { Arena } from '../../native-free-core/arena.js';
import {
  HEADER_SHARD_BYTES,
  HEADER_SHARD_COUNT,
  HEADER_SHARDS,
  HEADER_THREADS,
  ITEM_HEAD_BYTES,
  NAMESPACE_NAME_BYTES_MAX,
  PAGE_LARGE_HEAD,
  SHARD_EVICTIONS,
  SHARD_SEQUENCE,
  SHARD_SETS,
  SHARD_WHEEL_TICK,
  THREAD_VALUE,
  WHEEL_TICK_MS,
} from '../../native-free-core/assembly/layout.js';
import { hasChunks, holdsTags, kindOf } from './arena-pages.js';
import type { PageRecord } from './checkpoint-format.js';
import { EntryImporter } from './entry-importer.js';
import { FiledTags, NAMES_BYTES_MAX, TAGS_LOST } from './filed-tags.js';
import type { OpenCheckpoint } from './open-checkpoint.js';

/** Versions have 48 bits; beyond half of them a file is not believed. */
const SEQUENCE_MAX = 2 ** 47;
/** The slot that nobody has yet: the thread that creates the engine acts by it while it loads. */
const THREAD_SLOT = 0;

/** What was taken out of a file. */
export interface LoadReport {
  /** `stale`: the file was not of a clean close, its entries count as soft-expired. */
  readonly state: 'fresh' | 'stale';
  /** Entries that are there again. */
  readonly entries: number;
  /** Entries whose time was over. */
  readonly expired: number;
  /** Entries that did not fit, or were damaged beyond being counted one by one. */
  readonly dropped: number;
  /** Pages whose bytes were not those that were written; their entries are missing. */
  readonly damagedPages: number;
  readonly durationMs: number;
}

/** Every field of every shard that counts what was done, not what is there. */
const COUNTERS: readonly number[] = [SHARD_SETS, SHARD_EVICTIONS];

/**
 * Puts the entries of a file into a new arena, before any thread attaches. `nowMs` is the arena's
 * time, which continues that of the file.
 */
export async function loadCheckpoint(
  arena: Arena,
  checkpoint: OpenCheckpoint,
  nowMs: number,
  isStale: boolean,
): Promise<LoadReport> {
  const startMs = performance.now();
  const { meta, pages } = checkpoint.table;
  arena.core.bindThread(THREAD_SLOT);
  const sequence = meta.sequence < SEQUENCE_MAX ? meta.sequence : 0;
  for (const shard of shardsOf(arena)) {
    arena.view.setBigUint64(shard + SHARD_SEQUENCE, BigInt(sequence), true);
    const tick = BigInt(Math.floor(nowMs / WHEEL_TICK_MS));
    arena.view.setBigUint64(shard + SHARD_WHEEL_TICK, tick, true);
  }
  const tags = await readTags(checkpoint);
  const strideBytesMax = pages.reduce((most, { strideBytes }) => Math.max(most, strideBytes), 0);
  const importer = new EntryImporter(arena, {
    epochs: meta.namespaces.map(([, epoch]) => epoch >>> 0),
    namespaceIds: meta.namespaces.map(([name]) => registerName(arena, name)),
    nowMs,
    isStale,
    recordBytesMax: strideBytesMax + (tags.areAny ? NAMES_BYTES_MAX : 0),
  });
  const loading = new Loading(checkpoint, importer, tags);
  try {
    await loading.run();
  } finally {
    importer.close();
  }
  const evicted = takeCounters(arena);
  const { imported, expired, dropped } = importer.counts;
  return {
    state: isStale ? 'stale' : 'fresh',
    entries: imported - evicted,
    expired,
    dropped: dropped + evicted,
    damagedPages: loading.damagedPages,
    durationMs: performance.now() - startMs,
  };
}

/** Reads all tags first: entries refer to them. Damaged pages are counted when entries are read. */
async function readTags(checkpoint: OpenCheckpoint): Promise<FiledTags> {
  const { meta, pages } = checkpoint.table;
  const tags = new FiledTags(meta.pageBytes, meta.pagesAddress);
  const bytes = new Uint8Array(meta.pageBytes);
  for (const record of pages) {
    if (!holdsTags(record.state)) continue;
    if (await checkpoint.readPage(record, bytes)) tags.add(record.page, bytes);
  }
  return tags;
}

function* shardsOf(arena: Arena): Generator<number> {
  const first = arena.view.getUint32(HEADER_SHARDS, true);
  const shardBytes = arena.view.getUint32(HEADER_SHARD_BYTES, true);
  const count = arena.view.getUint32(HEADER_SHARD_COUNT, true);
  for (let shard = 0; shard < count; shard++) yield first + shard * shardBytes;
}

/** Id of a namespace in this arena, or -1. */
function registerName(arena: Arena, name: string): number {
  const bytes = Buffer.from(name);
  if (bytes.length > NAMESPACE_NAME_BYTES_MAX) return -1;
  const address = arena.view.getUint32(HEADER_THREADS, true) + THREAD_VALUE;
  new Uint8Array(arena.buffer).set(bytes, address);
  return Math.max(-1, arena.core.registerNamespace(address, bytes.length));
}

/** The engine has done nothing yet: its counters say so. Returns how many entries gave way. */
function takeCounters(arena: Arena): number {
  let evicted = 0;
  for (const shard of shardsOf(arena)) {
    evicted += Number(arena.view.getBigUint64(shard + SHARD_EVICTIONS, true));
    for (const offset of COUNTERS) arena.view.setBigUint64(shard + offset, 0n, true);
  }
  return evicted;
}

/** One walk through the pages of a file. */
class Loading {
  damagedPages = 0;
  readonly #checkpoint: OpenCheckpoint;
  readonly #importer: EntryImporter;
  readonly #pageBytes: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #records = new Map<number, PageRecord>();

  readonly #tags: FiledTags;

  constructor(checkpoint: OpenCheckpoint, importer: EntryImporter, tags: FiledTags) {
    this.#tags = tags;
    this.#checkpoint = checkpoint;
    this.#importer = importer;
    this.#pageBytes = checkpoint.table.meta.pageBytes;
    this.#bytes = new Uint8Array(this.#pageBytes);
    this.#view = new DataView(this.#bytes.buffer);
    for (const record of checkpoint.table.pages) this.#records.set(record.page, record);
  }

  async run(): Promise<void> {
    for (const record of this.#checkpoint.table.pages) {
      const kind = kindOf(record.state);
      if (hasChunks(kind)) await this.#loadChunks(record);
      else if (kind === PAGE_LARGE_HEAD) await this.#loadLarge(record);
      else if (holdsTags(record.state)) await this.#read(record, this.#bytes);
    }
  }

  async #read(record: PageRecord, target: Uint8Array): Promise<boolean> {
    const isWhole = await this.#checkpoint.readPage(record, target);
    if (!isWhole) this.damagedPages += 1;
    return isWhole;
  }

  async #loadChunks(record: PageRecord): Promise<void> {
    const { strideBytes } = record;
    if (strideBytes < ITEM_HEAD_BYTES || strideBytes > this.#pageBytes) return;
    if (!(await this.#read(record, this.#bytes))) return;
    for (let at = 0; at + strideBytes <= this.#pageBytes; at += strideBytes) {
      const totalBytes = this.#importer.sizeOf(this.#view, at, strideBytes);
      if (totalBytes === 0) continue;
      const names = this.#tags.namesOf(this.#view, at, totalBytes, at + strideBytes);
      if (names === TAGS_LOST) this.#importer.counts.dropped += 1;
      else this.#importer.put(this.#view, this.#bytes, at, totalBytes, names);
    }
  }

  async #loadLarge(head: PageRecord): Promise<void> {
    if (!(await this.#read(head, this.#bytes))) return;
    const roomBytes = this.#records.size * this.#pageBytes;
    const totalBytes = this.#importer.sizeOf(this.#view, 0, roomBytes);
    if (totalBytes === 0) return;
    const endByte = this.#tags.endOfLarge(this.#view, totalBytes);
    const whole = await this.#gather(head, endByte);
    if (whole === undefined) {
      this.#importer.counts.dropped += 1;
      return;
    }
    const view = new DataView(whole.buffer);
    const names = this.#tags.namesOf(view, 0, totalBytes, endByte);
    if (names === TAGS_LOST) this.#importer.counts.dropped += 1;
    else this.#importer.put(view, whole, 0, totalBytes, names);
  }

  /** A large item in one run; undefined when a page of it is missing or damaged. */
  async #gather(head: PageRecord, totalBytes: number): Promise<Uint8Array | undefined> {
    const pageCount = Math.ceil(totalBytes / this.#pageBytes);
    const whole = new Uint8Array(pageCount * this.#pageBytes);
    whole.set(this.#bytes);
    let { next } = head;
    for (let index = 1; index < pageCount; index++) {
      const record = this.#records.get(next - 1);
      if (record === undefined) return undefined;
      const start = index * this.#pageBytes;
      const target = whole.subarray(start, start + this.#pageBytes);
      if (!(await this.#read(record, target))) return undefined;
      next = record.next;
    }
    return whole;
  }
}
