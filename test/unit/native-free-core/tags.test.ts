import { describe, expect, it } from 'vitest';
import {
  OP_EXPIRE_TAGGED,
  PAGE_TAG,
  SHARD_TAG_CHAINS,
  SHARD_TAG_SEGMENTS,
  SHARD_TAGS,
} from '../../../native-free-core/assembly/layout.js';
import { STATUS_OK, STATUS_OUT_OF_MEMORY } from '../../../native-free-core/status.js';
import { CoreArena } from '../../support/core-arena.js';
import { invalidateTagged, sendSlice, setTagged, sliceOf } from '../../support/core-tags.js';
import type { CoreThread } from '../../support/core-thread.js';
import { storedItems } from '../../support/stored-items.js';

const MIB = 1_048_576;
const VALUE = new Uint8Array(20);

function rig(limitBytes = MIB): { arena: CoreArena; thread: CoreThread } {
  const arena = new CoreArena({ limitBytes });
  return { arena, thread: arena.attach() };
}

function expectNoTags(arena: CoreArena): void {
  expect(arena.verify()).toEqual([]);
  expect(arena.shardU32(0, SHARD_TAGS)).toBe(0);
  expect(arena.countPages(PAGE_TAG)).toBe(0);
}

describe('the table of tags', () => {
  it('grows with the number of tags, over several pages, and goes with the last', () => {
    const { arena, thread } = rig(8 * MIB);
    const count = 3_000;
    for (let i = 0; i < count; i++) {
      const { status } = setTagged(arena, thread, `key ${i}`, VALUE, [`tag ${i}`, 'all']);
      expect(status).toBe(STATUS_OK);
    }
    expect(arena.verify()).toEqual([]);
    expect(arena.shardU32(0, SHARD_TAGS)).toBe(count + 1);
    expect(arena.shardU32(0, SHARD_TAG_CHAINS)).toBe(count + 1);
    expect(arena.shardU32(0, SHARD_TAG_SEGMENTS + 4)).not.toBe(0);
    for (let i = 0; i < count; i += 7) {
      expect(invalidateTagged(arena, thread, [`tag ${i}`])).toBe(1);
      expect(invalidateTagged(arena, thread, [`tag ${i}`])).toBe(0);
    }
    expect(arena.verify()).toEqual([]);
    expect(invalidateTagged(arena, thread, ['all'])).toBe(count - Math.ceil(count / 7));
    expectNoTags(arena);
  });

  it('tells names apart that differ in one byte, of every length', () => {
    const { arena, thread } = rig();
    const names = Array.from({ length: 256 }, (_, i) => 'n'.repeat(i + 1));
    for (const [i, name] of names.entries()) {
      expect(setTagged(arena, thread, `key ${i}`, VALUE, [name]).status).toBe(STATUS_OK);
    }
    expect(arena.verify()).toEqual([]);
    for (const name of names) {
      expect(invalidateTagged(arena, thread, [`${name.slice(1)}m`])).toBe(0);
      expect(invalidateTagged(arena, thread, [name])).toBe(1);
    }
    expectNoTags(arena);
  });
});

describe('a set without memory for its tags', () => {
  it('stores nothing, and gives back what it had taken', () => {
    const { arena, thread } = rig(256 * 1_024);
    expect(thread.set('plain', VALUE).status).toBe(STATUS_OK);
    // Pages that a caller fills are nobody's to take.
    const staged = thread.stage(0, arena.freePages() * arena.plan.pageBytes);
    expect(staged).toBeGreaterThan(0);
    expect(arena.freePages()).toBe(0);
    const refused = setTagged(arena, thread, 'tagged', VALUE, ['a']);
    expect(refused.status).toBe(STATUS_OUT_OF_MEMORY);
    expect(thread.text('tagged')).toBeLessThan(0);
    expectNoTags(arena);
    thread.releasePages(0, staged);
    expect(setTagged(arena, thread, 'tagged', VALUE, ['a']).status).toBe(STATUS_OK);
    expect(invalidateTagged(arena, thread, ['a'])).toBe(1);
    expectNoTags(arena);
  });

  it('gives back the tags that it had made before', () => {
    const { arena, thread } = rig(256 * 1_024);
    expect(setTagged(arena, thread, 'first', VALUE, ['a', 'b']).status).toBe(STATUS_OK);
    const staged = thread.stage(0, arena.freePages() * arena.plan.pageBytes);
    expect(staged).toBeGreaterThan(0);
    // Its item lies in the page of the other, which is evicted in vain; the short name finds room
    // beside the other's, the long one needs a page.
    const tags = ['new', 'long'.padEnd(200, '.')];
    const { status } = setTagged(arena, thread, 'second', VALUE, tags);
    expect(status).toBe(STATUS_OUT_OF_MEMORY);
    expect(arena.items()).toBe(0);
    expectNoTags(arena);
    thread.releasePages(0, staged);
    expect(setTagged(arena, thread, 'second', VALUE, tags).status).toBe(STATUS_OK);
    expect(arena.verify()).toEqual([]);
    thread.remove('second');
    expectNoTags(arena);
  });
});

describe('slices of an invalidation', () => {
  const count = 400;

  function crowd(): { arena: CoreArena; thread: CoreThread } {
    const made = rig(4 * MIB);
    for (let i = 0; i < count; i++) {
      setTagged(made.arena, made.thread, `key ${i}`, VALUE, ['t', `half ${i % 2}`]);
    }
    return made;
  }

  it('go on where the last one stopped, and spare what came meanwhile', () => {
    const { arena, thread } = crowd();
    const slice = sliceOf(['t']);
    let slices = 0;
    for (; !slice.isDone; slices++) {
      sendSlice(arena, thread, slice);
      expect(slice.affected).toBeLessThanOrEqual(64 * (slices + 1));
      setTagged(arena, thread, `later ${slices}`, VALUE, ['t']);
      expect(arena.verify()).toEqual([]);
    }
    expect(slices).toBeGreaterThan(5);
    expect(slice.affected).toBe(count);
    expect(arena.items()).toBe(slices);
    expect(invalidateTagged(arena, thread, ['t'])).toBe(slices);
    expectNoTags(arena);
  });

  it.each([['t'], ['t', 'half 1']])(
    'of %s find their way when their place is removed',
    (...tags) => {
      const { arena, thread } = crowd();
      const slice = sliceOf(tags);
      let removed = 0;
      while (!slice.isDone) {
        sendSlice(arena, thread, slice);
        // The next member is the youngest that is left, or, behind members that stay, unknown: so
        // some from both ends go.
        const left = storedItems(arena);
        for (const { key } of [left.at(0), left.at(-1), left.at(left.length >> 1)].filter(
          (i) => !!i,
        )) {
          const isMeant = tags.length === 1 || Number(key.slice(4)) % 2 === 1;
          if (thread.remove(key).status === STATUS_OK && isMeant) removed += 1;
        }
      }
      const all = tags.length === 1 ? count : count / 2;
      expect(slice.affected + removed).toBe(all);
      expect(arena.verify()).toEqual([]);
      expect(invalidateTagged(arena, thread, tags)).toBe(0);
    },
  );

  it('mark stale without end or repetition', () => {
    const { arena, thread } = crowd();
    const slice = sliceOf(['half 0']);
    let slices = 0;
    for (; !slice.isDone; slices++) {
      sendSlice(arena, thread, slice, OP_EXPIRE_TAGGED);
      setTagged(arena, thread, `later ${slices}`, VALUE, ['half 0']);
    }
    expect(slice.affected).toBe(count / 2);
    expect(storedItems(arena).filter((item) => item.isStale)).toHaveLength(count / 2);
    expect(invalidateTagged(arena, thread, ['half 0'], OP_EXPIRE_TAGGED)).toBe(slices);
    expect(arena.verify()).toEqual([]);
  });
});
