import type { ByteBudget } from './byte-budget.js';
import type { CacheStore } from './cache/cache-store.js';
import { CacheWrites } from './cache/cache-writes.js';
import type { ChangeFeed } from './changes/change-feed.js';
import type { ValueCodec } from './codecs/stored-value.js';
import type { DialectParts } from './dialects/dialect-parts.js';
import { createEntryRoutes } from './dialects/plain/entry-routes.js';
import { ClientGoneError, errorReply, isInternal, RequestError } from './error-table.js';
import { sendReply } from './http/reply.js';
import type { Exchange, Listener, Transport } from './http/transport.js';
import { type DrainOutcome, drainListener } from './lifecycle.js';
import { createHealthRoute } from './observability/health-route.js';
import type { ServiceMetrics } from './observability/service-metrics.js';
import { createOpenApiRoute } from './openapi/openapi-route.js';
import { createRouter, type RequestObserver, type Route } from './router.js';
import type { ServiceSettings } from './service-settings.js';
import { createSocketServer } from './websocket/socket-server.js';

/** Where the service writes lines for its operator. */
export interface Log {
  info(line: string): void;
  /** A fault of the service itself, with its stack; never an input of a client. */
  fault(error: unknown): void;
}

/** What the service of one thread is made of. */
export interface ServiceParts {
  readonly store: CacheStore;
  readonly transport: Transport;
  readonly codec: ValueCodec;
  readonly feed: ChangeFeed;
  readonly metrics: ServiceMetrics;
  readonly observer: RequestObserver;
  readonly log: Log;
  readonly budget: ByteBudget;
  readonly settings: ServiceSettings;
}

/** A service that listens. */
export interface Service {
  /** The address that clients use, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
  /** What is served, in the order in which it is tried. */
  readonly routes: readonly Route[];
  /**
   * Accepts no more connections, lets requests in flight end, then cuts what is left. The store
   * stays open: it belongs to the caller. Calling it again gives the same promise.
   *
   * @param hasten when it aborts, what is left is cut at once
   */
  stop(hasten?: AbortSignal): Promise<DrainOutcome>;
}

/**
 * Listens and serves.
 *
 * @throws {ListenError} when the address cannot be had
 */
export async function startService(parts: ServiceParts): Promise<Service> {
  const { settings, transport, store, feed, observer, log } = parts;
  const startedAtMs = performance.now();
  const health = {
    isDraining: false,
    get uptimeMs(): number {
      return performance.now() - startedAtMs;
    },
  };
  const writes = new CacheWrites(store, feed, settings.namespacesMax);
  const dialectParts: DialectParts = { ...parts, writes };
  const documented = [...createEntryRoutes(dialectParts), createHealthRoute(health)];
  const routes = [...documented, createOpenApiRoute(documented)];
  const router = createRouter(routes, observer, (exchange, error) => {
    answerError(log, exchange, error);
  });
  const sockets = createSocketServer(dialectParts, feed);
  const { host, port, sharesPort } = settings;
  const handlers = { exchange: router, upgrade: sockets.upgrade };
  const listener = await transport.listen({ host, port, sharesPort }, handlers, settings.transport);
  let stopping: Promise<DrainOutcome> | undefined;
  return {
    url: formatUrl(host, listener),
    port: listener.port,
    routes,
    stop: (hasten) => {
      health.isDraining = true;
      stopping ??= Promise.all([
        drainListener(listener, settings.drainTimeoutMs, hasten),
        sockets.drain(),
      ]).then(([outcome]) => outcome);
      return stopping;
    },
  };
}

function answerError(log: Log, exchange: Exchange, error: unknown): void {
  if (error instanceof ClientGoneError) return;
  if (isInternal(error)) log.fault(error);
  if (error instanceof RequestError && error.closes) exchange.closeAfterResponse();
  sendReply(exchange, errorReply(error));
}

function formatUrl(host: string, listener: Listener): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${listener.port}`;
}
