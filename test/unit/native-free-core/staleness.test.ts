/** Stale items as the core's reader and its commands see them. */
import { expect, test } from 'vitest';
import {
  FLAG_ONLY_ABSENT,
  FLAG_ONLY_PRESENT,
  FLAG_RETURN_OLD,
  SCAN_EXPIRE,
  THREAD_HITS,
  THREAD_MISSES,
} from '../../../native-free-core/assembly/layout.js';
import {
  STATUS_MISS,
  STATUS_OK,
  STATUS_REFUSED,
  STATUS_STALE,
} from '../../../native-free-core/status.js';
import { CoreArena } from '../../support/core-arena.js';
import { type CoreThread, READ_ALL } from '../../support/core-thread.js';
import { CoreScan } from '../../support/scan-slices.js';

const READ_STALE = 8;

function makeStale(arena: CoreArena, thread: CoreThread, prefix: string): number {
  const scan = new CoreScan(arena, thread, { mode: SCAN_EXPIRE, prefix });
  scan.run();
  return scan.matched;
}

test('a stale item is a miss, and STALE to a read that asks for it', () => {
  const arena = new CoreArena();
  const thread = arena.attach();
  thread.set('key', 'value', { ttlMs: 500 });
  thread.set('large', new Uint8Array(9_000).fill(3));
  const stripe = arena.stripeAddress(0, thread.hashOf('key'));
  const before = arena.view.getUint32(stripe, true);
  expect(makeStale(arena, thread, 'key')).toBe(1);
  // Whoever has looked at the item between two values of the stripe looks again.
  expect(arena.view.getUint32(stripe, true)).toBe(before + 2);
  expect(makeStale(arena, thread, 'key')).toBe(0);
  expect(arena.view.getUint32(stripe, true)).toBe(before + 2);
  expect(makeStale(arena, thread, 'large')).toBe(1);
  expect(thread.read('key')).toBe(STATUS_MISS);
  expect(thread.read('large')).toBe(STATUS_MISS);
  expect(thread.counter(THREAD_MISSES)).toBe(2);
  expect(thread.read('key', 0, READ_ALL | READ_STALE)).toBe(STATUS_STALE);
  expect(Buffer.from(thread.entry().value).toString()).toBe('value');
  expect(thread.entry().expiryMs).toBe(500);
  expect(thread.read('large', 0, READ_ALL | READ_STALE)).toBe(STATUS_STALE);
  expect(thread.entry()).toMatchObject({ pinned: true });
  expect(thread.entry().value[8_999]).toBe(3);
  expect(thread.counter(THREAD_HITS)).toBe(0);
  expect(thread.counter(THREAD_MISSES)).toBe(4);
  arena.clock.advance(500);
  expect(thread.read('key', 0, READ_ALL | READ_STALE)).toBe(STATUS_MISS);
  expect(arena.verify()).toEqual([]);
});

test('conditions, returned values and touches take a stale item for absent', () => {
  const arena = new CoreArena();
  const thread = arena.attach();
  for (const key of ['a', 'b', 'c', 'd', 'e']) thread.set(key, 'old');
  for (const key of ['a', 'b', 'c', 'd', 'e']) makeStale(arena, thread, key);
  expect(thread.set('a', 'new', { flags: FLAG_ONLY_PRESENT }).status).toBe(STATUS_REFUSED);
  expect(thread.set('a', 'new', { flags: FLAG_ONLY_ABSENT }).status).toBe(STATUS_OK);
  expect(thread.text('a')).toBe('new');
  expect(thread.set('b', 'new', { flags: FLAG_RETURN_OLD }).old).toBeUndefined();
  expect(thread.touch('c', 100).status).toBe(STATUS_REFUSED);
  expect(thread.remove('d', { flags: FLAG_RETURN_OLD })).toEqual({
    status: STATUS_OK,
    old: undefined,
  });
  expect(thread.read('d', 0, READ_STALE)).toBe(STATUS_MISS);
  arena.creator.core.clearNamespace(0);
  expect(thread.read('e', 0, READ_STALE)).toBe(STATUS_MISS);
  thread.serve();
  expect(arena.items()).toBe(0);
  expect(arena.verify()).toEqual([]);
});

test('the flag moves with the item to another page', () => {
  const arena = new CoreArena({ limitBytes: 256 * 1_024 });
  const thread = arena.attach();
  const keys: string[] = [];
  for (let i = 0; arena.freePages() > 0; i++) {
    keys.push(`key-${i}`);
    thread.set(`key-${i}`, new Uint8Array(300));
  }
  makeStale(arena, thread, 'key-');
  for (let i = 0; i < 40; i++) thread.set(`other-${i}`, new Uint8Array(900));
  const statuses = new Set(keys.map((key) => thread.read(key, 0, READ_STALE)));
  expect(statuses).toEqual(new Set([STATUS_MISS, STATUS_STALE]));
  expect(arena.verify()).toEqual([]);
});
