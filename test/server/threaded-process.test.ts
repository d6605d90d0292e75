/** The program with several HTTP threads, as an operator runs it. */
import { afterEach, describe, expect, test } from 'vitest';
import { createNodeTransport } from '../../server/http/node-transport.js';
import { until } from '../support/until.js';
import { ChildService } from './support/child-service.js';
import { loadUntilRefused } from './support/load-until-refused.js';
import { putText, RawConnection, requestText } from './support/raw-connection.js';
import { ask, get, openTransport, TRANSPORT_KINDS } from './support/test-service.js';

const kind = TRANSPORT_KINDS[0] ?? 'node';
const { portSharing } = await openTransport(kind);
const TWO_THREADS = {
  SERVER_HTTP_PORT: '0',
  CACHE_MAX_MEMORY_MB: '16',
  HTTP_THREADS: '2',
  HTTP_TRANSPORT: kind,
  // On a machine that does much else, operations are slow, and lines would tell of it.
  LOG_LEVEL: 'error',
};
const started: ChildService[] = [];

function start(settings: Readonly<Record<string, string>>): ChildService {
  const service = new ChildService(settings, ['serve']);
  started.push(service);
  return service;
}

afterEach(async () => {
  for (const service of started.splice(0)) {
    if (service.isRunning) service.signal('SIGKILL');
    await service.ended;
  }
});

async function pendingRequests(port: number): Promise<number> {
  const text = (await get(port, '/metrics')).body.toString();
  const counts = [...text.matchAll(/^hotshard_pending_requests\{.*\} (\d+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

describe.skipIf(!portSharing.works)('two HTTP threads', () => {
  test('SIGTERM under load fails no request that was sent', async () => {
    const service = start(TWO_THREADS);
    const port = await service.port();
    const failures = await loadUntilRefused(port, () => service.signal('SIGTERM'));
    expect(failures).toEqual([]);
    const { code, stdout, stderr } = await service.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('HTTP threads 2');
  });

  test('a second SIGTERM ends what both wait for', async () => {
    const service = start({ ...TWO_THREADS, SERVER_GRACEFUL_TIMEOUT: '1h' });
    const port = await service.port();
    const stuck: RawConnection[] = [];
    for (let index = 0; index < 8; index++) {
      const connection = await RawConnection.open(port);
      connection.write(requestText('PUT /cache/a', ['Content-Length: 3'], 'a'));
      stuck.push(connection);
    }
    await until('all are waited for', async () => (await pendingRequests(port)) >= stuck.length);
    service.signal('SIGTERM');
    await until('it takes no more', async () => {
      const answer = await RawConnection.open(port).catch(() => undefined);
      answer?.destroy();
      return answer === undefined;
    });
    expect(service.isRunning).toBe(true);
    service.signal('SIGTERM');
    expect((await service.ended).code).toBe(0);
    await Promise.all(stuck.map(({ closed }) => closed));
  });

  test('the log of both has one JSON object a line, without keys where they are redacted', async () => {
    const service = start({ ...TWO_THREADS, LOG_LEVEL: 'debug', LOG_REDACT_KEYS: 'true' });
    const port = await service.port();
    for (let index = 0; index < 20; index++) {
      expect((await ask(port, putText('/cache/secret', 'hidden')))?.status).toBe(201);
    }
    service.signal('SIGTERM');
    const { code, stderr } = await service.ended;
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/secret|hidden/);
    const lines = stderr.trimEnd().split('\n');
    const operations = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(operations).toHaveLength(20);
    // One key is one hash, whichever thread wrote the line.
    expect(new Set(operations.map(({ key }) => key)).size).toBe(1);
    const prefixes = operations.map(({ requestId }) => String(requestId).split('-')[0]);
    expect(new Set(prefixes).size).toBe(2);
  });
});

test('two are refused in one line where node:http cannot share a port', async (context) => {
  const sharing = createNodeTransport().portSharing;
  context.skip(sharing.works, 'node:http shares ports here');
  const { code, stdout, stderr } = await start({ ...TWO_THREADS, HTTP_TRANSPORT: 'node' }).ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^hotshard: HTTP_THREADS: 2 threads cannot share a port: .*\n$/);
});
