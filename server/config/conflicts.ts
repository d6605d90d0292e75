import { isLoopback } from './setting-form.js';
import { SETTINGS, type SettingValues } from './setting-table.js';

const MIB = 1_024 ** 2;
const SHARD_BYTES_MIN = 4 * MIB;
/** What the service answers at by itself. */
const TAKEN_PATHS: readonly string[] = [
  '/cache',
  '/api',
  '/ws',
  '/health',
  '/ready',
  '/stats',
  '/openapi.json',
];

/** Settings that are good each by itself, and not together. */
export interface Conflict<V = SettingValues> {
  /** The settings that have a part in it. */
  readonly between: readonly (keyof V)[];
  readonly problem: string;
}

/** Everything about these values that cannot be together. */
export function findConflicts(values: SettingValues): Conflict[] {
  return [
    ...publicAddress(values),
    ...shardsOfMemory(values),
    ...countsOfShards(values),
    ...largestValue(values),
    ...buffers(values),
    ...metricsPlace(values),
  ];
}

function publicAddress({ allowPublic, httpHost }: SettingValues): Conflict[] {
  if (allowPublic || isLoopback(httpHost)) return [];
  const problem =
    `${SETTINGS.httpHost.name}: ${httpHost} can be reached from other machines, and the service ` +
    `has no authentication; set ${SETTINGS.allowPublic.name}=true if that is meant`;
  return [{ between: ['allowPublic', 'httpHost'], problem }];
}

function shardsOfMemory({ memoryBytes, shards }: SettingValues): Conflict[] {
  if (shards * SHARD_BYTES_MIN <= memoryBytes) return [];
  const problem =
    `${SETTINGS.shards.name}: ${shards} shards need ${shards * 4} MiB, 4 MiB each, and ` +
    `${SETTINGS.memoryBytes.name} is ${SETTINGS.memoryBytes.form.show(memoryBytes)}`;
  return [{ between: ['memoryBytes', 'shards'], problem }];
}

function countsOfShards({ shards, workers, entriesMax }: SettingValues): Conflict[] {
  const conflicts: Conflict[] = [];
  if (workers > shards) {
    const problem =
      `${SETTINGS.workers.name}: ${workers} are more than one for each of the ${shards} shards ` +
      `(${SETTINGS.shards.name})`;
    conflicts.push({ between: ['memoryBytes', 'shards', 'workers'], problem });
  }
  if (entriesMax !== 0 && entriesMax < shards) {
    const problem =
      `${SETTINGS.entriesMax.name}: ${entriesMax} are less than one for each of the ${shards} ` +
      `shards (${SETTINGS.shards.name})`;
    conflicts.push({ between: ['memoryBytes', 'shards', 'entriesMax'], problem });
  }
  return conflicts;
}

function largestValue({ memoryBytes, shards, valueBytesMax }: SettingValues): Conflict[] {
  const storableBytes = Math.floor(memoryBytes / shards / 2);
  if (valueBytesMax <= storableBytes) return [];
  const problem =
    `${SETTINGS.valueBytesMax.name}: ${valueBytesMax} bytes are more than half of a shard, which ` +
    `is the most that is stored: ${storableBytes} bytes`;
  return [{ between: ['memoryBytes', 'shards', 'valueBytesMax'], problem }];
}

function buffers({ bufferBytes, valueBytesMax }: SettingValues): Conflict[] {
  if (bufferBytes >= valueBytesMax) return [];
  const problem =
    `${SETTINGS.bufferBytes.name}: ${bufferBytes} bytes do not hold the largest value, of ` +
    `${valueBytesMax} bytes (${SETTINGS.valueBytesMax.name})`;
  return [{ between: ['memoryBytes', 'shards', 'valueBytesMax', 'bufferBytes'], problem }];
}

function metricsPlace({ metricsPath }: SettingValues): Conflict[] {
  const taken = TAKEN_PATHS.find(
    (path) => metricsPath === path || metricsPath.startsWith(`${path}/`),
  );
  if (taken === undefined) return [];
  const problem = `${SETTINGS.metricsPath.name}: ${taken} is a path of the service itself`;
  return [{ between: ['metricsPath'], problem }];
}
