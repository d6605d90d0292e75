/** What is logged, published and traced of requests, and what is not. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { ClientGoneError, RequestError } from '../../../../server/error-table.js';
import { LineLimit } from '../../../../server/observability/line-limit.js';
import { parseTraceParent } from '../../../../server/observability/request-id.js';
import {
  createRequestObserver,
  type RequestEvent,
} from '../../../../server/observability/request-observer.js';
import { ServiceBlock } from '../../../../server/observability/service-block.js';
import { ServiceLog } from '../../../../server/observability/service-log.js';
import { ThreadMetrics } from '../../../../server/observability/thread-metrics.js';
import {
  createTracing,
  type Tracing,
  TracingUnavailableError,
} from '../../../../server/observability/tracing.js';
import type { RequestObserver } from '../../../../server/router.js';
import type { LogSettings } from '../../../../server/service-settings.js';
import { ExchangeDouble } from '../../../server/support/exchange-double.js';
import { seedFromEnvironment } from '../../../support/prng.js';

interface Rig {
  readonly observer: RequestObserver;
  readonly log: ServiceLog;
  readonly metrics: ThreadMetrics;
  readonly texts: string[];
  lines(): Record<string, unknown>[];
}

function createRig(settings: Partial<LogSettings> = {}, tracing?: Tracing): Rig {
  const texts: string[] = [];
  const log = new ServiceLog(
    { level: 'info', redactsKeys: false, ...settings },
    { write: (text) => texts.push(text) },
  );
  const metrics = new ThreadMetrics(ServiceBlock.create(1), 0);
  const observer = createRequestObserver({ metrics, log, tracing });
  const lines = (): Record<string, unknown>[] =>
    texts.map((text) => JSON.parse(text) as Record<string, unknown>);
  return { observer, log, metrics, texts, lines };
}

interface Request {
  readonly path?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly error?: unknown;
  readonly tookMs?: number;
}

/** What the router does of one GET, as far as the observer sees it. */
function observe({ observer }: Rig, { path, headers, error, tookMs = 1 }: Request = {}): string {
  const exchange = new ExchangeDouble('GET', path ?? '/cache/key', headers ?? []);
  if (observer.wantsRequestIds || error !== undefined) {
    exchange.requestId = observer.readRequestId(exchange);
  }
  observer.onEnd('get', exchange, performance.now() - tookMs, error);
  return exchange.requestId;
}

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';
const PARENT = `00-${TRACE_ID}-${SPAN_ID}-01`;
const refusal = new RequestError('ERR_CACHE_INVALID_KEY', 'the key is empty');
const overload = new RequestError('ERR_CACHE_OVERLOADED', 'too many');

describe('ids of requests', () => {
  test.each([
    ['abc-123', 'abc-123'],
    ['a'.repeat(128), 'a'.repeat(128)],
    ['urn:uuid/1.2~3@x=y+z', 'urn:uuid/1.2~3@x=y+z'],
  ])('the plain one of the client is taken: %s', (given, taken) => {
    expect(observe(createRig({ level: 'debug' }), { headers: [['x-request-id', given]] })).toBe(
      taken,
    );
  });

  test.each(['', ' ', 'a b', 'a"b', '\u001b[31m', 'é', 'a'.repeat(129), 'a\r\nb'])(
    'another one is made for %j, each time a new one',
    (given) => {
      const rig = createRig({ level: 'debug' });
      const headers = [['x-request-id', given]] as const;
      const [first, second] = [observe(rig, { headers }), observe(rig, { headers })];
      expect(first).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/);
      expect(second).not.toBe(first);
    },
  );

  test('the trace stands in for an id that is missing or bad', () => {
    const rig = createRig({ level: 'debug' });
    expect(observe(rig, { headers: [['traceparent', PARENT]] })).toBe(TRACE_ID);
    const both = [
      ['x-request-id', 'mine'],
      ['traceparent', PARENT],
    ] as const;
    expect(observe(rig, { headers: both })).toBe('mine');
  });

  test.each([
    `00-${'0'.repeat(32)}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
    `ff-${TRACE_ID}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${SPAN_ID}-01-more`,
    `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${SPAN_ID}`,
    'garbage',
  ])('no trace is %s', (text) => {
    expect(parseTraceParent(text)).toBeUndefined();
  });

  test('later versions of traceparent are read as far as they are known', () => {
    expect(parseTraceParent(`01-${TRACE_ID}-${SPAN_ID}-00-more`)).toEqual({
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      flags: 0,
    });
  });
});

describe('the log', () => {
  test('by default is silent about what goes well and what is refused', () => {
    const rig = createRig();
    expect(rig.observer.wantsRequestIds).toBe(false);
    observe(rig);
    observe(rig, { error: refusal });
    observe(rig, { error: new ClientGoneError('gone') });
    expect(rig.texts).toEqual([]);
    expect(rig.metrics.block.sumOperations()[0]).toMatchObject({ ok: 1, refused: 2, failed: 0 });
  });

  test('at debug has one line for every operation', () => {
    const rig = createRig({ level: 'debug' });
    observe(rig, { path: '/cache/a%2Fb', headers: [['x-request-id', 'one']] });
    observe(rig, { path: '/api/v1/cache/users/7', error: refusal });
    expect(rig.lines()).toMatchObject([
      {
        level: 20,
        requestId: 'one',
        operation: 'get',
        outcome: 'ok',
        durationMs: expect.any(Number),
        key: 'a/b',
        namespace: '',
      },
      {
        level: 20,
        outcome: 'refused',
        code: 'ERR_CACHE_INVALID_KEY',
        key: '7',
        namespace: 'users',
      },
    ]);
  });

  test('warns of slow operations and of overload, with their ids, and a bound', () => {
    const rig = createRig();
    observe(rig, { tookMs: 150 });
    for (let round = 0; round < 50; round++) observe(rig, { error: overload });
    const lines = rig.lines();
    expect(lines[0]).toMatchObject({ level: 40, msg: 'slow operation', outcome: 'ok' });
    expect(lines[1]).toMatchObject({
      level: 40,
      outcome: 'failed',
      code: 'ERR_CACHE_OVERLOADED',
      requestId: expect.stringMatching(/./),
    });
    expect(lines.length).toBeLessThan(25);
  });

  test('has faults with their stack, and none at all when it is silent', () => {
    const rig = createRig();
    rig.log.fault(new Error('broken'), 'id-1');
    expect(rig.lines()).toMatchObject([
      {
        level: 50,
        requestId: 'id-1',
        err: { message: 'broken', stack: expect.stringContaining('request-observer.test') },
      },
    ]);
    const silent = createRig({ level: 'silent' });
    silent.log.fault(new Error('broken'));
    expect(silent.texts).toEqual([]);
  });

  test('with redaction holds a hash in the place of keys, the same for the same key', () => {
    const rig = createRig({ level: 'debug', redactsKeys: true });
    observe(rig, { path: '/api/v1/cache/secretspace/secretkey' });
    observe(rig, { path: '/api/v1/cache/secretspace/secretkey' });
    observe(rig, { path: '/cache/other' });
    expect(rig.texts.join('')).not.toMatch(/secret|other/);
    const [first, second, third] = rig.lines();
    expect(first?.['key']).toMatch(/^#[0-9a-f]{16}$/);
    expect(second?.['key']).toBe(first?.['key']);
    expect(third?.['key']).not.toBe(first?.['key']);
    // Another start, another hash: a list of known keys tells nothing.
    const other = createRig({ level: 'debug', redactsKeys: true });
    observe(other, { path: '/cache/other' });
    expect(other.lines()[0]?.['key']).not.toBe(third?.['key']);
  });

  test('has one JSON object a line, whatever the key and the id', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (key, id) => {
        const rig = createRig({ level: 'debug' });
        const path = `/cache/${encodeURIComponent(key)}`;
        observe(rig, { path, headers: [['x-request-id', id]] });
        expect(rig.texts).toHaveLength(1);
        expect(rig.texts[0]).toMatch(/^\{[ -~]*\}\n$/);
      }),
      { seed: seedFromEnvironment() },
    );
  });

  test('shows controls of terminals in keys as escapes', () => {
    const rig = createRig({ level: 'debug' });
    observe(rig, { path: '/cache/a%0D%0A%1B%5B31m%C2%9B%E2%80%A8%22b' });
    expect(rig.lines()[0]?.['key']).toBe('a%0D%0A%1B[31m%C2%9B%E2%80%A8"b');
  });

  test('counts what it suppressed', () => {
    const limit = new LineLimit(2);
    expect([0, 1, 2, 3, 999].map((nowMs) => limit.take(nowMs))).toEqual([
      0,
      0,
      undefined,
      undefined,
      undefined,
    ]);
    expect(limit.take(1_000)).toBe(3);
    expect(limit.take(1_001)).toBe(0);
  });
});

describe('the diagnostics channel', () => {
  const heard: RequestEvent[] = [];
  const listener = (event: unknown): number => heard.push(event as RequestEvent);
  afterEach(() => {
    unsubscribe('hotshard:request', listener);
    heard.length = 0;
  });

  test('tells of every request while somebody listens', () => {
    const rig = createRig();
    observe(rig);
    subscribe('hotshard:request', listener);
    expect(rig.observer.wantsRequestIds).toBe(true);
    observe(rig, { headers: [['x-request-id', 'one']] });
    observe(rig, { error: refusal });
    expect(heard).toMatchObject([
      { operation: 'get', outcome: 'ok', requestId: 'one', durationMs: expect.any(Number) },
      { operation: 'get', outcome: 'refused' },
    ]);
    unsubscribe('hotshard:request', listener);
    expect(rig.observer.wantsRequestIds).toBe(false);
  });
});

describe('tracing', () => {
  const spans: Record<string, unknown>[] = [];
  /** A provider that keeps what it was told. */
  const provider = {
    getTracer: () => ({
      startSpan: (name: string, options: object, context: typeof ROOT_CONTEXT) => {
        const span: Record<string, unknown> = {
          name,
          ...options,
          parent: trace.getSpanContext(context),
        };
        spans.push(span);
        return {
          setStatus: (status: object) => Object.assign(span, { status }),
          end: (endTime: number) => Object.assign(span, { endTime }),
        };
      },
    }),
  };
  const load = (): Promise<unknown> =>
    Promise.resolve({
      trace: { ...trace, getTracer: provider.getTracer, setSpanContext: trace.setSpanContext },
      ROOT_CONTEXT,
      SpanKind,
      SpanStatusCode,
    });
  afterEach(() => {
    spans.length = 0;
  });

  test('makes a span of every operation, below that of the client', async () => {
    const rig = createRig({}, await createTracing('1.2.3', load));
    observe(rig, { headers: [['traceparent', PARENT]], tookMs: 20 });
    observe(rig, { error: overload });
    expect(spans).toMatchObject([
      {
        name: 'hotshard get',
        kind: SpanKind.SERVER,
        parent: { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1, isRemote: true },
        attributes: { 'hotshard.outcome': 'ok', 'hotshard.request_id': TRACE_ID },
      },
      { parent: undefined, status: { code: SpanStatusCode.ERROR } },
    ]);
    const { startTime, endTime } = spans[0] as { startTime: number; endTime: number };
    expect(endTime - startTime).toBeGreaterThanOrEqual(20);
    expect(Math.abs(endTime - Date.now())).toBeLessThan(60_000);
  });

  test('goes with the real package, and says what to install without it', async () => {
    const rig = createRig({}, await createTracing('1.2.3'));
    observe(rig, { headers: [['traceparent', PARENT]] });
    const missing = createTracing('1.2.3', () => Promise.reject(new Error('not found')));
    await expect(missing).rejects.toThrow(TracingUnavailableError);
    await expect(missing).rejects.toThrow('install it beside hotshard');
  });
});
