/**
 * Copies are never older than shared memory. Accesses to one engine, each with copies of its own,
 * stand beside a plain map: every read of any of them answers what the map holds, whichever of
 * them wrote, and whatever kind of read came before.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attachEngine, createEngine, type Engine, type EngineOptions } from '../../src/index.js';
import type { Keyspace } from '../../src/keyspace.js';
import { FakeClock } from '../support/fake-clock.js';
import { seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';

const KEYS = ['a', 'b', 'c', 'dd', 'eee'];
const seed = seedFromEnvironment();

type Value = string | number | object | Uint8Array;

interface Kept {
  readonly value: Value;
  expiryMs: number;
}

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.string({ maxLength: 12, unit: 'grapheme' }),
  fc.integer(),
  fc.record({ n: fc.integer(), list: fc.array(fc.integer(), { maxLength: 3 }) }),
  fc.uint8Array({ minLength: 1, maxLength: 20 }),
  // Larger than what is copied: never kept.
  fc.constant('x'.repeat(40_000)),
);
const place = { by: fc.nat(1), space: fc.nat(1), key: fc.constantFrom(...KEYS) };
const read = fc.record({
  kind: fc.constantFrom('get', 'bytes', 'view', 'into', 'has', 'meta'),
  ...place,
});
const write = fc.record({
  kind: fc.constantFrom('set', 'set', 'delete', 'touch', 'persist', 'clear'),
  ...place,
  value,
  ttlMs: fc.constantFrom(3, 60),
});
const wait = fc.record({ kind: fc.constant('wait'), stepMs: fc.constantFrom(1, 10, 200, 4e6) });

interface Step {
  readonly kind: string;
  readonly by?: number;
  readonly space?: number;
  readonly key?: string;
  readonly value?: Value;
  readonly ttlMs?: number;
  readonly stepMs?: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof({ weight: 8, arbitrary: read }, { weight: 3, arbitrary: write }, wait),
  { minLength: 10, maxLength: 120 },
);

function bytesOf(stored: Value): Buffer {
  if (stored instanceof Uint8Array) return Buffer.from(stored);
  return Buffer.from(typeof stored === 'string' ? stored : JSON.stringify(stored));
}

class Rig {
  readonly #model = new Map<string, Kept>();
  readonly #spaces: readonly (readonly Keyspace[])[];
  readonly #clock: FakeClock | undefined;

  constructor(engines: readonly Engine[], clock: FakeClock | undefined) {
    this.#spaces = engines.map((engine) => [engine, engine.namespace('other')]);
    this.#clock = clock;
  }

  async run(step: Step): Promise<void> {
    if (step.kind === 'wait') {
      this.#clock?.advance(step.stepMs ?? 0);
      return;
    }
    const { by = 0, space = 0, key = '' } = step;
    const keyspace = this.#spaces[by % this.#spaces.length]?.[space] as Keyspace;
    const stored = this.#stored(space, key);
    if (!(await this.#write(step, keyspace, stored))) this.#read(step.kind, keyspace, key, stored);
  }

  #stored(space: number, key: string): Kept | undefined {
    const kept = this.#model.get(`${space}:${key}`);
    if (kept === undefined || this.#nowMs() >= kept.expiryMs) return undefined;
    return kept;
  }

  #nowMs(): number {
    return this.#clock?.nowMs() ?? 0;
  }

  async #write(step: Step, keyspace: Keyspace, stored: Kept | undefined): Promise<boolean> {
    const { space = 0, key = '', ttlMs = 0 } = step;
    const expiryMs = this.#clock === undefined ? Number.POSITIVE_INFINITY : this.#nowMs() + ttlMs;
    const ttl = this.#clock === undefined ? 'never' : ttlMs;
    switch (step.kind) {
      case 'set':
        await keyspace.set(key, step.value, { ttl });
        this.#model.set(`${space}:${key}`, { value: step.value as Value, expiryMs });
        return true;
      case 'delete':
        expect(await keyspace.delete(key)).toBe(stored !== undefined);
        this.#model.delete(`${space}:${key}`);
        return true;
      case 'touch':
        expect(await keyspace.touch(key, ttl)).toBe(stored !== undefined);
        if (stored !== undefined) stored.expiryMs = expiryMs;
        return true;
      case 'persist':
        expect(await keyspace.persist(key)).toBe(stored !== undefined);
        if (stored !== undefined) stored.expiryMs = Number.POSITIVE_INFINITY;
        return true;
      case 'clear':
        await keyspace.clear();
        for (const name of this.#model.keys()) {
          if (name.startsWith(`${space}:`)) this.#model.delete(name);
        }
        return true;
      default:
        return false;
    }
  }

  #read(kind: string, keyspace: Keyspace, key: string, stored: Kept | undefined): void {
    const bytes = stored === undefined ? undefined : bytesOf(stored.value);
    switch (kind) {
      case 'get': {
        const found = keyspace.get(key);
        const isBytes = stored?.value instanceof Uint8Array;
        expect(isBytes ? Buffer.from(found as Uint8Array) : found).toEqual(
          isBytes ? bytes : stored?.value,
        );
        return;
      }
      case 'bytes': {
        const found = keyspace.getBytes(key);
        expect(found === undefined ? undefined : Buffer.from(found)).toEqual(bytes);
        return;
      }
      case 'view': {
        const view = keyspace.getView(key);
        expect(view?.sizeBytes).toBe(bytes?.byteLength);
        expect(view === undefined ? undefined : Buffer.concat([...view.chunks])).toEqual(bytes);
        expect(view === undefined ? undefined : Buffer.from(view.bytes)).toEqual(bytes);
        break;
      }
      case 'into': {
        const target = Buffer.alloc(50_000);
        const readBytes = keyspace.readInto(key, target);
        expect(readBytes).toBe(bytes?.byteLength ?? -1);
        if (bytes !== undefined) expect(target.subarray(0, readBytes)).toEqual(bytes);
        break;
      }
      case 'meta':
        expect(keyspace.getWithMeta(key).state).toBe(stored === undefined ? 'miss' : 'hit');
        break;
      default:
        expect(keyspace.has(key)).toBe(stored !== undefined);
        break;
    }
    expect(keyspace.readState()).toBe(stored === undefined ? 'miss' : 'hit');
  }
}

async function runSteps(
  options: EngineOptions,
  clock: FakeClock | undefined,
  given: readonly Step[],
): Promise<void> {
  const engine = await createEngine({ memory: '8mb', ...options });
  const engines = clock === undefined ? [engine, attachEngine(engine.handle())] : [engine];
  try {
    const rig = new Rig(engines, clock);
    for (const step of given) await rig.run(step);
    for (const one of engines) expect(one.stats().busyReads).toBe(0);
  } finally {
    for (const one of engines.reverse()) await one.close();
  }
}

test.each<readonly [string, EngineOptions, number]>([
  ['without a home worker', { workers: 0 }, 60],
  ['with a home worker', { workers: 1 }, 25],
  ['through rings', { workers: 1, writes: { kind: 'ring' } }, 15],
  ['with room for two copies', { workers: 0, nearCache: { maxEntries: 2 } }, 40],
  ['with frozen values', { workers: 0, nearCache: { frozen: true } }, 20],
  ['without copies', { workers: 0, nearCache: { kind: 'off' } }, 10],
])(
  'two accesses agree with a map at every read, %s',
  async (_, options, runs) => {
    await fc.assert(
      fc.asyncProperty(steps, (given) => runSteps(options, undefined, given)),
      { seed, numRuns: scaled(runs) },
    );
  },
  120_000,
);

test('copies end with their entries, by a clock that the test moves', async () => {
  await fc.assert(
    fc.asyncProperty(steps, (given) => {
      const clock = new FakeClock();
      return runSteps({ workers: 0, clock }, clock, given);
    }),
    { seed, numRuns: scaled(60) },
  );
}, 120_000);
