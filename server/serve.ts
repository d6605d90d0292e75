/** Assembles the service of the settings and runs it until it is told to stop. */
import { createEngine } from '../src/index.js';
import { ByteBudget } from './byte-budget.js';
import { ThreadFeed } from './changes/thread-feed.js';
import { createValueCodec } from './codecs/value-codec.js';
import { toEngineOptions, toServiceSettings } from './config/engine-options.js';
import type { SettingValues } from './config/setting-table.js';
import type { Transport } from './http/transport.js';
import { createUwsTransport } from './http/uws-transport.js';
import type { StopRequest } from './lifecycle.js';
import { createRequestObserver } from './observability/request-observer.js';
import { type Log, startService } from './service.js';

/**
 * Serves until `stop` is requested and requests in flight have ended.
 *
 * @returns the exit code of the process
 * @throws {ListenError | TransportUnavailableError | CacheError} when it cannot start
 */
export async function runService(
  values: SettingValues,
  stop: StopRequest,
  log: Log,
): Promise<number> {
  const transport = await createUwsTransport();
  const engine = await createEngine(toEngineOptions(values));
  try {
    const settings = toServiceSettings(values, engine.valueBytesMax, false);
    const { messageDescriptorsPath } = values;
    const codec = await createValueCodec({ ...settings, messageDescriptorsPath });
    if (codec.compressionProblem !== undefined) {
      log.info(`hotshard stores values without compression: ${codec.compressionProblem}`);
    }
    const service = await startService({
      store: engine,
      transport,
      codec,
      feed: new ThreadFeed(),
      metrics: { recordOperation: () => undefined, recordReads: () => undefined },
      observer: createRequestObserver(),
      log,
      budget: new ByteBudget(values.bufferBytes),
      settings,
    });
    log.info(`hotshard listening on ${service.url} (${describe(values, transport)})`);
    await stop.requested;
    const outcome = await service.stop(stop.hastened);
    await codec.close();
    if (outcome === 'timed-out') process.stderr.write('hotshard: requests in flight were cut\n');
    return outcome === 'timed-out' ? 1 : 0;
  } finally {
    await engine.close();
  }
}

function describe({ memoryBytes, workers }: SettingValues, transport: Transport): string {
  const memory = `memory ${Math.floor(memoryBytes / 1_024 ** 2)} MiB`;
  return `${memory}, workers ${workers}, ${transport.name}, pid ${process.pid}`;
}
