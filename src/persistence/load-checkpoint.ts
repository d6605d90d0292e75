import type { Arena } from '../../native-free-core/arena.js';
import {
  HEADER_POLICY,
  HEADER_SHARD_BYTES,
  HEADER_SHARD_COUNT,
  HEADER_SHARDS,
  HEADER_THREADS,
  NAMESPACE_NAME_BYTES_MAX,
  SHARD_EVICTIONS,
  SHARD_SEQUENCE,
  SHARD_SETS,
  SHARD_WHEEL_TICK,
  THREAD_VALUE,
  WHEEL_TICK_MS,
} from '../../native-free-core/assembly/layout.js';
import { isOfTags } from './arena-pages.js';
import type { PageRecord } from './checkpoint-format.js';
import { EntryFilter, type FileSource, type LoadCounts } from './entry-filter.js';
import { EntryImporter } from './entry-importer.js';
import { EntryReader } from './entry-reader.js';
import { FiledTags, NAMES_BYTES_MAX } from './filed-tags.js';
import type { OpenCheckpoint } from './open-checkpoint.js';
import { isSameGeometry, PagePlacer } from './page-placer.js';

/** Versions have 48 bits; beyond half of them a file is not believed. */
const SEQUENCE_MAX = 2 ** 47;
/** Writes after a file that no other file knows of: their versions must not be given out again. */
const LOST_WRITES_MAX = 2 ** 32;
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
 * Puts the entries of a file into a new arena, before any thread attaches: whole pages where both
 * are of one geometry, else entry by entry. `nowMs` is the arena's time, which continues that of
 * the file.
 */
export async function loadCheckpoint(
  arena: Arena,
  checkpoint: OpenCheckpoint,
  nowMs: number,
  isStale: boolean,
): Promise<LoadReport> {
  const startMs = performance.now();
  const { table } = checkpoint;
  const { namespaces } = table.meta;
  arena.core.bindThread(THREAD_SLOT);
  beginShards(arena, table.meta.sequence + (isStale ? LOST_WRITES_MAX : 0), nowMs);
  const source = {
    epochs: namespaces.map(([, epoch]) => epoch >>> 0),
    namespaceIds: namespaces.map(([name]) => registerName(arena, name)),
    nowMs,
    isStale,
    isSamePolicy: table.meta.policy === arena.view.getUint32(HEADER_POLICY, true),
  };
  const counts = { entries: 0, expired: 0, dropped: 0 };
  const tags = await readTags(checkpoint);
  const isSame =
    isSameGeometry(arena, table) &&
    !tags.areDamaged &&
    source.namespaceIds.every((id, index) => id === index);
  const damagedPages = isSame
    ? await loadPages(arena, checkpoint, source, counts, tags)
    : await loadEntries(arena, checkpoint, source, counts, tags);
  const evicted = takeCounters(arena);
  return {
    state: isStale ? 'stale' : 'fresh',
    entries: counts.entries - evicted,
    expired: counts.expired,
    dropped: counts.dropped + evicted,
    damagedPages,
    durationMs: performance.now() - startMs,
  };
}

/** Versions and the wheel of expiries go on where the file left them. */
function beginShards(arena: Arena, highest: number, nowMs: number): void {
  const sequence = BigInt(highest < SEQUENCE_MAX ? highest : 0);
  const tick = BigInt(Math.floor(nowMs / WHEEL_TICK_MS));
  for (const shard of shardsOf(arena)) {
    arena.view.setBigUint64(shard + SHARD_SEQUENCE, sequence, true);
    arena.view.setBigUint64(shard + SHARD_WHEEL_TICK, tick, true);
  }
}

/** Reads all pages, in their order in the file; the number of those that are damaged. */
async function readPages(
  checkpoint: OpenCheckpoint,
  take: (record: PageRecord, bytes: Uint8Array, view: DataView) => Promise<void> | void,
): Promise<number> {
  const { meta, pages } = checkpoint.table;
  const bytes = new Uint8Array(meta.pageBytes);
  const view = new DataView(bytes.buffer);
  let damaged = 0;
  for (const record of pages) {
    if (await checkpoint.readPage(record, bytes)) await take(record, bytes, view);
    else damaged += 1;
  }
  return damaged;
}

async function loadPages(
  arena: Arena,
  checkpoint: OpenCheckpoint,
  source: FileSource,
  counts: LoadCounts,
  tags: FiledTags,
): Promise<number> {
  const placer = new PagePlacer(arena, source, counts, tags);
  const damaged = await readPages(checkpoint, placer.place.bind(placer));
  placer.finish(shardsOf(arena));
  return damaged;
}

async function loadEntries(
  arena: Arena,
  checkpoint: OpenCheckpoint,
  source: FileSource,
  counts: LoadCounts,
  tags: FiledTags,
): Promise<number> {
  const strides = checkpoint.table.pages.map(({ strideBytes }) => strideBytes);
  const strideBytesMax = strides.reduce((most, stride) => Math.max(most, stride), 0);
  const recordBytesMax = strideBytesMax + (tags.areAny ? NAMES_BYTES_MAX : 0);
  const importer = new EntryImporter(arena, source, counts, recordBytesMax);
  const filter = new EntryFilter(source, counts);
  const reader = new EntryReader({ checkpoint, importer, filter, tags, counts });
  try {
    return await readPages(checkpoint, reader.read.bind(reader));
  } finally {
    importer.close();
  }
}

/** Reads all tags first: entries refer to them. Damaged pages are counted when entries are read. */
async function readTags(checkpoint: OpenCheckpoint): Promise<FiledTags> {
  const { meta, pages } = checkpoint.table;
  const tags = new FiledTags(meta.pageBytes, meta.pagesAddress);
  const bytes = new Uint8Array(meta.pageBytes);
  for (const record of pages) {
    if (!isOfTags(record.state)) continue;
    if (await checkpoint.readPage(record, bytes)) tags.add(record.page, bytes);
    else tags.areDamaged = true;
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
