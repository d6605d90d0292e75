import { monitorEventLoopDelay } from 'node:perf_hooks';
import { CacheError } from '../../src/index.js';
import type { Listener } from '../http/transport.js';
import type { EngineReading } from './engine-reading.js';
import type { ThreadGauges } from './service-block.js';
import type { ThreadMetrics } from './thread-metrics.js';

const RESOLUTION_MS = 20;
const NANOSECONDS_PER_MS = 1_000_000;
const NO_DELAYS: ThreadGauges['loopDelaysMs'] = [0, 0, 0];

/** What the sampler looks at. */
export interface Sampled {
  readonly metrics: ThreadMetrics;
  readonly listener: Pick<Listener, 'openConnections' | 'openSockets' | 'pendingExchanges'>;
  readonly engine: EngineReading;
  /** Milliseconds between two samples. */
  readonly intervalMs: number;
}

/** Writes what its thread has open into the block, from time to time: for the other threads. */
export class ThreadSampler {
  private readonly sampled: Sampled;
  private readonly delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private readonly timer: NodeJS.Timeout;
  private loopDelaysMs = NO_DELAYS;

  constructor(sampled: Sampled) {
    this.sampled = sampled;
    this.delays.enable();
    this.timer = setInterval(() => this.renew(), sampled.intervalMs).unref();
  }

  /** Writes what is open now; delays of the event loop are those of the last whole interval. */
  sample(): void {
    const { metrics, listener } = this.sampled;
    metrics.block.setGauges(metrics.thread, {
      connections: listener.openConnections,
      sockets: listener.openSockets,
      pendingRequests: listener.pendingExchanges,
      pendingWrites: this.readPendingWrites(),
      loopDelaysMs: this.loopDelaysMs,
    });
  }

  stop(): void {
    clearInterval(this.timer);
    this.delays.disable();
  }

  private readPendingWrites(): number {
    try {
      return this.sampled.engine.read().pendingWrites;
    } catch (error) {
      // A closed engine has none; the service above it may be on its way out still.
      if (error instanceof CacheError) return 0;
      throw error;
    }
  }

  private renew(): void {
    this.loopDelaysMs = [
      lateness(this.delays.percentile(50)),
      lateness(this.delays.percentile(99)),
      lateness(this.delays.max),
    ];
    this.delays.reset();
    this.sample();
  }
}

/** The histogram counts from one tick to the next: what is beyond the resolution was late. */
function lateness(nanoseconds: number): number {
  return Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);
}
