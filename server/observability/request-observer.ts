import { type Channel, channel } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';
import { ClientGoneError, statusOf } from '../error-table.js';
import type { OperationName } from '../operation-names.js';
import type { RequestObserver } from '../router.js';
import { type EntryAddress, findEntryOfPath } from './entry-of-path.js';
import type { EndedMessage, MessageObserver } from './message-observer.js';
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

/** A request that has ended, whatever it came over. */
interface Ended extends Omit<EndedMessage, 'operation' | 'entry'> {
  readonly operation: OperationName | undefined;
  readonly findEntry: () => EntryAddress | undefined;
}

/**
 * Counts, logs, publishes and traces requests. A hit that nobody logs, listens to or traces costs
 * its place in the histogram and nothing else. Requests of WebSockets are counted by those who
 * serve them, and are not traced.
 */
export function createRequestObserver({
  metrics,
  log,
  tracing,
}: ObserverParts): RequestObserver & MessageObserver {
  const ids = new RequestIds();
  const writesAll = log.tellsAll || tracing !== undefined;
  const isWanted = (durationMs: number, error: unknown): boolean =>
    error !== undefined || durationMs >= SLOW_MS || writesAll || requests.hasSubscribers;
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
      const outcome = outcomeOf(error);
      if (operation === undefined) metrics.recordUnrouted();
      else metrics.recordOperation(operation, outcome, durationMs);
      if (!isWanted(durationMs, error)) return;
      tracing?.record(exchange, { operation, outcome, startMs, durationMs });
      const { requestId, path } = exchange;
      const findEntry = (): EntryAddress | undefined => findEntryOfPath(operation, path);
      tell(log, { operation, requestId, durationMs, error, findEntry });
    },
    readSocketId: (request) => ids.read(request),
    wantsMessage: isWanted,
    onMessageEnd: ({ entry, ...ended }) => tell(log, { ...ended, findEntry: () => entry }),
  };
}

function tell(log: ServiceLog, { findEntry, error, ...ended }: Ended): void {
  const outcome = outcomeOf(error);
  const { operation, durationMs, requestId } = ended;
  if (requests.hasSubscribers) {
    const event: RequestEvent = { operation, outcome, durationMs, requestId };
    requests.publish(event);
  }
  const isSlow = durationMs >= SLOW_MS;
  if (!isSlow && outcome !== 'failed' && !log.tellsAll) return;
  const line = { ...ended, outcome, entry: findEntry(), code: codeOf(error) };
  if (outcome === 'failed') log.failedOperation(line);
  else if (isSlow) log.slowOperation(line);
  else log.operation(line);
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
