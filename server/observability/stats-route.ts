import { sendReply } from '../http/reply.js';
import type { OperationDocument } from '../openapi/operation-document.js';
import type { OperationName } from '../operation-names.js';
import type { Operation, Route } from '../router.js';
import { jsonReply } from '../wire.js';
import type { ObservedService } from './observed-service.js';
import { quantileMs, slowestBoundMs } from './quantile.js';
import type { OperationCounts } from './service-block.js';
import { STATS_DOCUMENT } from './stats-document.js';
import type { OperationReport, StatsReport } from './stats-report.js';

/** `/stats`: what the service and its engine have counted, as JSON. */
export function createStatsRoute(service: ObservedService): Route {
  const serve = (document?: OperationDocument): Operation => ({
    name: 'status',
    handle: (exchange) => {
      sendReply(exchange, jsonReply(200, buildStatsReport(service)));
      return undefined;
    },
    ...(document !== undefined && { document }),
  });
  return { path: '/stats', operations: { GET: serve(STATS_DOCUMENT), HEAD: serve() } };
}

export function buildStatsReport(service: ObservedService): StatsReport {
  service.sample();
  const { block, version, transport } = service;
  const engine = service.engine.read();
  const reads = engine.hits + engine.misses;
  return {
    version,
    uptimeSeconds: Math.floor(block.uptimeSeconds),
    countedAtSeconds: countedAtSeconds(service),
    transport: transport.name,
    threads: block.threadsIn('serving').length,
    isDraining: block.isDraining,
    hits: engine.hits,
    misses: engine.misses,
    hitRatio: reads === 0 ? 0 : engine.hits / reads,
    operations: reportOperations(block.sumOperations()),
    items: engine.items,
    bytes: engine.bytes,
    memoryBytes: engine.memoryBytes,
    sets: engine.sets,
    deletes: engine.deletes,
    evictions: engine.evictions,
    expirations: engine.expirations,
    recoveries: engine.recoveries,
    namespaces: engine.namespaces,
    tags: engine.tags,
    leasesActive: engine.leasesActive,
    ringHighWaterBytes: engine.ringHighWater,
    pendingWrites: block.sumGauge('pendingWrites'),
    connections: block.sumGauge('connections'),
    sockets: block.sumGauge('sockets'),
    shards: engine.shards.map(({ items, bytes, pages, freePages, evictions }) => ({
      items,
      bytes,
      pages,
      freePages,
      evictions,
    })),
  };
}

function countedAtSeconds({ block, engine }: ObservedService): number {
  return Math.max(0, Math.round(block.uptimeSeconds * 1_000 - engine.ageMs) / 1_000);
}

function reportOperations(
  operations: readonly OperationCounts[],
): Partial<Record<OperationName, OperationReport>> {
  const reports: Partial<Record<OperationName, OperationReport>> = {};
  for (const { operation, ok, refused, failed, buckets } of operations) {
    if (ok + refused + failed === 0) continue;
    reports[operation] = {
      ok,
      refused,
      failed,
      p50Ms: quantileMs(buckets, 0.5),
      p90Ms: quantileMs(buckets, 0.9),
      p99Ms: quantileMs(buckets, 0.99),
      maxBucketMs: slowestBoundMs(buckets),
    };
  }
  return reports;
}
