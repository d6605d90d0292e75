import type { ByteBudget } from './byte-budget.js';
import { ClientGoneError, errorReply, isInternal, RequestError } from './error-table.js';
import { type CacheStore, createCacheRoutes } from './http/cache-routes.js';
import { createHealthRoute } from './http/health-route.js';
import { sendReply } from './http/reply.js';
import type { Exchange, Listener, Transport } from './http/transport.js';
import { type DrainOutcome, drainListener } from './lifecycle.js';
import { createRouter } from './router.js';

/** Where the service writes lines for its operator. */
export interface Log {
  info(line: string): void;
  /** A fault of the service itself, with its stack; never an input of a client. */
  fault(error: unknown): void;
}

/** What a service is made of; all of it is shared with nobody else. */
export interface ServiceParts {
  readonly store: CacheStore;
  readonly transport: Transport;
  readonly log: Log;
  readonly budget: ByteBudget;
  readonly settings: ServiceSettings;
}

export interface ServiceSettings {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly valueBytesMax: number;
  /** Milliseconds; `Infinity` for entries that do not expire. */
  readonly defaultTtlMs: number;
  /** Milliseconds that requests in flight get to end, once the service stops. */
  readonly drainTimeoutMs: number;
}

/** A service that listens. */
export interface Service {
  /** The address that clients use, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
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
  const { settings, transport, store, budget, log } = parts;
  const startedAtMs = performance.now();
  const health = {
    isDraining: false,
    get uptimeMs(): number {
      return performance.now() - startedAtMs;
    },
  };
  const { valueBytesMax, defaultTtlMs } = settings;
  const routes = [
    ...createCacheRoutes({ store, valueBytesMax, defaultTtlMs, budget }),
    createHealthRoute(health),
  ];
  const router = createRouter(routes, (exchange, error) => answerError(log, exchange, error));
  const listener = await transport.listen({ host: settings.host, port: settings.port }, router);
  let stopping: Promise<DrainOutcome> | undefined;
  return {
    url: formatUrl(settings.host, listener),
    port: listener.port,
    stop: (hasten) => {
      health.isDraining = true;
      stopping ??= drainListener(listener, settings.drainTimeoutMs, hasten);
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
