/** Expiry on the real clock: on time for threads that never yield, reclaimed without a read. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../src/index.js';
import { messageOf, startFixture } from '../support/attached-thread.js';
import { runChild } from '../support/child-run.js';
import { ENGINE_KINDS } from '../support/engine-kinds.js';
import { settles, until } from '../support/until.js';

/** The promise is 10 ms; on a machine where other programs compete for the cores, this. */
const LATE_MS_MAX = 250;

interface Watched {
  readonly lateMs: number;
  readonly reads: number;
}

describe.each(ENGINE_KINDS)('with %s', (_, options) => {
  let engine: Engine;

  beforeEach(async () => {
    engine = await createEngine(options);
  });

  afterEach(() => engine.close());

  test.each([
    ['small', false],
    ['large', true],
  ])('a thread that never yields is not served %s expired entries', async (_size, isLarge) => {
    const watcher = startFixture('expiry-watcher.mjs', {
      handle: engine.handle(),
      ttlMs: 30,
      rounds: 5,
      isLarge,
    });
    const results = await settles('the watcher', messageOf<Watched[]>(watcher));
    for (const { lateMs, reads } of results) {
      expect(reads).toBeGreaterThan(0);
      expect(lateMs).toBeLessThan(LATE_MS_MAX);
    }
    // One late round may be the machine's fault, not every one.
    const lateCount = results.filter(({ lateMs }) => lateMs > LATE_MS_MAX / 5).length;
    expect(lateCount).toBeLessThan(results.length);
    await watcher.terminate();
  });

  test('this thread is not served an entry for long after its end', async () => {
    await engine.set('k', 'v', { ttl: 20 });
    const endMs = performance.now() + 20;
    let servedMs = 0;
    while (engine.get('k') !== undefined) servedMs = performance.now();
    expect(servedMs - endMs).toBeLessThan(LATE_MS_MAX);
  });
});

describe.each(ENGINE_KINDS.filter(([, { workers }]) => workers !== 0))('with %s', (_, options) => {
  test('memory of expired entries is reclaimed without a read or a write', async () => {
    const engine = await createEngine(options);
    const values = [Buffer.alloc(50), Buffer.alloc(2_000), Buffer.alloc(40_000)];
    await engine.set('stays', 1);
    const { bytes } = engine.stats();
    for (let index = 0; index < 90; index++) {
      await engine.set(`k${index}`, values[index % 3], { ttl: 20 + index });
    }
    await until('all expired entries are gone', () => engine.stats().items === 1);
    expect(engine.stats()).toMatchObject({ expirations: 90, evictions: 0, bytes });
    expect(engine.get('stays')).toBe(1);
    await engine.close();
  });

  test('a burst of 20,000 that expire together is reclaimed while others are served', async () => {
    const engine = await createEngine(options);
    const entries = Array.from({ length: 20_000 }, (__, index) => [`k${index}`, index] as const);
    await engine.set('stays', 1);
    await engine.setMany(entries, { ttl: 100 });
    await until('all expired entries are gone', () => {
      expect(engine.get('stays')).toBe(1);
      return engine.stats().items === 1;
    });
    expect(engine.stats().expirations + engine.stats().evictions).toBe(20_000);
    await engine.close();
  });
});

test('an idle process uses next to nothing, in whichever state its engine is', async () => {
  const child = await runChild('idle-program.mjs', []);
  expect(child).toMatchObject({ code: 0, signal: null, stderr: '' });
  const shares = JSON.parse(child.stdout) as Record<string, number>;
  expect(Object.keys(shares)).toHaveLength(5);
  // The aim is 0.005; a spinning or often waking thread uses far more than this.
  for (const [state, share] of Object.entries(shares)) expect(share, state).toBeLessThan(0.2);
});
