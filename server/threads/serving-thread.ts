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
 * @throws {ListenError | TracingUnavailableError | MessageTypesError} when it cannot start
 */
export async function startServing(
  setup: ThreadSetup,
  store: CacheStore,
  transport: Transport,
): Promise<Service> {
  const { thread, block, settings, messageDescriptorsPath } = setup;
  const metrics = new ThreadMetrics(new ServiceBlock(block), thread);
  const log = new ServiceLog(settings.log, undefined, setup.logSalt);
  const tracing =
    settings.tracing === 'off' ? undefined : await createTracing(readPackageVersion());
  const codec = await createValueCodec({ ...settings, messageDescriptorsPath });
  const { compressionProblem } = codec;
  // The same in all threads: said once.
  if (compressionProblem !== undefined && thread === 0) {
    log.warn(`values are stored without compression: ${compressionProblem}`);
  }
  const feed = createThreadFeed(setup.feedLink);
  const service = await startService({
    store,
    transport,
    transportReason: setup.transportReason,
    codec,
    feed,
    metrics,
    observer: createRequestObserver({ metrics, log, tracing }),
    log,
    budget: new ByteBudget(setup.bufferBytes),
    settings,
  });
  return {
    ...service,
    stop: async (hasten) => {
      const outcome = await service.stop(hasten);
      feed.close();
      await codec.close();
      return outcome;
    },
  };
}
