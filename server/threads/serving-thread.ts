import { ByteBudget } from '../byte-budget.js';
import type { CacheStore } from '../cache/cache-store.js';
import { createThreadFeed } from '../changes/thread-feed.js';
import { createValueCodec } from '../codecs/value-codec.js';
import type { Transport } from '../http/transport.js';
import { createRequestObserver } from '../observability/request-observer.js';
import { ServiceBlock } from '../observability/service-block.js';
import { ServiceLog } from '../observability/service-log.js';
import { ThreadMetrics } from '../observability/thread-metrics.js';
import { createTracing } from '../observability/tracing.js';
import { readPackageVersion } from '../package-version.js';
import { type Service, startService } from '../service.js';
import type { ThreadSetup } from './thread-setup.js';

/**
 * Serves in the calling thread.
 *
 * @throws {ListenError | TracingUnavailableError} when it cannot start
 */
export async function startServing(
  { thread, block, settings, bufferBytes, transportReason, feedLink, logSalt }: ThreadSetup,
  store: CacheStore,
  transport: Transport,
): Promise<Service> {
  const metrics = new ThreadMetrics(new ServiceBlock(block), thread);
  const log = new ServiceLog(settings.log, undefined, logSalt);
  const tracing =
    settings.tracing === 'off' ? undefined : await createTracing(readPackageVersion());
  const feed = createThreadFeed(feedLink);
  const service = await startService({
    store,
    transport,
    transportReason,
    codec: createValueCodec(),
    feed,
    metrics,
    observer: createRequestObserver({ metrics, log, tracing }),
    log,
    budget: new ByteBudget(bufferBytes),
    settings,
  });
  return {
    ...service,
    stop: async (hasten) => {
      const outcome = await service.stop(hasten);
      feed.close();
      return outcome;
    },
  };
}
