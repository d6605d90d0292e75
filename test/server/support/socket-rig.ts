import { ByteBudget } from '../../../server/byte-budget.js';
import type { CacheStore } from '../../../server/cache/cache-store.js';
import { CacheWrites } from '../../../server/cache/cache-writes.js';
import type { ChangeFeed } from '../../../server/changes/change-feed.js';
import { ThreadFeed } from '../../../server/changes/thread-feed.js';
import type { ValueCodec } from '../../../server/codecs/stored-value.js';
import type { DialectParts } from '../../../server/dialects/dialect-parts.js';
import type {
  EndedMessage,
  MessageObserver,
} from '../../../server/observability/message-observer.js';
import type { Outcome } from '../../../server/observability/service-metrics.js';
import type { OperationName } from '../../../server/operation-names.js';
import {
  DEFAULT_SERVICE_SETTINGS,
  type ServiceSettings,
  type SocketLimits,
} from '../../../server/service-settings.js';
import { createSocketServer, type SocketServer } from '../../../server/websocket/socket-server.js';
import { CodecDouble } from './codec-double.js';

/** WebSockets over a store, without any transport. */
export interface SocketRig {
  readonly server: SocketServer;
  readonly feed: ChangeFeed;
  readonly writes: CacheWrites;
  readonly budget: ByteBudget;
  /** Faults that the operator was told of. */
  readonly faults: unknown[];
  /** Operations that were counted, in order. */
  readonly counted: { readonly operation: OperationName; readonly outcome: Outcome }[];
  /** Keys that were asked for, by outcome. */
  readonly reads: { hits: number; misses: number };
  /** Requests that the log was told of, in order. */
  readonly told: readonly EndedMessage[];
  /** Messages that were no requests. */
  readonly unserved: { count: number };
}

export interface RigOptions {
  readonly feed?: ChangeFeed;
  readonly codec?: ValueCodec;
  readonly settings?: Partial<ServiceSettings>;
  readonly sockets?: Partial<SocketLimits>;
  readonly bufferBytes?: number;
}

export function createSocketRig(store: CacheStore, options: RigOptions = {}): SocketRig {
  const feed = options.feed ?? new ThreadFeed();
  const settings: ServiceSettings = {
    ...DEFAULT_SERVICE_SETTINGS,
    valueBytesMax: 1_024 ** 2,
    ...options.settings,
    sockets: { ...DEFAULT_SERVICE_SETTINGS.sockets, ...options.sockets },
  };
  const writes = new CacheWrites(store, feed, settings.namespacesMax);
  const budget = new ByteBudget(options.bufferBytes ?? 64 * 1_024 ** 2);
  const faults: unknown[] = [];
  const counted: SocketRig['counted'] = [];
  const reads = { hits: 0, misses: 0 };
  const unserved = { count: 0 };
  const parts: DialectParts = {
    store,
    writes,
    codec: options.codec ?? new CodecDouble(),
    metrics: {
      recordOperation: (operation, outcome) => counted.push({ operation, outcome }),
      recordReads: (_namespace, hits, misses) => {
        reads.hits += hits;
        reads.misses += misses;
      },
      recordUnrouted: () => {
        unserved.count += 1;
      },
    },
    budget,
    settings,
  };
  const told: EndedMessage[] = [];
  const observer: MessageObserver = {
    readSocketId: () => 'socket',
    wantsMessage: () => true,
    onMessageEnd: (message) => told.push(message),
  };
  const server = createSocketServer(parts, feed, observer, (error) => faults.push(error));
  return { server, feed, writes, budget, faults, counted, reads, told, unserved };
}
