import type { StatsReport } from '../../../../server/observability/stats-report.js';

const SHARD = { items: 10, bytes: 1_024 ** 2, pages: 8, freePages: 4, evictions: 3 };

/** An answer to `GET /stats`. */
export function statsOf(changes: Partial<StatsReport> = {}): StatsReport {
  return {
    version: '1.2.3',
    uptimeSeconds: 100,
    countedAtSeconds: 100,
    transport: 'node:http',
    threads: 1,
    isDraining: false,
    hits: 900,
    misses: 100,
    hitRatio: 0.9,
    operations: {
      get: { ok: 1_000, refused: 0, failed: 0, p50Ms: 0.1, p90Ms: 0.2, p99Ms: 1.5, maxBucketMs: 5 },
      set: { ok: 10, refused: 2, failed: 0, p50Ms: 0.3, p90Ms: 0.4, p99Ms: 12, maxBucketMs: 50 },
    },
    items: 20,
    bytes: 2 * 1_024 ** 2,
    memoryBytes: 16 * 1_024 ** 2,
    sets: 10,
    deletes: 5,
    evictions: 6,
    expirations: 7,
    recoveries: 0,
    namespaces: 0,
    tags: 0,
    leasesActive: 0,
    ringHighWaterBytes: 0,
    pendingWrites: 0,
    connections: 3,
    sockets: 1,
    shards: [SHARD, { ...SHARD, bytes: 0, items: 10 }],
    ...changes,
  };
}
