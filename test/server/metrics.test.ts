/** What the service tells of itself: metrics, counters as JSON, whether it lives and can serve. */
import { describe, expect, test } from 'vitest';
import type { StatsReport } from '../../server/observability/stats-report.js';
import { putText } from './support/raw-connection.js';
import {
  ask,
  get,
  openEngine,
  serveStore,
  type TestService,
  TRANSPORT_KINDS,
} from './support/test-service.js';

const NAMES = { uws: 'uWebSockets.js', node: 'node:http' };
const kind = TRANSPORT_KINDS[0] ?? 'node';

/** Names, labels and values of a text in the format of Prometheus; throws where it is not one. */
function parseMetrics(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const typed = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const type = /^# TYPE ([a-z_]+) (counter|gauge|histogram|summary)$/.exec(line);
    if (type?.[1] !== undefined) typed.add(type[1]);
    if (line.startsWith('# ')) continue;
    const sample = /^([a-z_]+)(\{(?:[a-z_]+="[^"\\\n]*",?)*\})? (\S+)$/.exec(line);
    const [, name = '', labels = '', value = ''] = sample ?? [];
    if (!Number.isFinite(Number(value)) || name === '') throw new Error(`no sample: ${line}`);
    const family = name.replace(/_(bucket|sum|count)$/, '');
    if (!typed.has(name) && !typed.has(family)) throw new Error(`no type for: ${line}`);
    if (samples.has(name + labels)) throw new Error(`twice: ${line}`);
    samples.set(name + labels, Number(value));
  }
  return samples;
}

async function readMetrics({ port }: TestService): Promise<Map<string, number>> {
  return parseMetrics((await get(port, '/metrics')).body.toString());
}

async function readStats({ port }: TestService): Promise<StatsReport> {
  return JSON.parse((await get(port, '/stats')).body.toString()) as StatsReport;
}

/** Every answer reads the counters anew. */
const EAGER = { isEnabled: true, path: '/metrics', intervalMs: 0 };

describe('/metrics', () => {
  test('tells operations by outcome and duration, in the text format', async () => {
    const engine = await openEngine();
    const service = await serveStore(engine, { metrics: EAGER });
    await ask(service.port, putText('/cache/a', 'x'));
    await get(service.port, '/cache/a');
    await get(service.port, '/cache/absent');
    await get(service.port, '/cache/%FF');
    await get(service.port, '/nowhere');
    const response = await get(service.port, '/metrics');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const samples = parseMetrics(response.body.toString());
    const expected: Readonly<Record<string, number>> = {
      'hotshard_requests_total{operation="get",outcome="ok"}': 2,
      'hotshard_requests_total{operation="get",outcome="refused"}': 1,
      'hotshard_requests_total{operation="set",outcome="ok"}': 1,
      'hotshard_requests_total{operation="delete",outcome="failed"}': 0,
      hotshard_unrouted_requests_total: 1,
      'hotshard_request_duration_seconds_count{operation="get"}': 3,
      'hotshard_request_duration_seconds_bucket{le="+Inf",operation="get"}': 3,
      hotshard_sets_total: 1,
      'hotshard_items{shard="0"}': 1,
      hotshard_memory_limit_bytes: 16 * 1_024 ** 2,
      'hotshard_connections{thread="0"}': 1,
      'hotshard_http_threads{state="serving"}': 1,
      hotshard_draining: 0,
    };
    for (const [name, value] of Object.entries(expected)) {
      expect([name, samples.get(name)]).toEqual([name, value]);
    }
    expect([...samples.keys()].some((name) => name.startsWith('process_resident'))).toBe(true);
  });

  test('buckets are cumulative, up to the count', async () => {
    const service = await serveStore(await openEngine(), { metrics: EAGER });
    for (let round = 0; round < 20; round++) await get(service.port, '/cache/a');
    const samples = [...(await readMetrics(service))];
    const counts = samples.flatMap(([name, value]) =>
      /duration_seconds_bucket.*"get"/.test(name) ? [value] : [],
    );
    expect(counts).toHaveLength(21);
    expect(counts).toEqual(counts.toSorted((left, right) => left - right));
    expect(counts.at(-1)).toBe(20);
  });

  test('no key, namespace or path of a client makes a series', async () => {
    const engine = await openEngine();
    const service = await serveStore(engine, { metrics: EAGER });
    await ask(service.port, putText('/cache/warm', 'x'));
    await get(service.port, '/cache/warm');
    await get(service.port, '/metrics');
    // Those of Node.js itself come and go with what the process does, not with what is asked.
    const seriesOf = (samples: ReadonlyMap<string, number>): string[] =>
      [...samples.keys()].filter((name) => !name.startsWith('nodejs_')).sort();
    const before = seriesOf(await readMetrics(service));
    // Through the door for some, and to the engine for a million: series come from both.
    for (let index = 0; index < 500; index++) {
      await get(service.port, `/cache/key-${index}-marker`);
      await get(service.port, `/path-${index}-marker`);
    }
    for (let index = 0; index < 1_000_000; index++) engine.getView(`key-${index}-marker`);
    const { namespaces } = engine.stats();
    for (let index = 0; index < 200; index++) engine.namespace(`space-${index}-marker`);
    const text = (await get(service.port, '/metrics')).body.toString();
    const samples = parseMetrics(text);
    expect(seriesOf(samples)).toEqual(before);
    expect(text).not.toContain('marker');
    expect(samples.get('hotshard_namespaces')).toBe(namespaces + 200);
    expect(samples.get('hotshard_engine_misses_total')).toBeGreaterThanOrEqual(1_000_000);
  });

  test('HEAD says how long it is, PUT is refused', async () => {
    const { port, url } = await serveStore(await openEngine());
    const head = await fetch(`${url}/metrics`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(1_000);
    expect(await head.text()).toBe('');
    const refused = await ask(port, putText('/metrics', 'x'));
    expect(refused?.status).toBe(405);
    expect(refused?.headers.get('allow')).toBe('GET, HEAD');
  });

  test('another path, or none', async () => {
    const store = await openEngine();
    const moved = await serveStore(store, { metrics: { ...EAGER, path: '/internal/metrics' } });
    expect((await get(moved.port, '/internal/metrics')).status).toBe(200);
    expect((await get(moved.port, '/metrics')).status).toBe(404);
    const off = await serveStore(store, { metrics: { ...EAGER, isEnabled: false } });
    expect((await get(off.port, '/metrics')).status).toBe(404);
    expect((await get(off.port, '/stats')).status).toBe(200);
  });

  test('reads the engine at most once in an interval', async () => {
    const engine = await openEngine();
    let readings = 0;
    const counted = Object.create(engine, {
      stats: {
        value: () => {
          readings += 1;
          return engine.stats();
        },
      },
    }) as typeof engine;
    const service = await serveStore(counted, { metrics: { ...EAGER, intervalMs: 3_600_000 } });
    for (let round = 0; round < 5; round++) await readMetrics(service);
    await readStats(service);
    expect(readings).toBe(1);
  });
});

describe('/stats', () => {
  test('sums up the service and its engine', async () => {
    const service = await serveStore(await openEngine(), { metrics: EAGER });
    await ask(service.port, putText('/cache/a', 'x'));
    for (let round = 0; round < 3; round++) await get(service.port, '/cache/a');
    await get(service.port, '/cache/absent');
    const stats = await readStats(service);
    expect(stats).toMatchObject({
      transport: NAMES[kind],
      threads: 1,
      isDraining: false,
      hits: 3,
      misses: 1,
      hitRatio: 0.75,
      items: 1,
      sets: 1,
      connections: 1,
      sockets: 0,
      operations: { get: { ok: 4, refused: 0, failed: 0 }, set: { ok: 1 } },
    });
    expect(stats.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(stats.shards).toHaveLength(1);
    expect(stats.shards[0]).toMatchObject({ items: 1, evictions: 0 });
    const { p50Ms = 0, p99Ms = 0 } = stats.operations.get ?? {};
    expect(p50Ms).toBeGreaterThan(0);
    expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
    expect(stats.operations.delete).toBeUndefined();
  });
});

describe('/health and /ready', () => {
  test('a service that serves is alive and ready', async () => {
    const { port } = await serveStore(await openEngine(), { metrics: EAGER });
    expect(JSON.parse((await get(port, '/health')).body.toString())).toEqual({
      healthy: true,
      redis_status: 'disabled',
      broker_status: 'disabled',
      status: 'ok',
      uptimeSeconds: 0,
    });
    const ready = await get(port, '/ready');
    expect(ready.status).toBe(200);
    expect(JSON.parse(ready.body.toString())).toEqual({
      ready: true,
      status: 'ok',
      engine: { state: 'ok', workers: 0, shards: 1, shardsWithoutWorker: 1, recoveries: 0 },
      transport: { name: NAMES[kind], kind, reason: '' },
      threads: { state: 'ok', wanted: 1, serving: 1, replaced: 0 },
    });
  });

  test('a service whose engine is closed is alive, and not ready', async () => {
    const engine = await openEngine();
    const { port } = await serveStore(engine, { metrics: { ...EAGER, intervalMs: 0 } });
    await engine.close();
    expect((await get(port, '/health')).status).toBe(200);
    const ready = await get(port, '/ready');
    expect(ready.status).toBe(503);
    expect(JSON.parse(ready.body.toString())).toMatchObject({
      ready: false,
      status: 'closed',
      engine: { state: 'closed' },
    });
  });
});
