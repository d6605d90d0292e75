import type { OperationName } from '../operation-names.js';

/** How one operation went, since the service was started. Durations in milliseconds. */
export interface OperationReport {
  readonly ok: number;
  readonly refused: number;
  readonly failed: number;
  /** Quantiles, interpolated within the bucket that they fall into; 0 when there was none. */
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  /** Upper bound of the slowest bucket in use; `null` when it has none, above 10 seconds. */
  readonly maxBucketMs: number | null;
}

/** One part of the memory. */
export interface ShardReport {
  readonly items: number;
  /** Of chunks and pages that hold items. */
  readonly bytes: number;
  readonly pages: number;
  readonly freePages: number;
  readonly evictions: number;
}

/** The answer to `GET /stats`: all threads together, for programs that show or check a service. */
export interface StatsReport {
  readonly version: string;
  readonly uptimeSeconds: number;
  /** Uptime, to the millisecond, at which the counters of the engine were read. */
  readonly countedAtSeconds: number;
  /** The library that speaks HTTP. */
  readonly transport: string;
  /** Threads that serve HTTP now. */
  readonly threads: number;
  readonly isDraining: boolean;
  /** Reads of the engine that found an entry, and that found none. */
  readonly hits: number;
  readonly misses: number;
  /** 0 to 1; 0 before the first read. */
  readonly hitRatio: number;
  /** By name; an operation that was never asked for is left out. */
  readonly operations: Readonly<Partial<Record<OperationName, OperationReport>>>;
  readonly items: number;
  /** Of chunks and pages that hold items. */
  readonly bytes: number;
  /** All memory of the engine: its limit. */
  readonly memoryBytes: number;
  readonly sets: number;
  readonly deletes: number;
  readonly evictions: number;
  readonly expirations: number;
  readonly recoveries: number;
  readonly namespaces: number;
  readonly tags: number;
  readonly leasesActive: number;
  /** Most bytes that ever waited in a ring of a thread. */
  readonly ringHighWaterBytes: number;
  /** Writes that wait for an answer now, in keys. */
  readonly pendingWrites: number;
  readonly connections: number;
  /** WebSockets. */
  readonly sockets: number;
  readonly shards: readonly ShardReport[];
}
