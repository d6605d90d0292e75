/** What the parts of the service are created with, out of the settings. */
import type { EngineOptions } from '../../src/index.js';
import { DEFAULT_SERVICE_SETTINGS, type ServiceSettings } from '../service-settings.js';
import { SETTINGS, type SettingValues } from './setting-table.js';

/** What the engine is created with. */
export function toEngineOptions(values: SettingValues): EngineOptions {
  const { memoryBytes, workers, shards, entriesMax, defaultTtlMs, nearEntriesMax } = values;
  return {
    memory: memoryBytes,
    workers,
    shards,
    ...(entriesMax !== 0 && { maxEntries: entriesMax }),
    defaultTtl: defaultTtlMs === Number.POSITIVE_INFINITY ? 'never' : defaultTtlMs,
    eviction: { kind: values.evictionPolicy },
    nearCache: nearEntriesMax === 0 ? { kind: 'off' } : { maxEntries: nearEntriesMax },
    ...(values.persistencePath !== '' && {
      persistence: { kind: 'file', path: values.persistencePath },
    }),
  };
}

/**
 * What the service of one thread is told.
 *
 * @param engineValueBytesMax the largest value that the engine stores: what it would refuse is
 *   refused before its body is read
 * @param sharesPort whether several threads listen on the port
 */
export function toServiceSettings(
  values: SettingValues,
  engineValueBytesMax: number,
  sharesPort: boolean,
): ServiceSettings {
  return {
    host: values.httpHost,
    port: values.httpPort,
    sharesPort,
    valueBytesMax: Math.min(values.valueBytesMax, engineValueBytesMax),
    defaultTtlMs: values.defaultTtlMs,
    drainTimeoutMs: values.gracefulTimeoutMs,
    batchKeysMax: values.batchKeysMax,
    namespacesMax: values.namespacesMax,
    allowedOrigins: values.allowedOrigins,
    requestsPerSecondMax: values.requestsPerSecondMax,
    transport: {
      connectionsMax: values.connectionsMax,
      idleTimeoutMs: values.idleTimeoutMs,
      headerBytesMax: values.headerBytesMax,
      messageBytesMax: values.socketMessageBytesMax,
      socketBacklogBytesMax: values.socketBacklogBytesMax,
    },
    sockets: {
      socketsMax: values.socketsMax,
      subscriptionsMax: values.socketSubscriptionsMax,
      inFlightMax: values.socketInFlightMax,
      slowTimeoutMs: values.socketSlowTimeoutMs,
    },
    compression: {
      kind: values.compression,
      thresholdBytes: values.compressionThresholdBytes,
      poolThresholdBytes: DEFAULT_SERVICE_SETTINGS.compression.poolThresholdBytes,
      poolThreadCount: values.compressionThreads,
    },
    metrics: {
      isEnabled: values.metricsEnabled,
      path: values.metricsPath,
      intervalMs: values.metricsIntervalMs,
    },
    log: { level: values.logLevel, redactsKeys: values.logRedactsKeys },
    tracing: values.tracing,
  };
}

/** Which setting an option of the engine comes from. */
const SETTING_OF_OPTION: ReadonlyMap<string, string> = new Map([
  ['memory', SETTINGS.memoryBytes.name],
  ['workers', SETTINGS.workers.name],
  ['shards', SETTINGS.shards.name],
  ['maxEntries', SETTINGS.entriesMax.name],
  ['defaultTtl', SETTINGS.defaultTtlMs.name],
  ['eviction.kind', SETTINGS.evictionPolicy.name],
  ['nearCache.maxEntries', SETTINGS.nearEntriesMax.name],
  ['persistence', SETTINGS.persistencePath.name],
  ['persistence.path', SETTINGS.persistencePath.name],
]);

/** A message of the engine about its options, in the names that an operator has set. */
export function nameSettings(message: string): string {
  return message.replace(/\b([a-zA-Z.]+):/g, (text, option: string) => {
    const name = SETTING_OF_OPTION.get(option);
    return name === undefined ? text : `${name}:`;
  });
}
