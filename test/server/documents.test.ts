/**
 * The requests that the specifications show, run as they are written there, with curl: only where
 * they go is changed, by a configuration file of curl.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.js';
import { ChildService } from './support/child-service.js';
import { TRANSPORT_KINDS } from './support/test-service.js';

const run = promisify(execFile);

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

describe.each(TRANSPORT_KINDS)('the documents, over %s', (transport) => {
  const service = new ChildService({ SERVER_HTTP_PORT: '0', HTTP_TRANSPORT: transport });
  const folder = temporaryFolder();
  const home = dirname(folder.path('.curlrc'));

  beforeAll(async () => {
    const target = `connect-to = "::127.0.0.1:${await service.port()}"`;
    await writeFile(folder.path('.curlrc'), `${target}\nsilent\nshow-error\ninclude\n`);
  });

  afterAll(async () => {
    service.signal('SIGTERM');
    expect(await service.ended).toMatchObject({ code: 0 });
    folder[Symbol.dispose]();
  });

  beforeEach(async () => {
    await sh(`curl -X DELETE 'http://localhost:8000/cache?pattern=*&confirm=true'`);
  });

  async function sh(command: string): Promise<Answer> {
    const { stdout } = await run('bash', ['-c', command], {
      env: { PATH: process.env['PATH'], HOME: home },
    });
    return parse(stdout);
  }

  test('the plain one: set, get, delete', async () => {
    const put = await sh(`curl -X PUT http://localhost:8000/cache/user:123 \\
  -H "Content-Type: application/json" \\
  -d '{"name": "Alice", "email": "alice@example.com"}' \\
  -H "X-Cache-TTL: 3600"`);
    expect(put.status).toBe(201);

    const got = await sh('curl http://localhost:8000/cache/user:123');
    expect(got.status).toBe(200);
    expect(got.body).toBe('{"name": "Alice", "email": "alice@example.com"}');
    expect(got.headers.get('x-cache-hit')).toBe('true');
    const seconds = Number(got.headers.get('x-cache-ttl-remaining'));
    expect(seconds).toBeGreaterThan(3_000);
    expect(seconds).toBeLessThanOrEqual(3_600);

    const deleted = await sh('curl -X DELETE http://localhost:8000/cache/user:123');
    expect(deleted.status).toBe(204);
    expect((await sh('curl http://localhost:8000/cache/user:123')).status).toBe(404);
  });

  test('the plain one: delete by key, pattern and tag', async () => {
    const put = (key: string, header = ''): Promise<Answer> =>
      sh(`curl -X PUT http://localhost:8000/cache/${key} ${header} -d value`);
    for (let index = 0; index < 15; index++) await put(`user:123:${index}`);
    await put('user:124:0');
    const byPattern = await sh('curl -X DELETE "http://localhost:8000/cache?pattern=user:123:*"');
    expect(byPattern.status).toBe(200);
    expect(JSON.parse(byPattern.body)).toEqual({ deleted: 15, status: 'completed' });

    for (let index = 0; index < 8; index++) {
      await put(`page:${index}`, '-H "X-Cache-Tags: user:123, pages"');
    }
    const byTag = await sh('curl -X DELETE "http://localhost:8000/cache?tag=user:123"');
    expect(JSON.parse(byTag.body)).toEqual({ deleted: 8, status: 'completed' });
    expect((await sh('curl http://localhost:8000/cache/user:124:0')).status).toBe(200);
  });

  test('the enveloped one: set, get, invalidate, metrics', async () => {
    const put = await sh(`curl -X PUT http://localhost:4000/api/cache/user:123 \\
  -H "Content-Type: application/json" \\
  -d '{
    "key": "user:123",
    "value": {"id": 123, "name": "John"},
    "ttl": 3600
  }'`);
    expect(put.status).toBe(200);
    expect(JSON.parse(put.body)).toEqual({ success: true, expires_at: expect.any(String) });
    const expiresAtMs = Date.parse((JSON.parse(put.body) as { expires_at: string }).expires_at);
    expect(expiresAtMs).toBeGreaterThan(Date.now() + 3_000_000);

    const got = await sh('curl http://localhost:4000/api/cache/user:123');
    expect(got.status).toBe(200);
    expect(JSON.parse(got.body)).toEqual({
      value: { id: 123, name: 'John' },
      hit: true,
      source: 'l1',
      cached_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
      expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
    });

    await sh('curl -X PUT http://localhost:8000/cache/user:456 -d value');
    const byKeys = await sh(`curl -X POST http://localhost:4000/api/cache/invalidate \\
  -H "Content-Type: application/json" \\
  -d '{
    "keys": ["user:123", "user:456"]
  }'`);
    expect(byKeys.status).toBe(200);
    expect(JSON.parse(byKeys.body)).toEqual({ invalidated: 2, success: true });

    await sh('curl -X PUT http://localhost:8000/cache/user:1 -d value');
    await sh('curl -X PUT http://localhost:8000/cache/user:2 -d value');
    const byPattern = await sh(`curl -X POST http://localhost:4000/api/cache/invalidate \\
  -H "Content-Type: application/json" \\
  -d '{
    "pattern": "user:*"
  }'`);
    expect(JSON.parse(byPattern.body)).toEqual({ invalidated: 2, success: true });

    const metrics = await sh('curl http://localhost:4000/api/cache/metrics');
    expect(metrics.status).toBe(200);
    const names = ['hits', 'misses', 'hit_rate', 'sets', 'deletes', 'evictions', 'l1_size'];
    names.push('l2_hits', 'l2_misses', 'l2_errors');
    const counted = JSON.parse(metrics.body) as Readonly<Record<string, number>>;
    expect(Object.keys(counted).toSorted()).toEqual(names.toSorted());
    expect(counted['hits']).toBeGreaterThan(0);
  });

  test('the namespaced one: every endpoint of its table', async () => {
    const at = 'http://localhost:8080/api/v1/cache/sessions';
    const json = '-H "Content-Type: application/json"';
    const put = await sh(`curl -X PUT ${at}/foo ${json} -d '{"value": "bar", "ttl_seconds": 300}'`);
    expect(put.status).toBe(200);
    expect(JSON.parse(put.body)).toEqual({ success: true });
    const got = await sh(`curl ${at}/foo`);
    expect(JSON.parse(got.body)).toMatchObject({
      found: true,
      value: 'bar',
      source: 'CACHE_SOURCE_LOCAL',
    });

    const entries = '{"entries": {"a": {"n": 1}, "b": "Yg=="}, "ttl_seconds": 60}';
    const stored = await sh(`curl -X POST ${at}/batch/set ${json} -d '${entries}'`);
    expect(JSON.parse(stored.body)).toEqual({ success: true, stored_count: 2 });
    const read = await sh(`curl -X POST ${at}/batch/get ${json} -d '{"keys": ["a", "b", "c"]}'`);
    expect(JSON.parse(read.body)).toEqual({
      values: { a: { n: 1 }, b: 'Yg==' },
      missing_keys: ['c'],
    });

    const deleted = await sh(`curl -X DELETE ${at}/foo`);
    expect(JSON.parse(deleted.body)).toEqual({ deleted: true });
    expect((await sh(`curl ${at}/foo`)).status).toBe(404);

    const health = await sh('curl http://localhost:8080/health');
    expect(JSON.parse(health.body)).toMatchObject({
      healthy: true,
      redis_status: expect.any(String),
      broker_status: expect.any(String),
    });
    expect((await sh('curl http://localhost:8080/ready')).status).toBe(200);
    const metrics = await sh('curl http://localhost:8080/metrics');
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(metrics.body).toMatch(/^# HELP /m);
  });
});

/** The last response that curl printed. */
function parse(output: string): Answer {
  const end = output.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = output.slice(0, end).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const status = Number(statusLine.split(' ')[1]);
  return { status, headers: new Map(headers), body: output.slice(end + 4) };
}
