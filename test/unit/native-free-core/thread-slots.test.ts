import { describe, expect, it } from 'vitest';
import {
  HEADER_ATTACHED,
  PAGE_RING,
  THREAD_RINGS,
} from '../../../native-free-core/assembly/layout.js';
import { STATUS_NO_SLOT, STATUS_OK } from '../../../native-free-core/status.js';
import { CoreArena } from '../../support/core-arena.js';
import type { CoreThread } from '../../support/core-thread.js';

const KIB = 1_024;

function attached(arena: CoreArena): number {
  return arena.view.getUint32(HEADER_ATTACHED, true);
}

function allFreePages(arena: CoreArena): number {
  let free = 0;
  for (let shard = 0; shard < arena.plan.shardCount; shard++) free += arena.freePages(shard);
  return free;
}

describe('thread slots', () => {
  it('are given to as many threads as there are, each with a ring in every shard', () => {
    const arena = new CoreArena({ shardCount: 4, threadSlotCount: 6 });
    const free = allFreePages(arena);
    const threads = Array.from({ length: 6 }, () => arena.attach());
    expect(threads.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(arena.instantiate().core.attachThread(0, 0, 1)).toBe(STATUS_NO_SLOT);
    expect(arena.countPages(PAGE_RING)).toBe(24);
    expect(allFreePages(arena)).toBe(free - 24);
    expect(attached(arena)).toBe(6);
    const rings = threads.flatMap(({ slot }) =>
      [0, 1, 2, 3].map((shard) => arena.view.getUint32(slot + THREAD_RINGS + shard * 4, true)),
    );
    expect(new Set(rings).size).toBe(24);
    expect(arena.verify()).toEqual([]);
  });

  it('and their pages come back when threads leave, in any order', () => {
    const arena = new CoreArena({ shardCount: 2, threadSlotCount: 4 });
    const free = allFreePages(arena);
    const threads = Array.from({ length: 4 }, () => arena.attach());
    for (const id of [2, 0, 3, 1]) expect(threads[id]?.detach()).toBe(true);
    expect(attached(arena)).toBe(0);
    expect(arena.countPages(PAGE_RING)).toBe(0);
    expect(allFreePages(arena)).toBe(free);
    const next = Array.from({ length: 4 }, () => arena.attach());
    expect(next.map(({ id }) => id)).toEqual([0, 1, 2, 3]);
    expect(next[1]?.generationOf(1)).toBe(2);
    expect(arena.verify()).toEqual([]);
  });

  it('keep entries when their threads leave: the next one reads them', () => {
    const arena = new CoreArena();
    const first = arena.attach();
    first.set('small', 'value');
    first.set('large', new Uint8Array(9_000).fill(7));
    first.detach();
    const next = arena.attach();
    expect(next.text('small')).toBe('value');
    const large = next.get('large');
    expect(typeof large === 'number' ? large : large.value.length).toBe(9_000);
    expect(arena.verify()).toEqual([]);
  });

  it('count home workers apart from callers', () => {
    const arena = new CoreArena();
    const worker = arena.attach('core', 0);
    expect(attached(arena)).toBe(0);
    const caller = arena.attach('core', 1);
    expect(attached(arena)).toBe(1);
    worker.detach();
    expect(attached(arena)).toBe(1);
    caller.detach();
    expect(attached(arena)).toBe(0);
  });

  it('are not freed twice, nor for a thread that had the slot before', () => {
    const arena = new CoreArena({ threadSlotCount: 2 });
    const first = arena.attach();
    const stays = arena.attach();
    const old = first.generationOf(first.id);
    first.detach();
    const second = arena.attach();
    expect(second.id).toBe(first.id);
    // Somebody found the first thread dead, and acts on it too late.
    stays.core.detachThread(first.id, old, 0);
    expect(stays.core.recoverShardOf(0, first.id, old)).toBe(0);
    expect(second.set('a', 'b').status).toBe(STATUS_OK);
    expect(attached(arena)).toBe(2);
    expect(arena.countPages(PAGE_RING)).toBe(2);
    expect(arena.verify()).toEqual([]);
  });

  it('give back staged pages that their thread never used', () => {
    const arena = new CoreArena();
    const stays = arena.attach();
    const leaves = arena.attach();
    const free = arena.freePages();
    expect(leaves.stage(0, 20 * KIB)).toBeGreaterThan(0);
    expect(arena.freePages()).toBe(free - 5);
    expect(stays.detach(leaves.id)).toBe(true);
    // Five pages, and the ring of the thread.
    expect(arena.freePages()).toBe(free + 1);
    expect(arena.verify()).toEqual([]);
  });

  it('wait for a shard that is held, and say so when it stays held', () => {
    const arena = new CoreArena({ threadSlotCount: 3 });
    const leaves = arena.attach();
    const stays = arena.attach();
    arena.hold(0);
    expect(leaves.detach(leaves.id, 3)).toBe(false);
    arena.letGo(0);
    expect(leaves.detach()).toBe(true);
    expect(arena.countPages(PAGE_RING)).toBe(1);
    expect(stays.set('a', 'b').status).toBe(STATUS_OK);
    expect(arena.verify()).toEqual([]);
  });

  it('find a page for their rings although memory is full of entries', () => {
    const arena = new CoreArena({ limitBytes: 256 * KIB, threadSlotCount: 4 });
    const first = arena.attach();
    for (let i = 0; arena.freePages() > 0; i++) first.set(`key-${i}`, new Uint8Array(500));
    const others: CoreThread[] = [arena.attach(), arena.attach(), arena.attach()];
    for (const thread of others) expect(thread.set(`of ${thread.id}`, 'x').status).toBe(STATUS_OK);
    expect(arena.verify()).toEqual([]);
  });
});
