/** An invalidation by tag that a recovery of its shard interrupts between two slices. */
import { expect, test } from 'vitest';
import { OP_EXPIRE_TAGGED, OP_REMOVE_TAGGED } from '../../native-free-core/assembly/layout.js';
import { STATUS_OK } from '../../native-free-core/status.js';
import { CoreArena } from '../support/core-arena.js';
import { sendSlice, setTagged, sliceOf } from '../support/core-tags.js';

const ENTRIES = 1_200;
const MIB = 1_024 * 1_024;

test.each([
  ['removes', OP_REMOVE_TAGGED],
  ['makes stale', OP_EXPIRE_TAGGED],
])('a recovery between two slices leaves none out: it %s every entry', (_, opcode) => {
  const arena = new CoreArena({ limitBytes: 4 * MIB });
  const thread = arena.attach();
  for (let index = 0; index < ENTRIES; index++) {
    setTagged(arena, thread, `key-${index}`, Buffer.alloc(8), ['tag']);
  }
  const slice = sliceOf(['tag']);
  sendSlice(arena, thread, slice, opcode);
  expect(slice.isDone).toBe(false);
  // The lists are built anew in the order of recency, which is another one now.
  for (let index = 0; index < ENTRIES; index += 7) thread.read(`key-${index}`);
  thread.set('other', Buffer.alloc(8));
  const dead = arena.attach();
  arena.hold(0, dead.id, dead.generationOf(dead.id));
  expect(thread.recover(0, dead.id)).toBe(true);
  while (!slice.isDone) sendSlice(arena, thread, slice, opcode);
  const left = Array.from({ length: ENTRIES }, (_, index) => `key-${index}`).filter(
    (key) => thread.read(key) === STATUS_OK,
  );
  expect(left).toEqual([]);
  expect(slice.affected).toBe(ENTRIES);
  expect(arena.verify()).toEqual([]);
});
