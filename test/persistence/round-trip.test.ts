/** What comes back: values of every kind, times to live over downtime, versions, namespaces. */
import { statSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEngine, type Engine, type SetOptions } from '../../src/index.js';
import { verifyEngine } from '../support/held-shards.js';
import { seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { MachineTime } from './machine-time.js';

const HOUR_MS = 3_600_000;

const value = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 50 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
  fc.constantFrom(null, true, '', [1, { a: 'b' }], 'é'.repeat(9_000)),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: 3_000, max: 120_000 }).map((bytes) => Buffer.alloc(bytes, `${bytes} `)),
);
const entry = fc.record({
  key: fc.oneof(fc.string({ minLength: 1, maxLength: 20 }), fc.constantFrom('k'.repeat(1_024))),
  namespace: fc.constantFrom('', 'second', 'drei ü'),
  value,
  ttl: fc.constantFrom('never', 10_000, 60_000, HOUR_MS) as fc.Arbitrary<number | 'never'>,
  contentType: fc.constantFrom('', 'text/plain', 'x'.repeat(127)),
});
type Entry = typeof entry extends fc.Arbitrary<infer E> ? E : never;

function spaceOf(engine: Engine, name: string): Pick<Engine, 'set' | 'getWithMeta' | 'getView'> {
  return name === '' ? engine : engine.namespace(name);
}

function expectSame(given: unknown, wanted: unknown): void {
  if (wanted instanceof Uint8Array) {
    expect(given).toBeInstanceOf(Uint8Array);
    expect(Buffer.compare(given as Uint8Array, wanted)).toBe(0);
  } else {
    expect(given).toStrictEqual(wanted);
  }
}

async function runRoundTrip(entries: readonly Entry[], downMs: number, reboots: boolean) {
  using folder = temporaryFolder();
  const time = new MachineTime();
  const path = folder.path('entries');
  let engine = await time.open(path, { codec: { kind: 'msgpack' } });
  const kept = new Map<string, Entry>();
  for (const each of entries) {
    const options: SetOptions = {
      ttl: each.ttl,
      ...(each.contentType === '' ? {} : { contentType: each.contentType }),
    };
    await spaceOf(engine, each.namespace).set(each.key, each.value, options);
    kept.set(`${each.namespace}/${each.key}`, each);
  }
  time.advance(1_000);
  await engine.close();
  time.advance(downMs);
  if (reboots) time.restartMachine();
  else time.restartProgram(downMs % 2 === 0 ? 0 : 123_456);
  engine = await time.open(path);
  expect(verifyEngine(engine)).toEqual([]);
  let live = 0;
  for (const each of kept.values()) {
    const found = spaceOf(engine, each.namespace).getWithMeta(each.key);
    const ttlMs = each.ttl === 'never' ? Infinity : (each.ttl as number) - 1_000 - downMs;
    if (ttlMs <= 0) {
      expect(found.state).toBe('miss');
      continue;
    }
    live += 1;
    expect(found.state).toBe('hit');
    expectSame(found.value, each.value);
    expect(found.ttlMs).toBeCloseTo(ttlMs, 3);
    expect(found.ageMs).toBeCloseTo(1_000 + downMs, 3);
    const { contentType } = spaceOf(engine, each.namespace).getView(each.key) ?? {};
    expect(contentType ?? '').toBe(each.contentType);
  }
  expect(engine.loaded).toMatchObject({
    state: 'fresh',
    entries: live,
    expired: kept.size - live,
    dropped: 0,
    damagedPages: 0,
  });
  expect(engine.stats()).toMatchObject({ items: live, sets: 0, evictions: 0 });
  await engine.close();
}

test('every kind of entry comes back, with what is left of its time', async () => {
  const downtime = fc.oneof(fc.integer({ min: 0, max: 2 * HOUR_MS }), fc.constant(0));
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 40 }), downtime, fc.boolean(), runRoundTrip),
    { seed: seedFromEnvironment(), numRuns: scaled(25) },
  );
}, 60_000);

describe('downtime', () => {
  async function ttlAfter(act: (time: MachineTime) => void): Promise<number> {
    using folder = temporaryFolder();
    const time = new MachineTime();
    const first = await time.open(folder.path('entries'));
    await first.set('key', 1, { ttl: HOUR_MS });
    await first.close();
    act(time);
    await using second = await time.open(folder.path('entries'));
    return second.getWithMeta('key').ttlMs;
  }

  test('within one boot the wall clock does not matter', async () => {
    const ttlMs = await ttlAfter((time) => {
      time.advance(1_000);
      time.setWallClock(-24 * HOUR_MS);
      time.restartProgram();
    });
    expect(ttlMs).toBe(HOUR_MS - 1_000);
  });

  test('over a reboot the wall clock tells', async () => {
    const ttlMs = await ttlAfter((time) => {
      time.advance(2_000);
      time.restartMachine();
      time.advance(1_000);
    });
    expect(ttlMs).toBe(HOUR_MS - 3_000);
  });

  test('it is never below 0: a wall clock that was set back adds no time', async () => {
    const ttlMs = await ttlAfter((time) => {
      time.setWallClock(-24 * HOUR_MS);
      time.restartMachine();
    });
    expect(ttlMs).toBe(HOUR_MS);
  });

  test('adds up over several restarts', async () => {
    using folder = temporaryFolder();
    const time = new MachineTime();
    let engine = await time.open(folder.path('entries'));
    await engine.set('key', 1, { ttl: HOUR_MS });
    for (let round = 1; round <= 5; round++) {
      time.advance(10_000);
      await engine.close();
      time.advance(50_000);
      time.restartProgram(round * 777);
      engine = await time.open(folder.path('entries'));
      expect(engine.getWithMeta('key')).toMatchObject({
        ttlMs: HOUR_MS - round * 60_000,
        ageMs: round * 60_000,
      });
    }
    time.advance(HOUR_MS - 5 * 60_000);
    expect(engine.get('key')).toBeUndefined();
    await engine.close();
  });
});

test('what was cleared, deleted or expired does not come back; namespaces go on', async () => {
  using folder = temporaryFolder();
  const path = folder.path('entries');
  const time = new MachineTime();
  const first = await time.open(path);
  const space = first.namespace('cleared');
  await space.set('a', 1);
  await space.clear();
  await space.set('b', 2);
  await first.set('deleted', 1);
  await first.delete('deleted');
  await first.set('short', 1, { ttl: 10 });
  await first.set('kept', 1);
  await first.close();
  time.advance(10);
  const second = await time.open(path);
  expect(second.namespace('cleared').get('a')).toBeUndefined();
  expect(second.namespace('cleared').get('b')).toBe(2);
  expect(['deleted', 'short', 'kept'].map((key) => second.has(key))).toEqual([false, false, true]);
  await second.namespace('cleared').clear();
  expect(second.namespace('cleared').has('b')).toBe(false);
  await second.close();
  await using third = await time.open(path);
  expect(third.namespace('cleared').has('b')).toBe(false);
  expect(third.get('kept')).toBe(1);
});

test('versions go on growing, so what was read before a restart is never taken for the same', async () => {
  using folder = temporaryFolder();
  const time = new MachineTime();
  const first = await time.open(folder.path('entries'));
  for (let round = 0; round < 50; round++) await first.set('key', round);
  const { version } = first.getWithMeta('key');
  await first.close();
  await using second = await time.open(folder.path('entries'));
  await second.set('key', 50);
  expect(second.getWithMeta('key').version).toBeGreaterThan(version);
  expect(await second.setIf('key', 'lost', { version })).toBe(false);
  expect(await second.increment('key')).toBe(51);
});

describe.each([0, 1, 2])('with %d workers', (workers) => {
  const memory = '64mb';

  test('a full engine comes back whole, and serves on', async () => {
    using folder = temporaryFolder();
    const persistence = { kind: 'file', path: folder.path('entries') } as const;
    const options = { memory: '16mb', shards: 2, workers, persistence } as const;
    const first = await createEngine(options);
    for (let index = 0; first.stats().evictions < 100; index++) {
      await first.set(`key ${index}`, Buffer.alloc(100 + 37 * (index % 60), `${index} `));
    }
    const { items } = first.stats();
    await first.close();
    await using second = await createEngine(options);
    expect(second.loaded).toMatchObject({ state: 'fresh', entries: items, dropped: 0 });
    expect(second.stats()).toMatchObject({ items, evictions: 0 });
    expect(verifyEngine(second)).toEqual([]);
    for (let index = 0; index < 500; index++) await second.set(`new ${index}`, index);
    expect(second.get('new 499')).toBe(499);
    expect(verifyEngine(second)).toEqual([]);
  });

  test.each([
    ['more memory', { memory: '128mb', shards: 8 }],
    ['less memory', { memory: '16mb', shards: 2 }],
    ['more shards', { memory, shards: 8 }],
    ['smaller pages', { memory: '32mb', shards: 8 }],
  ])('another geometry: %s', async (_, geometry) => {
    using folder = temporaryFolder();
    const persistence = { kind: 'file', path: folder.path('entries') } as const;
    const first = await createEngine({ memory, shards: 2, workers, persistence });
    const values = new Map<string, Buffer>();
    for (let index = 0; index < 1_500; index++) {
      const bytes = index % 100 === 0 ? 60_000 + index : (index * 97) % 20_000;
      values.set(`key ${index}`, Buffer.alloc(bytes, `${index} `));
    }
    for (const [key, bytes] of values) await first.namespace('n').set(key, bytes);
    await first.close();
    await using second = await createEngine({ ...geometry, workers, persistence });
    expect(verifyEngine(second)).toEqual([]);
    const loaded = second.loaded;
    expect((loaded?.entries ?? 0) + (loaded?.dropped ?? 0)).toBe(values.size);
    let found = 0;
    for (const [key, bytes] of values) {
      const stored = second.namespace('n').getBytes(key);
      if (stored === undefined) continue;
      found += 1;
      expect(Buffer.compare(stored, bytes)).toBe(0);
    }
    // Threads that attach need pages for their rings.
    expect(found).toBe((loaded?.entries ?? 0) - second.stats().evictions);
    if (geometry.memory !== '16mb' && geometry.memory !== '32mb') expect(found).toBe(values.size);
  });
});

test.each([
  ['lfu', 'lfu'],
  ['s3fifo', 's3fifo'],
  ['lru', 'lfu'],
  ['lfu', 's3fifo'],
] as const)('whatever evicts, before %s and after %s: entries come back', async (before, after) => {
  using folder = temporaryFolder();
  const persistence = { kind: 'file', path: folder.path('entries') } as const;
  const options = { memory: '16mb', shards: 2, workers: 0, persistence } as const;
  const first = await createEngine({ ...options, eviction: { kind: before } });
  for (let index = 0; first.stats().evictions < 200; index++) {
    await first.set(`key ${index}`, Buffer.alloc(100 + 37 * (index % 60), `${index} `));
    first.get(`key ${index >> 1}`);
  }
  const { items } = first.stats();
  await first.close();
  await using second = await createEngine({ ...options, eviction: { kind: after } });
  const { entries = 0, dropped = 0 } = second.loaded ?? {};
  expect(entries + dropped).toBe(items);
  if (before === after) expect(dropped).toBe(0);
  expect(verifyEngine(second)).toEqual([]);
  for (let index = 0; index < 2_000; index++) await second.set(`new ${index}`, Buffer.alloc(500));
  expect(verifyEngine(second)).toEqual([]);
});

test('what was used last stays longest, over a restart too', async () => {
  using folder = temporaryFolder();
  const time = new MachineTime();
  const path = folder.path('entries');
  const options = { maxEntries: 1_000 };
  const first = await time.open(path, options);
  for (let index = 0; index < 1_000; index++) await first.set(`key ${index}`, index);
  for (let index = 0; index < 1_000; index += 2) first.get(`key ${index}`);
  await first.close();
  await using second = await time.open(path, options);
  for (let index = 0; index < 500; index++) await second.set(`new ${index}`, index);
  for (let index = 0; index < 1_000; index++) {
    expect([index, second.has(`key ${index}`)]).toEqual([index, index % 2 === 0]);
  }
});

test('a checkpoint says what it wrote; an empty engine has a small file', async () => {
  using folder = temporaryFolder();
  const path = folder.path('entries');
  await using engine = await createEngine({
    memory: '8mb',
    workers: 0,
    persistence: { kind: 'file', path },
  });
  const empty = await engine.checkpoint();
  expect(empty).toMatchObject({ entries: 0, bytes: statSync(path).size });
  expect(empty.bytes).toBeLessThan(10_000);
  for (let index = 0; index < 100; index++) await engine.set(`key ${index}`, 'x'.repeat(1_000));
  const full = await engine.checkpoint();
  expect(full).toMatchObject({ entries: 100, bytes: statSync(path).size });
  expect(full.bytes).toBeLessThan(400_000);
  expect(full.durationMs).toBeGreaterThan(0);
});
