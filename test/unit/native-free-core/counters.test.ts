import { describe, expect, it } from 'vitest';
import {
  FLAG_ONLY_ABSENT,
  ITEM_HEAD_BYTES,
  SHARD_BYTES_USED,
  SHARD_DELETES,
  SHARD_EVICTIONS,
  SHARD_EXPIRATIONS,
  SHARD_SETS,
  SHARD_SWEPT,
  THREAD_HITS,
  THREAD_INPLACE,
  THREAD_MISSES,
  THREAD_QUEUED,
} from '../../../native-free-core/assembly/layout.js';
import { STATUS_OK, STATUS_REFUSED } from '../../../native-free-core/status.js';
import { CoreArena } from '../../support/core-arena.js';

const KIB = 1_024;

describe('counters', () => {
  it('count what a thread read, by the thread', () => {
    const arena = new CoreArena();
    const [one, other] = [arena.attach(), arena.attach()];
    one.set('key', 'value');
    for (let i = 0; i < 7; i++) one.read('key');
    for (let i = 0; i < 3; i++) one.read('none');
    other.read('key');
    // Without the flag of a touch a read is no access.
    one.read('key', 0, 1);
    one.read('none', 0, 0);
    expect([one.counter(THREAD_HITS), one.counter(THREAD_MISSES)]).toEqual([7, 3]);
    expect([other.counter(THREAD_HITS), other.counter(THREAD_MISSES)]).toEqual([1, 0]);
  });

  it('count what was carried out, by the shard; refused commands are no sets', () => {
    const arena = new CoreArena({ shardCount: 4 });
    const thread = arena.attach();
    for (let i = 0; i < 40; i++) thread.set(`key-${i}`, 'value');
    for (let i = 0; i < 10; i++) thread.set(`key-${i}`, 'again');
    const refused = thread.set('key-1', 'x', { flags: FLAG_ONLY_ABSENT });
    expect(refused.status).toBe(STATUS_REFUSED);
    for (let i = 0; i < 15; i++) thread.remove(`key-${i}`);
    expect(thread.remove('none').status).toBe(STATUS_REFUSED);
    thread.touch('key-20', 1_000);
    expect(arena.total(SHARD_SETS)).toBe(50);
    expect(arena.total(SHARD_DELETES)).toBe(15);
    expect(arena.total(SHARD_EVICTIONS)).toBe(0);
    expect([0, 1, 2, 3].reduce((sum, shard) => sum + arena.items(shard), 0)).toBe(25);
  });

  it('tell evicted, expired and swept entries apart', () => {
    const arena = new CoreArena({ entryCountMax: 10 });
    const thread = arena.attach();
    for (let i = 0; i < 13; i++) thread.set(`key-${i}`, 'x', { ttlMs: i % 2 ? 50 : 1e9 });
    expect(arena.total(SHARD_EVICTIONS)).toBe(3);
    arena.clock.advance(1_000);
    thread.serve();
    expect(arena.total(SHARD_EXPIRATIONS)).toBe(5);
    thread.core.clearNamespace(0);
    thread.serve();
    expect(arena.total(SHARD_SWEPT)).toBe(5);
    expect(arena.items()).toBe(0);
  });

  it('know the bytes in use: nothing when nothing is stored', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    const used = (): number => arena.shardU64(0, SHARD_BYTES_USED);
    expect(used()).toBe(0);
    thread.set('small', new Uint8Array(100));
    expect(used()).toBeGreaterThanOrEqual(ITEM_HEAD_BYTES + 'small'.length + 100);
    expect(used()).toBeLessThan(300);
    thread.set('large', new Uint8Array(9_000));
    expect(used()).toBeGreaterThan(3 * 4 * KIB);
    thread.remove('small');
    expect(used()).toBe(3 * 4 * KIB);
    thread.remove('large');
    expect(used()).toBe(0);
  });

  it('tell commands in place from queued ones', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    arena.setHome(0, thread.id);
    for (let i = 0; i < 4; i++) expect(thread.set('key', 'x').status).toBe(STATUS_OK);
    thread.set('key', 'y', { inPlace: false });
    expect(thread.counter(THREAD_INPLACE)).toBe(4);
    expect(thread.counter(THREAD_QUEUED)).toBe(1);
  });
});
