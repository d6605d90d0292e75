import { describe, expect, it } from 'vitest';
import {
  FLAG_RETURN_OLD,
  SHARD_LIMBO,
  THREAD_HAZARD,
} from '../../../native-free-core/assembly/layout.js';
import { STATUS_MISS, STATUS_OK } from '../../../native-free-core/status.js';
import { CoreArena, type CoreArenaOptions } from '../../support/core-arena.js';
import type { CoreThread } from '../../support/core-thread.js';

const KIB = 1_024;

function pattern(length: number, salt: number): Uint8Array {
  const value = new Uint8Array(length);
  for (let i = 0; i < length; i++) value[i] = salt + i * 11;
  return value;
}

interface Rig {
  readonly arena: CoreArena;
  readonly writer: CoreThread;
  readonly reader: CoreThread;
}

function makeRig(options: CoreArenaOptions = {}): Rig {
  const arena = new CoreArena(options);
  return { arena, writer: arena.attach(), reader: arena.attach() };
}

/** The reader pins the value of a key, and finds the bytes that it should have. */
function pin({ reader }: Rig, key: string, expected: Uint8Array): void {
  const entry = reader.get(key);
  if (typeof entry === 'number') throw new Error(`read answered ${entry}`);
  expect(entry.pinned).toBe(true);
  expect(Buffer.compare(entry.value, expected)).toBe(0);
}

/** What lies at the pin now is still the same value. */
function expectIntact({ reader }: Rig, expected: Uint8Array): void {
  expect(Buffer.compare(reader.entry().value, expected)).toBe(0);
}

function limbo({ arena }: Rig): number {
  return arena.shardU32(0, SHARD_LIMBO);
}

/** Uses all memory several times over. */
function churn({ writer }: Rig, valueBytes: number): void {
  for (let i = 0; i < 300; i++) {
    expect(writer.set(`churn-${i}`, pattern(valueBytes, i)).status).toBe(STATUS_OK);
  }
}

const OLD = pattern(9_000, 3);

const removals: readonly (readonly [string, (rig: Rig) => void])[] = [
  ['overwritten by a large value', ({ writer }) => writer.set('key', pattern(12_000, 9))],
  ['overwritten by a small value', ({ writer }) => writer.set('key', 'small')],
  ['deleted', ({ writer }) => writer.remove('key')],
  ['evicted', (rig) => churn(rig, 6_000)],
  [
    'expired',
    ({ arena, writer }) => {
      writer.touch('key', 50);
      arena.clock.advance(1_000);
      writer.serve();
    },
  ],
  [
    'swept with its namespace',
    ({ writer }) => {
      writer.core.clearNamespace(0);
      writer.serve();
    },
  ],
];

describe('a large value that a reader has pinned', () => {
  it.each(removals)('stays whole while it is %s, and its memory comes back', (_name, remove) => {
    const rig = makeRig({ limitBytes: 512 * KIB });
    const { arena, writer, reader } = rig;
    expect(writer.set('key', OLD).status).toBe(STATUS_OK);
    pin(rig, 'key', OLD);
    remove(rig);
    expect(limbo(rig)).not.toBe(0);
    expectIntact(rig, OLD);
    churn(rig, 3_000);
    churn(rig, 500);
    expectIntact(rig, OLD);
    expect(arena.verify()).toEqual([]);
    writer.serve();
    expect(limbo(rig)).not.toBe(0);
    // The next call of the reader drops its pin.
    expect(reader.read('none')).toBe(STATUS_MISS);
    writer.serve();
    expect(limbo(rig)).toBe(0);
    expect(arena.verify()).toEqual([]);
  });

  it('counts in the limit: pinned pages are in nobody else’s hands', () => {
    const rig = makeRig({ limitBytes: 512 * KIB });
    const { arena, writer, reader } = rig;
    writer.set('key', OLD);
    pin(rig, 'key', OLD);
    writer.remove('key');
    const free = arena.freePages();
    reader.core.unpin();
    expect(reader.counter(THREAD_HAZARD) & 0xffff_ffff).toBe(0);
    writer.serve();
    expect(arena.freePages()).toBe(free + 3);
  });

  it('is one for each thread; several threads may pin one value', () => {
    const rig = makeRig();
    const { arena, writer, reader } = rig;
    const third = arena.attach();
    writer.set('key', OLD);
    writer.set('other', pattern(9_000, 77));
    pin(rig, 'key', OLD);
    pin({ ...rig, reader: third }, 'key', OLD);
    writer.remove('key');
    pin(rig, 'other', pattern(9_000, 77));
    writer.serve();
    expect(limbo(rig)).not.toBe(0);
    expectIntact({ ...rig, reader: third }, OLD);
    third.core.unpin();
    writer.serve();
    expect(limbo(rig)).toBe(0);
    reader.core.unpin();
    expect(arena.verify()).toEqual([]);
  });

  it('is dropped by any call of its thread, and when its thread leaves', () => {
    const rig = makeRig();
    const { arena, writer, reader } = rig;
    const hazard = (): number => arena.view.getUint32(reader.slot + THREAD_HAZARD, true);
    writer.set('key', OLD);
    writer.set('small', 'x');
    const calls: (() => void)[] = [
      () => reader.read('small'),
      () => reader.set('other', 'x'),
      () => reader.remove('other'),
      () => reader.stage(0, 100),
      () => reader.core.unpin(),
      () => reader.detach(),
    ];
    for (const call of calls) {
      pin(rig, 'key', OLD);
      expect(hazard()).not.toBe(0);
      call();
      expect(hazard()).toBe(0);
    }
  });

  it('stays whole when it is returned as an old value, and released', () => {
    const rig = makeRig({ limitBytes: 512 * KIB });
    const { writer, arena } = rig;
    writer.set('key', OLD);
    pin(rig, 'key', OLD);
    // The writer copies the old value and releases it; the reader still has it pinned.
    const { old } = writer.set('key', 'new', { flags: FLAG_RETURN_OLD });
    expect(Buffer.compare(old ?? new Uint8Array(0), OLD)).toBe(0);
    churn(rig, 4_000);
    expectIntact(rig, OLD);
    expect(arena.verify()).toEqual([]);
  });

  it('stays whole when the shard is started afresh', () => {
    const rig = makeRig({ limitBytes: 512 * KIB });
    const { arena, writer } = rig;
    const dead = arena.attach();
    writer.set('key', OLD);
    pin(rig, 'key', OLD);
    arena.hold(0, dead.id, writer.generationOf(dead.id));
    expect(writer.recover(0, dead.id)).toBe(true);
    expect(arena.verify()).toEqual([]);
    churn(rig, 3_000);
    churn(rig, 400);
    expectIntact(rig, OLD);
    expect(arena.verify()).toEqual([]);
  });

  it('is found in a chunk too, where pages are so large that it fits one', () => {
    const rig = makeRig({ limitBytes: 4 * KIB * KIB, pageBytes: 128 * KIB });
    const { arena, writer } = rig;
    const value = pattern(20_000, 5);
    writer.set('key', value);
    pin(rig, 'key', value);
    writer.set('key', pattern(20_000, 6));
    expect(limbo(rig)).not.toBe(0);
    for (let i = 0; i < 300; i++) writer.set(`churn-${i}`, pattern(20_000, i));
    expectIntact(rig, value);
    rig.reader.core.unpin();
    writer.serve();
    expect(limbo(rig)).toBe(0);
    expect(arena.verify()).toEqual([]);
  });
});
