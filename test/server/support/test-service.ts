import { afterAll, expect } from 'vitest';
import { ByteBudget } from '../../../server/byte-budget.js';
import type { CacheStore } from '../../../server/cache/cache-store.js';
import { ThreadFeed } from '../../../server/changes/thread-feed.js';
import { createValueCodec } from '../../../server/codecs/value-codec.js';
import { createNodeTransport } from '../../../server/http/node-transport.js';
import type { Transport } from '../../../server/http/transport.js';
import {
  createUwsTransport,
  TransportUnavailableError,
} from '../../../server/http/uws-transport.js';
import { createRequestObserver } from '../../../server/observability/request-observer.js';
import { ServiceBlock } from '../../../server/observability/service-block.js';
import { ServiceLog } from '../../../server/observability/service-log.js';
import { ThreadMetrics } from '../../../server/observability/thread-metrics.js';
import { type Service, startService } from '../../../server/service.js';
import {
  DEFAULT_SERVICE_SETTINGS,
  type ServiceSettings,
} from '../../../server/service-settings.js';
import { createEngine, type Engine } from '../../../src/index.js';
import { RawConnection, type RawResponse, requestText } from './raw-connection.js';

export const VALUE_BYTES_MAX: number = 1_024 ** 2;

export interface TestService {
  readonly service: Service;
  readonly port: number;
  readonly url: string;
  readonly budget: ByteBudget;
  /** Faults that the service reported to its operator. */
  readonly faults: unknown[];
}

export type TransportKind = Transport['kind'];

/** The transports that load here; the environment variable names one to test with it alone. */
export const TRANSPORT_KINDS: readonly TransportKind[] = await findTransportKinds();

async function findTransportKinds(): Promise<readonly TransportKind[]> {
  const wish = process.env['HOTSHARD_TEST_TRANSPORT'];
  if (wish === 'uws' || wish === 'node') return [wish];
  if (wish !== undefined) throw new Error(`HOTSHARD_TEST_TRANSPORT is "${wish}": uws or node`);
  try {
    await createUwsTransport();
  } catch (error) {
    if (error instanceof TransportUnavailableError) return ['node'];
    throw error;
  }
  return ['uws', 'node'];
}

export async function openTransport(kind: TransportKind): Promise<Transport> {
  return kind === 'uws' ? createUwsTransport() : createNodeTransport();
}

const DEFAULT_SETTINGS: ServiceSettings = {
  ...DEFAULT_SERVICE_SETTINGS,
  port: 0,
  valueBytesMax: VALUE_BYTES_MAX,
  defaultTtlMs: Number.POSITIVE_INFINITY,
  drainTimeoutMs: 5_000,
};

const cleanups: (() => Promise<unknown>)[] = [];
// Last opened, first closed: a service before the store behind it.
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An engine of 16 MiB without threads; closed after the tests of the file. */
export async function openEngine(): Promise<Engine> {
  const engine = await createEngine({ memory: '16mb', workers: 0 });
  cleanups.push(() => engine.close());
  return engine;
}

/** The service on a free port, with a store of the test's choice; stopped after the tests. */
export async function serveStore(
  store: CacheStore,
  settings: Partial<ServiceSettings> = {},
  bufferBytes: number = 64 * VALUE_BYTES_MAX,
  transportKind: TransportKind = TRANSPORT_KINDS[0] ?? 'node',
): Promise<TestService> {
  const faults: unknown[] = [];
  const budget = new ByteBudget(bufferBytes);
  const metrics = new ThreadMetrics(ServiceBlock.create(1), 0);
  const merged = { ...DEFAULT_SETTINGS, ...settings };
  const codec = await createValueCodec(merged);
  cleanups.push(() => codec.close());
  const service = await startService({
    store,
    transport: await openTransport(transportKind),
    codec,
    feed: new ThreadFeed(),
    metrics,
    observer: createRequestObserver({
      metrics,
      log: new ServiceLog({ level: 'silent', redactsKeys: false }),
      tracing: undefined,
    }),
    budget,
    log: { info: () => undefined, fault: (error) => faults.push(error) },
    settings: merged,
  });
  cleanups.push(() => service.stop(AbortSignal.abort()));
  return { service, port: service.port, url: service.url, budget, faults };
}

/** Sends bytes on a connection of their own and gives the first response. */
export async function ask(port: number, bytes: string): Promise<RawResponse | undefined> {
  const connection = await RawConnection.open(port);
  connection.write(bytes);
  const response = await connection.nextResponse();
  connection.destroy();
  return response;
}

/** Gets a path on a connection of its own; the connection must have been answered. */
export async function get(port: number, path: string): Promise<RawResponse> {
  const response = await ask(port, requestText(`GET ${path}`));
  expect(response).toBeDefined();
  return response as RawResponse;
}

/** A refusal in the one form that all have, without anything of the inside. */
export function expectRefusal(
  response: RawResponse | undefined,
  status: number,
  code: string,
): void {
  expect(response?.status).toBe(status);
  const text = response?.body.toString() ?? '';
  expect(JSON.parse(text)).toEqual({ error: { code, message: expect.any(String) } });
  expect(text).not.toMatch(/\.[jt]s:\d|\n\s+at /);
}
