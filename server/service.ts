import type { ByteBudget } from './byte-budget.js';
import type { CacheStore } from './cache/cache-store.js';
import { CacheWrites } from './cache/cache-writes.js';
import type { ChangeFeed } from './changes/change-feed.js';
import type { ValueCodec } from './codecs/stored-value.js';
import type { DialectParts } from './dialects/dialect-parts.js';
import { createEnvelopedRoutes } from './dialects/enveloped/enveloped-routes.js';
import { createNamespacedRoutes } from './dialects/namespaced/namespaced-routes.js';
import { createBatchRoutes } from './dialects/plain/batch-routes.js';
import { createEntryRoutes } from './dialects/plain/entry-routes.js';
import { createSelectionRoutes } from './dialects/plain/selection-routes.js';
import { ClientGoneError, errorReply, isInternal, RequestError } from './error-table.js';
import { sendReply } from './http/reply.js';
import { createRequestGate } from './http/request-gate.js';
import type { Exchange, Listener, Transport } from './http/transport.js';
import { type DrainOutcome, drainListener } from './lifecycle.js';
import { EngineReading } from './observability/engine-reading.js';
import type { MessageObserver } from './observability/message-observer.js';
import { createObservabilityRoutes } from './observability/observability-routes.js';
import type { ThreadMetrics } from './observability/thread-metrics.js';
import { ThreadSampler } from './observability/thread-sampler.js';
import { createOpenApiRoute } from './openapi/openapi-route.js';
import { readPackageVersion } from './package-version.js';
import { createRouter, type RequestObserver, type Route } from './router.js';
import type { ServiceSettings } from './service-settings.js';
import { createSocketServer } from './websocket/socket-server.js';
import { createUpgradeRoute } from './websocket/upgrade-route.js';
import { REQUEST_ID_HEADER } from './wire.js';

/** Where the service writes lines for its operator. */
export interface Log {
  info(line: string): void;
  /**
   * A fault of the service itself, with its stack; never an input of a client.
   *
   * @param requestId of the request that met it; absent outside of requests
   */
  fault(error: unknown, requestId?: string): void;
}

/** What the service of one thread is made of. */
export interface ServiceParts {
  readonly store: CacheStore;
  readonly transport: Transport;
  /** Why it is this transport, one sentence for people; default: none. */
  readonly transportReason?: string;
  readonly codec: ValueCodec;
  readonly feed: ChangeFeed;
  readonly metrics: ThreadMetrics;
  readonly observer: RequestObserver & MessageObserver;
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
  /** Stops listening and cuts every connection, now: for a thread that cannot go on. */
  cut(): void;
}

/**
 * Listens and serves.
 *
 * @throws {ListenError} when the address cannot be had
 */
export async function startService(parts: ServiceParts): Promise<Service> {
  const { settings, transport, store, feed, observer, log, metrics } = parts;
  const { block, thread } = metrics;
  const engine = new EngineReading(store, settings.metrics.intervalMs);
  let sampler: ThreadSampler | undefined;
  const observed = {
    block,
    engine,
    transport,
    transportReason: parts.transportReason ?? '',
    version: readPackageVersion(),
    sample: () => sampler?.sample(),
  };
  const writes = new CacheWrites(store, feed, settings.namespacesMax);
  const dialectParts: DialectParts = { ...parts, writes };
  const documented = [
    ...createEntryRoutes(dialectParts),
    ...createBatchRoutes(dialectParts),
    ...createSelectionRoutes(dialectParts),
    ...createEnvelopedRoutes(dialectParts),
    ...createNamespacedRoutes(dialectParts),
    ...createObservabilityRoutes(observed, settings.metrics),
    createUpgradeRoute(),
  ];
  const routes = [...documented, createOpenApiRoute(documented)];
  const onError = (exchange: Exchange, error: unknown): void => answerError(log, exchange, error);
  const router = createRouter(routes, observer, onError, createRequestGate(settings));
  const sockets = createSocketServer(dialectParts, feed, observer, (error) => log.fault(error));
  const { host, port, sharesPort } = settings;
  const handlers = { exchange: router, upgrade: sockets.upgrade };
  block.setState(thread, 'starting');
  const listener = await transport.listen({ host, port, sharesPort }, handlers, settings.transport);
  const { intervalMs } = settings.metrics;
  sampler = new ThreadSampler({ metrics, listener, engine, intervalMs });
  block.noteStart();
  block.setState(thread, 'serving');
  let stopping: Promise<DrainOutcome> | undefined;
  return {
    url: formatUrl(host, listener),
    port: listener.port,
    routes,
    stop: (hasten) => {
      block.noteDraining();
      stopping ??= Promise.all([
        drainListener(listener, settings.drainTimeoutMs, hasten, () => sockets.openRequests),
        sockets.drain(),
      ]).then(([outcome]) => {
        sampler?.stop();
        block.setState(thread, 'ended');
        return outcome;
      });
      return stopping;
    },
    cut: () => {
      sampler?.stop();
      listener.close();
    },
  };
}

function answerError(log: Log, exchange: Exchange, error: unknown): void {
  if (error instanceof ClientGoneError) return;
  const { requestId } = exchange;
  if (isInternal(error)) log.fault(error, requestId);
  if (error instanceof RequestError && error.closes) exchange.closeAfterResponse();
  const reply = errorReply(error);
  sendReply(exchange, { ...reply, headers: [...reply.headers, [REQUEST_ID_HEADER, requestId]] });
}

function formatUrl(host: string, listener: Listener): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${listener.port}`;
}
