/** Assembles the service of the settings and runs it until it is told to stop. */
import { createEngine } from '../src/index.js';
import { ByteBudget } from './byte-budget.js';
import { ThreadFeed } from './changes/thread-feed.js';
import { createValueCodec } from './codecs/value-codec.js';
import { toEngineOptions, toServiceSettings } from './config/engine-options.js';
import type { SettingValues } from './config/setting-table.js';
import { chooseTransport } from './http/choose-transport.js';
import type { StopRequest } from './lifecycle.js';
import { createRequestObserver } from './observability/request-observer.js';
import { ServiceBlock } from './observability/service-block.js';
import { ServiceLog } from './observability/service-log.js';
import { ThreadMetrics } from './observability/thread-metrics.js';
import { createTracing } from './observability/tracing.js';
import { readPackageVersion } from './package-version.js';
import { type Log, startService } from './service.js';
import { startUpkeep } from './upkeep.js';

/**
 * Serves until `stop` is requested and requests in flight have ended.
 *
 * @returns the exit code of the process
 * @throws {ListenError | TransportUnavailableError | TracingUnavailableError | MessageTypesError |
 *   CacheError} when it cannot start
 */
export async function runService(
  values: SettingValues,
  stop: StopRequest,
  log: Log,
): Promise<number> {
  const { transport, why } = await chooseTransport(values.httpTransport);
  const engine = await createEngine(toEngineOptions(values));
  const endUpkeep =
    values.workers === 0 ? startUpkeep(engine, values.cleanupIntervalMs) : undefined;
  try {
    const settings = toServiceSettings(values, engine.valueBytesMax, false);
    const { messageDescriptorsPath } = values;
    const codec = await createValueCodec({ ...settings, messageDescriptorsPath });
    const { compressionProblem } = codec;
    if (compressionProblem !== undefined) log.info(`no compression: ${compressionProblem}`);
    const metrics = new ThreadMetrics(ServiceBlock.create(1), 0);
    const serviceLog = new ServiceLog(settings.log);
    const tracing =
      settings.tracing === 'off' ? undefined : await createTracing(readPackageVersion());
    const service = await startService({
      store: engine,
      transport,
      codec,
      feed: new ThreadFeed(),
      metrics,
      observer: createRequestObserver({ metrics, log: serviceLog, tracing }),
      log: serviceLog,
      budget: new ByteBudget(values.bufferBytes),
      settings,
    });
    log.info(`hotshard listening on ${service.url} (${describe(values, why)})`);
    await stop.requested;
    const outcome = await service.stop(stop.hastened);
    await codec.close();
    if (outcome === 'timed-out') process.stderr.write('hotshard: requests in flight were cut\n');
    return outcome === 'timed-out' ? 1 : 0;
  } finally {
    endUpkeep?.();
    await engine.close();
  }
}

function describe({ memoryBytes, workers }: SettingValues, transport: string): string {
  const memory = `memory ${Math.floor(memoryBytes / 1_024 ** 2)} MiB`;
  return `${memory}, workers ${workers}, ${transport}, pid ${process.pid}`;
}
