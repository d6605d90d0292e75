import { describe, expect, it, vi } from 'vitest';
import {
  SHARD_OWNER,
  THREAD_BUSY_READS,
  THREAD_HITS,
  THREAD_MISSES,
  THREAD_READ_RETRIES,
} from '../../../native-free-core/assembly/layout.js';
import { STATUS_BUSY, STATUS_MISS, STATUS_OK } from '../../../native-free-core/status.js';
import { CoreArena } from '../../support/core-arena.js';
import type { CoreThread } from '../../support/core-thread.js';

const TRIES_MAX = 128;
const WAITS = 20;
const READ_NO_TOUCH = 1;

/** Makes the stripe of a key odd, as in the middle of a write, or even again. */
function turnStripe(arena: CoreArena, thread: CoreThread, key: string): void {
  const address = arena.stripeAddress(0, thread.hashOf(key));
  Atomics.add(arena.words, address / 4, 1);
}

describe('a read whose stripe is being written', () => {
  it('gives up as busy while the shard is held, and is counted as that alone', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    thread.set('key', 'value');
    turnStripe(arena, thread, 'key');
    arena.hold(0);
    const clock = vi.spyOn(arena.clock, 'nowMs');
    expect(thread.read('key')).toBe(STATUS_BUSY);
    // It looks at the clock before each of its twenty waits.
    expect(clock.mock.calls.length).toBeGreaterThanOrEqual(WAITS);
    expect(clock.mock.calls.length).toBeLessThan(2 * WAITS);
    expect(thread.counter(THREAD_BUSY_READS)).toBe(1);
    expect(thread.counter(THREAD_HITS)).toBe(0);
    expect(thread.counter(THREAD_MISSES)).toBe(0);
    expect(thread.counter(THREAD_READ_RETRIES)).toBe(TRIES_MAX - 1);
    expect(thread.read('key', 0, READ_NO_TOUCH)).toBe(STATUS_BUSY);
    expect(thread.counter(THREAD_BUSY_READS)).toBe(1);
    turnStripe(arena, thread, 'key');
    expect(thread.text('key')).toBe('value');
  });

  it('is busy for a key that is not there too: hit or miss is not known', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    turnStripe(arena, thread, 'none');
    arena.hold(0);
    expect(thread.read('none')).toBe(STATUS_BUSY);
    turnStripe(arena, thread, 'none');
    expect(thread.read('none')).toBe(STATUS_MISS);
  });

  it('leaves other stripes alone', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);
    for (const key of keys) thread.set(key, key);
    const [first] = keys as [string, ...string[]];
    turnStripe(arena, thread, first);
    arena.hold(0);
    const odd = arena.stripeAddress(0, thread.hashOf(first));
    let read = 0;
    for (const key of keys) {
      if (arena.stripeAddress(0, thread.hashOf(key)) === odd) continue;
      expect(thread.text(key)).toBe(key);
      read += 1;
    }
    expect(read).toBeGreaterThan(20);
  });

  it('hits and misses of a held shard need nobody while stripes are even', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    thread.set('key', 'value');
    arena.hold(0);
    expect(thread.text('key')).toBe('value');
    expect(thread.read('none')).toBe(STATUS_MISS);
    expect(thread.counter(THREAD_READ_RETRIES)).toBe(0);
    expect(arena.shardU32(0, SHARD_OWNER)).not.toBe(0);
  });

  it('takes a free shard, and gives it back', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    thread.set('key', 'value');
    // Odd although nobody holds the shard: nothing can be read, but nothing is waited for.
    turnStripe(arena, thread, 'key');
    expect(thread.read('key')).toBe(STATUS_BUSY);
    expect(arena.shardU32(0, SHARD_OWNER)).toBe(0);
    expect(thread.set('other', 'works').status).toBe(STATUS_OK);
  });
});
