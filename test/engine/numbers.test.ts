/** Counting: sums, edges, kinds of values, times to live; alone, through rings, over threads. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attachEngine, createEngine, type Engine } from '../../src/index.js';
import { messageOf, startFixture } from '../support/attached-thread.js';
import { ENGINE_KINDS, useEngine } from '../support/engine-kinds.js';
import { FakeClock } from '../support/fake-clock.js';
import { holdShards, verifyEngine } from '../support/held-shards.js';
import { scaled } from '../support/scale.js';
import { settles } from '../support/until.js';

const MOST = Number.MAX_SAFE_INTEGER;

describe.each(ENGINE_KINDS)('increment with %s', (_, options) => {
  const opened = useEngine(options);

  test('counts from 0, from initial, up and down', async () => {
    const { engine } = opened;
    expect(await engine.increment('new')).toBe(1);
    expect(await engine.increment('new', 5)).toBe(6);
    expect(await engine.increment('new', -10)).toBe(-4);
    expect(await engine.increment('new', 0)).toBe(-4);
    expect(engine.get('new')).toBe(-4);
    expect(await engine.increment('from', 1, { initial: 100 })).toBe(101);
    expect(await engine.increment('from', 1, { initial: 100 })).toBe(102);
    expect(await engine.increment('none left', -7, { initial: 7 })).toBe(0);
    expect(engine.get('none left')).toBe(0);
  });

  test('counts on what set stored: numbers, text, bytes', async () => {
    const { engine } = opened;
    await engine.set('number', 41);
    expect(await engine.increment('number')).toBe(42);
    expect(engine.get('number')).toBe(42);
    await engine.set('text', '-3', { contentType: 'text/plain' });
    expect(await engine.increment('text', 13)).toBe(10);
    expect(engine.get('text')).toBe('10');
    expect(engine.getView('text')?.contentType).toBe('text/plain');
    await engine.set('bytes', Buffer.from('9'), { contentType: 'x'.repeat(127) });
    expect(await engine.increment('bytes', MOST - 9)).toBe(MOST);
    expect(Buffer.from(engine.get('bytes') as Uint8Array).toString()).toBe(String(MOST));
    expect(engine.getView('bytes')?.contentType).toBe('x'.repeat(127));
  });

  test.each([
    ...['', '-', '+1', '01', '-0', '00', '1.0', '1e3', ' 1', '1 ', '0x1', 'é', '１'],
    ...[String(2 ** 53), String(-(2 ** 53)), '9'.repeat(17), 'x'.repeat(70_000)],
    ...[1.5, 2 ** 53, null, true, [1], { n: 1 }],
  ])('refuses to count on %j', async (value) => {
    const { engine } = opened;
    await engine.set('no number', value);
    const { version } = engine.getWithMeta('no number');
    await expect(engine.increment('no number')).rejects.toMatchObject({
      code: 'ERR_CACHE_NOT_A_NUMBER',
      retryable: false,
    });
    expect(engine.get('no number')).toStrictEqual(value);
    expect(engine.getWithMeta('no number').version).toBe(version);
  });

  test.each([
    [MOST, 1],
    [MOST - 5, 6],
    [-MOST, -1],
    [MOST, MOST],
    [-MOST, -MOST],
    [1, MOST],
  ])('refuses %d + %d, which is not exact', async (start, by) => {
    const { engine } = opened;
    await engine.set('edge', start);
    const failure = { code: 'ERR_CACHE_NUMBER_OVERFLOW', retryable: false };
    await expect(engine.increment('edge', by)).rejects.toMatchObject(failure);
    expect(engine.get('edge')).toBe(start);
    const absent = engine.increment('no edge', by, { initial: start });
    await expect(absent).rejects.toMatchObject(failure);
    expect(engine.has('no edge')).toBe(false);
  });

  test('reaches both ends exactly', async () => {
    const { engine } = opened;
    await engine.set('ends', 0);
    expect(await engine.increment('ends', MOST)).toBe(MOST);
    expect(await engine.increment('ends', -MOST)).toBe(0);
    expect(await engine.increment('ends', -MOST)).toBe(-MOST);
    expect(engine.get('ends')).toBe(-MOST);
  });

  test('many at once, unawaited, keep their order', async () => {
    const { engine } = opened;
    const sums = Array.from({ length: 3_000 }, () => engine.increment('many', 3));
    expect(await Promise.all(sums)).toEqual(sums.map((_, index) => 3 * (index + 1)));
    expect(engine.get('many')).toBe(9_000);
  });

  test('keys of 1,024 bytes count too', async () => {
    const { engine } = opened;
    const key = 'k'.repeat(1_024);
    await engine.set(key, '5', { contentType: 'y'.repeat(127) });
    expect(await engine.increment(key, MOST - 5)).toBe(MOST);
    expect(engine.get(key)).toBe(String(MOST));
  });

  test('refuses arguments that are no safe integers, and unknown options', async () => {
    const { engine } = opened;
    const refused = { code: 'ERR_CACHE_INVALID_OPTIONS' };
    for (const by of [1.5, Number.NaN, Infinity, 2 ** 53, '1' as unknown as number]) {
      await expect(engine.increment('args', by)).rejects.toMatchObject(refused);
      await expect(engine.increment('args', 1, { initial: by })).rejects.toMatchObject(refused);
    }
    const options = { inital: 1 } as unknown as { initial: number };
    await expect(engine.increment('args', 1, options)).rejects.toThrow(/did you mean initial/);
    await expect(engine.increment('args', 1, null as never)).rejects.toMatchObject(refused);
    await expect(engine.increment('args', 1, { ttl: 0 })).rejects.toMatchObject({
      code: 'ERR_CACHE_INVALID_TTL',
    });
    await expect(engine.increment('')).rejects.toMatchObject({ code: 'ERR_CACHE_INVALID_KEY' });
    expect(engine.has('args')).toBe(false);
  });

  test('versions grow with every write of a key', async () => {
    const { engine } = opened;
    let last = 0;
    for (let round = 0; round < 200; round++) {
      if (round % 3 === 0) await engine.increment('grows');
      else if (round % 3 === 1) await engine.set('grows', round);
      else if (round % 30 === 29) await engine.delete('grows');
      const { version, state } = engine.getWithMeta('grows');
      if (state !== 'hit') continue;
      if (round % 3 === 2) expect(version).toBe(last);
      else expect(version).toBeGreaterThan(last);
      last = version;
    }
  });
});

test.each(['json', 'msgpack'] as const)('numbers count with the codec %s', async (kind) => {
  await using engine = await createEngine({ memory: '8mb', workers: 0, codec: { kind } });
  for (const start of [0, 5, -1, 48, 127, 128, 2 ** 31, MOST - 1, 1 - MOST]) {
    await engine.set('n', start);
    expect(engine.get('n')).toBe(start);
    expect(await engine.increment('n')).toBe(start + 1);
    expect(engine.get('n')).toBe(start + 1);
  }
  await engine.set('n', { toJSON: () => 49 });
  const wrapped = engine.increment('n');
  if (kind === 'json') expect(await wrapped).toBe(50);
  else await expect(wrapped).rejects.toMatchObject({ code: 'ERR_CACHE_NOT_A_NUMBER' });
});

describe('times to live', () => {
  let engine: Engine;
  const clock = new FakeClock();
  beforeAll(async () => {
    engine = await createEngine({ memory: '8mb', workers: 0, clock, defaultTtl: 1_000 });
  });
  afterAll(() => engine.close());

  test('a new counter gets the default or the given one, one that is there keeps its own', async () => {
    await engine.increment('default');
    expect(engine.getWithMeta('default').ttlMs).toBe(1_000);
    await engine.increment('given', 1, { ttl: 300 });
    await engine.increment('never', 1, { ttl: 'never' });
    clock.advance(200);
    await engine.increment('default');
    await engine.increment('given');
    await engine.increment('never');
    expect(engine.getWithMeta('default').ttlMs).toBe(800);
    expect(engine.getWithMeta('default').ageMs).toBe(0);
    expect(engine.getWithMeta('given').ttlMs).toBe(100);
    expect(engine.getWithMeta('never').ttlMs).toBe(Infinity);
    await engine.increment('given', 1, { ttl: 5_000 });
    expect(engine.getWithMeta('given').ttlMs).toBe(5_000);
  });

  test('an expired counter begins anew', async () => {
    await engine.increment('window', 5, { ttl: 100 });
    clock.advance(99);
    expect(await engine.increment('window')).toBe(6);
    clock.advance(1);
    expect(await engine.increment('window', 1, { initial: 10 })).toBe(11);
    expect(engine.getWithMeta('window').ttlMs).toBe(1_000);
  });
});

test('until it was applied, reads give the number as it was; a clear after the call wins', async () => {
  await using engine = await createEngine({ memory: '8mb', writes: { kind: 'ring' } });
  await engine.set('n', 1);
  const letGo = holdShards(engine);
  const sum = engine.increment('n');
  expect(engine.get('n')).toBe(1);
  const cleared = engine.namespace('other').increment('n');
  await engine.namespace('other').clear();
  letGo();
  expect(await sum).toBe(2);
  expect(engine.get('n')).toBe(2);
  expect(await cleared).toBe(1);
  expect(engine.namespace('other').has('n')).toBe(false);
});

test('increments that waited on the heap are counted once each', async () => {
  await using engine = await createEngine({ memory: '8mb', writes: { kind: 'ring' } });
  const letGo = holdShards(engine);
  const sums = Array.from({ length: 5_000 }, () => engine.increment('n'));
  letGo();
  expect(await Promise.all(sums)).toEqual(sums.map((_, index) => index + 1));
});

test.each(['inplace', 'ring'] as const)('4 threads count exactly, writes %s', async (kind) => {
  const rounds = scaled(500);
  await using engine = await createEngine({ memory: '8mb', writes: { kind } });
  await engine.set('register', 'start');
  const handle = engine.handle();
  const workers = ['a', 'b', 'c', 'd'].map((name) =>
    startFixture('counting-thread.mjs', { handle, rounds, name }),
  );
  interface Report {
    readonly sums: readonly number[];
    readonly replaced: readonly (readonly [string, string])[];
    readonly versions: readonly number[];
  }
  const all = Promise.all(workers.map((worker) => messageOf<Report>(worker)));
  const reports = await settles('the counting threads', all, 60_000);
  // Every sum of +2 and of -1 is the counter right after it: their changes add up to the end.
  expect(engine.get('counter')).toBe(4 * rounds);
  for (const { versions } of reports) {
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
  }
  // Each value was replaced once at most, and the replacements are one chain from first to last.
  const next = new Map<string, string>();
  for (const { replaced } of reports) {
    for (const [value, before] of replaced) {
      expect(next.has(before)).toBe(false);
      next.set(before, value);
    }
  }
  let last = 'start';
  let length = 0;
  for (let value = next.get(last); value !== undefined; value = next.get(last)) {
    last = value;
    length += 1;
  }
  expect(length).toBe(next.size);
  expect(engine.get('register')).toBe(last);
  expect(verifyEngine(engine)).toEqual([]);
  await Promise.all(workers.map((worker) => worker.terminate()));
});

test('two sessions of one thread see one counter', async () => {
  await using engine = await createEngine({ memory: '8mb', workers: 0 });
  await using other = attachEngine(engine.handle());
  for (let round = 1; round <= 50; round++) {
    expect(await engine.increment('n')).toBe(2 * round - 1);
    expect(await other.increment('n')).toBe(2 * round);
  }
});
