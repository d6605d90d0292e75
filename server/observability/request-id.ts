import { randomBytes } from 'node:crypto';
import type { Exchange } from '../http/transport.js';

/** What may stand in a header and in a log line as it is. */
const SAFE_ID = /^[A-Za-z0-9._~:@/+=-]{1,128}$/;
/** W3C Trace Context: version, trace id, id of the parent, flags. Later versions may add fields. */
const TRACE_PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);
const PREFIX_BYTES = 6;

/** Where a request stands in the trace of its client. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  /** Bit 0: whether the client records the trace. */
  readonly flags: number;
}

/** What a header `traceparent` says; `undefined` for one that is not valid. */
export function parseTraceParent(text: string): TraceParent | undefined {
  const match = TRACE_PARENT.exec(text);
  if (match === null) return undefined;
  const [, version = '', traceId = '', spanId = '', flags = '', rest] = match;
  const isValid =
    version !== 'ff' &&
    traceId !== NO_TRACE &&
    spanId !== NO_SPAN &&
    (version !== '00' || rest === undefined);
  return isValid ? { traceId, spanId, flags: Number.parseInt(flags, 16) } : undefined;
}

/** Gives requests their ids: the client's, that of its trace, or one that is made. */
export class RequestIds {
  /** Random for each thread of each process: ids of different ones do not meet. */
  private readonly prefix = randomBytes(PREFIX_BYTES).toString('hex');
  private made = 0;

  /** `X-Request-Id` where it is short and plain, else the trace of `traceparent`, else made. */
  read(request: Pick<Exchange, 'header'>): string {
    const given = request.header('x-request-id');
    if (given !== '' && SAFE_ID.test(given)) return given;
    const parent = request.header('traceparent');
    const trace = parent === '' ? undefined : parseTraceParent(parent);
    return trace?.traceId ?? this.make();
  }

  private make(): string {
    this.made += 1;
    return `${this.prefix}-${this.made.toString(36)}`;
  }
}
