import { describe, expect, test } from 'vitest';
import { nearestName } from '../../../../server/config/nearest-name.js';
import { readConfig } from '../../../../server/config/read-config.js';
import { problemsOf, problemsOfFile, writeConfigFile } from './config-support.js';

function problemsOfNames(environment: Readonly<Record<string, string>>): readonly string[] {
  return problemsOf({ environment });
}

describe('a value that cannot be meant', () => {
  test.each([
    ['SERVER_HTTP_PORT', ['', 'http', '-1', '0x50', '8e1', '80 ', '65536', '99999999999999999999']],
    ['CACHE_MAX_MEMORY_MB', ['', '7', '4gb', '1tb', '1.5gb', '-8', '256 mb', 'NaN', 'mb']],
    ['CACHE_WORKERS', ['', '-1', '65', 'two', '1.5']],
    ['CACHE_L1_MAX_ENTRIES', ['', '-1', '1k', '1e3']],
    ['CACHE_DEFAULT_TTL', ['', '0', '-5s', '1y', 'Never', '5 m', '9999999999w', '1.5', 'Infinity']],
    ['CACHE_MAX_VALUE_BYTES', ['', '0', '65mb']],
    ['HTTP_MAX_BUFFER_BYTES', ['', '1kb', '1mb']],
    ['SERVER_GRACEFUL_TIMEOUT', ['', '-1', '2h']],
    ['SERVER_ALLOW_PUBLIC', ['', '1', 'yes', 'TRUE']],
    ['HTTP_THREADS', ['', '0', '65', 'AUTO']],
    ['HTTP_TRANSPORT', ['', 'UWS', 'http']],
    ['HTTP_ALLOWED_ORIGINS', ['*', 'null', 'https://a.example/', 'ftp://a', 'a.example', ',']],
    ['METRICS_PATH', ['', 'metrics', '/', '/a?b', '/a b', '//x', '/cache', '/cache/x', '/health']],
    ['CACHE_PERSISTENCE_PATH', ['a\0b', 'x'.repeat(5_000)]],
    ['LOG_LEVEL', ['', 'INFO', 'loud']],
    ['TRACING', ['', 'on']],
  ])('of %s is refused', (name, texts) => {
    for (const text of texts) {
      const problems = problemsOfNames({ [name]: text });
      expect(problems, `${name}=${text}`).toHaveLength(1);
      expect(problems[0]).toContain(name);
      expect(problems[0]?.length).toBeLessThan(250);
    }
  });

  test.each(['', 'a b', 'http://localhost', '-x', '[::1]'])('of SERVER_HTTP_HOST: %s', (host) => {
    const problems = problemsOfNames({ SERVER_HTTP_HOST: host, SERVER_ALLOW_PUBLIC: 'true' });
    expect(problems).toEqual([expect.stringMatching(/^SERVER_HTTP_HOST: .* is not an IP address/)]);
  });

  test('C2 numbers of shards are whole, within bounds, and in the file no text', () => {
    for (const text of ['0', '-1', '1.5', 'NaN', '1000000', '8.0', '']) {
      expect(problemsOfNames({ CACHE_SHARDS: text }), text).toEqual([
        expect.stringMatching(/^CACHE_SHARDS: /),
      ]);
    }
    for (const text of ['"8"', '0', '-1', '1.5', '1e6', 'null', '[8]', 'true', '1e400']) {
      expect(problemsOfFile(`{"cache":{"shards":${text}}}`), text).toEqual([
        expect.stringMatching(/^cache\.shards: /),
      ]);
    }
    expect(problemsOfFile('{"cache":{"shards":NaN}}')).toEqual([
      expect.stringMatching(/^line 1, column 20: is no JSON/),
    ]);
  });

  test.each([
    ['{"server":{"httpPort":"80"}}', /^server\.httpPort: "80" is not a whole number$/],
    [
      '{"server":{"allowPublic":"true"}}',
      /^server\.allowPublic: "true" is neither true nor false$/,
    ],
    ['{"cache":{"defaultTtl":1.5}}', /^cache\.defaultTtl: 1\.5 is not seconds/],
    ['{"cache":{"defaultTtl":-1}}', /^cache\.defaultTtl: -1 is not seconds/],
    ['{"http":{"allowedOrigins":"https://a.example"}}', /^http\.allowedOrigins: .* is no list$/],
    ['{"http":{"allowedOrigins":[1]}}', /^http\.allowedOrigins: 1 is no origin/],
    ['{"http":{"allowedOrigins":["https://*.example"]}}', /^http\.allowedOrigins: .* is no origin/],
    ['{"cache":{"persistencePath":null}}', /^cache\.persistencePath: null is not a path/],
    ['{"cache":[]}', /^cache: must be an object$/],
    ['{"tracing":{"a":1}}', /^tracing: an object is not off or opentelemetry$/],
    ['[]', /^must be an object$/],
    ['null', /^must be an object$/],
  ])('is refused in the file: %s', (document, problem) => {
    expect(problemsOfFile(document)).toEqual([expect.stringMatching(problem)]);
  });
});

describe('settings that cannot be together', () => {
  test.each(['0.0.0.0', '::', '192.168.1.7', 'example.org', '127.1', '::ffff:127.0.0.1'])(
    'a public address, %s, unless that is said to be meant',
    (host) => {
      expect(problemsOfNames({ SERVER_HTTP_HOST: host })).toEqual([
        expect.stringMatching(
          /^SERVER_HTTP_HOST: .* no authentication; set SERVER_ALLOW_PUBLIC=true/,
        ),
      ]);
      const environment = { SERVER_HTTP_HOST: host, SERVER_ALLOW_PUBLIC: 'true' };
      expect(readConfig({ environment }).values.httpHost).toBe(host);
    },
  );

  test.each(['127.0.0.1', '127.9.9.9', '::1', 'localhost'])('%s is this machine', (host) => {
    expect(problemsOfNames({ SERVER_HTTP_HOST: host })).toEqual([]);
  });

  test.each([
    [{ CACHE_MAX_MEMORY_MB: '16', CACHE_SHARDS: '5' }, /^CACHE_SHARDS: 5 shards need 20 MiB/],
    [{ CACHE_WORKERS: '9' }, /^CACHE_WORKERS: 9 are more than one for each of the 8 shards/],
    [{ CACHE_L1_MAX_ENTRIES: '7' }, /^CACHE_L1_MAX_ENTRIES: 7 are less than one for each of the 8/],
    [
      { CACHE_MAX_MEMORY_MB: '64', CACHE_MAX_VALUE_BYTES: '5mb' },
      /^CACHE_MAX_VALUE_BYTES: 5242880 bytes are more than half of a shard, .*: 4194304 bytes$/,
    ],
    [
      { CACHE_MAX_VALUE_BYTES: '2mb', HTTP_MAX_BUFFER_BYTES: '1mb' },
      /^HTTP_MAX_BUFFER_BYTES: 1048576 bytes do not hold the largest value, of 2097152 bytes/,
    ],
  ])('%o', (environment, problem) => {
    expect(problemsOfNames(environment)).toEqual([expect.stringMatching(problem)]);
  });

  test('are not told of values that could not be read', () => {
    expect(problemsOfNames({ CACHE_MAX_MEMORY_MB: 'x', CACHE_WORKERS: '9' })).toHaveLength(1);
  });
});

describe('names that nobody knows', () => {
  test('C1 are refused in the file with their path and the nearest', () => {
    expect(problemsOfFile('{"cache":{"ttll":1,"defaultTtll":1},"cach":{},"zzz":1}')).toEqual([
      'cache.ttll: no such setting; did you mean cache.defaultTtl?',
      'cache.defaultTtll: no such setting; did you mean cache.defaultTtl?',
      'cach: no such setting; did you mean cache?',
      'zzz: no such setting',
    ]);
    expect(problemsOfFile('{"ttll":1}')).toEqual([
      'ttll: no such setting; did you mean cache.defaultTtl?',
    ]);
  });

  test('are refused where they have our prefix', () => {
    expect(
      problemsOfNames({
        HOTSHARD_PORT: '',
        HOTSHARD_MEMORY: '',
        HOTSHARD_CONFGI: '',
        HOTSHARD_ZZZZZZZZ: '',
      }),
    ).toEqual([
      'HOTSHARD_PORT: no such setting; did you mean SERVER_HTTP_PORT?',
      'HOTSHARD_MEMORY: no such setting; did you mean CACHE_MAX_MEMORY_MB?',
      'HOTSHARD_CONFGI: no such setting; did you mean HOTSHARD_CONFIG?',
      'HOTSHARD_ZZZZZZZZ: no such setting',
    ]);
  });

  test('are refused with a common prefix when they are a slip of the pen', () => {
    expect(
      problemsOfNames({ CACHE_DEFALUT_TTL: '1', METRIC_PATH: '/x', WS_MAX_IN_FLIGTH: '1' }),
    ).toEqual([
      'CACHE_DEFALUT_TTL: no such setting; did you mean CACHE_DEFAULT_TTL?',
      'WS_MAX_IN_FLIGTH: no such setting; did you mean WS_MAX_IN_FLIGHT?',
    ]);
  });

  test('C19 are ignored otherwise: other programs have variables too', () => {
    const environment = {
      CACHE____PROTO____X: '1',
      CACHE___PROTO__: '1',
      __proto__x: '1',
      HTTP_PROXY: 'http://proxy',
      CACHE_DIR: '/x',
      SERVER_GRPC_PORT: '50051',
      LOG_FILE: 'x',
      PATH: 'x',
      HOTSHARD_TEST_SCALE: '2',
      HOTSHARD_BENCH_RESTART_MIB: '1',
      HOTSHARD_SEED: '1',
      HOTSHARD_URL: 'http://127.0.0.1:1',
    };
    expect(readConfig({ environment }).values).toEqual(readConfig({ environment: {} }).values);
    expect(Object.prototype).not.toHaveProperty('X');
  });

  test('are cut when they are long', () => {
    for (const name of [`HOTSHARD_${'X'.repeat(5_000)}`, `CACHE_${'X'.repeat(5_000)}`]) {
      expect(problemsOfNames({ [name]: '' }).join('').length).toBeLessThan(120);
    }
    const [problem = ''] = problemsOfFile(JSON.stringify({ ['x'.repeat(5_000)]: 1 }));
    expect(problem.length).toBeLessThan(120);
  });
});

describe('the config file', () => {
  test('has no way to a prototype', () => {
    const tricks = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];
    for (const trick of tricks) {
      expect(problemsOfFile(`{"${trick}":{"httpPort":1}}`)).toHaveLength(1);
      expect(problemsOfFile(`{"server":{"${trick}":{"httpPort":1}}}`)).toHaveLength(1);
      expect(problemsOfFile(`{"server":{"httpPort":{"${trick}":1}}}`)).toHaveLength(1);
    }
    expect(Object.prototype).not.toHaveProperty('httpPort');
  });

  test('C18 of 50 MB is refused unread', () => {
    const file = writeConfigFile(Buffer.alloc(50 * 1_024 ** 2, ' '));
    expect(problemsOf({ file })).toEqual([`${file}: has 52428800 bytes, at most 1048576 are read`]);
    expect(problemsOfFile(`${' '.repeat(1_024 ** 2 - 2)}{}`)).toEqual([]);
    expect(problemsOfFile(`${' '.repeat(1_024 ** 2 - 1)}{}`)).toHaveLength(1);
  });

  test('C18 is JSON and nothing else', () => {
    for (const text of [
      'a: &a [*a]',
      '!!js/function "x"',
      '{"cache":{}} x',
      "{'cache':{}}",
      '{"cache":{},}',
      '// comment\n{}',
      '{"ws":{},"ws":{}}',
      '',
      '\uFEFF{}\uFEFF',
    ]) {
      expect(problemsOfFile(text), text).toEqual([
        expect.stringMatching(/^line \d+, column \d+: is no JSON: /),
      ]);
    }
    expect(problemsOfFile(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toEqual([
      expect.stringMatching(/^line 1, column 3: is no JSON: .*UTF-8/),
    ]);
  });

  test('may be nested as deep as it likes: it is refused', () => {
    const depth = 100_000;
    expect(problemsOfFile(`{"cache":${'['.repeat(depth)}${']'.repeat(depth)}}`)).toEqual([
      expect.stringContaining('is no JSON: '),
    ]);
    const shards = `${'['.repeat(60)}${']'.repeat(60)}`;
    expect(problemsOfFile(`{"cache":{"shards":${shards}}}`)).toEqual([
      'cache.shards: a list is not a whole number',
    ]);
  });

  test('with thousands of wrong names is answered with the first of them', () => {
    const names = Array.from({ length: 10_000 }, (_, at) => [`name${at}`, 1]);
    const problems = problemsOfFile(JSON.stringify(Object.fromEntries(names)));
    expect(problems).toHaveLength(51);
    expect(problems.at(-1)).toBe('and further problems');
  });

  test('must be there, and a file', () => {
    expect(problemsOf({ file: '/nowhere/at/all.json' })).toEqual([
      '/nowhere/at/all.json: does not exist',
    ]);
    expect(problemsOf({ file: '/' })).toEqual(['/: is no file']);
    expect(problemsOf({ file: '/dev/zero' })).toEqual(['/dev/zero: is no file']);
  });
});

test('all problems are told at once, of every source', () => {
  const file = writeConfigFile('{"cache":{"ttll":1,"workers":1.5}}');
  const problems = problemsOf({
    file,
    environment: { SERVER_HTTP_PORT: '65536', HOTSHARD_PROT: '1', HTTP_THREADS: 'x' },
    flags: new Map([['CACHE_MAX_MEMORY_MB', '12 monkeys']]),
  });
  const told = problems.map((problem) => problem.replace(`${file}: `, ''));
  expect(told.toSorted()).toEqual([
    '--max-memory-mb: "12 monkeys" is not a number of MiB, or a size such as 1gb (kb, mb, gb)',
    'HOTSHARD_PROT: no such setting; did you mean SERVER_HTTP_PORT?',
    'HTTP_THREADS: "x" is not a whole number, nor auto',
    'SERVER_HTTP_PORT: "65536" is out of range: 0 to 65535',
    'cache.ttll: no such setting; did you mean cache.defaultTtl?',
    'cache.workers: 1.5 is not a whole number',
  ]);
});

test('the nearest name is one within a few slips', () => {
  const known = ['HTTP_PORT', 'HTTP_HOST', 'MAX_MEMORY'];
  expect(nearestName('HTTP_PROT', known)).toBe('HTTP_PORT');
  expect(nearestName('MAX_MEMORY_X', known)).toBe('MAX_MEMORY');
  expect(nearestName('MAX_MEMORY_X', known, 1)).toBeUndefined();
  expect(nearestName('X', known)).toBeUndefined();
});
