import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renewSettingTable } from '../../../../.scripts/setting-page.mjs';
import { describeValues, renderSettingTable } from '../../../../server/config/describe.js';
import {
  nameSettings,
  toEngineOptions,
  toServiceSettings,
} from '../../../../server/config/engine-options.js';
import { readConfig, readSettings } from '../../../../server/config/read-config.js';
import { filePath } from '../../../../server/config/setting-form.js';
import { filePathOf, flagOf } from '../../../../server/config/setting-names.js';
import {
  entriesOf,
  SETTINGS,
  type SettingTable,
  type SettingValues,
} from '../../../../server/config/setting-table.js';
import { DEFAULT_SERVICE_SETTINGS } from '../../../../server/service-settings.js';
import { createEngine } from '../../../../src/index.js';
import { seedFromEnvironment } from '../../../support/prng.js';
import { problemsIn, problemsOf, writeConfigFile } from './config-support.js';

const PAGE = fileURLToPath(new URL('../../../../docs/CONFIGURATION.md', import.meta.url));
const MIB = 1_024 ** 2;
const seed = seedFromEnvironment();

function read(environment: Readonly<Record<string, string>>): SettingValues {
  return readConfig({ environment }).values;
}

/** A document of the config file that sets one setting. */
function documentOf(name: string, value: unknown): string {
  const [first = '', second] = filePathOf(name);
  return JSON.stringify(
    second === undefined ? { [first]: value } : { [first]: { [second]: value } },
  );
}

describe('the settings', () => {
  test('have the defaults of the documents', () => {
    const { values, sources } = readConfig({ environment: {} });
    expect(values).toMatchObject({
      httpHost: '127.0.0.1',
      httpPort: 8_080,
      gracefulTimeoutMs: 30_000,
      defaultTtlMs: 3_600_000,
      memoryBytes: 512 * MIB,
      shards: 8,
      valueBytesMax: 32 * MIB,
      bufferBytes: 64 * MIB,
      evictionPolicy: 'lru',
      cleanupIntervalMs: 60_000,
      metricsPath: '/metrics',
    });
    expect(new Set(Object.values(sources).map(({ kind }) => kind))).toEqual(new Set(['default']));
    expect(toServiceSettings(values, Number.POSITIVE_INFINITY, false)).toEqual(
      DEFAULT_SERVICE_SETTINGS,
    );
  });

  test('are frozen', () => {
    const config = readConfig({ environment: {} });
    expect(Object.isFrozen(config.values)).toBe(true);
    expect(Object.isFrozen(config.sources)).toBe(true);
  });

  test('have names, paths and flags of their own', () => {
    const names = Object.values(SETTINGS).map(({ name }) => name);
    for (const made of [names, names.map(flagOf), names.map((name) => filePathOf(name).join('.'))])
      expect(new Set(made).size).toBe(names.length);
    expect(flagOf('SERVER_HTTP_PORT')).toBe('--http-port');
    expect(filePathOf('CACHE_DEFAULT_TTL')).toEqual(['cache', 'defaultTtl']);
    expect(filePathOf('TRACING')).toEqual(['tracing']);
  });

  test('take the later source: file, environment, flag', () => {
    const file = writeConfigFile('{"server":{"httpPort":1},"ws":{"maxInFlight":2},"cache":{}}');
    const environment = { SERVER_HTTP_PORT: '3', HTTP_THREADS: '4', HOTSHARD_CONFIG: file };
    const config = readConfig({ environment, flags: new Map([['HTTP_THREADS', 'auto']]) });
    expect(config.values).toMatchObject({ httpPort: 3, socketInFlightMax: 2, httpThreads: 'auto' });
    expect(config.sources).toMatchObject({
      httpPort: { kind: 'environment', name: 'SERVER_HTTP_PORT' },
      socketInFlightMax: { kind: 'file', name: 'ws.maxInFlight' },
      httpThreads: { kind: 'flag', name: '--http-threads' },
      shards: { kind: 'default', name: '' },
    });
    const other = writeConfigFile('{"ws":{"maxInFlight":9}}');
    expect(readConfig({ environment, file: other }).values.socketInFlightMax).toBe(9);
  });

  test('read an amount without a unit as seconds, as MiB or as bytes', () => {
    expect(
      read({
        CACHE_DEFAULT_TTL: '1800',
        WS_SLOW_TIMEOUT: '250ms',
        CACHE_MAX_MEMORY_MB: '1GB',
        CACHE_MAX_VALUE_BYTES: '1000',
        HTTP_MAX_BUFFER_BYTES: '128mb',
      }),
    ).toMatchObject({
      defaultTtlMs: 1_800_000,
      socketSlowTimeoutMs: 250,
      memoryBytes: 1_024 * MIB,
      valueBytesMax: 1_000,
      bufferBytes: 128 * MIB,
    });
    const file = writeConfigFile('{"cache":{"defaultTtl":1800,"maxMemoryMb":64}}');
    expect(readConfig({ environment: {}, file }).values).toMatchObject({
      defaultTtlMs: 1_800_000,
      memoryBytes: 64 * MIB,
    });
  });

  test('take the name of another document, unless both say different things', () => {
    expect(read({ CACHE_LOCAL_CACHE_SIZE: '5000' }).entriesMax).toBe(5_000);
    expect(read({ CACHE_LOCAL_CACHE_SIZE: '50', CACHE_L1_MAX_ENTRIES: '50' }).entriesMax).toBe(50);
    expect(
      problemsOf({ environment: { CACHE_LOCAL_CACHE_SIZE: '50', CACHE_L1_MAX_ENTRIES: '60' } }),
    ).toEqual([
      'CACHE_LOCAL_CACHE_SIZE: another name of CACHE_L1_MAX_ENTRIES, which has another value',
    ]);
  });

  test('bound a value by half of a shard and by 64 MiB', () => {
    expect(read({ CACHE_MAX_MEMORY_MB: '16' }).valueBytesMax).toBe(8 * MIB);
    expect(read({ CACHE_MAX_MEMORY_MB: '64' }).valueBytesMax).toBe(4 * MIB);
    expect(read({ CACHE_MAX_MEMORY_MB: '2048', CACHE_SHARDS: '1' }).valueBytesMax).toBe(64 * MIB);
  });
});

/** Texts that each setting takes, made by its own `show` from values of its type. */
const SAMPLES: Readonly<Record<keyof SettingValues, fc.Arbitrary<unknown>>> = (() => {
  const whole = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
  const path = fc.stringMatching(/^[a-z/.]{0,20}$/);
  return {
    httpHost: fc.constantFrom('127.0.0.1', '::1', 'localhost', '127.8.8.8'),
    httpPort: whole(0, 65_535),
    allowPublic: fc.boolean(),
    gracefulTimeoutMs: whole(0, 3_600_000),
    httpTransport: fc.constantFrom('auto', 'uws', 'node'),
    httpThreads: fc.oneof(whole(1, 64), fc.constant('auto')),
    connectionsMax: whole(1, 1_000_000),
    idleTimeoutMs: whole(1_000, 3_600_000),
    headerBytesMax: whole(1_024, 65_536),
    batchKeysMax: whole(1, 100_000),
    requestsPerSecondMax: whole(0, 1_000_000),
    allowedOrigins: fc.uniqueArray(fc.constantFrom('https://a.example', 'http://b.example:81')),
    socketsMax: whole(0, 1_000_000),
    socketMessageBytesMax: whole(1_024, MIB),
    socketSubscriptionsMax: whole(0, 1_000_000),
    socketInFlightMax: whole(1, 1_000_000),
    socketBacklogBytesMax: whole(1_024, MIB),
    socketSlowTimeoutMs: whole(1, 3_600_000),
    memoryBytes: whole(64 * MIB, 4_000 * MIB),
    workers: whole(0, 8),
    shards: whole(1, 64),
    evictionPolicy: fc.constantFrom('lru', 'lfu', 's3fifo'),
    entriesMax: fc.oneof(fc.constant(0), whole(64, 2 ** 31)),
    defaultTtlMs: fc.oneof(whole(1, 2 ** 31), fc.constant(Number.POSITIVE_INFINITY)),
    cleanupIntervalMs: whole(10, 86_400_000),
    valueBytesMax: whole(1, MIB),
    bufferBytes: whole(64 * MIB, 2 ** 31),
    namespacesMax: whole(0, 4_096),
    nearEntriesMax: whole(0, 1_048_576),
    persistencePath: path,
    compression: fc.constantFrom('lz4', 'off'),
    compressionThresholdBytes: whole(1, MIB),
    compressionThreads: whole(1, 64),
    messageDescriptorsPath: path,
    metricsEnabled: fc.boolean(),
    metricsPath: fc.constantFrom('/metrics', '/internal/prometheus'),
    metricsIntervalMs: whole(10, 3_600_000),
    logLevel: fc.constantFrom('trace', 'info', 'silent'),
    logRedactsKeys: fc.boolean(),
    tracing: fc.constantFrom('off', 'opentelemetry'),
  };
})();

/** The value as the config file has it: JSON's own numbers, booleans and lists where they fit. */
function fileValueOf(text: string, value: unknown): unknown {
  if (typeof value === 'boolean' || Array.isArray(value)) return value;
  return /^[0-9]+$/.test(text) ? Number(text) : text;
}

describe('every setting', () => {
  test.each(entriesOf(SETTINGS))(
    '%s is the same from the file, the environment and a flag',
    (key, { name, form }) => {
      fc.assert(
        fc.property(SAMPLES[key as keyof SettingValues], (value) => {
          const text = form.show(value);
          // Enough shards for any number of workers, and memory for any number of shards.
          const others = { CACHE_MAX_MEMORY_MB: '512', CACHE_SHARDS: '8' };
          const besides = Object.fromEntries(
            Object.entries(others).filter(
              ([other]) => !(name === other || name === 'CACHE_SHARDS'),
            ),
          );
          const file = writeConfigFile(documentOf(name, fileValueOf(text, value)));
          const byFile = readConfig({ environment: besides, file }).values;
          const byName = readConfig({ environment: { ...besides, [name]: text } }).values;
          const flags = new Map([[name, text]]);
          const byFlag = readConfig({ environment: besides, flags }).values;
          expect(byName[key as keyof SettingValues]).toEqual(value);
          expect(byFile).toEqual(byName);
          expect(byFlag).toEqual(byName);
        }),
        { seed, numRuns: 25 },
      );
    },
  );

  test('docs/CONFIGURATION.md lists what the table says', () => {
    const page = readFileSync(PAGE, 'utf8');
    // `npm run docs` writes the page.
    expect(page).toBe(renewSettingTable(page, renderSettingTable()));
    expect(() => renewSettingTable('# A page', '')).toThrow('lost its markers');
  });
});

describe('a secret', () => {
  interface Secrets {
    readonly token: string;
    readonly plain: string;
  }
  const table: SettingTable<Secrets> = {
    token: {
      name: 'SERVER_TOKEN',
      form: { ...filePath, form: 'a token' },
      meaning: 'A secret of the test.',
      fallback: { value: '' },
      isSecret: true,
    },
    plain: { name: 'SERVER_PLAIN', form: filePath, meaning: 'No secret.', fallback: { value: '' } },
  };
  const wrong = 'hunter2\0';

  test('is hidden where settings are printed, and not where there is none', () => {
    const shown = (environment: Readonly<Record<string, string>>): readonly string[] =>
      describeValues(
        table,
        readSettings(table, { environment }, () => []),
      ).map(({ value }) => value);
    expect(shown({ SERVER_TOKEN: 'hunter2', SERVER_PLAIN: 'seen' })).toEqual(['***', 'seen']);
    expect(shown({})).toEqual(['', '']);
  });

  test('is in no message about it, from whatever source', () => {
    const file = writeConfigFile(JSON.stringify({ server: { token: wrong, plain: wrong } }));
    for (const sources of [
      { environment: { SERVER_TOKEN: wrong } },
      { environment: {}, flags: new Map([['SERVER_TOKEN', wrong]]) },
      { environment: {}, file },
    ]) {
      const problems = problemsIn(() => readSettings(table, sources, () => []));
      const about = problems.filter((problem) => problem.includes('oken'));
      expect(about).toEqual([expect.stringContaining('is not a token')]);
      expect(about.join()).not.toContain('hunter2');
    }
    const broken = writeConfigFile('{"server":{"token": hunter2}}');
    const [problem = ''] = problemsIn(() =>
      readSettings(table, { environment: {}, file: broken }, () => []),
    );
    expect(problem).toContain('is no JSON');
    expect(problem).not.toContain('hunter2');
  });
});

describe('the engine', () => {
  test('is created with what the settings say', () => {
    expect(
      toEngineOptions(
        read({
          CACHE_MAX_MEMORY_MB: '1024',
          CACHE_WORKERS: '2',
          CACHE_SHARDS: '4',
          CACHE_L1_MAX_ENTRIES: '1000',
          CACHE_DEFAULT_TTL: 'never',
          CACHE_EVICTION_POLICY: 's3fifo',
          CACHE_NEAR_MAX_ENTRIES: '0',
          CACHE_PERSISTENCE_PATH: '/var/lib/cache.bin',
        }),
      ),
    ).toEqual({
      memory: 1_024 * MIB,
      workers: 2,
      shards: 4,
      maxEntries: 1_000,
      defaultTtl: 'never',
      eviction: { kind: 's3fifo' },
      nearCache: { kind: 'off' },
      persistence: { kind: 'file', path: '/var/lib/cache.bin' },
    });
  });

  test('takes what the settings take at their bounds', async () => {
    for (const environment of [
      { CACHE_MAX_MEMORY_MB: '8', CACHE_SHARDS: '2', CACHE_WORKERS: '0' },
      { CACHE_MAX_MEMORY_MB: '8', CACHE_L1_MAX_ENTRIES: '1', CACHE_WORKERS: '0' },
      { CACHE_MAX_MEMORY_MB: '256', CACHE_SHARDS: '64', CACHE_WORKERS: '0' },
      { CACHE_NEAR_MAX_ENTRIES: '1048576', CACHE_DEFAULT_TTL: '1ms', CACHE_WORKERS: '0' },
      { CACHE_MAX_MEMORY_MB: '4194240kb', CACHE_DEFAULT_TTL: '365250d', CACHE_WORKERS: '0' },
    ]) {
      const values = read(environment);
      const engine = await createEngine(toEngineOptions(values));
      expect(engine.stats().memoryBytes).toBe(values.memoryBytes);
      await engine.close();
    }
  });

  test('is quoted in the names of the settings', () => {
    expect(nameSettings('invalid options:\n  workers: 9 is out\n  maxEntries: at: shards: 0')).toBe(
      'invalid options:\n  CACHE_WORKERS: 9 is out\n  CACHE_L1_MAX_ENTRIES: at: CACHE_SHARDS: 0',
    );
    expect(nameSettings('persistence.path: no')).toBe('CACHE_PERSISTENCE_PATH: no');
  });
});
