/** The service as an operator runs it: the built program, its output, its signals. */
import { afterEach, describe, expect, test } from 'vitest';
import { ChildService } from './support/child-service.js';
import { loadUntilRefused } from './support/load-until-refused.js';
import { putText, RawConnection, requestText } from './support/raw-connection.js';
import { ask, get } from './support/test-service.js';

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
