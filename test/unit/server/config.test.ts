import { describe, expect, test } from 'vitest';
import { readCommandLine } from '../../../server/command-line.js';
import {
  ConfigError,
  describeSettings,
  type Environment,
  nameSettings,
  readConfig,
  toEngineOptions,
} from '../../../server/config.js';
import { nearestName } from '../../../server/nearest-name.js';

function problemsOf(environment: Environment): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the settings', () => {
  test('have defaults that serve this machine alone', () => {
    expect(readConfig({})).toEqual({
      host: '127.0.0.1',
      port: 8_080,
      allowPublic: false,
      memoryBytes: 268_435_456,
      workers: 1,
      shards: undefined,
      maxEntries: undefined,
      defaultTtlMs: Number.POSITIVE_INFINITY,
      valueBytesMax: 16_777_216,
      bufferBytes: 67_108_864,
      drainTimeoutMs: 8_000,
    });
  });

  test('are frozen', () => {
    expect(Object.isFrozen(readConfig({}))).toBe(true);
  });

  test('are read from the environment', () => {
    const config = readConfig({
      HOTSHARD_HOST: '::1',
      HOTSHARD_PORT: '0',
      HOTSHARD_MEMORY: '1GB',
      HOTSHARD_WORKERS: '2',
      HOTSHARD_SHARDS: '4',
      HOTSHARD_MAX_ENTRIES: '1000',
      HOTSHARD_DEFAULT_TTL: '5m',
      HOTSHARD_MAX_VALUE_BYTES: '1mb',
      HOTSHARD_MAX_BUFFER_BYTES: '128mb',
      HOTSHARD_DRAIN_TIMEOUT: '250ms',
    });
    expect(config).toMatchObject({
      host: '::1',
      port: 0,
      memoryBytes: 1_073_741_824,
      shards: 4,
      maxEntries: 1_000,
      defaultTtlMs: 300_000,
      valueBytesMax: 1_048_576,
      bufferBytes: 134_217_728,
      drainTimeoutMs: 250,
    });
    expect(toEngineOptions(config)).toEqual({
      memory: 1_073_741_824,
      workers: 2,
      shards: 4,
      maxEntries: 1_000,
      defaultTtl: 300_000,
    });
  });

  test('leave to the engine what they do not state', () => {
    expect(toEngineOptions(readConfig({ HOTSHARD_DEFAULT_TTL: 'never' }))).toEqual({
      memory: 268_435_456,
      workers: 1,
      defaultTtl: 'never',
    });
  });

  test('bound a value by half of a shard and by 64 MiB', () => {
    const valueBytesMax = (environment: Environment): number =>
      readConfig(environment).valueBytesMax;
    expect(valueBytesMax({ HOTSHARD_MEMORY: '16mb' })).toBe(8 * 1_024 ** 2);
    expect(valueBytesMax({ HOTSHARD_MEMORY: '64mb' })).toBe(4 * 1_024 ** 2);
    expect(valueBytesMax({ HOTSHARD_MEMORY: '2gb', HOTSHARD_SHARDS: '1' })).toBe(64 * 1_024 ** 2);
  });

  test('are refused all at once, each with its problem', () => {
    const problems = problemsOf({
      HOTSHARD_PORT: '65536',
      HOTSHARD_MEMORY: '12 monkeys',
      HOTSHARD_WORKERS: '1.5',
      HOTSHARD_DEFAULT_TTL: '0s',
      HOTSHARD_PROT: '1',
    });
    expect(problems).toHaveLength(5);
    expect(problems.join('\n')).toMatch(
      /HOTSHARD_PROT: no such setting; did you mean HOTSHARD_PORT\?/,
    );
    expect(problems.join('\n')).toMatch(/HOTSHARD_PORT: "65536" is out of range: 0 to 65535/);
    expect(problems.join('\n')).toMatch(/HOTSHARD_MEMORY: "12 monkeys" is not a size/);
  });

  test.each([
    ['HOTSHARD_PORT', ['', 'http', '-1', '0x50', '8e1', '80 ', '99999999999999999999']],
    ['HOTSHARD_MEMORY', ['', '1mb', '4gb', '1tb', '1.5gb', '-8mb', '256 mb', 'NaN']],
    ['HOTSHARD_WORKERS', ['', '-1', '65', 'two']],
    ['HOTSHARD_SHARDS', ['', '0', '65', '8.0']],
    ['HOTSHARD_MAX_ENTRIES', ['', '0', '1k']],
    ['HOTSHARD_DEFAULT_TTL', ['', '0', '-5s', '1y', 'Never', '5 m', '9999999999w']],
    ['HOTSHARD_MAX_VALUE_BYTES', ['', '0', '65mb']],
    ['HOTSHARD_MAX_BUFFER_BYTES', ['', '1kb', '1mb']],
    ['HOTSHARD_DRAIN_TIMEOUT', ['', '-1', '2h']],
    ['HOTSHARD_ALLOW_PUBLIC', ['', '1', 'yes', 'TRUE']],
    ['HOTSHARD_HOST', ['', 'a b', 'http://localhost', '-x', '[::1]']],
  ])('%s refuses what it cannot mean', (name, texts) => {
    for (const text of texts) {
      const problems = problemsOf({ [name]: text, ...publicFor(name) });
      expect(problems, `${name}=${text}`).toHaveLength(1);
      expect(problems[0]).toContain(name);
    }
  });

  function publicFor(name: string): Environment {
    return name === 'HOTSHARD_HOST' ? { HOTSHARD_ALLOW_PUBLIC: 'true' } : {};
  }

  test.each(['0.0.0.0', '::', '192.168.1.7', 'example.org', '127.1', '::ffff:127.0.0.1'])(
    'refuse to listen on %s unless that is said to be meant',
    (host) => {
      expect(problemsOf({ HOTSHARD_HOST: host })).toEqual([
        expect.stringMatching(
          /^HOTSHARD_HOST: .* no authentication; set HOTSHARD_ALLOW_PUBLIC=true/,
        ),
      ]);
      expect(readConfig({ HOTSHARD_HOST: host, HOTSHARD_ALLOW_PUBLIC: 'true' }).host).toBe(host);
    },
  );

  test.each(['127.0.0.1', '127.9.9.9', '::1', 'localhost'])('take %s as this machine', (host) => {
    expect(readConfig({ HOTSHARD_HOST: host }).host).toBe(host);
  });

  test('ignore variables of other programs, and of the tests', () => {
    expect(problemsOf({ CACHE____PROTO____X: '1', PATH: 'x', HOTSHARD_TEST_SCALE: '2' })).toEqual(
      [],
    );
  });

  test('name no setting where none comes near, and cut what is long', () => {
    expect(problemsOf({ HOTSHARD_ZZZZZZZZZZZZZZZZ: '' })).toEqual([
      'HOTSHARD_ZZZZZZZZZZZZZZZZ: no such setting',
    ]);
    const [problem = ''] = problemsOf({ [`HOTSHARD_${'X'.repeat(5_000)}`]: '' });
    expect(problem.length).toBeLessThan(120);
  });

  test('are all in the help', () => {
    for (const name of ['HOTSHARD_HOST', 'HOTSHARD_MEMORY', 'HOTSHARD_DRAIN_TIMEOUT']) {
      expect(describeSettings()).toContain(name);
    }
  });
});

test('what the engine refuses is told in the names of the settings', () => {
  expect(nameSettings('invalid options:\n  workers: 9 is out\n  maxEntries: at: shards: 0')).toBe(
    'invalid options:\n  HOTSHARD_WORKERS: 9 is out\n  HOTSHARD_MAX_ENTRIES: at: HOTSHARD_SHARDS: 0',
  );
});

test('the nearest name is one within a few slips', () => {
  const known = ['HOTSHARD_PORT', 'HOTSHARD_HOST', 'HOTSHARD_MEMORY'];
  expect(nearestName('HOTSHARD_PROT', known)).toBe('HOTSHARD_PORT');
  expect(nearestName('HOTSHARD_MEM', known)).toBe('HOTSHARD_MEMORY');
  expect(nearestName('X', known)).toBeUndefined();
});

test('the command line takes two options and nothing else', () => {
  expect(readCommandLine([])).toEqual({ kind: 'serve' });
  expect(readCommandLine(['--help'])).toEqual({ kind: 'help' });
  expect(readCommandLine(['-v'])).toEqual({ kind: 'version' });
  expect(readCommandLine(['--port', '1'])).toEqual({ kind: 'unknown', argument: '--port' });
});
