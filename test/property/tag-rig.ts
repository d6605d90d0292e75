/**
 * Key spaces of the library over an arena with tiny pages, beside a naive model of their tags:
 * what each key was set with last. Which of the entries are still there is read from the pages.
 */
import {
  PAGE_TAG,
  SHARD_DELETES,
  SHARD_EVICTIONS,
  SHARD_TAGS,
} from '../../native-free-core/assembly/layout.js';
import { codecOf } from '../../src/codec/entry-codec.js';
import { CacheError } from '../../src/index.js';
import { Keyspace } from '../../src/keyspace.js';
import { KeyspaceContext } from '../../src/keyspace-context.js';
import { resolveOptions } from '../../src/options.js';
import { ThreadSession } from '../../src/thread-session.js';
import { CoreArena, type CoreArenaOptions } from '../support/core-arena.js';
import type { CoreThread } from '../support/core-thread.js';
import { type StoredItem, storedItems } from '../support/stored-items.js';

const SERIAL_BYTES = 4;
/** Reads of this test ask for bytes, which no near-cache holds. */
const NEAR_CACHE = resolveOptions(
  { nearCache: { kind: 'off' } },
  { availableParallelism: 1 },
).nearCache;

export interface TagRigOptions extends CoreArenaOptions {
  /** False: the arena is so large that nothing may ever be lost. */
  readonly mayEvict: boolean;
}

export interface TaggedSet {
  readonly space: number;
  readonly key: string;
  readonly extraBytes: number;
  readonly tags: readonly string[];
  readonly ttlMs: number;
  readonly only: 'absent' | 'present' | undefined;
  readonly returnsOld: boolean;
}

interface Known {
  readonly value: Buffer;
  readonly tags: ReadonlySet<string>;
  readonly epoch: number;
  readonly expiryMs: number;
}

function numberedValue(serial: number, extraBytes: number): Buffer {
  const value = Buffer.alloc(SERIAL_BYTES + extraBytes);
  value.writeUInt32LE(serial);
  for (let index = SERIAL_BYTES; index < value.length; index++) value[index] = serial * 31 + index;
  return value;
}

export class TagRig {
  readonly arena: CoreArena;
  readonly worker: CoreThread;
  readonly spaces: readonly Keyspace[];
  readonly context: KeyspaceContext;
  private readonly mayEvict: boolean;
  private readonly known = new Map<string, Known>();
  private readonly epochs = [0, 0];
  private serial = 0;

  constructor(options: TagRigOptions) {
    this.mayEvict = options.mayEvict;
    this.arena = new CoreArena(options);
    this.worker = this.arena.attach();
    for (const name of ['', 'second']) this.worker.registerNamespace(name);
    const session = new ThreadSession(this.arena.instantiate(), {
      nowMs: () => this.arena.clock.nowMs(),
    });
    const never = Number.POSITIVE_INFINITY;
    this.context = new KeyspaceContext(session, true, codecOf('json'), never, NEAR_CACHE);
    this.spaces = [0, 1].map((id) => new Keyspace(this.context, id));
  }

  private space(index: number): Keyspace {
    return this.spaces[index] as Keyspace;
  }

  private isCurrent(item: StoredItem): boolean {
    const isCleared = item.epoch !== this.epochs[item.namespaceId];
    return !isCleared && this.arena.clock.nowMs() < item.expiryMs;
  }

  private knownOf(item: { namespaceId: number; key: string }): Known | undefined {
    return this.known.get(`${item.namespaceId}/${item.key}`);
  }

  async set(command: TaggedSet): Promise<void> {
    this.serial += 1;
    const { space, key, tags, ttlMs, only, returnsOld } = command;
    const next = {
      value: numberedValue(this.serial, command.extraBytes),
      tags: new Set(tags),
      epoch: this.epochs[space] as number,
      expiryMs: this.arena.clock.nowMs() + ttlMs,
    };
    const id = `${space}/${key}`;
    const options = {
      tags,
      ...(only === undefined ? {} : { only }),
      ttl: ttlMs === Number.POSITIVE_INFINITY ? ('never' as const) : ttlMs,
    };
    try {
      const before = this.space(space).getBytes(key);
      if (returnsOld) {
        const old = await this.space(space).getAndSet<Uint8Array>(key, next.value, options);
        const shown = old === undefined ? undefined : Buffer.from(old);
        // Room for the new value may have cost the old one.
        if (shown !== undefined || !this.mayEvict) {
          if (only === undefined) expectEqual('old value', shown, before);
          else if (shown === undefined && before === undefined) return this.noteMaybe(id, next);
        }
        if (only !== undefined) return this.noteMaybe(id, next);
        this.known.set(id, next);
      } else if (await this.space(space).set(key, next.value, options)) {
        this.known.set(id, next);
      }
    } catch (error) {
      const isFull = CacheError.is(error) && error.code === 'ERR_CACHE_OUT_OF_MEMORY';
      if (!isFull || !this.mayEvict) throw error;
    }
  }

  /** A conditional swap does not say whether it stored. */
  private noteMaybe(id: string, next: Known): void {
    const stored = storedItems(this.arena).find((item) => `${item.namespaceId}/${item.key}` === id);
    if (stored !== undefined && this.isStored(stored, next)) this.known.set(id, next);
  }

  /** Whether an item has a known value, by its length and first bytes. */
  private isStored(item: StoredItem, known: Known): boolean {
    const first = known.value.subarray(0, SERIAL_BYTES);
    const stored = this.arena.bytes.slice(item.valueAddress, item.valueAddress + first.length);
    return item.valueBytes === known.value.length && Buffer.compare(stored, first) === 0;
  }

  /** Counts a key up; it keeps its tags, or begins without any. */
  async increment(space: number, key: string): Promise<void> {
    const id = `${space}/${key}`;
    try {
      const present = this.space(space).getBytes(key);
      const sum = await this.space(space).increment(key);
      const before = present === undefined ? 0 : Number(Buffer.from(present).toString());
      expectEqual(`sum of ${id}`, sum, before + 1);
      const value = Buffer.from(String(sum));
      const known = present === undefined ? undefined : this.known.get(id);
      const fresh = {
        tags: new Set<string>(),
        epoch: this.epochs[space] as number,
        expiryMs: Number.POSITIVE_INFINITY,
      };
      this.known.set(id, { ...(known ?? fresh), value });
    } catch (error) {
      const isFull = CacheError.is(error) && error.code === 'ERR_CACHE_OUT_OF_MEMORY';
      if (!isFull || !this.mayEvict) throw error;
    }
  }

  /** Sets a key that is counted with, with tags. */
  async setNumber(space: number, key: string, tags: readonly string[]): Promise<void> {
    const known = {
      value: Buffer.from('7'),
      tags: new Set(tags),
      epoch: this.epochs[space] as number,
      expiryMs: Number.POSITIVE_INFINITY,
    };
    try {
      await this.space(space).set(key, '7', { tags });
      this.known.set(`${space}/${key}`, known);
    } catch (error) {
      const isFull = CacheError.is(error) && error.code === 'ERR_CACHE_OUT_OF_MEMORY';
      if (!isFull || !this.mayEvict) throw error;
    }
  }

  async remove(space: number, key: string): Promise<void> {
    await this.space(space).delete(key);
    this.known.delete(`${space}/${key}`);
  }

  async clear(space: number): Promise<void> {
    await this.space(space).clear();
    this.epochs[space] = (this.epochs[space] ?? 0) + 1;
  }

  /** Live items of the space that are meant, as the pages hold them now. */
  private matching(space: number, isMeant: (tags: ReadonlySet<string>) => boolean): StoredItem[] {
    return storedItems(this.arena).filter((item) => {
      const known = this.knownOf(item);
      return item.namespaceId === space && known !== undefined && isMeant(known.tags);
    });
  }

  async invalidate(space: number, tags: readonly string[], match: 'any' | 'all'): Promise<void> {
    const isMeant = (own: ReadonlySet<string>): boolean =>
      tags.length > 0 &&
      (match === 'any' ? tags.some((tag) => own.has(tag)) : tags.every((tag) => own.has(tag)));
    const meant = this.matching(space, isMeant);
    const expected = meant.filter((item) => this.isCurrent(item)).length;
    const deletes = this.arena.total(SHARD_DELETES);
    const keyspace = this.space(space);
    let count = 0;
    try {
      const [first] = tags;
      const isOne = tags.length === 1 && first !== undefined;
      count = await (isOne
        ? keyspace.invalidateTag(first)
        : keyspace.invalidateTags(tags, { match }));
    } catch (error) {
      // Names that need pages of their own, in an arena that has none.
      if (this.mayEvict && CacheError.is(error) && error.code === 'ERR_CACHE_OUT_OF_MEMORY') return;
      throw error;
    }
    const left = this.matching(space, isMeant);
    for (const [id, { tags: own }] of this.known) {
      if (id.startsWith(`${space}/`) && isMeant(own)) this.known.delete(id);
    }
    if (left.length > 0) throw new Error(`${left.length} entries outlived their tag`);
    // Pages for many long names may have cost entries before the invalidation began.
    const mayBeFewer = this.mayEvict && match === 'all' && tags.length > 2;
    if (mayBeFewer ? count > expected : count !== expected) {
      throw new Error(`${count} entries were invalidated, not ${expected}`);
    }
    expectEqual('deletes', this.arena.total(SHARD_DELETES) - deletes, count);
  }

  async expire(space: number, tag: string): Promise<void> {
    // Upkeep, which comes with every so many commands, removes what is past its time.
    const current = (): StoredItem[] =>
      this.matching(space, (own) => own.has(tag)).filter((item) => this.isCurrent(item));
    const meant = current();
    const fresh = meant.filter((item) => !item.isStale);
    const count = await this.space(space).expireTag(tag);
    if (count !== fresh.length) throw new Error(`${count} made stale, not ${fresh.length}`);
    const left = current();
    if (left.length !== meant.length) throw new Error('a soft invalidation removed entries');
    if (left.some((item) => !item.isStale)) throw new Error('an entry of the tag is still fresh');
  }

  read(space: number, key: string): void {
    const bytes = this.space(space).getBytes(key);
    if (bytes === undefined) return;
    const known = this.known.get(`${space}/${key}`);
    if (known === undefined) throw new Error(`${key} was read, but it was removed`);
    expectEqual(`value of ${key}`, Buffer.from(bytes), known.value);
  }

  serve(): void {
    for (let shard = 0; shard < this.arena.plan.shardCount; shard++) this.worker.serve(shard);
  }

  /** What must hold after every operation. */
  check(): void {
    const findings = this.arena.verify();
    if (findings.length > 0) throw new Error(findings.join('\n'));
    const items = storedItems(this.arena);
    const tags = new Set<string>();
    for (const item of items) {
      const known = this.knownOf(item);
      if (known === undefined || !this.isStored(item, known)) {
        throw new Error(`${item.key} is stored although it was replaced or removed`);
      }
      if (item.isTagged !== known.tags.size > 0) throw new Error(`${item.key} lost its tags`);
      for (const tag of known.tags) tags.add(`${item.shard}/${item.namespaceId}/${tag}`);
    }
    expectEqual('number of tags', this.tagCount, tags.size);
    if (this.mayEvict) return;
    const stored = new Set(items.map((item) => `${item.namespaceId}/${item.key}`));
    for (const [id, { epoch, expiryMs }] of this.known) {
      const isCleared = epoch !== this.epochs[Number(id.slice(0, 1))];
      if (isCleared || expiryMs <= this.arena.clock.nowMs() || stored.has(id)) continue;
      throw new Error(`${id} was lost`);
    }
  }

  /** Sets tagged keys until the arena evicts; their names. */
  async fill(): Promise<string[]> {
    const keys: string[] = [];
    const rest = { space: 0, ttlMs: Number.POSITIVE_INFINITY, only: undefined, returnsOld: false };
    for (let index = 0; this.arena.total(SHARD_EVICTIONS) === 0; index++) {
      const tags = index % 5 === 0 ? [] : [`fill-${index % 7}`, 'filled', `only ${index}`];
      const key = `fill-${index}`;
      await this.set({ ...rest, key, tags, extraBytes: 60 + 150 * (index % 6) });
      keys.push(key);
    }
    return keys;
  }

  get tagCount(): number {
    let count = 0;
    for (let shard = 0; shard < this.arena.plan.shardCount; shard++) {
      count += this.arena.shardU32(shard, SHARD_TAGS);
    }
    return count;
  }

  /** Removes everything; then no memory of tags may be held. */
  async finish(keys: readonly string[]): Promise<void> {
    for (let space = 0; space < this.spaces.length; space++) {
      for (const key of keys) await this.remove(space, key);
    }
    this.serve();
    this.check();
    expectEqual('tags at the end', this.tagCount, 0);
    expectEqual('pages of tags at the end', this.arena.countPages(PAGE_TAG), 0);
  }
}

function expectEqual(what: string, actual: unknown, expected: unknown): void {
  const isSame =
    actual instanceof Uint8Array && expected instanceof Uint8Array
      ? Buffer.compare(actual, expected) === 0
      : actual === expected;
  if (!isSame) throw new Error(`${what}: ${shown(actual)}, not ${shown(expected)}`);
}

function shown(value: unknown): string {
  return value instanceof Uint8Array ? `${value.length} bytes` : String(value);
}
