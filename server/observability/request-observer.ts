import { type Channel, channel } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';
import { ClientGoneError, statusOf } from '../error-table.js';
import type { Exchange } from '../http/transport.js';
import type { OperationName } from '../operation-names.js';
import type { RequestObserver } from '../router.js';
import { findEntryOfPath } from './entry-of-path.js';
import { RequestIds } from './request-id.js';
import type { ServiceLog } from './service-log.js';
import type { Outcome } from './service-metrics.js';
import type { ThreadMetrics } from './thread-metrics.js';
import type { Tracing } from './tracing.js';

/** Longer operations are told of, whatever the level of the log. */
const SLOW_MS = 100;
const SERVER_ERROR = 500;

/** What is published on the diagnostics channel `hotshard:request`, once for every request. */
export interface RequestEvent {
  /** `undefined` where nothing serves the path or the method. */
  readonly operation: OperationName | undefined;
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly requestId: string;
}

const requests: Channel = channel('hotshard:request');

/** Where an observer writes what it sees. */
export interface ObserverParts {
  readonly metrics: ThreadMetrics;
  readonly log: ServiceLog;
  /** `undefined`: no spans. */
  readonly tracing: Tracing | undefined;
}

/**
 * Counts, logs, publishes and traces requests. A hit that nobody logs, listens to or traces costs
 * its place in the histogram and nothing else.
 */
export function createRequestObserver({ metrics, log, tracing }: ObserverParts): RequestObserver {
  const ids = new RequestIds();
  const writesAll = log.tellsAll || tracing !== undefined;
  const tell = (
    operation: OperationName | undefined,
    exchange: Exchange,
    startMs: number,
    durationMs: number,
    error: unknown,
  ): void => {
    const outcome = outcomeOf(error);
    const { requestId, path } = exchange;
    if (requests.hasSubscribers) {
      const event: RequestEvent = { operation, outcome, durationMs, requestId };
      requests.publish(event);
    }
    tracing?.record(exchange, { operation, outcome, startMs, durationMs });
    const isSlow = durationMs >= SLOW_MS;
    if (!isSlow && outcome !== 'failed' && !log.tellsAll) return;
    const entry = findEntryOfPath(operation, path);
    const line = { requestId, operation, outcome, durationMs, entry, code: codeOf(error) };
    if (outcome === 'failed') log.failedOperation(line);
    else if (isSlow) log.slowOperation(line);
    else log.operation(line);
  };
  return {
    get wantsRequestIds(): boolean {
      return writesAll || requests.hasSubscribers;
    },
    readRequestId: (exchange) => {
      tracing?.begin(exchange);
      return ids.read(exchange);
    },
    onEnd: (operation, exchange, startMs, error) => {
      const durationMs = performance.now() - startMs;
      if (operation === undefined) metrics.recordUnrouted();
      else if (error === undefined) metrics.recordOperation(operation, 'ok', durationMs);
      else metrics.recordOperation(operation, outcomeOf(error), durationMs);
      const isQuiet = error === undefined && durationMs < SLOW_MS;
      if (isQuiet && !writesAll && !requests.hasSubscribers) return;
      tell(operation, exchange, startMs, durationMs, error);
    },
  };
}

function outcomeOf(error: unknown): Outcome {
  if (error === undefined) return 'ok';
  // A client that leaves before the end has refused itself.
  if (error instanceof ClientGoneError) return 'refused';
  return statusOf(error) < SERVER_ERROR ? 'refused' : 'failed';
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
