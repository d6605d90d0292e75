import type { TransportLimits } from './http/transport.js';

/** What one WebSocket, and all of them together, may take. */
export interface SocketLimits {
  /** WebSockets at once; each thread takes its share. */
  readonly socketsMax: number;
  /** Keys, prefixes and tags that one socket may subscribe to. */
  readonly subscriptionsMax: number;
  /** Requests of one socket that are not answered yet. */
  readonly inFlightMax: number;
  /** Milliseconds that a slow subscriber gets to catch up before it is closed. */
  readonly slowTimeoutMs: number;
}

export interface CompressionSettings {
  readonly kind: 'lz4' | 'off';
  /** Smaller values are stored as they are. */
  readonly thresholdBytes: number;
  /** Larger values are compressed and converted in a pool of threads. */
  readonly poolThresholdBytes: number;
  /** Threads of that pool. */
  readonly poolThreadCount: number;
}

export interface MetricsSettings {
  readonly isEnabled: boolean;
  /** Such as `/metrics`. */
  readonly path: string;
  /** Milliseconds that one reading of the engine's counters is used for. */
  readonly intervalMs: number;
}

export interface LogSettings {
  /** Lines below it are not written; `debug` writes one for every operation. */
  readonly level: 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
  /** Whether keys and namespaces are written as hashes, which change with every start. */
  readonly redactsKeys: boolean;
}

/** What a service is told; all of it is checked. */
export interface ServiceSettings {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Whether other threads of the process listen on the port too. */
  readonly sharesPort: boolean;
  readonly valueBytesMax: number;
  /** Milliseconds; `Infinity` for entries that do not expire. */
  readonly defaultTtlMs: number;
  /** Milliseconds that requests in flight get to end, once the service stops. */
  readonly drainTimeoutMs: number;
  /** Keys or entries of one batch. */
  readonly batchKeysMax: number;
  /** Namespaces that clients may create; they are never freed. */
  readonly namespacesMax: number;
  /** Origins of web pages that may write and open WebSockets, such as `https://app.example`. */
  readonly allowedOrigins: readonly string[];
  /** Requests a second of one client, by token or address; 0 for no limit. */
  readonly requestsPerSecondMax: number;
  /**
   * Signs cursors of listings: the same in all threads of a service. Default: a random one.
   */
  readonly cursorKey?: Uint8Array;
  readonly transport: TransportLimits;
  readonly sockets: SocketLimits;
  readonly compression: CompressionSettings;
  readonly metrics: MetricsSettings;
  readonly log: LogSettings;
  /** `opentelemetry`: spans of every operation, by the user's own `@opentelemetry/api`. */
  readonly tracing: 'off' | 'opentelemetry';
}

const KIB = 1_024;
const MIB = 1_024 ** 2;

/** What a service does that is told nothing; the port is for `npm start`. */
export const DEFAULT_SERVICE_SETTINGS: ServiceSettings = {
  host: '127.0.0.1',
  port: 8_080,
  sharesPort: false,
  valueBytesMax: 32 * MIB,
  defaultTtlMs: 3_600_000,
  drainTimeoutMs: 30_000,
  batchKeysMax: 1_000,
  namespacesMax: 1_000,
  allowedOrigins: [],
  requestsPerSecondMax: 0,
  transport: {
    connectionsMax: 10_000,
    idleTimeoutMs: 10_000,
    headerBytesMax: 4 * KIB,
    messageBytesMax: MIB,
    socketBacklogBytesMax: MIB,
  },
  sockets: {
    socketsMax: 10_000,
    subscriptionsMax: 1_000,
    inFlightMax: 1_000,
    slowTimeoutMs: 10_000,
  },
  compression: {
    kind: 'lz4',
    thresholdBytes: KIB,
    poolThresholdBytes: 256 * KIB,
    poolThreadCount: 1,
  },
  metrics: { isEnabled: true, path: '/metrics', intervalMs: 1_000 },
  log: { level: 'info', redactsKeys: false },
  tracing: 'off',
};
