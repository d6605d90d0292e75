/** The service as an operator runs it: the built program, its output, its signals. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ChildService } from './support/child-service.js';
import { loadUntilRefused } from './support/load-until-refused.js';
import { putText, RawConnection, requestText } from './support/raw-connection.js';
import { ask, get, TRANSPORT_KINDS } from './support/test-service.js';

// On a busy machine operations are slow, and warned of.
const SMALL = { SERVER_HTTP_PORT: '0', CACHE_MAX_MEMORY_MB: '16', LOG_LEVEL: 'error' };
const started: ChildService[] = [];

function start(
  settings: Readonly<Record<string, string>>,
  args: readonly string[] = ['serve'],
): ChildService {
  const service = new ChildService(settings, args);
  started.push(service);
  return service;
}

afterEach(async () => {
  for (const service of started.splice(0)) {
    if (service.isRunning) service.signal('SIGKILL');
    await service.ended;
  }
});

/** Resolves when the service no longer accepts: it has taken notice of the signal. */
async function refusesConnections(port: number): Promise<void> {
  for (;;) {
    try {
      (await RawConnection.open(port)).destroy();
    } catch {
      return;
    }
  }
}

describe('the program', () => {
  test('prints where it listens, serves, and ends with 0 on SIGTERM', async () => {
    const service = start(SMALL);
    const port = await service.port();
    expect((await ask(port, putText('/cache/a', 'x', ['X-Cache-TTL: 60'])))?.status).toBe(201);
    expect((await get(port, '/cache/a')).body.toString()).toBe('x');
    service.signal('SIGTERM');
    const { code, stdout, stderr } = await service.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^hotshard listening on http:\/\/127\.0\.0\.1:\d+ \(memory 16 MiB, .*\)\n$/,
    );
  });

  test.each(TRANSPORT_KINDS)('reads as long a head as is set, over %s', async (kind) => {
    const long = requestText('GET /health', [`X-Long: ${'x'.repeat(6_000)}`]);
    for (const [bytes, status] of [
      ['8kb', 200],
      ['4kb', 431],
    ] as const) {
      const settings = { ...SMALL, HTTP_TRANSPORT: kind, HTTP_MAX_HEADER_BYTES: bytes };
      const port = await start(settings).port();
      expect((await ask(port, long))?.status).toBe(status);
    }
  });

  test('does not start with a file for its entries that it could not write', async () => {
    const path = join(tmpdir(), 'hotshard-none', 'entries');
    for (const [given, problem] of [
      [path, /CACHE_PERSISTENCE_PATH: the folder \S+ does not exist/],
      [tmpdir(), /CACHE_PERSISTENCE_PATH: is a folder/],
    ] as const) {
      const { code, stderr } = await start({ ...SMALL, CACHE_PERSISTENCE_PATH: given }).ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(problem);
    }
  });

  test('says that its entries were not kept, and ends with 1', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hotshard-'));
    const service = start({ ...SMALL, CACHE_PERSISTENCE_PATH: join(folder, 'entries') });
    const port = await service.port();
    expect((await ask(port, putText('/cache/a', 'x')))?.status).toBe(201);
    rmSync(folder, { recursive: true });
    service.signal('SIGTERM');
    const { code, stderr } = await service.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('hotshard: the entries were not kept in ');
  });

  test('ends with 0 on SIGINT', async () => {
    const service = start(SMALL);
    await service.port();
    service.signal('SIGINT');
    expect((await service.ended).code).toBe(0);
  });

  test('prints its settings and its version', async () => {
    const help = await start({}, ['serve', '--help']).ended;
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('CACHE_MAX_MEMORY_MB');
    const version = await start({}, ['--version']).ended;
    expect(version).toMatchObject({ code: 0, stderr: '' });
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('refuses arguments it does not know', async () => {
    expect(await start(SMALL, ['serve', '--http-prot=1']).ended).toMatchObject({
      code: 2,
      stderr: "hotshard: unknown option '--http-prot=1' (Did you mean --http-port?)\n",
    });
  });

  test('refuses bad settings, all of them in one message without a stack', async () => {
    const { code, stderr } = await start({ HOTSHARD_PORT: '1', CACHE_MAX_MEMORY_MB: '1tb' }).ended;
    expect(code).toBe(1);
    expect(stderr.split('\n')).toEqual([
      'hotshard: the settings are not usable:',
      '  HOTSHARD_PORT: no such setting; did you mean SERVER_HTTP_PORT?',
      expect.stringMatching(/^ {2}CACHE_MAX_MEMORY_MB: "1tb"/),
      '',
    ]);
  });

  test('refuses settings that the engine cannot have together', async () => {
    const { code, stderr } = await start({ ...SMALL, CACHE_WORKERS: '9' }).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^hotshard: the settings are not usable:\n {2}CACHE_WORKERS: 9 .*\n$/);
  });

  test('says in one line that the port is taken, and ends with 1', async () => {
    const port = await start(SMALL).port();
    const second = await start({ ...SMALL, SERVER_HTTP_PORT: String(port) }).ended;
    expect(second).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `hotshard: port ${port} on 127.0.0.1 is already in use: set SERVER_HTTP_PORT to another one\n`,
    });
  });
});

describe('signals', () => {
  test('SIGTERM under load fails no request that was sent', async () => {
    const service = start(SMALL);
    const port = await service.port();
    const failures = await loadUntilRefused(port, () => service.signal('SIGTERM'));
    expect(failures).toEqual([]);
    expect(await service.ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('SIGTERM lets a body that is on its way arrive', async () => {
    const service = start(SMALL);
    const port = await service.port();
    const connection = await RawConnection.open(port);
    connection.write(requestText('PUT /cache/a', ['Content-Length: 3', 'Expect: 100-continue']));
    expect((await connection.nextResponse())?.status).toBe(100);
    service.signal('SIGTERM');
    await refusesConnections(port);
    connection.write('abc');
    expect((await connection.nextResponse())?.status).toBe(201);
    expect((await service.ended).code).toBe(0);
  });

  test('a second SIGTERM ends what the first one waits for', async () => {
    const service = start({ ...SMALL, SERVER_GRACEFUL_TIMEOUT: '1h' });
    const port = await service.port();
    const connection = await RawConnection.open(port);
    connection.write(requestText('PUT /cache/a', ['Content-Length: 3', 'Expect: 100-continue']));
    expect((await connection.nextResponse())?.status).toBe(100);
    service.signal('SIGTERM');
    await refusesConnections(port);
    expect(service.isRunning).toBe(true);
    service.signal('SIGTERM');
    expect((await service.ended).code).toBe(0);
    await connection.closed;
  });

  test('a request that outlasts the drain is cut, and the exit code says so', async () => {
    const service = start({ ...SMALL, SERVER_GRACEFUL_TIMEOUT: '20ms' });
    const connection = await RawConnection.open(await service.port());
    connection.write(requestText('PUT /cache/a', ['Content-Length: 3', 'Expect: 100-continue']));
    expect((await connection.nextResponse())?.status).toBe(100);
    service.signal('SIGTERM');
    expect(await service.ended).toMatchObject({
      code: 1,
      stderr: 'hotshard: requests in flight were cut\n',
    });
  });
});
