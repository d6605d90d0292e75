import { describe, expect, it } from 'vitest';
import {
  HEADER_NAMESPACE_COUNT,
  NAMESPACE_MAX,
  SHARD_SWEPT,
} from '../../../native-free-core/assembly/layout.js';
import {
  STATUS_MISS,
  STATUS_OK,
  STATUS_REFUSED,
  STATUS_TOO_MANY_NAMESPACES,
} from '../../../native-free-core/status.js';
import { CoreArena } from '../../support/core-arena.js';

const KIB = 1_024;

describe('the namespace registry', () => {
  it('knows the key space without a name as number 0', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    expect(thread.registerNamespace('')).toBe(0);
    expect(thread.registerNamespace('first')).toBe(1);
  });

  it('gives one name one number in every instance, and each name its own', () => {
    const arena = new CoreArena();
    const [one, other] = [arena.attach(), arena.attach()];
    const names = ['users', 'user', 'users2', 'ünï', 'x'.repeat(128), 'y'.repeat(128)];
    const ids = names.map((name) => one.registerNamespace(name));
    expect(new Set(ids).size).toBe(names.length);
    expect(names.map((name) => other.registerNamespace(name))).toEqual(ids);
    expect([...names].reverse().map((name) => one.registerNamespace(name))).toEqual(
      [...ids].reverse(),
    );
  });

  it('takes 4,096 names, then refuses new ones and still knows the old ones', () => {
    const arena = new CoreArena({ limitBytes: 8 * KIB * KIB, pageBytes: 16 * KIB });
    const thread = arena.attach();
    const known = arena.view.getUint32(HEADER_NAMESPACE_COUNT, true);
    const ids = new Set<number>();
    for (let i = known; i < NAMESPACE_MAX; i++) ids.add(thread.registerNamespace(`name-${i}`));
    expect(ids.size).toBe(NAMESPACE_MAX - known);
    expect(Math.min(...ids)).toBe(known);
    expect(thread.registerNamespace('one too many')).toBe(STATUS_TOO_MANY_NAMESPACES);
    expect(thread.registerNamespace(`name-${known}`)).toBe(known);
    expect(thread.registerNamespace('one too many')).toBe(STATUS_TOO_MANY_NAMESPACES);
    const last = NAMESPACE_MAX - 1;
    expect(thread.set('key', 'of the last', { namespaceId: last }).status).toBe(STATUS_OK);
    expect(thread.text('key', last)).toBe('of the last');
    expect(thread.read('key', last - 1)).toBe(STATUS_MISS);
  });

  it('refuses names that its area has no room for, and nothing else', () => {
    const arena = new CoreArena({ limitBytes: 256 * KIB });
    const thread = arena.attach();
    const accepted: string[] = [];
    for (let i = 0; ; i++) {
      const name = `${i}`.padEnd(120, '.');
      if (thread.registerNamespace(name) === STATUS_TOO_MANY_NAMESPACES) break;
      accepted.push(name);
    }
    expect(accepted.length).toBeGreaterThan(10);
    expect(accepted.map((name) => thread.registerNamespace(name))).not.toContain(
      STATUS_TOO_MANY_NAMESPACES,
    );
    expect(thread.set('a', 'b').status).toBe(STATUS_OK);
    expect(arena.verify()).toEqual([]);
  });
});

describe('clearing a namespace', () => {
  it('hides its entries at once and leaves those of others alone', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    const [red, blue] = [thread.registerNamespace('red'), thread.registerNamespace('blue')];
    for (let i = 0; i < 50; i++) {
      thread.set(`key-${i}`, 'red', { namespaceId: red });
      thread.set(`key-${i}`, 'blue', { namespaceId: blue });
    }
    thread.core.clearNamespace(red);
    for (let i = 0; i < 50; i++) {
      expect(thread.read(`key-${i}`, red)).toBe(STATUS_MISS);
      expect(thread.text(`key-${i}`, blue)).toBe('blue');
    }
    expect(thread.touch('key-1', 1_000, { namespaceId: red }).status).toBe(STATUS_REFUSED);
    thread.set('key-1', 'red again', { namespaceId: red });
    expect(thread.text('key-1', red)).toBe('red again');
    expect(arena.verify()).toEqual([]);
  });

  it('frees what was cleared in slices, whatever its size', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    const red = thread.registerNamespace('red');
    const free = arena.freePages();
    for (let i = 0; i < 40; i++) {
      thread.set(`key-${i}`, new Uint8Array(i * 300), { namespaceId: red });
    }
    thread.set('kept', 'x');
    thread.core.clearNamespace(red);
    const slices = thread.serve();
    expect(slices).toBeGreaterThan(1);
    expect(arena.items()).toBe(1);
    expect(arena.total(SHARD_SWEPT)).toBe(40);
    thread.remove('kept');
    // A class keeps one page as its reserve.
    expect(arena.freePages()).toBeGreaterThan(free - 25);
    expect(arena.verify()).toEqual([]);
  });

  it('sweeps once more when another clear comes in between', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    const red = thread.registerNamespace('red');
    for (let i = 0; i < 500; i++) thread.set(`key-${i}`, 'value', { namespaceId: red });
    thread.core.clearNamespace(red);
    for (let i = 0; i < 20; i++) thread.core.serveShard(0, 0);
    for (let i = 0; i < 500; i++) thread.set(`key-${i}`, 'value', { namespaceId: red });
    thread.core.clearNamespace(red);
    thread.serve();
    expect(arena.items()).toBe(0);
    expect(arena.verify()).toEqual([]);
  });

  it('wins over a command that was given before it', () => {
    const arena = new CoreArena();
    const thread = arena.attach();
    const red = thread.registerNamespace('red');
    arena.setHome(0, thread.id);
    const command = { namespaceId: red, inPlace: false };
    thread.set('a', 'before the clear', command);
    thread.set('b', new Uint8Array(9_000), command);
    thread.core.clearNamespace(red);
    thread.set('c', 'after the clear', command);
    thread.serve();
    thread.collect();
    expect(thread.answers.map(({ status }) => status)).toEqual([STATUS_OK, STATUS_OK, STATUS_OK]);
    expect(thread.read('a', red)).toBe(STATUS_MISS);
    expect(thread.read('b', red)).toBe(STATUS_MISS);
    expect(thread.text('c', red)).toBe('after the clear');
    expect(arena.items()).toBe(1);
    expect(arena.verify()).toEqual([]);
  });

  it('keeps what was set after it from commands that were given before it', () => {
    const arena = new CoreArena();
    const [slow, quick] = [arena.attach(), arena.attach()];
    const red = slow.registerNamespace('red');
    arena.setHome(0, slow.id);
    const command = { namespaceId: red, inPlace: false };
    slow.remove('a', command);
    slow.touch('b', 1, command);
    slow.set('c', 'before', command);
    slow.core.clearNamespace(red);
    // In place, and so before the others, which wait in the ring.
    for (const key of ['a', 'b', 'c']) quick.set(key, `${key} after`, { namespaceId: red });
    slow.serve();
    slow.collect();
    const statuses = slow.answers.map(({ status }) => status);
    expect(statuses).toEqual([STATUS_REFUSED, STATUS_REFUSED, STATUS_OK]);
    arena.clock.advance(1_000);
    for (const key of ['a', 'b', 'c']) expect(quick.text(key, red)).toBe(`${key} after`);
    expect(arena.verify()).toEqual([]);
  });
});
