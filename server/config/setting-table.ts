/** The settings of the service: one table, from which come parsing, help and documents. */
import { DEFAULT_SERVICE_SETTINGS } from '../service-settings.js';
import {
  byteSize,
  choice,
  duration,
  filePath,
  flag,
  hostName,
  integer,
  mebibytes,
  originList,
  orWord,
  type SettingForm,
  urlPath,
} from './setting-form.js';

const KIB = 1_024;
const MIB = 1_024 ** 2;
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const YEAR_MS = 365.25 * 86_400_000;
/** The engine uses one shard below this, else eight, unless told otherwise. */
const ONE_SHARD_BYTES = 64 * MIB;
const VALUE_BYTES_CEILING = 64 * MIB;

/** Every setting, complete and checked. */
export interface SettingValues {
  readonly httpHost: string;
  /** 0 takes a free one. */
  readonly httpPort: number;
  readonly allowPublic: boolean;
  readonly gracefulTimeoutMs: number;
  readonly httpTransport: 'auto' | 'uws' | 'node';
  readonly httpThreads: number | 'auto';
  readonly connectionsMax: number;
  readonly idleTimeoutMs: number;
  readonly headerBytesMax: number;
  readonly batchKeysMax: number;
  readonly bufferBytes: number;
  /** 0 for no limit. */
  readonly requestsPerSecondMax: number;
  readonly allowedOrigins: readonly string[];
  readonly socketsMax: number;
  readonly socketMessageBytesMax: number;
  readonly socketSubscriptionsMax: number;
  readonly socketInFlightMax: number;
  readonly socketBacklogBytesMax: number;
  readonly socketSlowTimeoutMs: number;
  readonly memoryBytes: number;
  readonly workers: number;
  readonly shards: number;
  readonly evictionPolicy: 'lru' | 'lfu' | 's3fifo';
  /** 0 for no bound by count. */
  readonly entriesMax: number;
  /** `Infinity` for no end. */
  readonly defaultTtlMs: number;
  readonly cleanupIntervalMs: number;
  readonly valueBytesMax: number;
  readonly namespacesMax: number;
  /** 0 for no copies. */
  readonly nearEntriesMax: number;
  /** Empty for none. */
  readonly persistencePath: string;
  readonly compression: 'lz4' | 'off';
  readonly compressionThresholdBytes: number;
  readonly compressionThreads: number;
  /** Empty for none. */
  readonly messageDescriptorsPath: string;
  readonly metricsEnabled: boolean;
  readonly metricsPath: string;
  readonly metricsIntervalMs: number;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly logRedactsKeys: boolean;
  readonly tracing: 'off' | 'opentelemetry';
}

/** A default that depends on settings that stand above it in the table. */
export interface DerivedFallback<T> {
  readonly derive: (values: SettingValues) => T;
  /** How it reads in documents. */
  readonly text: string;
}

export interface Setting<T> {
  /** Of the environment variable; the names in the file and of the flag come from it. */
  readonly name: string;
  /** Another name of the environment variable, from another document. */
  readonly alias?: string;
  readonly form: SettingForm<T>;
  /** What the setting does, whole sentences. */
  readonly meaning: string;
  readonly fallback: { readonly value: T } | DerivedFallback<T>;
  /** Secret values are never printed. Default: no. */
  readonly isSecret?: boolean;
}

/** One setting for each value, in the order in which they are documented. */
export type SettingTable<V> = { readonly [K in keyof V]: Setting<V[K]> };

/** The settings of a table with the names of their values. */
export function entriesOf<V>(table: SettingTable<V>): [key: string, setting: Setting<unknown>][] {
  return Object.entries(table as Readonly<Record<string, Setting<unknown>>>);
}

const { transport, sockets, compression, metrics, ...service } = DEFAULT_SERVICE_SETTINGS;

export const SETTINGS: SettingTable<SettingValues> = {
  httpHost: {
    name: 'SERVER_HTTP_HOST',
    form: hostName,
    meaning: 'The address to listen on.',
    fallback: { value: service.host },
  },
  httpPort: {
    name: 'SERVER_HTTP_PORT',
    form: integer(0, 65_535),
    meaning: 'The port to listen on; 0 takes a free one.',
    fallback: { value: service.port },
  },
  allowPublic: {
    name: 'SERVER_ALLOW_PUBLIC',
    form: flag,
    meaning:
      'Whether SERVER_HTTP_HOST may be reachable from other machines, without authentication.',
    fallback: { value: false },
  },
  gracefulTimeoutMs: {
    name: 'SERVER_GRACEFUL_TIMEOUT',
    form: duration(0, HOUR_MS),
    meaning: 'How long requests in flight may take to end after SIGTERM.',
    fallback: { value: service.drainTimeoutMs },
  },
  httpTransport: {
    name: 'HTTP_TRANSPORT',
    form: choice('auto', 'uws', 'node'),
    meaning:
      'What speaks HTTP: uWebSockets.js, node:http, or the former where its binary loads (auto).',
    fallback: { value: 'auto' },
  },
  httpThreads: {
    name: 'HTTP_THREADS',
    form: orWord(integer(1, 64), 'auto', 'auto'),
    meaning: 'Threads that listen on the port, all on the same memory; auto is one for each core.',
    fallback: { value: 1 },
  },
  connectionsMax: {
    name: 'HTTP_MAX_CONNECTIONS',
    form: integer(1, 1_000_000),
    meaning: 'Connections at once; a further one is closed at once.',
    fallback: { value: transport.connectionsMax },
  },
  idleTimeoutMs: {
    name: 'HTTP_IDLE_TIMEOUT',
    form: duration(SECOND_MS, HOUR_MS),
    meaning:
      'How long a connection may be without a request, or a request without progress, until it ' +
      'is closed. uWebSockets.js heeds it for WebSockets alone, from 8s to 16m, and closes ' +
      'other connections after 10 to 12 seconds.',
    fallback: { value: transport.idleTimeoutMs },
  },
  headerBytesMax: {
    name: 'HTTP_MAX_HEADER_BYTES',
    form: byteSize(KIB, 64 * KIB),
    meaning: 'The request line and the headers together.',
    fallback: { value: transport.headerBytesMax },
  },
  batchKeysMax: {
    name: 'HTTP_MAX_BATCH_KEYS',
    form: integer(1, 100_000),
    meaning: 'Keys or entries of one batch.',
    fallback: { value: service.batchKeysMax },
  },
  requestsPerSecondMax: {
    name: 'HTTP_MAX_REQUESTS_PER_SECOND',
    form: integer(0, 1_000_000_000),
    meaning: 'Requests of one client in a second; 0 for no limit.',
    fallback: { value: service.requestsPerSecondMax },
  },
  allowedOrigins: {
    name: 'HTTP_ALLOWED_ORIGINS',
    form: originList,
    meaning: 'Web pages that may write and open WebSockets, by their origins.',
    fallback: { value: service.allowedOrigins },
  },
  socketsMax: {
    name: 'WS_MAX_CONNECTIONS',
    form: integer(0, 1_000_000),
    meaning: 'WebSockets at once; each HTTP thread takes its share. 0 takes none.',
    fallback: { value: sockets.socketsMax },
  },
  socketMessageBytesMax: {
    name: 'WS_MAX_MESSAGE_BYTES',
    form: byteSize(KIB, 64 * MIB),
    meaning: 'One message of a WebSocket.',
    fallback: { value: transport.messageBytesMax },
  },
  socketSubscriptionsMax: {
    name: 'WS_MAX_SUBSCRIPTIONS',
    form: integer(0, 1_000_000),
    meaning: 'Keys, prefixes and tags that one WebSocket may subscribe to.',
    fallback: { value: sockets.subscriptionsMax },
  },
  socketInFlightMax: {
    name: 'WS_MAX_IN_FLIGHT',
    form: integer(1, 1_000_000),
    meaning: 'Requests of one WebSocket that are not answered yet.',
    fallback: { value: sockets.inFlightMax },
  },
  socketBacklogBytesMax: {
    name: 'WS_MAX_BACKLOG_BYTES',
    form: byteSize(KIB, 1_024 * MIB),
    meaning: 'What may wait for one slow WebSocket client.',
    fallback: { value: transport.socketBacklogBytesMax },
  },
  socketSlowTimeoutMs: {
    name: 'WS_SLOW_TIMEOUT',
    form: duration(1, HOUR_MS),
    meaning: 'How long a slow subscriber gets to catch up before it is closed.',
    fallback: { value: sockets.slowTimeoutMs },
  },
  memoryBytes: {
    name: 'CACHE_MAX_MEMORY_MB',
    form: mebibytes(8 * MIB, 4_096 * MIB - 64 * KIB),
    meaning:
      'Memory for entries, all of it: the limit is exact. The system gives it as it is used, ' +
      'not at start.',
    fallback: { value: 512 * MIB },
  },
  workers: {
    name: 'CACHE_WORKERS',
    form: integer(0, 64),
    meaning:
      'Threads that keep the shards, at most one for each; 0 leaves the work to the threads ' +
      'that serve.',
    fallback: { value: 1 },
  },
  shards: {
    name: 'CACHE_SHARDS',
    form: integer(1, 64),
    meaning: 'Parts of the memory that are written independently, each of at least 4 MiB.',
    fallback: {
      derive: ({ memoryBytes }) => (memoryBytes < ONE_SHARD_BYTES ? 1 : 8),
      text: '1 below 64 MiB of memory, else 8',
    },
  },
  evictionPolicy: {
    name: 'CACHE_EVICTION_POLICY',
    form: choice('lru', 'lfu', 's3fifo'),
    meaning:
      'Which entries leave for new ones: the least recently used, the least often used ' +
      '(W-TinyLFU), or those that S3-FIFO lets go.',
    fallback: { value: 'lru' },
  },
  entriesMax: {
    name: 'CACHE_L1_MAX_ENTRIES',
    alias: 'CACHE_LOCAL_CACHE_SIZE',
    form: integer(0, Number.MAX_SAFE_INTEGER),
    meaning:
      'A bound on the number of entries besides that on memory; 0 for none. It is none by ' +
      'default because the memory is bounded exactly: a count such as 10000 would leave most ' +
      'of it empty.',
    fallback: { value: 0 },
  },
  defaultTtlMs: {
    name: 'CACHE_DEFAULT_TTL',
    form: orWord(duration(1, 1_000 * YEAR_MS), 'never', Number.POSITIVE_INFINITY),
    meaning: 'How long an entry lives that is stored without a TTL.',
    fallback: { value: service.defaultTtlMs },
  },
  cleanupIntervalMs: {
    name: 'CACHE_CLEANUP_INTERVAL',
    form: duration(10, 24 * HOUR_MS),
    meaning:
      'How often expired entries are removed where CACHE_WORKERS is 0: the serving thread does ' +
      'it then. Worker threads need no interval: they remove each entry as its time comes. An ' +
      'expired entry is never served, whether it was removed yet or not.',
    fallback: { value: 60 * SECOND_MS },
  },
  valueBytesMax: {
    name: 'CACHE_MAX_VALUE_BYTES',
    form: byteSize(1, VALUE_BYTES_CEILING),
    meaning: 'The largest value that is taken.',
    fallback: {
      derive: ({ memoryBytes, shards }) =>
        Math.min(VALUE_BYTES_CEILING, Math.floor(memoryBytes / shards / 2)),
      text: 'what the engine stores: half of a shard, at most 64mb',
    },
  },
  bufferBytes: {
    name: 'HTTP_MAX_BUFFER_BYTES',
    form: byteSize(MIB, 64 * KIB * MIB),
    meaning: 'Heap for bodies being received and large replies that wait for slow clients.',
    fallback: {
      derive: ({ valueBytesMax }) => Math.max(2 * valueBytesMax, 64 * MIB),
      text: 'twice the largest value, at least 64mb',
    },
  },
  namespacesMax: {
    name: 'CACHE_MAX_NAMESPACES',
    form: integer(0, 4_096),
    meaning: 'Namespaces that clients may create; their names are never freed.',
    fallback: { value: service.namespacesMax },
  },
  nearEntriesMax: {
    name: 'CACHE_NEAR_MAX_ENTRIES',
    form: integer(0, 1_048_576),
    meaning:
      'Copies of entries asked for often that each serving thread keeps on its heap, checked at ' +
      'every hit; 0 for none.',
    fallback: { value: 16_384 },
  },
  persistencePath: {
    name: 'CACHE_PERSISTENCE_PATH',
    form: filePath,
    meaning:
      'A file that entries are written to at the end and read from at start; empty for none.',
    fallback: { value: '' },
  },
  compression: {
    name: 'CACHE_COMPRESSION',
    form: choice('lz4', 'off'),
    meaning: 'Whether larger values are stored compressed, where that saves at least 10 %.',
    fallback: { value: compression.kind },
  },
  compressionThresholdBytes: {
    name: 'CACHE_COMPRESSION_THRESHOLD',
    form: byteSize(1, VALUE_BYTES_CEILING),
    meaning: 'Smaller values are not compressed.',
    fallback: { value: compression.thresholdBytes },
  },
  compressionThreads: {
    name: 'CACHE_COMPRESSION_THREADS',
    form: integer(1, 64),
    meaning: 'Threads that compress and convert large values.',
    fallback: { value: compression.poolThreadCount },
  },
  messageDescriptorsPath: {
    name: 'CACHE_MESSAGE_DESCRIPTORS',
    form: filePath,
    meaning:
      'A file with the Protocol Buffers messages that values may be, as a FileDescriptorSet.',
    fallback: { value: '' },
  },
  metricsEnabled: {
    name: 'METRICS_ENABLED',
    form: flag,
    meaning: 'Whether METRICS_PATH answers.',
    fallback: { value: metrics.isEnabled },
  },
  metricsPath: {
    name: 'METRICS_PATH',
    form: urlPath,
    meaning: 'Where metrics are, in the text form of Prometheus.',
    fallback: { value: metrics.path },
  },
  metricsIntervalMs: {
    name: 'METRICS_INTERVAL',
    form: duration(10, HOUR_MS),
    meaning: "How long one reading of the engine's counters is used for.",
    fallback: { value: metrics.intervalMs },
  },
  logLevel: {
    name: 'LOG_LEVEL',
    form: choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    meaning: 'The least grave lines that are logged.',
    fallback: { value: 'info' },
  },
  logRedactsKeys: {
    name: 'LOG_REDACT_KEYS',
    form: flag,
    meaning: 'Whether keys are left out of the log.',
    fallback: { value: false },
  },
  tracing: {
    name: 'TRACING',
    form: choice('off', 'opentelemetry'),
    meaning: 'Whether operations become spans of OpenTelemetry, where its API is installed.',
    fallback: { value: 'off' },
  },
};
