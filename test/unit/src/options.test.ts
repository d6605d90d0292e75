import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CacheError } from '../../../src/errors.js';
import { type ResolvedOptions, resolveOptions } from '../../../src/options.js';

const SEED = 0x5eed06;
const MIB = 1_024 ** 2;
const machine = { availableParallelism: 2 };

function resolve(raw?: unknown): ResolvedOptions {
  return resolveOptions(raw, machine);
}

/** The lines `field: problem` of the error. */
function problemsOf(raw: unknown): string[] {
  try {
    resolve(raw);
  } catch (error) {
    expect(CacheError.is(error) && error.code).toBe('ERR_CACHE_INVALID_OPTIONS');
    const { message } = error as CacheError;
    expect(message).toMatch(/^invalid options:/);
    return message
      .slice('invalid options:'.length)
      .trim()
      .split('\n')
      .map((line) => line.trim());
  }
  return expect.unreachable('the options were accepted');
}

test('without options the defaults hold', () => {
  const defaults = {
    memoryBytes: 64 * MIB,
    workerCount: 1,
    shardCount: 8,
    threadCountMax: 34,
    entryCountMax: Number.POSITIVE_INFINITY,
    defaultTtlMs: Number.POSITIVE_INFINITY,
    eviction: { kind: 'lru' },
    codec: { kind: 'json' },
    writes: { kind: 'inplace' },
    nearCache: { kind: 'on', entryCountMax: 16_384, isFrozen: false },
    clock: undefined,
    availableParallelism: 2,
  };
  expect(resolve()).toEqual(defaults);
  expect(resolve({})).toEqual(defaults);
  expect(resolve({ memory: undefined, codec: undefined, clock: undefined })).toEqual(defaults);
});

test('every option reaches its resolved form', () => {
  const clock = { nowMs: () => 5 };
  const raw = {
    memory: '256mb',
    workers: 0,
    shards: 5,
    threads: 12,
    maxEntries: 1_000,
    defaultTtl: '1h',
    eviction: { kind: 'lru' },
    codec: { kind: 'msgpack' },
    writes: { kind: 'ring' },
    clock,
  };
  const resolved = resolve(raw);
  expect(resolved).toMatchObject({
    memoryBytes: 256 * MIB,
    workerCount: 0,
    shardCount: 5,
    threadCountMax: 12,
    entryCountMax: 1_000,
    defaultTtlMs: 3_600_000,
    codec: { kind: 'msgpack' },
    writes: { kind: 'ring' },
  });
  expect(resolved.clock).toBe(clock);
});

test('the answer is frozen, the caller keeps its own', () => {
  const raw = { codec: { kind: 'json' } };
  const resolved = resolve(raw);
  expect(Object.isFrozen(resolved)).toBe(true);
  for (const part of [resolved.codec, resolved.eviction, resolved.writes]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
  expect(Object.isFrozen(raw)).toBe(false);
  expect(Object.isFrozen(raw.codec)).toBe(false);
  expect(resolve({}).eviction).toEqual({ kind: 'lru' });
});

test('memory is rounded down to 64 KiB within its range', () => {
  expect(resolve({ memory: 8 * MIB }).memoryBytes).toBe(8 * MIB);
  expect(resolve({ memory: 8 * MIB + 65_535 }).memoryBytes).toBe(8 * MIB);
  expect(resolve({ memory: 4_096 * MIB - 65_536 }).memoryBytes).toBe(4_096 * MIB - 65_536);
  for (const memory of [0, '1b', 8 * MIB - 1, 4_096 * MIB - 65_535, '4gb', '5gb']) {
    const [problem] = problemsOf({ memory });
    expect(problem).toMatch(/^memory: .*from 8 MiB \(8388608 bytes\) to 4 GiB less 64 KiB/);
  }
  for (const memory of ['64', '64 mb', -1, 1.5, null, {}, '1pb', Number.NaN]) {
    expect(problemsOf({ memory })[0]).toMatch(/^memory: /);
  }
});

test('shards follow the memory and keep at least 4 MiB each', () => {
  expect(resolve({ memory: 64 * MIB - 65_536 }).shardCount).toBe(1);
  expect(resolve({ memory: '64mb' }).shardCount).toBe(8);
  expect(resolve({ memory: '8mb', shards: 2 }).shardCount).toBe(2);
  expect(problemsOf({ memory: '8mb', shards: 3 })).toEqual([
    'shards: 3 is out of range: an integer 1 to 2 with this memory, since each shard needs at ' +
      'least 4 MiB',
  ]);
  expect(resolve({ memory: '256mb', shards: 64 }).shardCount).toBe(64);
  expect(problemsOf({ memory: '1gb', shards: 65 })).toEqual([
    'shards: 65 is out of range: an integer 1 to 64',
  ]);
  for (const shards of [0, -1, 1.5, '8', null]) expect(problemsOf({ shards })).toHaveLength(1);
});

test('there are at most as many workers as shards', () => {
  expect(resolve({ memory: '8mb', workers: 1 }).workerCount).toBe(1);
  expect(resolve({ workers: 8 }).workerCount).toBe(8);
  expect(problemsOf({ memory: '8mb', workers: 2 })[0]).toMatch(/^workers: 2 .* 0 to 1, one for/);
  expect(problemsOf({ workers: 9 })[0]).toMatch(/^workers: 9 .* 0 to 8/);
  expect(problemsOf({ memory: '1gb', shards: 64, workers: 64 })[0]).toMatch(/^workers: 64 and the/);
  expect(resolve({ memory: '1gb', shards: 64, workers: 63 }).threadCountMax).toBe(64);
});

test('thread slots grow with the memory and hold the workers and the caller', () => {
  const slots = (memory: string) => resolve({ memory }).threadCountMax;
  expect(['8mb', '16mb', '64mb', '127mb', '128mb', '1gb'].map(slots)).toEqual([
    8, 11, 34, 63, 64, 64,
  ]);
  expect(resolve({ threads: 2 }).threadCountMax).toBe(2);
  expect(problemsOf({ threads: 1 })[0]).toMatch(/^threads: 1 .* 2 to 34: the workers and/);
  expect(resolve({ workers: 0, threads: 1 }).threadCountMax).toBe(1);
  expect(problemsOf({ memory: '8mb', threads: 9 })[0]).toMatch(/^threads: 9 .* 2 to 8/);
});

test('a bound by count leaves room for an entry in each shard', () => {
  expect(resolve({ maxEntries: 8 }).entryCountMax).toBe(8);
  expect(problemsOf({ maxEntries: 7 })[0]).toMatch(/^maxEntries: 7 .* at least 8, one for each/);
  for (const maxEntries of [0, -1, 8.5, Number.NaN, Number.POSITIVE_INFINITY, '8', 2 ** 53]) {
    expect(problemsOf({ maxEntries })).toHaveLength(1);
  }
});

test('a default time to live is a duration or never', () => {
  expect(resolve({ defaultTtl: 'never' }).defaultTtlMs).toBe(Number.POSITIVE_INFINITY);
  expect(resolve({ defaultTtl: 500 }).defaultTtlMs).toBe(500);
  expect(resolve({ defaultTtl: '3650d' }).defaultTtlMs).toBe(3_650 * 86_400_000);
  for (const defaultTtl of [0, -1, '1e3', 'abc', '', 'keep', null, Number.POSITIVE_INFINITY]) {
    expect(problemsOf({ defaultTtl })[0]).toMatch(/^defaultTtl: .*, or 'never'$/);
  }
});

test.each(['lru', 'lfu', 's3fifo'])('entries are evicted by the policy %s where wanted', (kind) => {
  expect(resolve({ eviction: { kind } }).eviction).toEqual({ kind });
});

test('unions are checked inside, with the nearest name', () => {
  expect(problemsOf({ eviction: { kind: 'lruu' } })).toEqual([
    'eviction.kind: "lruu" is unknown; did you mean \'lru\'?',
  ]);
  expect(problemsOf({ eviction: { kind: 'random' } })).toEqual([
    "eviction.kind: \"random\" is unknown; give { kind: 'lru' } or { kind: 'lfu' } or " +
      "{ kind: 's3fifo' }",
  ]);
  expect(problemsOf({ eviction: 'lfu' })[0]).toMatch(/^eviction: must be \{ kind: 'lru' \} or /);
  expect(problemsOf({ codec: { kind: 'protobuf' } })).toEqual([
    "codec.kind: \"protobuf\" is unknown; give { kind: 'json' } or { kind: 'msgpack' }",
  ]);
  expect(problemsOf({ writes: 'ring' })).toEqual([
    "writes: must be { kind: 'inplace' } or { kind: 'ring' }, not \"ring\"",
  ]);
  expect(problemsOf({ codec: { kind: 'json', kinds: 1 } })).toEqual([
    "codec.kinds: unknown option; did you mean 'codec.kind'?",
  ]);
  for (const codec of [null, [], 1, {}, { kind: null }, { kind: ['json'] }]) {
    expect(problemsOf({ codec })[0]).toMatch(/^codec/);
  }
});

test('a clock is for the calling thread alone', () => {
  const clock = { nowMs: () => 0 };
  expect(problemsOf({ clock })[0]).toMatch(/^clock: needs workers: 0/);
  expect(problemsOf({ clock, workers: 1 })[0]).toMatch(/^clock: needs workers: 0/);
  for (const bad of [null, 5, {}, { nowMs: 5 }, () => 0]) {
    expect(problemsOf({ workers: 0, clock: bad })[0]).toMatch(/^clock: must be an object/);
  }
});

test('unknown options are refused with the nearest name', () => {
  expect(problemsOf({ memroy: '1gb' })).toEqual(["memroy: unknown option; did you mean 'memory'?"]);
  expect(problemsOf({ ttl: 5 })[0]).toContain("did you mean 'defaultTtl'?");
  expect(problemsOf({ max: 5 })[0]).toContain("did you mean 'maxEntries'?");
  expect(problemsOf({ qqq: 5 })[0]).toContain('known are memory, workers');
  expect(problemsOf({ memroy: undefined })).toHaveLength(1);
  expect(problemsOf(JSON.parse('{"__proto__": {"memory": 1}}'))[0]).toMatch(/^__proto__: unknown/);
});

test('options must be an object', () => {
  for (const raw of [null, 5, 'x', [], () => 0]) {
    expect(problemsOf(raw)[0]).toMatch(/^options: must be an object/);
  }
});

test('all problems come in one error', () => {
  const problems = problemsOf({
    memory: '1b',
    workers: -1,
    shards: 1.5,
    threads: 'x',
    maxEntries: 0,
    defaultTtl: 'abc',
    eviction: { kind: 'fifo' },
    codec: 'json',
    writes: { kind: 'rings' },
    clock: 5,
    worker: 1,
  });
  const fields = problems.map((line) => line.split(':')[0]);
  expect(fields.sort()).toEqual([
    ...['clock', 'codec', 'defaultTtl', 'eviction.kind', 'maxEntries', 'memory', 'shards'],
    ...['threads', 'worker', 'workers', 'writes.kind'],
  ]);
});

test('a large object that was passed by mistake gives a short message', () => {
  const raw = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`x${index}`, 1]));
  const problems = problemsOf(raw);
  expect(problems).toHaveLength(21);
  expect(problems.at(-1)).toBe('and 9980 more');
});

test('each option is read once', () => {
  let readCount = 0;
  const raw = {
    get memory(): string {
      readCount++;
      return readCount === 1 ? '8mb' : '1pb';
    },
  };
  expect(resolve(raw).memoryBytes).toBe(8 * MIB);
  expect(readCount).toBe(1);
});

test('whatever is passed, the answer keeps every bound or one coded error is thrown', () => {
  const anything = fc.oneof(
    fc.anything(),
    fc.integer({ min: -2, max: 70 }),
    fc.integer({ min: 7 * MIB, max: 300 * MIB }),
    fc.constantFrom('8mb', '64mb', '1gb', '1h', 'never', { kind: 'json' }, { kind: 'ring' }),
  );
  const raw = fc.record(
    { memory: anything, workers: anything, shards: anything, threads: anything },
    { requiredKeys: [] },
  );
  const property = fc.property(raw, (options) => {
    let resolved: ResolvedOptions;
    try {
      resolved = resolve(options);
    } catch (error) {
      expect(CacheError.is(error) && error.code).toBe('ERR_CACHE_INVALID_OPTIONS');
      return;
    }
    const { memoryBytes, shardCount, workerCount, threadCountMax } = resolved;
    expect(memoryBytes % 65_536).toBe(0);
    expect(memoryBytes).toBeGreaterThanOrEqual(8 * MIB);
    expect(memoryBytes).toBeLessThan(2 ** 32);
    expect(memoryBytes / shardCount).toBeGreaterThanOrEqual(4 * MIB);
    expect(workerCount).toBeLessThanOrEqual(shardCount);
    expect(threadCountMax).toBeGreaterThan(workerCount);
    expect(threadCountMax).toBeLessThanOrEqual(64);
  });
  fc.assert(property, { seed: SEED, numRuns: 1_000 });
});
