/** A shard made anew from page directory and pages alone, as a file gives them back. */
import { describe, expect, it } from 'vitest';
import {
  ITEM_KEY,
  ITEM_KEY_BYTES,
  ITEM_LIVE,
  ITEM_SEQUENCE,
  ITEM_STAMP,
  ITEM_STATE,
  PAGE_INDEX,
  PAGE_OVERFLOW,
  PAGE_SLAB,
  SHARD_RECOVERY_DROPPED,
  SHARD_STAMP,
} from '../../../native-free-core/assembly/layout.js';
import { STATUS_OK } from '../../../native-free-core/status.js';
import { CoreArena, type CoreArenaOptions } from '../../support/core-arena.js';
import { type CoreThread, type Entry, READ_META, READ_VALUE } from '../../support/core-thread.js';
import { createPrng, replayCommand, seedFromEnvironment } from '../../support/prng.js';

const KIB = 1_024;
const READ_QUIETLY = READ_VALUE | READ_META;
const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/unit/native-free-core/rebuild.test.ts');

/** Takes over directory and pages; what belonged to the index is garbage. */
function load(from: CoreArena, to: CoreArena): void {
  const { directoryOffset, pagesOffset, pageBytes, pageCount } = from.plan;
  to.bytes.set(
    from.bytes.subarray(directoryOffset, pagesOffset + pageCount * pageBytes),
    directoryOffset,
  );
  for (let page = 0; page < pageCount; page++) {
    const kind = from.pageKind(page);
    if (kind !== PAGE_INDEX && kind !== PAGE_OVERFLOW) continue;
    to.bytes.fill(0xa5, to.pageAddress(page), to.pageAddress(page) + pageBytes);
  }
  // Namespaces with their epochs.
  const { namespacesOffset, threadsOffset } = from.plan;
  to.bytes.set(from.bytes.subarray(namespacesOffset, threadsOffset), namespacesOffset);
  to.clock.advance(from.clock.nowMs() - to.clock.nowMs());
}

function rebuild(from: CoreArena, options: CoreArenaOptions): { arena: CoreArena; kept: number[] } {
  const arena = new CoreArena(options);
  load(from, arena);
  const { core } = arena.creator;
  const kept: number[] = [];
  for (let shard = 0; shard < arena.plan.shardCount; shard++) {
    kept.push(core.rebuildShard(shard, arena.clock.nowMs()));
  }
  return { arena, kept };
}

/** Entries of all sizes, some with a time to live, overwritten and removed at random. */
function fill(
  arena: CoreArena,
  thread: CoreThread,
  count: number,
  prng = createPrng(seed),
): string[] {
  const keys = Array.from({ length: count }, (_, index) => `key-${index}`);
  for (let round = 0; round < count * 3; round++) {
    const key = prng.pick(keys);
    const choice = prng.nextBelow(10);
    if (choice === 0) thread.remove(key);
    else if (choice < 4) thread.read(key);
    else {
      const bytes = choice === 9 ? 5_000 + prng.nextBelow(6_000) : prng.nextBelow(600);
      const value = new Uint8Array(bytes).fill(prng.nextBelow(256));
      const ttlMs = prng.nextBelow(3) === 0 ? 1_000 + prng.nextBelow(100_000) : Infinity;
      const namespaceId = 0;
      const { status } = thread.set(key, value, { ttlMs, namespaceId, contentType: 'a/b' });
      if (status !== STATUS_OK) throw new Error(`set answered ${status}`);
    }
    arena.clock.advance(prng.nextBelow(3));
  }
  return keys;
}

function entriesOf(thread: CoreThread, keys: readonly string[]): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const key of keys) {
    const entry = thread.get(key, 0, READ_QUIETLY);
    if (typeof entry !== 'number') entries.set(key, entry);
  }
  thread.core.unpin();
  return entries;
}

describe('a shard rebuilt from pages and items', () => {
  it.each([
    ['one shard', { limitBytes: 512 * KIB, shardCount: 1 }],
    ['two shards that evict', { limitBytes: 640 * KIB, shardCount: 2 }],
    ['many entries', { limitBytes: 4_096 * KIB, shardCount: 1 }],
  ])('has every entry as it was, with %s', (_, options) => {
    const from = new CoreArena(options);
    const thread = from.attach();
    const keys = fill(from, thread, options.limitBytes > 1_000 * KIB ? 3_000 : 400);
    const before = entriesOf(thread, keys);
    expect(before.size, replay).toBeGreaterThan(40);
    thread.detach();
    const { arena, kept } = rebuild(from, options);
    expect(arena.verify(), replay).toEqual([]);
    const reader = arena.attach();
    expect(entriesOf(reader, keys), replay).toEqual(before);
    expect(kept).toEqual(kept.map((__, shard) => from.items(shard)));
    // It goes on: writes, evictions and expiry.
    fill(arena, reader, 400, createPrng(seed + 1));
    arena.clock.advance(200_000);
    reader.serve();
    expect(arena.verify(), replay).toEqual([]);
  });

  it('keeps the order of last use', () => {
    const options = { limitBytes: 512 * KIB };
    const from = new CoreArena(options);
    const thread = from.attach();
    for (let i = 0; i < 100; i++) thread.set(`key-${i}`, new Uint8Array(100));
    for (let i = 0; i < 100; i += 3) thread.read(`key-${i}`);
    thread.set('last', new Uint8Array(100));
    thread.detach();
    const { arena } = rebuild(from, options);
    // Lists in the order of stamps are what `verify` checks.
    expect(arena.verify()).toEqual([]);
    expect(arena.shardU32(0, SHARD_STAMP)).toBeGreaterThanOrEqual(from.shardU32(0, SHARD_STAMP));
    const stamps = (of: CoreArena): [string, number][] =>
      liveItems(of).map((item) => [keyOf(of, item), of.view.getUint32(item + ITEM_STAMP, true)]);
    expect(stamps(arena)).toEqual(stamps(from));
  });

  it('of two items with one key keeps the one that was written later', () => {
    const options = { limitBytes: 512 * KIB };
    const from = new CoreArena(options);
    const thread = from.attach();
    for (const later of [false, true]) {
      for (let i = 0; i < 3; i++) thread.set(`other-${i}`, 'value');
      thread.set('twice', 'mine!');
      const item = liveItems(from).find((address) => keyOf(from, address) === 'twice') ?? 0;
      const stride = 80;
      const copy = item + stride;
      expect(from.view.getUint32(copy + ITEM_STATE, true)).toBe(0);
      from.bytes.copyWithin(copy, item, item + stride);
      const sequence = from.view.getUint32(item + ITEM_SEQUENCE, true);
      from.view.setUint32(copy + ITEM_SEQUENCE, sequence + (later ? 1 : -1), true);
      from.bytes.set(new TextEncoder().encode('other'), copy + ITEM_KEY + 5);
      const { arena, kept } = rebuild(from, options);
      expect(arena.verify()).toEqual([]);
      expect(kept).toEqual([4]);
      expect(arena.shardU32(0, SHARD_RECOVERY_DROPPED)).toBe(1);
      expect(arena.attach().text('twice')).toBe(later ? 'other' : 'mine!');
      from.view.setUint32(copy + ITEM_STATE, 0, true);
    }
  });

  it('drops what is no item of this arena', () => {
    const options = { limitBytes: 512 * KIB };
    const from = new CoreArena(options);
    const thread = from.attach();
    for (let i = 0; i < 20; i++) thread.set(`key-${i}`, 'value');
    const damaged = liveItems(from).slice(0, 5);
    for (const item of damaged) from.bytes[item + ITEM_KEY] = 0;
    const { arena, kept } = rebuild(from, options);
    expect(arena.verify()).toEqual([]);
    expect(kept).toEqual([15]);
  });
});

function keyOf(arena: CoreArena, item: number): string {
  const keyBytes = arena.view.getUint16(item + ITEM_KEY_BYTES, true);
  return new TextDecoder().decode(arena.bytes.slice(item + ITEM_KEY, item + ITEM_KEY + keyBytes));
}

/** Live items of slab pages, whose chunks are all of one size here. */
function liveItems(arena: CoreArena): number[] {
  const items: number[] = [];
  for (let page = 0; page < arena.plan.pageCount; page++) {
    if (arena.pageKind(page) !== PAGE_SLAB) continue;
    const start = arena.pageAddress(page);
    for (let at = start; at < start + arena.plan.pageBytes - 80; at += 8) {
      if (arena.view.getUint32(at + ITEM_STATE, true) === ITEM_LIVE) items.push(at);
    }
  }
  return items;
}
