import type { EngineHandle } from '../../src/index.js';
import type { FeedLink } from '../changes/feed-link.js';
import type { Transport } from '../http/transport.js';
import type { ServiceSettings } from '../service-settings.js';

/** What one thread that serves is told; it can be handed to another thread. */
export interface ThreadSetup {
  /** Its position among the threads, from 0, the one that started the others. */
  readonly thread: number;
  /** The counters of all threads. */
  readonly block: SharedArrayBuffer;
  readonly settings: ServiceSettings;
  /** Bytes that its requests and responses may hold on the heap together. */
  readonly bufferBytes: number;
  readonly transportReason: string;
  /** A file of Protocol Buffers messages; empty for none. */
  readonly messageDescriptorsPath: string;
  /** To the feeds of the other threads; absent where there are none. */
  readonly feedLink?: FeedLink;
  /** What hashes of keys in its log depend on. */
  readonly logSalt: Uint8Array;
}

/** What a thread gets as its `workerData`. */
export interface WorkerSetup extends ThreadSetup {
  readonly handle: EngineHandle;
  readonly transportKind: Transport['kind'];
}

/**
 * The share of one thread: what is bounded for the process is divided, so that all threads
 * together keep to it. Rates of one client are not: they are bounded in each thread.
 */
export function shareSettings(settings: ServiceSettings, threadCount: number): ServiceSettings {
  const { transport, sockets, compression } = settings;
  return {
    ...settings,
    sharesPort: threadCount > 1,
    transport: {
      ...transport,
      connectionsMax: Math.ceil(transport.connectionsMax / threadCount),
    },
    sockets: { ...sockets, socketsMax: Math.ceil(sockets.socketsMax / threadCount) },
    compression: {
      ...compression,
      poolThreadCount: Math.ceil(compression.poolThreadCount / threadCount),
    },
  };
}

/** The share of one thread of the heap; the largest value fits in any case. */
export function shareBufferBytes(
  bufferBytes: number,
  { valueBytesMax }: ServiceSettings,
  threadCount: number,
): number {
  return Math.max(valueBytesMax, Math.ceil(bufferBytes / threadCount));
}
