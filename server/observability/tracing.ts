import type * as OpenTelemetry from '@opentelemetry/api';
import type { Exchange } from '../http/transport.js';
import type { OperationName } from '../operation-names.js';
import { parseTraceParent } from './request-id.js';
import type { Outcome } from './service-metrics.js';

/** The part of `@opentelemetry/api` that is used. */
export type TracingApi = Pick<
  typeof OpenTelemetry,
  'trace' | 'ROOT_CONTEXT' | 'SpanKind' | 'SpanStatusCode'
>;

/** Loads a module by name; tests put another in its place. */
export type TracingLoader = (specifier: string) => Promise<unknown>;

/** What is known of an operation that has ended. */
export interface TracedOperation {
  readonly operation: OperationName | undefined;
  readonly outcome: Outcome;
  /** Of `performance.now()`. */
  readonly startMs: number;
  readonly durationMs: number;
}

/** Tracing was asked for, and its package is not there. */
export class TracingUnavailableError extends Error {
  override readonly name: string = 'TracingUnavailableError';
}

const loadModule: TracingLoader = (specifier) => import(specifier);

/**
 * Spans by `@opentelemetry/api`, which the user installs and sets up, such as by
 * `node --import`: the service brings no exporter.
 *
 * @throws {TracingUnavailableError} when the package cannot be loaded
 */
export async function createTracing(
  version: string,
  load: TracingLoader = loadModule,
): Promise<Tracing> {
  try {
    return new Tracing((await load('@opentelemetry/api')) as TracingApi, version);
  } catch (error) {
    throw new TracingUnavailableError(
      'TRACING=opentelemetry needs the package @opentelemetry/api: install it beside hotshard',
      { cause: error },
    );
  }
}

/**
 * One span for each operation. It is made when the operation has ended, with the times of its
 * begin and end: nothing below it makes spans of its own.
 */
export class Tracing {
  private readonly api: TracingApi;
  private readonly tracer: OpenTelemetry.Tracer;
  /** Headers can be read at the begin alone, spans are made at the end. */
  private readonly parents = new WeakMap<Exchange, OpenTelemetry.SpanContext>();

  constructor(api: TracingApi, version: string) {
    this.api = api;
    this.tracer = api.trace.getTracer('hotshard', version);
  }

  /** Reads whose span the request belongs to; to be called while headers can be read. */
  begin(exchange: Exchange): void {
    const text = exchange.header('traceparent');
    const parent = text === '' ? undefined : parseTraceParent(text);
    // The object may have served another request before.
    if (parent === undefined) this.parents.delete(exchange);
    else {
      const { traceId, spanId, flags } = parent;
      this.parents.set(exchange, { traceId, spanId, traceFlags: flags, isRemote: true });
    }
  }

  record(exchange: Exchange, { operation, outcome, startMs, durationMs }: TracedOperation): void {
    const { SpanKind, SpanStatusCode } = this.api;
    const startTime = performance.timeOrigin + startMs;
    const name = `hotshard ${operation ?? 'unrouted'}`;
    const attributes = {
      'http.request.method': exchange.method,
      'hotshard.operation': operation ?? 'unrouted',
      'hotshard.outcome': outcome,
      'hotshard.request_id': exchange.requestId,
    };
    const options = { kind: SpanKind.SERVER, startTime, attributes };
    const span = this.tracer.startSpan(name, options, this.contextOf(exchange));
    if (outcome === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(startTime + durationMs);
  }

  private contextOf(exchange: Exchange): OpenTelemetry.Context {
    const { trace, ROOT_CONTEXT } = this.api;
    const parent = this.parents.get(exchange);
    return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
  }
}
