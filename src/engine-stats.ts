import {
  CLASS_BYTES,
  CLASS_PAGES,
  HEADER_CLASS_COUNT,
  HEADER_CLASS_STRIDES,
  HEADER_LIMIT_BYTES,
  HEADER_NAMESPACE_COUNT,
  HEADER_SHARD_BYTES,
  HEADER_SHARDS,
  HEADER_THREAD_BYTES,
  HEADER_THREAD_SLOTS,
  HEADER_THREADS,
  SHARD_BYTES_USED,
  SHARD_CLASSES,
  SHARD_DELETES,
  SHARD_EVICTIONS,
  SHARD_EXPIRATIONS,
  SHARD_FREE_PAGES,
  SHARD_HOME,
  SHARD_ITEMS,
  SHARD_LEASES_ACTIVE,
  SHARD_LEASES_GRANTED,
  SHARD_LEASES_REFUSED,
  SHARD_LEASES_VOIDED,
  SHARD_LEASES_WAITS,
  SHARD_PAGE_COUNT,
  SHARD_PAGES_MOVED,
  SHARD_RECOVERY_COUNT,
  SHARD_SETS,
  SHARD_TAG_PAGES,
  SHARD_TAGS,
  THREAD_ATTACHED,
  THREAD_BUSY_READS,
  THREAD_DROPPED_TOUCHES,
  THREAD_HITS,
  THREAD_INPLACE,
  THREAD_MISSES,
  THREAD_QUEUED,
  THREAD_READ_RETRIES,
  THREAD_RING_HIGH,
  THREAD_STATE,
} from '../native-free-core/assembly/layout.js';
import type { ThreadSession } from './thread-session.js';

/** Pages that are cut into chunks of one size, for items that fit them. */
export interface SizeClassStats {
  /** The size of a chunk. */
  readonly chunkBytes: number;
  readonly pages: number;
}

/** Counters of one shard, since its birth. */
export interface ShardStats {
  readonly sets: number;
  readonly deletes: number;
  readonly evictions: number;
  readonly expirations: number;
  /** Items stored now; of cleared namespaces too, until they were swept. */
  readonly items: number;
  /** Bytes of the chunks and pages that hold items now. */
  readonly bytes: number;
  readonly pages: number;
  readonly freePages: number;
  /** Pages that were moved between size classes. */
  readonly pagesMoved: number;
  /** The size classes that have pages now, the smallest first. */
  readonly sizeClasses: readonly SizeClassStats[];
  /** Different tags that entries have now. */
  readonly tags: number;
  /** Bytes of the pages that hold their names and the table of them. */
  readonly tagBytes: number;
  /** Leases granted. */
  readonly leasesGranted: number;
  /** Leases that ended because their key was written or invalidated, or their time was over. */
  readonly leasesVoided: number;
  /** Requests for a lease that another had. */
  readonly leaseWaits: number;
  /** Values that came after the end of their lease and were not stored. */
  readonly fillsRefused: number;
  /** Leases that are granted now. */
  readonly leasesActive: number;
  /** How often its holder ended, or was cut off, in the middle of a change. */
  readonly recoveries: number;
  /** Thread slot of the home worker; -1 = none. */
  readonly homeThreadId: number;
}

/** Counters of one attached thread, since its slot was first used. */
export interface ThreadStats {
  readonly threadId: number;
  readonly hits: number;
  readonly misses: number;
  /** Reads that could not be answered within about 2 ms. */
  readonly busyReads: number;
  readonly readRetries: number;
  readonly droppedTouches: number;
  /** Writes that the thread applied itself. */
  readonly inPlaceWrites: number;
  /** Writes that went through a ring. */
  readonly queuedWrites: number;
  /** Most bytes ever waiting in one of its rings. */
  readonly ringHighWater: number;
}

/** What an engine counts. Sums over shards and threads, then each of them. */
export interface EngineStats {
  readonly hits: number;
  readonly misses: number;
  readonly busyReads: number;
  readonly readRetries: number;
  readonly droppedTouches: number;
  readonly ringHighWater: number;
  readonly sets: number;
  readonly deletes: number;
  readonly evictions: number;
  readonly expirations: number;
  readonly items: number;
  readonly bytes: number;
  /** Tags, each counted once for every shard where an entry has it. */
  readonly tags: number;
  readonly tagBytes: number;
  /** Rights to load a missing key that were granted: by `lease` and `getOrLoad`. */
  readonly leasesGranted: number;
  /** Leases that ended because their key was written or invalidated, or their time was over. */
  readonly leasesVoided: number;
  /** Requests for a lease that another had. */
  readonly leaseWaits: number;
  /** Values that came after the end of their lease and were not stored. */
  readonly fillsRefused: number;
  /** Leases that are granted now. */
  readonly leasesActive: number;
  /** Recoveries of shards, whichever thread saw to them. */
  readonly recoveries: number;
  /** Names of namespaces that were ever used; the default one has none. */
  readonly namespaces: number;
  /** The arena's size: the byte limit. */
  readonly memoryBytes: number;
  /** The size of a page of the arena, which shards give to size classes whole. */
  readonly pageBytes: number;
  /** Writes of this thread that failed, refused arguments included. */
  readonly failedWrites: number;
  /** Writes of this thread that wait for an answer now, in keys. */
  readonly pendingWrites: number;
  readonly shards: readonly ShardStats[];
  readonly threads: readonly ThreadStats[];
}

function counter(view: DataView, address: number): number {
  return Number(view.getBigUint64(address, true));
}

function sizeClassStats(view: DataView, shard: number): SizeClassStats[] {
  const sizeClasses: SizeClassStats[] = [];
  const classCount = view.getUint32(HEADER_CLASS_COUNT, true);
  for (let sizeClass = 0; sizeClass < classCount; sizeClass++) {
    const record = shard + SHARD_CLASSES + sizeClass * CLASS_BYTES;
    const pages = view.getUint32(record + CLASS_PAGES, true);
    const chunkBytes = view.getUint32(HEADER_CLASS_STRIDES + sizeClass * 4, true);
    if (pages > 0) sizeClasses.push({ chunkBytes, pages });
  }
  return sizeClasses;
}

function shardStats(view: DataView, shard: number, pageBytes: number): ShardStats {
  return {
    sets: counter(view, shard + SHARD_SETS),
    deletes: counter(view, shard + SHARD_DELETES),
    evictions: counter(view, shard + SHARD_EVICTIONS),
    expirations: counter(view, shard + SHARD_EXPIRATIONS),
    items: view.getUint32(shard + SHARD_ITEMS, true),
    bytes: counter(view, shard + SHARD_BYTES_USED),
    pages: view.getUint32(shard + SHARD_PAGE_COUNT, true),
    freePages: view.getUint32(shard + SHARD_FREE_PAGES, true),
    pagesMoved: counter(view, shard + SHARD_PAGES_MOVED),
    sizeClasses: sizeClassStats(view, shard),
    tags: view.getUint32(shard + SHARD_TAGS, true),
    tagBytes: view.getUint32(shard + SHARD_TAG_PAGES, true) * pageBytes,
    leasesGranted: counter(view, shard + SHARD_LEASES_GRANTED),
    leasesVoided: counter(view, shard + SHARD_LEASES_VOIDED),
    leaseWaits: counter(view, shard + SHARD_LEASES_WAITS),
    fillsRefused: counter(view, shard + SHARD_LEASES_REFUSED),
    leasesActive: view.getUint32(shard + SHARD_LEASES_ACTIVE, true),
    recoveries: view.getUint32(shard + SHARD_RECOVERY_COUNT, true),
    homeThreadId: view.getUint32(shard + SHARD_HOME, true) - 1,
  };
}

function threadStats(view: DataView, slot: number, threadId: number): ThreadStats {
  return {
    threadId,
    hits: counter(view, slot + THREAD_HITS),
    misses: counter(view, slot + THREAD_MISSES),
    busyReads: counter(view, slot + THREAD_BUSY_READS),
    readRetries: counter(view, slot + THREAD_READ_RETRIES),
    droppedTouches: counter(view, slot + THREAD_DROPPED_TOUCHES),
    inPlaceWrites: counter(view, slot + THREAD_INPLACE),
    queuedWrites: counter(view, slot + THREAD_QUEUED),
    ringHighWater: counter(view, slot + THREAD_RING_HIGH),
  };
}

/** Reads all counters. Other threads count on meanwhile: sums may differ by what they do. */
export function readStats(
  session: ThreadSession,
  failedWrites: number,
  pendingWrites: number,
): EngineStats {
  const { view } = session.arena;
  const shardBytes = view.getUint32(HEADER_SHARD_BYTES, true);
  const firstShard = view.getUint32(HEADER_SHARDS, true);
  const shards = Array.from({ length: session.shardCount }, (_, index) =>
    shardStats(view, firstShard + index * shardBytes, session.pageBytes),
  );
  const threadBytes = view.getUint32(HEADER_THREAD_BYTES, true);
  const firstThread = view.getUint32(HEADER_THREADS, true);
  // Slots that were given back keep their counts: the sums never fall.
  const slots = Array.from({ length: view.getUint32(HEADER_THREAD_SLOTS, true) }, (_, index) =>
    threadStats(view, firstThread + index * threadBytes, index),
  );
  const isAttached = (thread: ThreadStats): boolean =>
    view.getUint8(firstThread + thread.threadId * threadBytes + THREAD_STATE) === THREAD_ATTACHED;
  const sumThreads = (field: keyof ThreadStats): number =>
    slots.reduce((sum, slot) => sum + slot[field], 0);
  const sumShards = (field: Exclude<keyof ShardStats, 'sizeClasses'>): number =>
    shards.reduce((sum, shard) => sum + shard[field], 0);
  return {
    hits: sumThreads('hits'),
    misses: sumThreads('misses'),
    busyReads: sumThreads('busyReads'),
    readRetries: sumThreads('readRetries'),
    droppedTouches: sumThreads('droppedTouches'),
    ringHighWater: Math.max(...slots.map((slot) => slot.ringHighWater)),
    sets: sumShards('sets'),
    deletes: sumShards('deletes'),
    evictions: sumShards('evictions'),
    expirations: sumShards('expirations'),
    items: sumShards('items'),
    bytes: sumShards('bytes'),
    tags: sumShards('tags'),
    tagBytes: sumShards('tagBytes'),
    leasesGranted: sumShards('leasesGranted'),
    leasesVoided: sumShards('leasesVoided'),
    leaseWaits: sumShards('leaseWaits'),
    fillsRefused: sumShards('fillsRefused'),
    leasesActive: sumShards('leasesActive'),
    recoveries: sumShards('recoveries'),
    namespaces: view.getUint32(HEADER_NAMESPACE_COUNT, true) - 1,
    memoryBytes: view.getUint32(HEADER_LIMIT_BYTES, true),
    pageBytes: session.pageBytes,
    failedWrites,
    pendingWrites,
    shards,
    threads: slots.filter(isAttached),
  };
}
