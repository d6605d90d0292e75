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

  const scans: readonly (readonly [string, (engine: Engine) => Promise<unknown>])[] = [
    ['invalidatePrefix', (engine) => engine.invalidatePrefix('r26:user:')],
    ['expirePrefix', (engine) => engine.expirePrefix('r26:user:')],
    ['invalidateGlob', (engine) => engine.invalidateGlob('r26:u*r:[0-9]*')],
    ['expireGlob', (engine) => engine.expireGlob('r26:user:?*')],
  ];

  it.each(scans)('R26: %s voids the leases of keys that match, and no others', async (_, scan) => {
    const { engine } = home;
    const keys = ['r26:user:1', `r26:user:2${'x'.repeat(400)}`];
    const others = ['r26:order:1', 'r26:userx'];
    const matching = await Promise.all(keys.map((key) => grant(engine, key)));
    const bystanders = await Promise.all(others.map((key) => grant(engine, key)));
    const space = await engine.namespace('r26 scans').lease('r26:user:1');
    const waiting = engine.lease('r26:user:1');
    await scan(engine);
    const next = await waiting;
    for (const lease of matching) expect(await lease.fill('old')).toBe(false);
    for (const lease of bystanders) expect(await lease.fill('v')).toBe(true);
    expect(space.state === 'granted' && (await space.lease.fill('v'))).toBe(true);
    expect(next.state === 'granted' && (await next.lease.fill('new'))).toBe(true);
    expect(engine.get('r26:user:1')).toBe('new');
    await engine.invalidatePrefix('r26:');
    await engine.namespace('r26 scans').clear();
  });

  const manyTags = Array.from({ length: 64 }, (_, i) => `${i}:`.padEnd(256, 't'));
  const fills: readonly (readonly [string, unknown, readonly string[]])[] = [
    ['a small value', 'v', ['a', 'tag', 'z']],
    ['a large value', Buffer.alloc(150_000, 1), ['a', 'tag', 'z']],
    ['a value with many long tags', 'v', ['tag', ...manyTags.slice(1)]],
    ['a large value with many long tags', Buffer.alloc(150_000, 2), ['tag', ...manyTags.slice(1)]],
  ];

  it.each(fills)('R26: an invalidation of one of its tags voids %s', async (name, value, tags) => {
    const { engine } = home;
    const key = `r26 tags ${name}`;
    for (const invalidate of [
      () => engine.invalidateTag('tag'),
      () => engine.expireTag('tag'),
      () => engine.invalidateTags(['other', 'tag']),
    ]) {
      const lease = await grant(engine, key);
      const waiting = engine.lease(key);
      await invalidate();
      expect(await lease.fill(value, { tags })).toBe(false);
      expect(engine.has(key)).toBe(false);
      const next = await waiting;
      if (next.state !== 'granted') throw new Error(next.state);
      expect(await next.lease.fill(value, { tags })).toBe(true);
      expect(engine.has(key)).toBe(true);
      expect(await engine.invalidateTag('tag')).toBe(1);
    }
  });

  it('R26: an invalidation of other tags leaves a fill alone', async () => {
    const { engine } = home;
    const rounds = 20;
    let stored = 0;
    for (let i = 0; i < rounds; i++) {
      const lease = await grant(engine, `r26 other tags ${i}`);
      await engine.invalidateTag(`other ${i}`);
      await engine.invalidateTags([`and other ${i}`, 'tag'], { match: 'all' });
      await engine.namespace('elsewhere').invalidateTag(`mine ${i}`);
      if (await lease.fill('v', { tags: [`mine ${i}`] })) stored += 1;
    }
    // Tags may share one of the 4,096 stamps, seldom.
    expect(stored).toBeGreaterThan(rounds - 4);
    const untagged = await grant(engine, 'r26 untagged');
    await engine.invalidateTag('tag');
    expect(await untagged.fill('v')).toBe(true);
  });

  it('is granted for a stale entry, and its fill makes it fresh', async () => {
    const { engine } = home;
    await engine.set('stale', 'old');
    await engine.expirePrefix('stale');
    const lease = await grant(engine, 'stale');
    expect((await engine.lease('stale', { waitMs: 0 })).state).toBe('timeout');
    expect(engine.getWithMeta('stale')).toMatchObject({ state: 'stale', value: 'old' });
    expect(await lease.fill('new')).toBe(true);
    expect(engine.get('stale')).toBe('new');
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
