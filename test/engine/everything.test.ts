/**
 * All features over the same few keys, beside a naive model: what each does to the others' entries,
 * copies, tags, leases and versions, through cut-offs, checkpoints and restarts.
 */
import { expect, test } from 'vitest';
import { createEngine, type Engine, type EngineOptions } from '../../src/index.js';
import { holdShard, openStripes, ownerMark, verifyEngine } from '../support/held-shards.js';
import { createPrng, type Prng, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const OPERATIONS = 800;
const SHARDS = 2;
const KINDS = ['lru', 'lfu', 's3fifo'] as const;

interface Known {
  readonly value: unknown;
  readonly tags: readonly string[];
  isStale: boolean;
}

/** Bytes as a text of their own kind: compared at once, not number by number. */
function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? ['bytes', Buffer.from(value).toString('latin1')] : value;
}

class Everything {
  readonly random: Prng;
  readonly options: EngineOptions;
  engine: Engine;
  readonly known = new Map<string, Known>();
  step = 0;

  constructor(engine: Engine, options: EngineOptions, random: Prng) {
    this.engine = engine;
    this.options = options;
    this.random = random;
  }

  private pick(below: number): number {
    return this.random.nextBelow(below);
  }

  private key(): string {
    return `${'abc'[this.pick(3)]}${this.pick(60)}`;
  }

  private value(): unknown {
    const size = this.pick(200);
    const values = [
      () => `[${size}]`,
      () => Buffer.from(`[${size}]`),
      () => ({ size, list: [size] }),
      () => 'é'.repeat(size * 100),
      () => Buffer.alloc(70_000 + size, size),
    ];
    return values[this.pick(values.length)]?.();
  }

  /** Takes away what a bulk operation is for; how many there were. */
  private take(isMeant: (key: string, known: Known) => boolean): number {
    const meant = [...this.known].filter(([key, known]) => isMeant(key, known));
    for (const [key] of meant) this.known.delete(key);
    return meant.length;
  }

  private expire(isMeant: (key: string, known: Known) => boolean): number {
    const meant = [...this.known].filter(([key, known]) => !known.isStale && isMeant(key, known));
    for (const [, known] of meant) known.isStale = true;
    return meant.length;
  }

  private freshValue(key: string): unknown {
    const known = this.known.get(key);
    return known === undefined || known.isStale ? undefined : known.value;
  }

  private learn(key: string, value: unknown, tags: readonly string[] = []): void {
    this.known.set(key, { value, tags, isStale: false });
  }

  check(key: string): void {
    const known = this.known.get(key);
    const where = `step ${this.step}, ${key}`;
    expect(plain(this.engine.get(key)), where).toEqual(plain(this.freshValue(key)));
    if (this.pick(3) !== 0) return;
    const state = known === undefined ? 'miss' : known.isStale ? 'stale' : 'hit';
    const meta = this.engine.getWithMeta(key);
    expect([meta.state, plain(meta.value)], where).toEqual([state, plain(known?.value)]);
    expect(this.engine.getBytes(key) === undefined, where).toBe(state !== 'hit');
  }

  private async set(): Promise<void> {
    const key = this.key();
    const value = this.value();
    const tags = [...new Set([`t${this.pick(5)}`, `t${this.pick(5)}`])];
    expect(await this.engine.set(key, value, { tags })).toBe(true);
    this.learn(key, value, tags);
  }

  private async change(): Promise<void> {
    const { engine } = this;
    const key = this.key();
    const before = this.freshValue(key);
    const wasThere = this.known.has(key);
    const value = this.value();
    switch (this.pick(5)) {
      case 0:
        expect(await engine.delete(key)).toBe(wasThere);
        this.known.delete(key);
        break;
      case 1:
        expect(plain(await engine.getAndSet(key, value))).toEqual(plain(before));
        this.learn(key, value);
        break;
      case 2:
        expect(plain(await engine.getAndDelete(key))).toEqual(plain(before));
        this.known.delete(key);
        break;
      case 3:
        expect(await engine.touch(key, '1h')).toBe(before !== undefined);
        break;
      default: {
        const { state, version } = engine.getWithMeta(key);
        if (state === 'stale') break;
        expect(await engine.setIf(key, value, { version })).toBe(true);
        this.learn(key, value);
      }
    }
  }

  private async invalidate(): Promise<void> {
    const { engine } = this;
    const tag = `t${this.pick(5)}`;
    const prefix = `${'abc'[this.pick(3)]}${this.pick(6)}`;
    const hasTag = (_: string, { tags }: Known): boolean => tags.includes(tag);
    const hasPrefix = (key: string): boolean => key.startsWith(prefix);
    switch (this.pick(4)) {
      case 0:
        expect(await engine.invalidateTag(tag)).toBe(this.take(hasTag));
        break;
      case 1:
        expect(await engine.expireTag(tag)).toBe(this.expire(hasTag));
        break;
      case 2:
        expect((await engine.invalidatePrefix(prefix)).deleted).toBe(this.take(hasPrefix));
        break;
      default:
        expect((await engine.expirePrefix(prefix)).expired).toBe(this.expire(hasPrefix));
    }
  }

  private async load(): Promise<void> {
    const key = this.key();
    const before = this.freshValue(key);
    const value = this.value();
    const loaded = await this.engine.getOrLoad(key, () => value, { tags: ['t1'] });
    expect(plain(loaded)).toEqual(plain(before ?? value));
    if (before === undefined) this.learn(key, value, ['t1']);
  }

  private async count(): Promise<void> {
    const sum = ((this.freshValue('number') as number | undefined) ?? 0) + 3;
    expect(await this.engine.increment('number', 3)).toBe(sum);
    this.learn('number', sum);
  }

  /** This thread is cut off in the middle of a write. */
  private async cutOff(): Promise<void> {
    const { engine } = this;
    const handle = engine.handle();
    const own = engine.stats().threads[0]?.threadId ?? 0;
    const shard = this.pick(SHARDS);
    holdShard(handle, shard, ownerMark(handle, own));
    openStripes(handle, shard);
    // A write to each shard finds what is left there.
    for (let index = 0; index < 20; index++) await engine.set(`after ${index}`, 1);
    expect((await engine.invalidatePrefix('after')).deleted).toBe(20);
  }

  private async restart(): Promise<void> {
    await this.engine.close();
    const kind = KINDS[this.pick(KINDS.length)] ?? 'lru';
    this.engine = await createEngine({ ...this.options, eviction: { kind } });
    expect(this.engine.loaded).toMatchObject({ state: 'fresh', entries: this.known.size });
    for (const key of this.known.keys()) this.check(key);
  }

  async run(): Promise<void> {
    for (this.step = 0; this.step < scaled(OPERATIONS); this.step++) {
      const chance = this.pick(100);
      if (chance < 25) await this.set();
      else if (chance < 35) await this.change();
      else if (chance < 40) await this.invalidate();
      else if (chance < 45) await this.load();
      else if (chance < 48) await this.count();
      else if (chance < 49) await this.cutOff();
      else if (chance < 50 && this.pick(5) === 0) await this.restart();
      else if (chance < 51 && this.pick(5) === 0) await this.engine.checkpoint();
      else for (let read = this.pick(4); read >= 0; read--) this.check(this.key());
    }
    for (const key of this.known.keys()) this.check(key);
    expect(verifyEngine(this.engine)).toEqual([]);
  }
}

test.each(KINDS)(
  'whatever is called, entries are what the last call made them: %s',
  async (kind) => {
    using folder = temporaryFolder();
    const options: EngineOptions = {
      ...{ memory: '32mb', shards: SHARDS, workers: 0, eviction: { kind } },
      persistence: { kind: 'file', path: folder.path('entries') },
    };
    const random = createPrng(seedFromEnvironment());
    const everything = new Everything(await createEngine(options), options, random);
    try {
      await everything.run();
    } finally {
      await everything.engine.close();
    }
  },
);
