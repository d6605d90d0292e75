/** Times to live: every form, exact to the millisecond, on a clock that the test drives. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Duration, type Engine, type Ttl } from '../../src/index.js';
import { ENGINE_KINDS, useEngine } from '../support/engine-kinds.js';
import { FakeClock } from '../support/fake-clock.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;

describe('on a clock driven by hand', () => {
  let clock: FakeClock;
  let engine: Engine;

  beforeEach(async () => {
    clock = new FakeClock();
    engine = await createEngine({ memory: '8mb', workers: 0, clock });
  });

  afterEach(() => engine.close());

  test.each<readonly [Ttl, number]>([
    [1, 1],
    [250, 250],
    ['250ms', 250],
    ['10s', 10_000],
    ['5m', 300_000],
    ['1h', HOUR_MS],
    ['7d', 7 * DAY_MS],
    ['2w', 14 * DAY_MS],
    ['40d', 40 * DAY_MS],
    [40 * DAY_MS + 1, 40 * DAY_MS + 1],
    ['3650d', 10 * YEAR_MS],
    [10 * YEAR_MS + 1, 10 * YEAR_MS + 1],
    [1_000 * YEAR_MS, 1_000 * YEAR_MS],
  ])('a TTL of %s is served for exactly %i ms', async (ttl, ttlMs) => {
    clock.advance(12_345);
    await engine.set('k', 'v', { ttl });
    expect(engine.getWithMeta('k')).toMatchObject({ ttlMs, ageMs: 0 });
    clock.advance(ttlMs - 1);
    expect(engine.get('k')).toBe('v');
    expect(engine.has('k')).toBe(true);
    expect(engine.getView('k')?.ttlMs).toBe(1);
    expect(engine.getWithMeta('k')).toMatchObject({ ttlMs: 1, ageMs: ttlMs - 1 });
    clock.advance(1);
    expect(engine.get('k')).toBeUndefined();
    expect(engine.has('k')).toBe(false);
    expect(engine.getView('k')).toBeUndefined();
    expect(engine.getBytes('k')).toBeUndefined();
    expect(engine.readInto('k', new Uint8Array(9))).toBe(-1);
    expect(engine.getWithMeta('k').state).toBe('miss');
    expect(await engine.touch('k', '1h')).toBe(false);
    expect(await engine.persist('k')).toBe(false);
    expect(await engine.getAndSet('k', 'again', { only: 'absent' })).toBeUndefined();
    expect(engine.get('k')).toBe('again');
  });

  test('an expired key counts as absent for conditions, delete and getAndSet', async () => {
    for (const key of ['a', 'b', 'c', 'd']) await engine.set(key, 'old', { ttl: 10 });
    clock.advance(10);
    expect(await engine.set('a', 'new', { only: 'present' })).toBe(false);
    expect(await engine.set('b', 'new', { only: 'absent' })).toBe(true);
    expect(await engine.getAndSet('c', 'new')).toBeUndefined();
    expect(await engine.delete('d')).toBe(false);
    expect(engine.getMany(['a', 'b', 'c', 'd'])).toEqual([undefined, 'new', 'new', undefined]);
  });

  test('keep leaves the present expiry, on a new key it means the default', async () => {
    await engine.set('k', 1, { ttl: 1_000 });
    clock.advance(400);
    await engine.set('k', 2, { ttl: 'keep' });
    expect(engine.getWithMeta('k')).toMatchObject({ value: 2, ttlMs: 600, ageMs: 0 });
    await engine.getAndSet('k', Buffer.alloc(50_000), { ttl: 'keep' });
    expect(engine.getView('k')?.ttlMs).toBe(600);
    clock.advance(600);
    expect(engine.get('k')).toBeUndefined();
    await engine.set('k', 3, { ttl: 'keep' });
    expect(engine.getWithMeta('k')).toMatchObject({ value: 3, ttlMs: Number.POSITIVE_INFINITY });
    await engine.set('k', 4, { ttl: 'keep' });
    expect(engine.getWithMeta('k').ttlMs).toBe(Number.POSITIVE_INFINITY);
  });

  test('touch counts from now, shortens as well as it prolongs', async () => {
    await engine.set('k', 'v', { ttl: 1_000 });
    clock.advance(500);
    expect(await engine.touch('k', 2_000)).toBe(true);
    clock.advance(1_999);
    expect(engine.get('k')).toBe('v');
    expect(await engine.touch('k', 5)).toBe(true);
    clock.advance(5);
    expect(engine.get('k')).toBeUndefined();
  });

  test('persist and never keep an entry for good', async () => {
    await engine.set('a', 1, { ttl: 10 });
    await engine.set('b', 1, { ttl: 10 });
    await engine.set('c', 1, { ttl: 10 });
    expect(await engine.persist('a')).toBe(true);
    expect(await engine.touch('b', 'never')).toBe(true);
    await engine.set('c', 2, { ttl: 'never' });
    clock.advance(500 * YEAR_MS);
    expect(engine.getMany(['a', 'b', 'c'])).toEqual([1, 1, 2]);
  });

  test('an overwrite without a TTL takes the default, not the old one', async () => {
    await engine.set('k', 1, { ttl: 10 });
    await engine.set('k', 2);
    clock.advance(1_000);
    expect(engine.get('k')).toBe(2);
  });

  test('entries of many TTLs leave in their order, and their memory with them', async () => {
    const ttls = [1, 7, 8, 9, 63, 64, 500, 512, 513, 4_096, 40_000, 2_100_000, 40 * DAY_MS];
    await engine.setMany(ttls.map((ttlMs) => [`t${ttlMs}`, ttlMs] as const));
    for (const ttl of ttls) await engine.touch(`t${ttl}`, ttl);
    let passedMs = 0;
    for (const [index, ttlMs] of ttls.entries()) {
      clock.advance(ttlMs - passedMs);
      passedMs = ttlMs;
      expect(ttls.filter((ttl) => engine.has(`t${ttl}`))).toEqual(ttls.slice(index + 1));
      // Upkeep runs with the commands of this thread; wide enough for every step of the wheel.
      for (let command = 0; command < 20_000 && engine.stats().items > ttls.length - index; ) {
        command += 1;
        await engine.set('upkeep', command);
      }
    }
    expect(engine.stats().items).toBe(1);
  });

  test('an idle century is caught up with', async () => {
    await engine.set('far', 1, { ttl: 50 * YEAR_MS });
    await engine.set('near', 1, { ttl: 10 });
    clock.advance(100 * YEAR_MS);
    expect(engine.getMany(['far', 'near'])).toEqual([undefined, undefined]);
    for (let command = 0; command < 100_000 && engine.stats().expirations < 2; command++) {
      await engine.set('upkeep', command);
    }
    expect(engine.stats()).toMatchObject({ expirations: 2, items: 1 });
  });
});

test('defaultTtl holds for entries set without one, in every form of a write', async () => {
  const clock = new FakeClock();
  const engine = await createEngine({ memory: '8mb', workers: 0, clock, defaultTtl: '1m' });
  await engine.set('a', 1);
  await engine.setMany([['b', 1]]);
  await engine.getAndSet('c', 1);
  await engine.namespace('n').set('d', 1);
  await engine.set('e', 1, { ttl: 'never' });
  await engine.set('f', 1, { ttl: '2m' });
  expect(engine.getWithMeta('a').ttlMs).toBe(60_000);
  clock.advance(60_000);
  expect(engine.getMany(['a', 'b', 'c', 'e', 'f'])).toEqual([
    undefined,
    undefined,
    undefined,
    1,
    1,
  ]);
  expect(engine.namespace('n').get('d')).toBeUndefined();
  await engine.close();
});

describe.each(ENGINE_KINDS)('refused TTLs with %s', (_, options) => {
  const opened = useEngine(options);

  test.each(
    [
      -1,
      0,
      -0,
      0.5,
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      1e15,
      '',
      'abc',
      '1e3',
      '1000',
      '0',
      '0s',
      '-5m',
      '5 m',
      ' 5m',
      '5m ',
      '1.5h',
      '5M',
      '5y',
      'Never',
      '99999999999d',
      null,
      true,
      {},
      [],
      1n,
    ].map((value) => [typeof value, value] as const),
  )('the %s %o is refused, nothing changes', async (_type, bad) => {
    const { engine } = opened;
    const ttl = bad as Duration;
    await engine.set('k', 'before', { ttl: '1h' });
    const refusal = { code: 'ERR_CACHE_INVALID_TTL', retryable: false };
    await expect(engine.set('k', 'after', { ttl })).rejects.toMatchObject(refusal);
    await expect(engine.getAndSet('k', 'after', { ttl })).rejects.toMatchObject(refusal);
    await expect(engine.setMany([['k', 'after']], { ttl })).rejects.toMatchObject(refusal);
    await expect(engine.touch('k', ttl)).rejects.toMatchObject(refusal);
    expect(engine.get('k')).toBe('before');
    expect(engine.getWithMeta('k').ttlMs).toBeGreaterThan(3_000_000);
  });

  test('touch knows no keep', async () => {
    await expect(opened.engine.touch('k', 'keep' as Duration)).rejects.toMatchObject({
      code: 'ERR_CACHE_INVALID_TTL',
    });
  });
});

describe.each(ENGINE_KINDS)('long TTLs with %s', (_, options) => {
  const opened = useEngine(options);

  test.each<readonly [Ttl, number]>([
    ['40d', 40 * DAY_MS],
    ['3650d', 10 * YEAR_MS],
  ])('%s is that long on the real clock too', async (ttl, ttlMs) => {
    const { engine } = opened;
    await engine.set('long', 1, { ttl });
    const leftMs = engine.getWithMeta('long').ttlMs;
    expect(leftMs).toBeLessThanOrEqual(ttlMs);
    expect(leftMs).toBeGreaterThan(ttlMs - 60_000);
  });
});
