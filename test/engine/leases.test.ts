import { afterEach, describe, expect, it } from 'vitest';
import { createEngine, type Engine, type Lease } from '../../src/index.js';
import { ENGINE_KINDS, useEngine } from '../support/engine-kinds.js';

/** The lease, which must be granted. */
async function grant<T = unknown>(
  engine: Engine,
  key: string,
  leaseMs?: number,
): Promise<Lease<T>> {
  const outcome = await engine.lease<T>(key, leaseMs === undefined ? {} : { leaseMs });
  if (outcome.state !== 'granted') throw new Error(`the lease of ${key} is ${outcome.state}`);
  return outcome.lease;
}

describe.each(ENGINE_KINDS)('lease: %s', (_kind, options) => {
  const home = useEngine(options);

  it('gives the value on a hit, and the right to load it on a miss', async () => {
    const { engine } = home;
    await engine.set('hit', { a: 1 });
    expect(await engine.lease('hit')).toEqual({ state: 'hit', value: { a: 1 } });
    const lease = await grant(engine, 'miss');
    expect(lease.key).toBe('miss');
    expect(lease.isValid).toBe(true);
    expect(await lease.fill('loaded', { ttl: '1h' })).toBe(true);
    expect(lease.isValid).toBe(false);
    expect(engine.get('miss')).toBe('loaded');
    expect(engine.getWithMeta('miss').ttlMs).toBeLessThanOrEqual(3_600_000);
    expect(await lease.fill('again')).toBe(false);
    expect(engine.get('miss')).toBe('loaded');
  });

  it('wakes who waits when the value is there', async () => {
    const { engine } = home;
    const lease = await grant(engine, 'awaited');
    const waiting = Array.from({ length: 20 }, () => engine.lease('awaited'));
    await lease.fill(Buffer.alloc(100_000, 'x').toString());
    for (const outcome of await Promise.all(waiting)) {
      expect(outcome).toEqual({ state: 'hit', value: 'x'.repeat(100_000) });
    }
  });

  it('hands the lease on when it is released, one at a time', async () => {
    const { engine } = home;
    const first = await grant(engine, 'handed');
    let granted = 0;
    const others = Array.from({ length: 5 }, async () => {
      const outcome = await engine.lease('handed');
      if (outcome.state !== 'granted') return outcome.state;
      granted += 1;
      expect(granted).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      granted -= 1;
      await outcome.lease.release();
      return outcome.state;
    });
    expect(await first.release()).toBe(true);
    expect(await first.release()).toBe(false);
    expect(await Promise.all(others)).toEqual(Array.from({ length: 5 }, () => 'granted'));
  });

  it('is released at the end of its scope, unless it was filled', async () => {
    const { engine } = home;
    const filled = await grant(engine, 'scope filled');
    await filled.fill(1);
    await filled[Symbol.asyncDispose]();
    const left = await grant(engine, 'scope left');
    await left[Symbol.asyncDispose]();
    expect(engine.get('scope filled')).toBe(1);
    await (await grant(engine, 'scope left')).release();
  });

  it('waits no longer than it is told, or until its signal aborts', async () => {
    const { engine } = home;
    const lease = await grant(engine, 'slow');
    expect(await engine.lease('slow', { waitMs: 0 })).toEqual({ state: 'timeout' });
    expect(await engine.lease('slow', { waitMs: 5 })).toEqual({ state: 'timeout' });
    const controller = new AbortController();
    const waiting = engine.lease('slow', { signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(engine.lease('slow', { signal: controller.signal })).rejects.toBe(reason);
    await lease.release();
    expect(engine.stats().leaseWaits).toBeGreaterThan(1);
  });

  it('goes to another when its time is over', async () => {
    const { engine } = home;
    const old = await grant(engine, 'expiring', 5);
    const next = await grant(engine, 'expiring');
    expect(await old.fill('old')).toBe(false);
    expect(await next.fill('new')).toBe(true);
    expect(engine.get('expiring')).toBe('new');
  });

  it('R1: a fill after a delete of the missing key is refused and counted', async () => {
    const { engine } = home;
    const before = engine.stats();
    const lease = await grant(engine, 'r1');
    expect(await engine.delete('r1')).toBe(false);
    expect(lease.isValid).toBe(false);
    expect(await lease.fill('v1')).toBe(false);
    expect(engine.get('r1')).toBeUndefined();
    const after = engine.stats();
    expect(after.fillsRefused - before.fillsRefused).toBe(1);
    expect(after.leasesVoided - before.leasesVoided).toBe(1);
    expect(after.leasesGranted - before.leasesGranted).toBe(1);
    expect(after.leasesActive).toBe(before.leasesActive);
  });

  it('R13: a refresh that lands after a delete stores nothing', async () => {
    const { engine } = home;
    const refresh = await grant(engine, 'r13');
    await engine.set('r13', 'v1');
    await engine.delete('r13');
    expect(await refresh.fill('v0')).toBe(false);
    expect(engine.has('r13')).toBe(false);
  });

  it('R14: a refresh that is older than a concurrent set does not overwrite it', async () => {
    const { engine } = home;
    const refresh = await grant(engine, 'r14');
    await engine.set('r14', 'v2');
    expect(await refresh.fill('v1')).toBe(false);
    expect(engine.get('r14')).toBe('v2');
    const large = await grant(engine, 'r14 large');
    await engine.set('r14 large', 'v2');
    expect(await large.fill(Buffer.alloc(200_000))).toBe(false);
    expect(engine.get('r14 large')).toBe('v2');
  });

  it('R26: a clear of the namespace during a fill', async () => {
    const { engine } = home;
    const space = engine.namespace('r26');
    const outcome = await space.lease('k');
    if (outcome.state !== 'granted') throw new Error(outcome.state);
    const other = await grant(engine, 'r26 other');
    const waiting = space.lease('k');
    await space.clear();
    expect(outcome.lease.isValid).toBe(false);
    const next = await waiting;
    if (next.state !== 'granted') throw new Error(next.state);
    expect(await outcome.lease.fill('old')).toBe(false);
    expect(space.get('k')).toBeUndefined();
    expect(await next.lease.fill('new')).toBe(true);
    expect(await other.fill('untouched')).toBe(true);
  });

  it('R30: what is created after a miss is seen at once by who waits', async () => {
    const { engine } = home;
    expect(engine.get('r30')).toBeUndefined();
    const lease = await grant(engine, 'r30');
    const waiting = Array.from({ length: 5 }, () => engine.lease('r30'));
    await engine.set('r30', 'created');
    for (const outcome of await Promise.all(waiting)) {
      expect(outcome).toEqual({ state: 'hit', value: 'created' });
    }
    expect(await lease.fill('404')).toBe(false);
    expect(engine.get('r30')).toBe('created');
  });

  it('is unavailable where too many are granted, and leaves nothing behind', async () => {
    const { engine } = home;
    const leases: Lease[] = [];
    for (let i = 0; i < 5_000; i++) {
      const outcome = await engine.lease(`many ${i}`);
      if (outcome.state === 'unavailable') break;
      if (outcome.state === 'granted') leases.push(outcome.lease);
    }
    expect(leases.length).toBeGreaterThan(200);
    expect(leases.length).toBeLessThan(5_000);
    expect(engine.stats().leasesActive).toBeGreaterThanOrEqual(leases.length);
    // Who has one may fill it, who has none loads all the same.
    expect(await leases[0]?.fill('v')).toBe(true);
    await Promise.all(leases.slice(1).map((lease) => lease.release()));
    expect(engine.stats().leasesActive).toBe(0);
  });
});

describe('the options of lease', () => {
  const home = useEngine({ memory: '8mb', workers: 0 });

  it.each([
    [{ waitMs: -1 }, /waitMs: -1 is no number of milliseconds/],
    [{ waitMs: 1.5 }, /waitMs/],
    [{ leaseMs: 0 }, /leaseMs: 0 is no number/],
    [{ leaseMs: 2 ** 31 }, /leaseMs/],
    [{ signal: {} }, /signal: .* is no AbortSignal/],
    [{ leasMs: 5 }, /leasMs: is no option of lease; did you mean leaseMs\?/],
    [null, /options: must be an object/],
  ])('refuses %o', async (options, message) => {
    await expect(home.engine.lease('k', options as never)).rejects.toMatchObject({
      code: 'ERR_CACHE_INVALID_OPTIONS',
      message: expect.stringMatching(message),
    });
  });

  it('refuses a key that is none', async () => {
    await expect(home.engine.lease('')).rejects.toMatchObject({ code: 'ERR_CACHE_INVALID_KEY' });
  });
});

describe('an engine that is closed', () => {
  let engine: Engine | undefined;
  afterEach(() => engine?.close());

  it.each([0, 1])('rejects who waits for a lease, with %i workers', async (workers) => {
    engine = await createEngine({ memory: '8mb', workers });
    const lease = await grant(engine, 'k');
    const waiting = engine.lease('k');
    const closed = engine.close();
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_CACHE_CLOSED' });
    await closed;
    await expect(engine.lease('k')).rejects.toMatchObject({ code: 'ERR_CACHE_CLOSED' });
    await expect(lease.fill('v')).rejects.toMatchObject({ code: 'ERR_CACHE_CLOSED' });
  });
});
