import { describe, expect, it } from 'vitest';
import {
  RING_TOUCH_HEAD,
  RING_TOUCH_TAIL,
  THREAD_DROPPED_TOUCHES,
  THREAD_RINGS,
} from '../../../native-free-core/assembly/layout.js';
import { STATUS_MISS, STATUS_OK } from '../../../native-free-core/status.js';
import { CoreArena } from '../../support/core-arena.js';
import type { CoreThread } from '../../support/core-thread.js';

const NO_TOUCH = 1;
const RECENT_MS = 100;

function waitingTouches(arena: CoreArena, thread: CoreThread): number {
  const ring = arena.view.getUint32(thread.slot + THREAD_RINGS, true);
  const tail = arena.view.getUint32(ring + RING_TOUCH_TAIL, true);
  return tail - arena.view.getUint32(ring + RING_TOUCH_HEAD, true);
}

/** Keys that are there, read so that nothing is noted. */
function present(thread: CoreThread, keys: readonly string[]): string[] {
  return keys.filter((key) => thread.read(key, 0, NO_TOUCH) === STATUS_OK);
}

describe('touches', () => {
  it('wait in their buffer and take effect with the next write', () => {
    const arena = new CoreArena({ entryCountMax: 3 });
    const thread = arena.attach();
    for (const key of ['a', 'b', 'c']) thread.set(key, key);
    expect(thread.read('a')).toBe(STATUS_OK);
    expect(waitingTouches(arena, thread)).toBe(1);
    expect(thread.read('none')).toBe(STATUS_MISS);
    expect(thread.read('b', 0, NO_TOUCH)).toBe(STATUS_OK);
    expect(waitingTouches(arena, thread)).toBe(1);
    thread.set('d', 'd');
    expect(waitingTouches(arena, thread)).toBe(0);
    expect(present(thread, ['a', 'b', 'c', 'd'])).toEqual(['a', 'c', 'd']);
    expect(arena.verify()).toEqual([]);
  });

  it('are drained by the reader itself when their buffer is full and the shard is free', () => {
    const arena = new CoreArena({ entryCountMax: 3 });
    const thread = arena.attach();
    for (const key of ['a', 'b', 'c']) thread.set(key, key);
    for (let i = 0; i < 1_000; i++) thread.read('a');
    expect(thread.counter(THREAD_DROPPED_TOUCHES)).toBe(0);
    expect(waitingTouches(arena, thread)).toBeLessThan(130);
    thread.set('d', 'd');
    expect(present(thread, ['a', 'b', 'c', 'd'])).toEqual(['a', 'c', 'd']);
  });

  it('are dropped and counted when their buffer is full and the shard is held', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    thread.set('a', 'a');
    arena.hold(0);
    for (let i = 0; i < 500; i++) expect(thread.read('a')).toBe(STATUS_OK);
    const waiting = waitingTouches(arena, thread);
    expect(thread.counter(THREAD_DROPPED_TOUCHES)).toBe(500 - waiting);
    arena.letGo(0);
    thread.read('a');
    expect(thread.counter(THREAD_DROPPED_TOUCHES)).toBe(500 - waiting);
    expect(waitingTouches(arena, thread)).toBe(1);
  });

  it('of entries that are gone or replaced meanwhile change nothing', () => {
    const arena = new CoreArena();
    const [reader, writer] = [arena.attach(), arena.attach()];
    // Only what was not touched lately is noted where there are several threads.
    for (let i = 0; i < 60; i++) writer.set(`key-${i}`, new Uint8Array(i * 100));
    for (let round = 0; round < 3; round++) {
      arena.clock.advance(RECENT_MS + 1);
      writer.serve();
    }
    for (let i = 0; i < 60; i++) reader.read(`key-${i}`);
    const noted = waitingTouches(arena, reader);
    expect(noted).toBeGreaterThan(30);
    for (let i = 0; i < 60; i += 2) writer.remove(`key-${i}`);
    for (let i = 1; i < 60; i += 4) writer.set(`key-${i}`, new Uint8Array(60 * 100 - i * 100));
    for (let i = 0; i < 30; i++) writer.set(`new-${i}`, new Uint8Array(i * 50));
    reader.set('drains', 'x');
    expect(waitingTouches(arena, reader)).toBe(0);
    expect(arena.verify()).toEqual([]);
  });

  it('of an entry whose memory is another’s by now do not count for that one', () => {
    const arena = new CoreArena({ entryCountMax: 2 });
    const [reader, writer] = [arena.attach(), arena.attach()];
    writer.set('a', 'x');
    for (let round = 0; round < 3; round++) {
      arena.clock.advance(RECENT_MS + 1);
      writer.serve();
    }
    reader.read('a');
    expect(waitingTouches(arena, reader)).toBe(1);
    writer.remove('a');
    // It takes the place of the one that was touched.
    writer.set('b', 'x');
    writer.set('c', 'x');
    reader.set('d', 'x');
    expect(waitingTouches(arena, reader)).toBe(0);
    expect(present(reader, ['a', 'b', 'c', 'd'])).toEqual(['c', 'd']);
  });

  it('of several threads are noted once in a while for each entry', () => {
    const arena = new CoreArena({ entryCountMax: 3 });
    const [reader, writer] = [arena.attach(), arena.attach()];
    for (const key of ['a', 'b', 'c']) writer.set(key, key);
    // All three are fresh: none is noted.
    for (let i = 0; i < 10; i++) reader.read('a');
    expect(waitingTouches(arena, reader)).toBe(0);
    for (let round = 0; round < 3; round++) {
      arena.clock.advance(RECENT_MS + 1);
      writer.serve();
    }
    reader.read('a');
    expect(waitingTouches(arena, reader)).toBe(1);
    reader.set('b', 'again');
    reader.read('a');
    reader.read('a');
    expect(waitingTouches(arena, reader)).toBe(0);
    reader.set('d', 'd');
    expect(present(reader, ['a', 'b', 'c', 'd'])).toEqual(['a', 'b', 'd']);
    expect(arena.verify()).toEqual([]);
  });
});
