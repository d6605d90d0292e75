import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { sendReply } from '../http/reply.js';
import type { OperationDocument } from '../openapi/operation-document.js';
import type { Operation, Route } from '../router.js';
import { CONTENT_TYPE_HEADER, encodeText } from '../wire.js';
import { registerEngineMetrics } from './engine-metrics.js';
import { METRICS_DOCUMENT } from './metrics-document.js';
import type { ObservedService } from './observed-service.js';
import { registerRequestMetrics } from './request-metrics.js';

/** Resolution of the package's own watch over the event loop, which nobody reads. */
const UNWATCHED_MS = 60_000;

/**
 * All metrics of the service, of all its threads. What begins with `process_` is of the process,
 * what begins with `nodejs_` of the thread that answers.
 */
export function createMetricsRegistry(service: ObservedService): Registry {
  const registry = new Registry();
  registerRequestMetrics(registry, service);
  registerEngineMetrics(registry, service.engine);
  registerService(registry, service);
  registerProcess(registry);
  return registry;
}

/** What the package tells of a process, without its delays of the event loop: we have our own. */
function registerProcess(register: Registry): void {
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: UNWATCHED_MS });
  for (const { name } of register.getMetricsAsArray()) {
    if (name.startsWith('nodejs_eventloop_lag')) register.removeSingleMetric(name);
  }
}

function registerService(registry: Registry, service: ObservedService): void {
  const registers = [registry];
  const { block, version, transport } = service;
  new Gauge({
    name: 'hotshard_build_info',
    help: 'Always 1; what runs is in the labels.',
    labelNames: ['version', 'node', 'transport'],
    registers,
  }).set({ version, node: process.version, transport: transport.kind }, 1);
  new Gauge({
    name: 'hotshard_uptime_seconds',
    help: 'Time since the service began to listen.',
    registers,
    collect() {
      this.set(block.uptimeSeconds);
    },
  });
  new Gauge({
    name: 'hotshard_draining',
    help: '1 while the service is stopping.',
    registers,
    collect() {
      this.set(block.isDraining ? 1 : 0);
    },
  });
}

/** The metrics in the text format of Prometheus, at the path of the settings. */
export function createMetricsRoute(path: string, service: ObservedService): Route {
  // Made when it is first asked for: it watches the event loop and collections of garbage.
  let registry: Registry | undefined;
  let rendering: Promise<string> | undefined;
  const render = (): Promise<string> => {
    registry ??= createMetricsRegistry(service);
    service.sample();
    // Those who ask at the same time share one text.
    rendering ??= registry.metrics().finally(() => {
      rendering = undefined;
    });
    return rendering;
  };
  const serve = (document?: OperationDocument): Operation => ({
    name: 'status',
    handle: async (exchange) => {
      const text = await render();
      sendReply(exchange, {
        status: 200,
        headers: [
          [CONTENT_TYPE_HEADER, Registry.PROMETHEUS_CONTENT_TYPE],
          ['Cache-Control', 'no-store'],
        ],
        body: encodeText(text),
      });
    },
    ...(document !== undefined && { document }),
  });
  return { path, operations: { GET: serve(METRICS_DOCUMENT), HEAD: serve() } };
}
