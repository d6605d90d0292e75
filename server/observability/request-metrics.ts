import { Counter, Gauge, type Registry } from 'prom-client';
import type { ObservedService } from './observed-service.js';
import { RequestHistogram } from './request-histogram.js';
import type { ServiceBlock, ThreadGauges } from './service-block.js';

const MS_PER_SECOND = 1_000;

/** Registers what the threads of the service count. Labels come from fixed lists alone. */
export function registerRequestMetrics(registry: Registry, { block }: ObservedService): void {
  new Counter({
    name: 'hotshard_requests_total',
    help: 'Operations by how they ended: ok, refused (the client erred), failed (status 5xx).',
    labelNames: ['operation', 'outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { operation, ok, refused, failed } of block.sumOperations()) {
        this.inc({ operation, outcome: 'ok' }, ok);
        this.inc({ operation, outcome: 'refused' }, refused);
        this.inc({ operation, outcome: 'failed' }, failed);
      }
    },
  });
  new RequestHistogram(block, registry);
  new Counter({
    name: 'hotshard_unrouted_requests_total',
    help: 'Requests with paths, methods or WebSocket messages that nothing serves.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(block.sumUnrouted());
    },
  });
  new Counter({
    name: 'hotshard_reads_total',
    help: 'Keys that clients asked for, by where they were found.',
    labelNames: ['source', 'result', 'namespace_class'],
    registers: [registry],
    collect() {
      this.reset();
      for (const namespace of ['default', 'named'] as const) {
        const { hits, misses } = block.sumReads(namespace);
        const labels = { source: 'l1', namespace_class: namespace };
        this.inc({ ...labels, result: 'hit' }, hits);
        this.inc({ ...labels, result: 'miss' }, misses);
      }
    },
  });
  registerThreads(registry, block);
}

interface ThreadMetric {
  readonly name: string;
  readonly help: string;
  readonly gauge: Exclude<keyof ThreadGauges, 'loopDelaysMs'>;
}

const THREAD_GAUGES: readonly ThreadMetric[] = [
  { name: 'connections', help: 'Connections open, WebSockets too.', gauge: 'connections' },
  { name: 'web_sockets', help: 'WebSockets open.', gauge: 'sockets' },
  { name: 'pending_requests', help: 'Requests not answered yet.', gauge: 'pendingRequests' },
  { name: 'pending_writes', help: 'Keys whose write is not done yet.', gauge: 'pendingWrites' },
];

function registerThreads(registry: Registry, block: ServiceBlock): void {
  const registers = [registry];
  for (const { name, help, gauge } of THREAD_GAUGES) {
    new Gauge({
      name: `hotshard_${name}`,
      help: `${help} By HTTP thread.`,
      labelNames: ['thread'],
      registers,
      collect() {
        for (let thread = 0; thread < block.threadCount; thread++) {
          this.set({ thread }, block.gaugesOf(thread)[gauge]);
        }
      },
    });
  }
  new Gauge({
    name: 'hotshard_event_loop_delay_seconds',
    help: 'How late the event loop of an HTTP thread was, in its last sample.',
    labelNames: ['thread', 'quantile'],
    registers,
    collect() {
      for (let thread = 0; thread < block.threadCount; thread++) {
        const [median, high, maximum] = block.gaugesOf(thread).loopDelaysMs;
        this.set({ thread, quantile: '0.5' }, median / MS_PER_SECOND);
        this.set({ thread, quantile: '0.99' }, high / MS_PER_SECOND);
        this.set({ thread, quantile: '1' }, maximum / MS_PER_SECOND);
      }
    },
  });
  new Gauge({
    name: 'hotshard_http_threads',
    help: 'HTTP threads by what they do.',
    labelNames: ['state'],
    registers,
    collect() {
      for (const state of ['starting', 'serving', 'ended'] as const) {
        this.set({ state }, block.threadsIn(state).length);
      }
    },
  });
  new Counter({
    name: 'hotshard_http_threads_replaced_total',
    help: 'HTTP threads that ended unasked and were started again.',
    registers,
    collect() {
      this.reset();
      this.inc(block.replacedThreads);
    },
  });
}
