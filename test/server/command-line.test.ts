/** The commands as a user runs them: the built program against a running service. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ChildResult } from './support/child-service.js';
import { ChildService } from './support/child-service.js';
import { type CommandInput, runCommand } from './support/command-run.js';
import { get } from './support/test-service.js';

const ESCAPE = '\u001b';
let service: ChildService;
let url = '';
let port = 0;

beforeAll(async () => {
  service = new ChildService({ SERVER_HTTP_PORT: '0', CACHE_MAX_MEMORY_MB: '16' });
  port = await service.port();
  url = `http://127.0.0.1:${port}`;
});

afterAll(async () => {
  service.signal('SIGTERM');
  expect((await service.ended).code).toBe(0);
});

/** Runs a command against the service. Whatever it does, no stack and no code for a terminal. */
async function run(args: readonly string[], input: CommandInput = {}): Promise<ChildResult> {
  const environment = { HOTSHARD_URL: url, FORCE_COLOR: '1', ...input.environment };
  const result = await runCommand(args, { ...input, environment });
  expect(result.stdout + result.stderr).not.toContain(ESCAPE);
  expect(result.stderr).not.toMatch(/\n\s+at /);
  return result;
}

/** What a command prints that must succeed. */
async function output(args: readonly string[], input: CommandInput = {}): Promise<string> {
  const result = await run(args, input);
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return result.stdout;
}

describe('values', () => {
  test('are stored from an argument and printed byte by byte', async () => {
    expect(await output(['set', 'greeting', 'hello ü', '--ttl', '10m'])).toBe('');
    expect(await output(['get', 'greeting'])).toBe('hello ü');
    const response = await get(port, '/cache/greeting');
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(Number(response.headers.get('x-cache-ttl-remaining'))).toBeGreaterThan(590);
  });

  test('are stored from the input, whatever bytes it has', async () => {
    const bytes = Uint8Array.from([0, 255, 10, 13, 128]);
    expect(await output(['set', 'bytes', '-'], { input: bytes })).toBe('');
    expect([...(await get(port, '/cache/bytes')).body]).toEqual([...bytes]);
    expect(JSON.parse(await output(['get', 'bytes', '--json']))).toMatchObject({
      value: Buffer.from(bytes).toString('base64'),
      encoding: 'base64',
    });
    expect(await output(['set', 'empty'], { input: '' })).toBe('');
    expect(await output(['get', 'empty'])).toBe('');
  });

  test('of JSON are members of the JSON that is printed', async () => {
    await output(['set', 'object', '{"a":[1]}', '--type', 'json', '--ttl', 'never']);
    expect(JSON.parse(await output(['get', 'object', '--json']))).toEqual({
      key: 'object',
      contentType: 'application/json',
      ttlSeconds: null,
      value: { a: [1] },
    });
  });

  test('of JSON keep every digit, also in a namespace', async () => {
    const json = '{"whole":12345678901234567890,\n"far":1e400}';
    const line = json.replace('\n', ' ');
    for (const place of [[], ['-n', 'exact']]) {
      await output(['set', 'exact', json, '--type', 'json', '--ttl', '60', ...place]);
      expect(await output(['get', 'exact', ...place])).toBe(json);
      const printed = await output(['get', 'exact', '--json', ...place]);
      expect(printed).toMatch(/^[^\n]*"ttlSeconds":\d+,[^\n]*\n$/);
      expect(printed).toContain(`,"value":${line}}`);
    }
  });

  test('that are larger than a pipe holds come out whole', async () => {
    const value = 'x'.repeat(1_000_000);
    await output(['set', 'large'], { input: value });
    expect(await output(['get', 'large'])).toBe(value);
    expect(JSON.parse(await output(['get', 'large', '--json']))).toMatchObject({ value });
  });

  test('have keys of any kind', async () => {
    for (const key of ['..', '.', 'a/b', '%2e', 'a b?c#d', 'ü', '__proto__']) {
      await output(['set', key, `value of ${key}`]);
      expect(await output(['get', key])).toBe(`value of ${key}`);
    }
    expect(
      await output(['del', '..', '.', 'a/b', '%2e', 'a b?c#d', 'ü', '__proto__', 'none']),
    ).toBe('7\n');
  });

  test('that are not there are 1 and nothing', async () => {
    const nothing = { code: 1, stdout: '', stderr: '' };
    expect(await run(['get', 'absent'])).toMatchObject(nothing);
    expect(await run(['get', 'absent', '--json'])).toMatchObject(nothing);
    expect(await run(['get', 'absent', '-n', 'no-such-namespace'])).toMatchObject(nothing);
  });

  test('are kept apart by namespaces', async () => {
    await output(['set', 'same', 'default']);
    await output(['set', 'same', 'named', '--namespace', 'n1']);
    expect(await output(['get', 'same'])).toBe('default');
    expect(await output(['get', 'same', '-n', 'n1'])).toBe('named');
    const named = ['object', '{"a":[1]}', '--type', 'json', '-n', 'n1', '--ttl', '5m'];
    expect(await output(['set', ...named, '--nx'])).toBe('');
    expect(await run(['set', ...named, '--nx'])).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(await output(['get', 'object', '-n', 'n1', '--json']))).toMatchObject({
      contentType: 'application/json',
      ttlSeconds: expect.any(Number),
      value: { a: [1] },
    });
    expect(await run(['set', 'x', '{', '--type', 'json', '-n', 'n1'])).toMatchObject({
      code: 1,
      stderr: 'hotshard: the value is no JSON, as --type says\n',
    });
    expect(await output(['del', 'same', '-n', 'n1', '--json'])).toBe('{"deleted":1}\n');
    expect(await output(['get', 'same'])).toBe('default');
  });

  test('are stored only when the key is absent, or there', async () => {
    expect(JSON.parse(await output(['set', 'once', 'a', '--nx', '--json']))).toEqual({
      key: 'once',
      stored: true,
      valueBytes: 1,
    });
    expect(await run(['set', 'once', 'b', '--nx'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'hotshard: not stored: the key is there\n',
    });
    expect(await run(['set', 'never', 'b', '--xx', '--json'])).toMatchObject({
      code: 1,
      stdout: '{"key":"never","stored":false,"valueBytes":1}\n',
    });
    expect(await output(['set', 'once', 'c', '--xx'])).toBe('');
    expect(await output(['get', 'once'])).toBe('c');
  });
});

describe('many entries', () => {
  test('are listed, all or some', async () => {
    for (const key of ['list:a', 'list:b', 'list:c']) await output(['set', key, 'x']);
    const lines = (text: string): string[] => text.trimEnd().split('\n').toSorted();
    expect(lines(await output(['keys', '--prefix', 'list:']))).toEqual([
      'list:a',
      'list:b',
      'list:c',
    ]);
    expect(lines(await output(['keys', '--pattern', 'list:[ab]', '--json']))).toEqual([
      '"list:a"',
      '"list:b"',
    ]);
    expect(lines(await output(['keys', '--prefix', 'list:', '--limit', '2']))).toHaveLength(2);
    expect(await output(['keys', '--prefix', 'nothing'])).toBe('');
    expect(await output(['keys', '-n', 'no-such-namespace'])).toBe('');
  });

  test('are listed over several pages', async () => {
    const keys = Array.from({ length: 2_500 }, (_, index) => `page:${index}`);
    for (let start = 0; start < keys.length; start += 500) {
      const entries = keys.slice(start, start + 500).map((key) => ({ key, value: 1 }));
      const body = JSON.stringify({ entries });
      const headers = { 'Content-Type': 'application/json' };
      const response = await fetch(`${url}/cache/batch/set`, { method: 'POST', headers, body });
      expect(response.status).toBe(200);
    }
    const listed = (await output(['keys', '--prefix', 'page:'])).trimEnd().split('\n');
    expect(listed.toSorted()).toEqual(keys.toSorted());
    expect(await output(['invalidate', '--prefix', 'page:'])).toBe('2500\n');
  });

  test('with keys that would move the cursor are shown in one line each', async () => {
    await output(['set', `evil:${ESCAPE}[2J\n`, 'x']);
    expect(await output(['keys', '--prefix', 'evil:'])).toBe('evil:\\u001b[2J\\u000a\n');
    expect(JSON.parse(await output(['keys', '--prefix', 'evil:', '--json']))).toBe(
      `evil:${ESCAPE}[2J\n`,
    );
    expect(await output(['invalidate', '--prefix', 'evil:'])).toBe('1\n');
  });

  test('are removed by prefix, pattern and tag, and all only when that is said', async () => {
    await output(['set', 'inv:1', 'x', '--tags', 'red, blue', '-n', 'inv']);
    await output(['set', 'inv:2', 'x', '--tags', 'red', '-n', 'inv']);
    await output(['set', 'inv:3', 'x', '-n', 'inv']);
    const named = (...args: string[]): Promise<string> =>
      output(['invalidate', '-n', 'inv', ...args]);
    expect(await named('--tag', 'blue')).toBe('1\n');
    expect(await named('--pattern', 'inv:[2]', '--json')).toBe('{"deleted":1}\n');
    expect(await named('--tag', 'red')).toBe('0\n');
    expect(await run(['invalidate', '--pattern', '*', '-n', 'inv'])).toMatchObject({
      code: 2,
      stderr: 'hotshard: --pattern: that is every entry; say --all if it is meant\n',
    });
    expect(await named('--all')).toBe('1\n');
    expect(await output(['keys', '-n', 'inv'])).toBe('');
  });
});

describe('what is watched', () => {
  test('stats are a table, or the document of the service', async () => {
    expect(await output(['stats'])).toMatch(/^memory +[0-9.]+ [KM]?i?B of 16\.0 MiB$/m);
    expect(JSON.parse(await output(['stats', '--json']))).toMatchObject({
      memoryBytes: 16 * 1_024 ** 2,
      shards: [{ items: expect.any(Number) }],
    });
  });

  test('top prints a line for each interval', async () => {
    const args = ['top', '--interval', '50ms', '--count', '2'];
    expect(await output(args)).toMatch(/^(?:reads [^\n]*, memory [^\n]* of 16\.0 MiB\n){2}$/);
    const lines = (await output([...args, '--json'])).trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(JSON.parse(line)).toMatchObject({
        intervalSeconds: expect.any(Number),
        memoryBytes: 16 * 1_024 ** 2,
        operations: { get: { perSecond: expect.any(Number), p99Ms: expect.any(Number) } },
      });
    }
  });

  test('bench says what it is, and leaves nothing behind', async () => {
    const args = ['bench', '--seconds', '1', '--connections', '3', '--keys', '20'];
    const text = await output([...args, '--pipeline', '8', '--puts', '50']);
    expect(text).toMatch(/^a quick check: /);
    expect(text).toMatch(/^GET +[0-9,]+\/s +p50 [0-9.]+ ms +p90 .* p99 .* max /m);
    expect(text).toMatch(/^PUT +[0-9,]+\/s/m);
    const result = JSON.parse(await output([...args, '--puts', '0', '--json'])) as {
      readonly operations: Readonly<Record<string, { readonly requests: number }>>;
    };
    expect(result).toMatchObject({ kind: 'quick-check', failures: 0, connections: 3, keys: 20 });
    expect(result.operations['get']?.requests).toBeGreaterThan(20);
    expect(result.operations['put']).toBeUndefined();
    expect(await output(['keys', '--prefix', 'hotshard-bench:'])).toBe('');
  });
});

describe('a command that was not written correctly', () => {
  test.each([
    [['get'], /^hotshard: missing required argument 'key'$/],
    [['get', 'a', 'b'], /^hotshard: too many arguments/],
    [['gte', 'a'], /^hotshard: unknown command 'gte' \(Did you mean get\?\)$/],
    [['get', 'a', '--jsno'], /^hotshard: unknown option '--jsno' \(Did you mean --json\?\)$/],
    [['get', 'a', '--url', 'nonsense'], /^hotshard: --url: nonsense is no address/],
    [['get', 'a', '--url', 'ftp://a'], /^hotshard: --url: ftp:\/\/a is no address/],
    [['set', 'a', 'x', '--ttl', '5y'], /^hotshard: --ttl: "5y" is not seconds.*, nor never$/],
    [['set', 'a', 'x', '--ttl', '0'], /^hotshard: --ttl: "0" is out of range/],
    [['set', 'a', 'x', '--nx', '--xx'], /^hotshard: --nx and --xx exclude each other$/],
    [['set', 'a', 'x', '--tags', 'ü'], /^hotshard: --tags: only printable ASCII/],
    [['set', 'a', 'x', '--type', 'a\r\nb'], /^hotshard: --type: is no media type$/],
    [['set', 'a', 'x', '--type', 'text', '-n', 'n'], /^hotshard: --type: only json and bytes/],
    [['keys', '--prefix', 'a', '--pattern', 'b'], /^hotshard: --prefix and --pattern exclude/],
    [['keys', '--limit', '0'], /^hotshard: --limit: must be a whole number/],
    [['invalidate'], /^hotshard: give one of --prefix, --pattern, --tag and --all$/],
    [['invalidate', '--tag', 'a', '--all'], /^hotshard: give one of/],
    [['top', '--interval', '1'.repeat(20)], /^hotshard: --interval: /],
    [['top', '--count', 'x'], /^hotshard: --count: must be/],
    [['bench', '--seconds', '0'], /^hotshard: --seconds: must be a whole number from 1 to 600$/],
    [['bench', '--url', 'https://127.0.0.1:1'], /^hotshard: --url: only http: can be loaded$/],
    [['serve', '--http-port'], /^hotshard: option '--http-port <value>' argument missing$/],
    [['serve', 'now'], /^hotshard: too many arguments/],
  ])('%j ends with 2 and one line', async (args, problem) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr.trimEnd()).toMatch(problem);
  });

  test('without a command is told which there are', async () => {
    const { code, stdout, stderr } = await run([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const command of ['serve', 'get', 'set', 'del', 'keys', 'invalidate', 'stats', 'top']) {
      expect(stderr).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    }
    expect(await output(['--help'])).toContain('bench');
    expect(await output(['get', '--help'])).toContain('HOTSHARD_URL');
  });
});

describe('a failure', () => {
  test('is one line and 1, when nobody listens', async () => {
    for (const args of [['get', 'a'], ['stats', '--json'], ['top'], ['keys'], ['bench']]) {
      const { code, stdout, stderr } = await run([...args, '--url', 'http://127.0.0.1:1']);
      expect({ code, stdout }, args[0]).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^hotshard: (?:http:\/\/)?127\.0\.0\.1:1 cannot be reached: .*\n$/);
    }
  });

  test('of the service is told in its words', async () => {
    expect(await run(['get', 'k'.repeat(2_000)])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^hotshard: .*1,?024 bytes.* \(ERR_CACHE_INVALID_KEY\)\n$/),
    });
  });

  test('of another server is told as one', async () => {
    const { code, stderr } = await run(['get', 'a', '--url', `${url}/elsewhere`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^hotshard: .*\n$/);
  });
});

describe('hotshard config check', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hotshard-check-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('prints every value with its source', async () => {
    const file = join(folder, 'config.json');
    writeFileSync(file, '{"cache":{"workers":0}}');
    const environment = { CACHE_DEFAULT_TTL: '90', HOTSHARD_CONFIG: file };
    const args = ['config', 'check', '--http-port', '99', '--allow-public'];
    const text = await output(args, { environment });
    expect(text).toMatch(/^SERVER_HTTP_PORT +99 +flag --http-port$/m);
    expect(text).toMatch(/^SERVER_ALLOW_PUBLIC +true +flag --allow-public$/m);
    expect(text).toMatch(/^CACHE_DEFAULT_TTL +90s +environment CACHE_DEFAULT_TTL$/m);
    expect(text).toMatch(/^CACHE_WORKERS +0 +file cache\.workers$/m);
    expect(text).toMatch(/^CACHE_SHARDS +8 +default$/m);
    expect(JSON.parse(await output([...args, '--json'], { environment }))).toMatchObject({
      valid: true,
      settings: { CACHE_WORKERS: { value: '0', source: 'file cache.workers' } },
    });
  });

  test('C1 prints everything that is wrong, and ends with 1', async () => {
    const file = join(folder, 'wrong.json');
    writeFileSync(file, '{"cache":{"ttll":1}}');
    const environment = { CACHE_WORKERS: 'x' };
    const args = ['config', 'check', '--config', file];
    expect(await run(args, { environment })).toMatchObject({
      code: 1,
      stdout: '',
      stderr:
        'hotshard: the settings are not usable:\n' +
        `  ${file}: cache.ttll: no such setting; did you mean cache.defaultTtl?\n` +
        '  CACHE_WORKERS: "x" is not a whole number\n',
    });
    const { code, stdout } = await run([...args, '--json'], { environment });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ valid: false, problems: { length: 2 } });
  });

  test('C18 a file of 50 MB refuses the start', async () => {
    const file = join(folder, 'large.json');
    writeFileSync(file, Buffer.alloc(50 * 1_024 ** 2, ' '));
    const { code, stdout, stderr } = await run(['serve', '--config', file]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('has 52428800 bytes, at most 1048576 are read');
  });

  test('a file and flags reach the service', async () => {
    const file = join(folder, 'serve.json');
    writeFileSync(file, '{"server":{"httpPort":0},"cache":{"maxMemoryMb":8,"workers":0}}');
    const started = new ChildService({}, ['serve', '--config', file, '--max-memory-mb', '12']);
    await started.port();
    started.signal('SIGTERM');
    const { code, stdout } = await started.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('(memory 12 MiB, workers 0, ');
  });
});

test('CACHE_CLEANUP_INTERVAL frees what has expired where no worker does', async () => {
  const lazy = new ChildService({
    SERVER_HTTP_PORT: '0',
    CACHE_MAX_MEMORY_MB: '8',
    CACHE_WORKERS: '0',
    CACHE_CLEANUP_INTERVAL: '20ms',
  });
  const address = `http://127.0.0.1:${await lazy.port()}`;
  const environment = { HOTSHARD_URL: address };
  await output(['set', 'short', 'x', '--ttl', '1'], { environment });
  await expect
    .poll(async () => JSON.parse(await output(['stats', '--json'], { environment })) as unknown, {
      timeout: 30_000,
    })
    .toMatchObject({ items: 0, expirations: 1 });
  lazy.signal('SIGTERM');
  await lazy.ended;
});
