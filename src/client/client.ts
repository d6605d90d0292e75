/**
 * A client of the service, for Node.js and browsers: `hotshard/client`. Needs nothing else of the
 * library, and imports nothing that a browser does not have.
 */
import { CacheClient, type ClientEvents } from './cache-client.js';
import type { CallOptions, ClientSetOptions, ClientStoreOptions } from './call-options.js';
import { ClientError, type ClientErrorCode } from './client-error.js';
import {
  type BreakerOption,
  type ClientNearCacheOption,
  type ClientOptions,
  type FallbackOption,
  resolveClientOptions,
  type WebSocketOption,
} from './client-options.js';
import type { ClientTtl } from './client-ttl.js';
import type { FetchLike } from './fetch-like.js';
import type { LoadContext } from './load-flights.js';
import type {
  CachedValue,
  ClientLoader,
  NamespaceClient,
  Subscription,
} from './namespace-client.js';
import type { InvalidationTarget, Selection } from './operations.js';
import type { Invalidation } from './subscriptions.js';
import type { WebSocketConstructor, WebSocketLike } from './web-socket-like.js';

export {
  type BreakerOption,
  type CacheClient,
  type CachedValue,
  type CallOptions,
  ClientError,
  type ClientErrorCode,
  type ClientEvents,
  type ClientLoader,
  type ClientNearCacheOption,
  type ClientOptions,
  type ClientSetOptions,
  type ClientStoreOptions,
  type ClientTtl,
  type FallbackOption,
  type FetchLike,
  type Invalidation,
  type InvalidationTarget,
  type LoadContext,
  type NamespaceClient,
  type Selection,
  type Subscription,
  type WebSocketConstructor,
  type WebSocketLike,
  type WebSocketOption,
};

/**
 * A client of the service at `options.url`. Nothing is sent before the first call.
 *
 * @throws {ClientError} `ERR_CLIENT_INVALID_OPTIONS`; the message names the option
 */
export function createClient(options: ClientOptions): CacheClient {
  return new CacheClient(resolveClientOptions(options));
}
