/** The settings of the service: one table, read from the environment once, at start. */
import type { EngineOptions } from '../src/index.js';
import { nearestName } from './nearest-name.js';
import {
  byteSize,
  duration,
  flag,
  hostName,
  integer,
  isLoopback,
  orNever,
  type ValueReader,
} from './setting-values.js';

const KIB = 1_024;
const MIB = 1_024 ** 2;
const YEAR_MS = 365.25 * 86_400_000;
const PREFIX = 'HOTSHARD_';
/** Names of the test suite, which the environment of a developer may hold. */
const FOREIGN_PREFIX = 'HOTSHARD_TEST_';
const NAME_CHARACTERS_MAX = 64;

/** The engine uses one shard below this, else eight, unless told otherwise. */
const ONE_SHARD_BYTES = 64 * MIB;
const VALUE_BYTES_CEILING = 64 * MIB;

interface Setting<T> {
  readonly name: string;
  readonly reader: ValueReader<T>;
  /** What the setting does, one sentence. */
  readonly meaning: string;
  readonly fallback: T;
  /** How the fallback reads in `--help`. */
  readonly fallbackText: string;
}

const SETTINGS = {
  host: {
    name: 'HOTSHARD_HOST',
    reader: hostName,
    meaning: 'The address to listen on.',
    fallback: '127.0.0.1',
    fallbackText: '127.0.0.1',
  },
  port: {
    name: 'HOTSHARD_PORT',
    reader: integer(0, 65_535),
    meaning: 'The port to listen on; 0 takes a free one.',
    fallback: 8_080,
    fallbackText: '8080',
  },
  allowPublic: {
    name: 'HOTSHARD_ALLOW_PUBLIC',
    reader: flag,
    meaning: 'Whether HOTSHARD_HOST may be reachable from other machines, without authentication.',
    fallback: false,
    fallbackText: 'false',
  },
  memoryBytes: {
    name: 'HOTSHARD_MEMORY',
    reader: byteSize(8 * MIB, 4_096 * MIB - 64 * KIB),
    meaning: 'Memory for entries, all of it: the limit is exact.',
    fallback: 256 * MIB,
    fallbackText: '256mb',
  },
  workers: {
    name: 'HOTSHARD_WORKERS',
    reader: integer(0, 64),
    meaning: 'Threads that keep the shards; 0 leaves the work to the thread that serves.',
    fallback: 1,
    fallbackText: '1',
  },
  shards: {
    name: 'HOTSHARD_SHARDS',
    reader: integer(1, 64),
    meaning: 'Parts of the memory that are written independently.',
    fallback: undefined,
    fallbackText: '1 below 64mb, else 8',
  },
  maxEntries: {
    name: 'HOTSHARD_MAX_ENTRIES',
    reader: integer(1, Number.MAX_SAFE_INTEGER),
    meaning: 'A bound on the number of entries besides that on bytes.',
    fallback: undefined,
    fallbackText: 'none',
  },
  defaultTtlMs: {
    name: 'HOTSHARD_DEFAULT_TTL',
    reader: orNever(duration(1, 1_000 * YEAR_MS)),
    meaning: 'How long an entry lives that is stored without X-Cache-TTL.',
    fallback: Number.POSITIVE_INFINITY,
    fallbackText: 'never',
  },
  valueBytesMax: {
    name: 'HOTSHARD_MAX_VALUE_BYTES',
    reader: byteSize(1, VALUE_BYTES_CEILING),
    meaning: 'The largest value that PUT takes.',
    fallback: undefined,
    fallbackText: 'what the engine stores: half of a shard, at most 64mb',
  },
  bufferBytes: {
    name: 'HOTSHARD_MAX_BUFFER_BYTES',
    reader: byteSize(MIB, 64 * KIB * MIB),
    meaning: 'Heap for bodies being received and large replies that wait for slow clients.',
    fallback: undefined,
    fallbackText: 'twice the largest value, at least 64mb',
  },
  drainTimeoutMs: {
    name: 'HOTSHARD_DRAIN_TIMEOUT',
    reader: duration(0, 3_600_000),
    meaning: 'How long requests in flight may take to end after SIGTERM.',
    fallback: 8_000,
    fallbackText: '8s',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

/** Every setting, complete and checked. */
export interface ServerConfig {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly allowPublic: boolean;
  readonly memoryBytes: number;
  readonly workers: number;
  /** `undefined` leaves the number to the engine. */
  readonly shards: number | undefined;
  /** `undefined` for no bound. */
  readonly maxEntries: number | undefined;
  /** `Infinity` for no end. */
  readonly defaultTtlMs: number;
  readonly valueBytesMax: number;
  readonly bufferBytes: number;
  readonly drainTimeoutMs: number;
}

/** The environment is not usable; the message lists every problem, one a line. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the settings are not usable:\n  ${problems.join('\n  ')}`);
    this.problems = problems;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings out of an environment.
 *
 * @throws {ConfigError} with all problems at once
 */
export function readConfig(environment: Environment): ServerConfig {
  const problems = findUnknownNames(environment);
  const read = <T>(setting: Setting<T>): T => {
    const text = environment[setting.name];
    if (text === undefined) return setting.fallback;
    const reading = setting.reader.read(text);
    if (reading.isValid) return reading.value;
    problems.push(`${setting.name}: ${reading.problem}`);
    return setting.fallback;
  };
  const memoryBytes = read(SETTINGS.memoryBytes);
  const shards = read<number | undefined>(SETTINGS.shards);
  const valueBytesMax =
    read<number | undefined>(SETTINGS.valueBytesMax) ?? halfOfShard(memoryBytes, shards);
  const bufferBytes = read<number | undefined>(SETTINGS.bufferBytes);
  const config: ServerConfig = {
    host: read<string>(SETTINGS.host),
    port: read<number>(SETTINGS.port),
    allowPublic: read<boolean>(SETTINGS.allowPublic),
    memoryBytes,
    workers: read<number>(SETTINGS.workers),
    shards,
    maxEntries: read<number | undefined>(SETTINGS.maxEntries),
    defaultTtlMs: read<number>(SETTINGS.defaultTtlMs),
    valueBytesMax,
    bufferBytes: bufferBytes ?? Math.max(2 * valueBytesMax, 64 * MIB),
    drainTimeoutMs: read<number>(SETTINGS.drainTimeoutMs),
  };
  problems.push(...findConflicts(config));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config);
}

function halfOfShard(memoryBytes: number, shards: number | undefined): number {
  const shardCount = shards ?? (memoryBytes < ONE_SHARD_BYTES ? 1 : 8);
  return Math.min(VALUE_BYTES_CEILING, Math.floor(memoryBytes / shardCount / 2));
}

function findUnknownNames(environment: Environment): string[] {
  const known: string[] = Object.values(SETTINGS).map(({ name }) => name);
  const problems: string[] = [];
  for (const name of Object.keys(environment)) {
    if (!name.startsWith(PREFIX) || name.startsWith(FOREIGN_PREFIX) || known.includes(name)) {
      continue;
    }
    const shown = name.slice(0, NAME_CHARACTERS_MAX);
    const nearest = nearestName(shown, known);
    problems.push(
      `${shown}: no such setting${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    );
  }
  return problems;
}

/** Settings that are good each by itself, and not together. */
function findConflicts({ host, allowPublic, valueBytesMax, bufferBytes }: ServerConfig): string[] {
  const problems: string[] = [];
  if (!allowPublic && !isLoopback(host)) {
    problems.push(
      `HOTSHARD_HOST: ${host} can be reached from other machines, and the service has no ` +
        'authentication; set HOTSHARD_ALLOW_PUBLIC=true if that is meant',
    );
  }
  if (bufferBytes < valueBytesMax) {
    problems.push(
      `HOTSHARD_MAX_BUFFER_BYTES: ${bufferBytes} bytes do not hold the largest value, ` +
        `of ${valueBytesMax} bytes`,
    );
  }
  return problems;
}

/** What the engine is created with. */
export function toEngineOptions(config: ServerConfig): EngineOptions {
  const { memoryBytes, workers, shards, maxEntries, defaultTtlMs } = config;
  return {
    memory: memoryBytes,
    workers,
    ...(shards !== undefined && { shards }),
    ...(maxEntries !== undefined && { maxEntries }),
    defaultTtl: defaultTtlMs === Number.POSITIVE_INFINITY ? 'never' : defaultTtlMs,
  };
}

/** Which setting an option of the engine comes from. */
const SETTING_OF_OPTION: ReadonlyMap<string, string> = new Map([
  ['memory', SETTINGS.memoryBytes.name],
  ['workers', SETTINGS.workers.name],
  ['shards', SETTINGS.shards.name],
  ['maxEntries', SETTINGS.maxEntries.name],
  ['defaultTtl', SETTINGS.defaultTtlMs.name],
]);

/** A message of the engine about its options, in the names that an operator has set. */
export function nameSettings(message: string): string {
  return message.replace(/\b([a-zA-Z]+):/g, (text, option: string) => {
    const name = SETTING_OF_OPTION.get(option);
    return name === undefined ? text : `${name}:`;
  });
}

/** The table of settings as text, for `--help` and the documentation. */
export function describeSettings(): string {
  return Object.values(SETTINGS)
    .map(({ name, meaning, reader, fallbackText }) => {
      return `  ${name}\n      ${meaning}\n      ${reader.form}; default: ${fallbackText}`;
    })
    .join('\n');
}
