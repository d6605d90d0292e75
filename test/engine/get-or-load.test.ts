import { afterEach, describe, expect, it } from 'vitest';
import { createEngine, type Engine, type Loader } from '../../src/index.js';
import { ENGINE_KINDS, useEngine } from '../support/engine-kinds.js';
import { settles, until } from '../support/until.js';

/** A loader that waits until it is told how to end; counts its calls. */
class SlowSource {
  calls = 0;
  signal: AbortSignal | undefined;
  private finish: ((value: unknown) => void)[] = [];
  private fail: ((error: unknown) => void)[] = [];

  readonly loader: Loader<unknown> = ({ signal }) => {
    this.calls += 1;
    this.signal = signal;
    return new Promise((resolve, reject) => {
      this.finish.push(resolve);
      this.fail.push(reject);
    });
  };

  called(times = 1): Promise<void> {
    return until(`the loader is called ${times} times`, () => this.calls >= times);
  }

  give(value: unknown, call = 0): void {
    this.finish[call]?.(value);
  }

  throw(error: unknown, call = 0): void {
    this.fail[call]?.(error);
  }
}

const unused: Loader<never> = () => {
  throw new Error('the loader was called');
};

describe.each(ENGINE_KINDS)('getOrLoad: %s', (_kind, options) => {
  const home = useEngine(options);

  it('gives what is there, and loads and stores what is not', async () => {
    const { engine } = home;
    await engine.set('hit', 1);
    expect(await engine.getOrLoad('hit', unused)).toBe(1);
    const value = { name: 'of the source' };
    const context: unknown[] = [];
    const loaded = await engine.getOrLoad('miss', (given) => {
      context.push(given);
      return value;
    });
    expect(loaded).toBe(value);
    expect(context).toEqual([{ key: 'miss', signal: expect.any(AbortSignal) }]);
    expect(engine.get('miss')).toEqual(value);
    expect(await engine.getOrLoad('miss', unused)).toEqual(value);
    expect(await engine.getOrLoad('null', () => null)).toBeNull();
    expect(await engine.getOrLoad('null', unused)).toBeNull();
  });

  it('stores with the options of a set', async () => {
    const { engine } = home;
    const load = { ttl: '1h', contentType: 'text/plain' } as const;
    await engine.namespace('own').getOrLoad('options', () => 'v', load);
    const space = engine.namespace('own');
    expect(space.getView('options')?.contentType).toBe('text/plain');
    expect(space.getWithMeta('options').ttlMs).toBeLessThanOrEqual(3_600_000);
    expect(engine.get('options')).toBeUndefined();
  });

  it('calls one loader for all who ask meanwhile', async () => {
    const { engine } = home;
    const source = new SlowSource();
    const asked = Array.from({ length: 1_000 }, () => engine.getOrLoad('many', source.loader));
    await source.called();
    asked.push(engine.getOrLoad('many', source.loader, { waitMs: 60_000 }));
    const value = { large: 'x'.repeat(100_000) };
    source.give(value);
    for (const one of await Promise.all(asked)) expect(one).toBe(value);
    expect(source.calls).toBe(1);
    expect(engine.get('many')).toEqual(value);
  });

  it('rejects all callers with the error of the loader, and loads again next time', async () => {
    const { engine } = home;
    const source = new SlowSource();
    const asked = Array.from({ length: 10 }, () => engine.getOrLoad('failing', source.loader));
    await source.called();
    const error = new RangeError('no such row');
    source.throw(error);
    for (const one of asked) await expect(one).rejects.toBe(error);
    const thrown = new Error('at once');
    await expect(
      engine.getOrLoad('failing', () => {
        throw thrown;
      }),
    ).rejects.toBe(thrown);
    expect(await engine.getOrLoad('failing', () => 'well')).toBe('well');
  });

  it('passes undefined on and does not store it', async () => {
    const { engine } = home;
    expect(await engine.getOrLoad('nothing', () => undefined)).toBeUndefined();
    expect(engine.has('nothing')).toBe(false);
    expect(await engine.getOrLoad('nothing', () => 'something')).toBe('something');
  });

  it('hands out what cannot be stored, but for values that no codec carries', async () => {
    const { engine } = home;
    const huge = Buffer.alloc(engine.valueBytesMax + 1);
    expect(await engine.getOrLoad('huge', () => huge)).toBe(huge);
    expect(engine.has('huge')).toBe(false);
    const answer = engine.getOrLoad('function', () => () => 1);
    await expect(answer).rejects.toMatchObject({ code: 'ERR_CACHE_INVALID_VALUE' });
    // A home worker may have the shard: the release then goes through the ring.
    await until('its lease is over', () => engine.stats().leasesActive === 0);
  });

  it('R1: a load that began before a delete is not stored, and nobody joins it', async () => {
    const { engine } = home;
    const before = engine.stats().fillsRefused;
    const source = new SlowSource();
    const early = engine.getOrLoad('r1', source.loader);
    await source.called();
    await engine.delete('r1');
    const late = engine.getOrLoad('r1', source.loader);
    await source.called(2);
    source.give('v1', 0);
    expect(await early).toBe('v1');
    expect(engine.get('r1')).toBeUndefined();
    expect(engine.stats().fillsRefused - before).toBe(1);
    source.give('v2', 1);
    expect(await late).toBe('v2');
    expect(engine.get('r1')).toBe('v2');
  });

  it('R14: a load that ends after a set does not overwrite it', async () => {
    const { engine } = home;
    const source = new SlowSource();
    const early = engine.getOrLoad('r14', source.loader);
    await source.called();
    await engine.set('r14', 'v2');
    expect(await engine.getOrLoad('r14', unused)).toBe('v2');
    source.give('v1');
    expect(await early).toBe('v1');
    expect(engine.get('r14')).toBe('v2');
  });

  it('R26: a load that began before a clear of the namespace is not stored', async () => {
    const { engine } = home;
    const space = engine.namespace('r26 loads');
    const source = new SlowSource();
    const early = space.getOrLoad('k', source.loader);
    await source.called();
    await space.clear();
    const late = space.getOrLoad('k', source.loader);
    await source.called(2);
    source.give('v1', 0);
    await early;
    expect(space.get('k')).toBeUndefined();
    source.give('v2', 1);
    expect(await late).toBe('v2');
    expect(space.get('k')).toBe('v2');
  });

  it('R29: the first caller goes, the others get the value', async () => {
    const { engine } = home;
    const source = new SlowSource();
    const controller = new AbortController();
    const first = engine.getOrLoad('r29', source.loader, { signal: controller.signal });
    const patient = engine.getOrLoad('r29', source.loader);
    const hurried = engine.getOrLoad('r29', source.loader, { waitMs: 5 });
    await source.called();
    const reason = new Error('not interested');
    controller.abort(reason);
    await expect(first).rejects.toMatchObject({ code: 'ERR_CACHE_ABORTED', cause: reason });
    await expect(hurried).rejects.toMatchObject({
      code: 'ERR_CACHE_LOAD_TIMEOUT',
      retryable: true,
    });
    expect(source.signal?.aborted).toBe(false);
    source.give('v');
    expect(await patient).toBe('v');
    expect(source.calls).toBe(1);
  });

  it('tells the loader when all have gone, and stores nothing of it', async () => {
    const { engine } = home;
    const source = new SlowSource();
    const controller = new AbortController();
    const load = { signal: controller.signal };
    const asked = [1, 2].map(() => engine.getOrLoad('deserted', source.loader, load));
    await source.called();
    controller.abort();
    for (const one of asked) await expect(one).rejects.toMatchObject({ code: 'ERR_CACHE_ABORTED' });
    expect(source.signal?.aborted).toBe(true);
    const next = engine.getOrLoad('deserted', () => 'next');
    expect(await next).toBe('next');
    source.give('late');
    await expect(engine.getOrLoad('deserted', unused, load)).resolves.toBe('next');
    await expect(engine.getOrLoad('absent', unused, load)).rejects.toMatchObject({
      code: 'ERR_CACHE_ABORTED',
    });
    await until('its lease is over', () => engine.stats().leasesActive === 0);
  });

  it('gives a loader up that takes longer than its lease', async () => {
    const { engine } = home;
    const source = new SlowSource();
    const answer = engine.getOrLoad('hanging', source.loader, { leaseMs: 10 });
    await expect(answer).rejects.toMatchObject({ code: 'ERR_CACHE_LOAD_TIMEOUT' });
    expect(source.signal?.aborted).toBe(true);
    expect(await engine.getOrLoad('hanging', () => 'quick')).toBe('quick');
    source.give('too late');
    expect(engine.get('hanging')).toBe('quick');
  });

  it('gives a stale value when the load fails or takes too long, unless it must not', async () => {
    const { engine } = home;
    await engine.set('fallback', { v: 1 });
    await engine.expirePrefix('fallback');
    const error = new Error('down');
    const failing: Loader<unknown> = () => Promise.reject(error);
    expect(await engine.getOrLoad('fallback', failing)).toEqual({ v: 1 });
    const source = new SlowSource();
    expect(await engine.getOrLoad('fallback', source.loader, { leaseMs: 5 })).toEqual({ v: 1 });
    const strict = engine.getOrLoad('fallback', failing, { staleIfError: false });
    await expect(strict).rejects.toBe(error);
    expect(engine.getWithMeta('fallback').state).toBe('stale');
    expect(await engine.getOrLoad('fallback', () => 'fresh')).toBe('fresh');
    await engine.expirePrefix('fallback');
    await engine.delete('fallback');
    await expect(engine.getOrLoad('fallback', failing)).rejects.toBe(error);
  });

  it('R26: a load that began before a scan removed its prefix is not stored', async () => {
    const { engine } = home;
    const source = new SlowSource();
    const early = engine.getOrLoad('r26 prefix:1', source.loader);
    await source.called();
    await engine.invalidatePrefix('r26 prefix:');
    source.give('old');
    expect(await early).toBe('old');
    expect(engine.has('r26 prefix:1')).toBe(false);
  });

  it('R26: a load that began before a tag was invalidated is not stored, and not joined', async () => {
    const { engine } = home;
    const source = new SlowSource();
    const tags = ['r26 tag'];
    const early = engine.getOrLoad('r26 tagged', source.loader, { tags });
    await source.called();
    await engine.invalidateTag('r26 tag');
    const late = engine.getOrLoad('r26 tagged', source.loader, { tags });
    source.give('old', 0);
    expect(await early).toBe('old');
    await source.called(2);
    expect(engine.has('r26 tagged')).toBe(false);
    source.give('new', 1);
    expect(await late).toBe('new');
    expect(engine.get('r26 tagged')).toBe('new');
    expect(await engine.invalidateTag('r26 tag')).toBe(1);
  });

  it('waits for a lease that `lease` was granted', async () => {
    const { engine } = home;
    const outcome = await engine.lease('mixed');
    if (outcome.state !== 'granted') throw new Error(outcome.state);
    const answer = engine.getOrLoad('mixed', unused);
    await outcome.lease.fill('by hand');
    expect(await answer).toBe('by hand');
    const second = await engine.lease('mixed failure');
    if (second.state !== 'granted') throw new Error(second.state);
    const failing = engine.getOrLoad('mixed failure', unused);
    failing.catch(() => undefined);
    await until('it waits', () => engine.stats().leaseWaits > 0);
    await second.lease.release(new Error('é'.repeat(150)));
    await expect(failing).rejects.toMatchObject({
      code: 'ERR_CACHE_LOAD_FAILED',
      retryable: true,
      message: `getOrLoad: the load failed: ${'é'.repeat(100)}`,
    });
  });

  it('loads without a lease where none is to be had, and stores nothing then', async () => {
    const { engine } = home;
    const outcomes = [];
    for (let i = 0; i < 5_000; i++) {
      const outcome = await engine.lease(`full ${i}`);
      if (outcome.state === 'granted') outcomes.push(outcome.lease);
      else if (outcome.state === 'unavailable' && i % 50 === 0) break;
    }
    const keys = Array.from({ length: 40 }, (_, i) => `without ${i}`);
    const loaded = await Promise.all(keys.map((key) => engine.getOrLoad(key, () => key)));
    expect(loaded).toEqual(keys);
    await Promise.all(outcomes.map((lease) => lease.release()));
    await until('leases are over', () => engine.stats().leasesActive === 0);
  });
});

describe('the arguments of getOrLoad', () => {
  const home = useEngine({ memory: '8mb', workers: 0 });

  it.each([
    [{ waitMs: 0 }, 'ERR_CACHE_INVALID_OPTIONS'],
    [{ leaseMs: '5s' }, 'ERR_CACHE_INVALID_OPTIONS'],
    [{ only: 'absent' }, 'ERR_CACHE_INVALID_OPTIONS'],
    [{ tll: 5 }, 'ERR_CACHE_INVALID_OPTIONS'],
    [{ staleIfError: 1 }, 'ERR_CACHE_INVALID_OPTIONS'],
    [{ ttl: 0 }, 'ERR_CACHE_INVALID_TTL'],
    [[], 'ERR_CACHE_INVALID_OPTIONS'],
  ])('refuses %o before anything is loaded', async (options, code) => {
    const answer = home.engine.getOrLoad('k', unused, options as never);
    await expect(answer).rejects.toMatchObject({ code });
  });

  it('refuses a key and a loader that are none', async () => {
    const { engine } = home;
    await expect(engine.getOrLoad('', unused)).rejects.toMatchObject({
      code: 'ERR_CACHE_INVALID_KEY',
    });
    await expect(engine.getOrLoad('k', 'value' as never)).rejects.toMatchObject({
      code: 'ERR_CACHE_INVALID_OPTIONS',
      message: expect.stringMatching(/loader: must be a function/),
    });
  });
});

describe('loads of an engine that is closed', () => {
  let engine: Engine | undefined;
  afterEach(() => engine?.close());

  it.each([0, 1])('reject, and their loaders are told, with %i workers', async (workers) => {
    engine = await createEngine({ memory: '8mb', workers });
    const source = new SlowSource();
    const loading = engine.getOrLoad('k', source.loader);
    await source.called();
    const closed = engine.close();
    await expect(loading).rejects.toMatchObject({ code: 'ERR_CACHE_CLOSED' });
    expect(source.signal?.aborted).toBe(true);
    source.give('late');
    await settles('the close', closed);
    await expect(engine.getOrLoad('k', unused)).rejects.toMatchObject({ code: 'ERR_CACHE_CLOSED' });
  });
});
