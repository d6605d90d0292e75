import { CacheError, type EngineStats } from '../../src/index.js';
import { sendReply } from '../http/reply.js';
import type { OperationDocument } from '../openapi/operation-document.js';
import type { Operation, Route } from '../router.js';
import { jsonReply } from '../wire.js';
import type { EngineReading } from './engine-reading.js';
import type { ObservedService } from './observed-service.js';
import { READY_DOCUMENT } from './ready-document.js';

/** `ok` and `degraded` serve, though with less than was asked for; the others do not. */
type ReadyStatus = 'ok' | 'degraded' | 'draining' | 'closed';

interface EngineReadiness {
  /** `recovering`: some shards wait for a new home worker; they are read all the same. */
  readonly state: 'ok' | 'recovering' | 'closed';
  /** Home workers that have a shard. */
  readonly workers: number;
  readonly shards: number;
  readonly shardsWithoutWorker: number;
  readonly recoveries: number;
}

/** `/ready`: 200 where requests should be sent, else 503, with the state of each part. */
export function createReadyRoute(service: ObservedService): Route {
  const serve = (document?: OperationDocument): Operation => ({
    name: 'status',
    handle: (exchange) => {
      const report = reportReadiness(service);
      sendReply(exchange, jsonReply(report.ready ? 200 : 503, report));
      return undefined;
    },
    ...(document !== undefined && { document }),
  });
  return { path: '/ready', operations: { GET: serve(READY_DOCUMENT), HEAD: serve() } };
}

function reportReadiness({ block, engine, transport, transportReason }: ObservedService) {
  const engineReadiness = readEngine(engine);
  const serving = block.threadsIn('serving').length;
  const isDegraded = engineReadiness.state === 'recovering' || serving < block.threadCount;
  let status: ReadyStatus = isDegraded ? 'degraded' : 'ok';
  if (engineReadiness.state === 'closed') status = 'closed';
  if (block.isDraining) status = 'draining';
  return {
    ready: status === 'ok' || status === 'degraded',
    status,
    engine: engineReadiness,
    transport: {
      name: transport.name,
      kind: transport.kind,
      reason: transportReason,
    },
    threads: {
      state: block.hasGivenUp ? 'given-up' : serving < block.threadCount ? 'starting' : 'ok',
      wanted: block.threadCount,
      serving,
      replaced: block.replacedThreads,
    },
  } as const;
}

function readEngine(engine: EngineReading): EngineReadiness {
  let stats: EngineStats;
  try {
    stats = engine.read();
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    return { state: 'closed', workers: 0, shards: 0, shardsWithoutWorker: 0, recoveries: 0 };
  }
  const homes = stats.shards.map(({ homeThreadId }) => homeThreadId).filter((home) => home >= 0);
  const shards = stats.shards.length;
  return {
    // Without any home worker, as it may be by choice, the threads that serve do their work.
    state: homes.length > 0 && homes.length < shards ? 'recovering' : 'ok',
    workers: new Set(homes).size,
    shards,
    shardsWithoutWorker: shards - homes.length,
    recoveries: stats.recoveries,
  };
}
