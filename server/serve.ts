/** Assembles the service of the settings and runs it until it is told to stop. */
import { createEngine } from '../src/index.js';
import { toEngineOptions, toServiceSettings } from './config/engine-options.js';
import type { SettingValues } from './config/setting-table.js';
import { chooseTransport } from './http/choose-transport.js';
import { limitUwsHeaders } from './http/uws-transport.js';
import type { StopRequest } from './lifecycle.js';
import { checkPersistenceFile, watchLastWrite } from './persistence-file.js';
import type { Log } from './service.js';
import { countThreads, startThreads } from './threads/service-threads.js';
import { startUpkeep } from './upkeep.js';

/**
 * Serves until `stop` is requested and requests in flight have ended.
 *
 * @returns the exit code of the process
 * @throws {ConfigError | ListenError | TransportUnavailableError | TracingUnavailableError |
 *   MessageTypesError | CacheError} when it cannot start
 */
export async function runService(
  values: SettingValues,
  stop: StopRequest,
  log: Log,
): Promise<number> {
  const { persistencePath } = values;
  if (persistencePath !== '') await checkPersistenceFile(persistencePath);
  limitUwsHeaders(values.headerBytesMax);
  const { transport, why } = await chooseTransport(values.httpTransport);
  const threadCount = countThreads(values.httpThreads, transport);
  const engine = await createEngine(toEngineOptions(values));
  const endWatch = watchLastWrite();
  let exitCode: number;
  const endUpkeep =
    values.workers === 0 ? startUpkeep(engine, values.cleanupIntervalMs) : undefined;
  try {
    const service = await startThreads(engine, {
      threadCount,
      settings: toServiceSettings(values, engine.valueBytesMax, threadCount > 1),
      bufferBytes: values.bufferBytes,
      messageDescriptorsPath: values.messageDescriptorsPath,
      transport,
      transportReason: why,
    });
    log.info(`hotshard listening on ${service.url} (${describe(values, why, threadCount)})`);
    await stop.requested;
    const outcome = await service.stop(stop.hastened);
    if (outcome === 'timed-out') process.stderr.write('hotshard: requests in flight were cut\n');
    exitCode = outcome === 'timed-out' ? 1 : 0;
  } finally {
    endUpkeep?.();
    await engine.close();
  }
  const reason = endWatch();
  if (reason === undefined) return exitCode;
  process.stderr.write(`hotshard: the entries were not kept in ${persistencePath}: ${reason}\n`);
  return 1;
}

function describe(
  { memoryBytes, workers }: SettingValues,
  transport: string,
  threadCount: number,
): string {
  const memory = `memory ${Math.floor(memoryBytes / 1_024 ** 2)} MiB`;
  const threads = threadCount === 1 ? '' : `, HTTP threads ${threadCount}`;
  return `${memory}, workers ${workers}${threads}, ${transport}, pid ${process.pid}`;
}
