/** Threads that die while they serve others, attach, detach, or recover a shard of another. */
import { describe, expect, it } from 'vitest';
import {
  FLAG_RETURN_OLD,
  OP_DELETE,
  OWNER_RECOVERS,
  PAGE_RING,
  RECORD_OLD,
  SHARD_OWNER,
  THREAD_ARRIVING,
  THREAD_CLAIMANT,
  THREAD_FREE,
  THREAD_STATE,
} from '../../native-free-core/assembly/layout.js';
import {
  STATUS_OK,
  STATUS_OUTCOME_UNKNOWN,
  STATUS_PENDING,
} from '../../native-free-core/status.js';
import { CoreArena, type CoreSnapshot } from '../support/core-arena.js';
import { type CoreThread, toBytes } from '../support/core-thread.js';

const KIB = 1_024;
const SHARD = 0;
const STORES_MAX = 1_000_000;

/** Runs an action of the trap build until its n-th store; whether it was cut off. */
function cut(thread: CoreThread, stores: number, action: () => void): boolean {
  thread.core.trapAfterStores(stores);
  try {
    action();
    return false;
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    return true;
  } finally {
    thread.core.trapAfterStores(0);
  }
}

/** Cuts an action at each of its stores, from the same state each time. */
function cutEverywhere(
  arena: CoreArena,
  thread: CoreThread,
  action: () => void,
  check: (stores: number) => void,
): number {
  const start: CoreSnapshot = arena.snapshot();
  for (let stores = 1; stores < STORES_MAX; stores++) {
    arena.restore(start);
    if (!cut(thread, stores, action)) return stores - 1;
    try {
      check(stores);
    } catch (cause) {
      throw new Error(`store ${stores}: ${(cause as Error).message}`, { cause });
    }
  }
  throw new Error('the action never ends');
}

function expectSound(arena: CoreArena): void {
  const findings = arena.verify();
  if (findings.length > 0) throw new Error(findings.join('; '));
}

/** The thread is gone: its shard is recovered where it held one. */
function recover(arena: CoreArena, by: CoreThread, dead: number): void {
  const held = arena.shardU32(SHARD, SHARD_OWNER) !== 0;
  expect(by.recover(SHARD, dead)).toBe(held);
  expectSound(arena);
}

function stateOf(arena: CoreArena, id: number): number {
  const slot = arena.plan.threadsOffset + id * arena.plan.threadBytes;
  return arena.view.getUint8(slot + THREAD_STATE);
}

function expectSetAndGet(thread: CoreThread): void {
  expect(thread.set('still', 'works').status).toBe(STATUS_OK);
  expect(thread.text('still')).toBe('works');
}

describe('a home worker that dies while it drains a ring', () => {
  it('leaves each command answered once, in order, at most one with an unknown outcome', () => {
    const arena = new CoreArena({ limitBytes: 256 * KIB, threadSlotCount: 3 });
    const worker = arena.attach('core-trap', 0);
    const caller = arena.attach();
    for (const key of ['a', 'b', 'c']) caller.set(key, `old ${key}`);
    arena.setHome(SHARD, worker.id);
    const send = { inPlace: false };
    expect(caller.set('a', 'new a', send).status).toBe(STATUS_PENDING);
    expect(caller.remove('b', send).status).toBe(STATUS_PENDING);
    expect(caller.set('c', 'new c', { ...send, flags: FLAG_RETURN_OLD }).status).toBe(
      STATUS_PENDING,
    );
    expect(caller.set('d', 'new d', send).status).toBe(STATUS_PENDING);
    const seen = new Set<number>();
    const stores = cutEverywhere(
      arena,
      worker,
      () => worker.core.serveShard(SHARD, 0),
      () => {
        caller.answers.length = 0;
        expect(arena.verifyReachable()).toEqual([]);
        recover(arena, caller, worker.id);
        // Its home is gone: whoever waits may serve the shard.
        arena.setHome(SHARD, undefined);
        caller.serve();
        caller.collect();
        expect(caller.answers.map((answer) => answer.opcode)).toEqual([1, 2, 1, 1]);
        const statuses = caller.answers.map((answer) => answer.status);
        const unknown = statuses.filter((status) => status === STATUS_OUTCOME_UNKNOWN).length;
        expect(unknown).toBeLessThan(2);
        for (const status of statuses) seen.add(status);
        for (const key of ['a', 'c', 'd']) {
          expect([-1, `old ${key}`, `new ${key}`]).toContain(caller.text(key));
        }
        expectSetAndGet(caller);
        expectSound(arena);
      },
    );
    expect(stores).toBeGreaterThan(100);
    expect(seen.has(STATUS_OUTCOME_UNKNOWN)).toBe(true);
  });

  it('does not lose commands behind the one it had taken', () => {
    const arena = new CoreArena({ limitBytes: 256 * KIB, threadSlotCount: 3 });
    const worker = arena.attach('core-trap', 0);
    const caller = arena.attach();
    arena.setHome(SHARD, worker.id);
    for (let i = 0; i < 5; i++) caller.set(`key-${i}`, `value ${i}`, { inPlace: false });
    cutEverywhere(
      arena,
      worker,
      () => worker.core.serveShard(SHARD, 0),
      () => {
        caller.answers.length = 0;
        // A caller that only waits: the recovery itself sees to it that the rest is run.
        recover(arena, caller, worker.id);
        caller.core.helpShard(SHARD);
        caller.collect();
        expect(caller.core.waiting(SHARD)).toBe(0);
        expect(caller.answers.length).toBe(5);
      },
    );
  });
});

describe('a shard that is recovered', () => {
  it('leaves staged pages to the live thread that has filled them', () => {
    const arena = new CoreArena({ limitBytes: 512 * KIB, threadSlotCount: 3 });
    const [caller, dead] = [arena.attach(), arena.attach()];
    // A large value on its way: its pages are filled, its command waits in the ring.
    arena.setHome(SHARD, dead.id);
    const large = new Uint8Array(15_000).fill(9);
    expect(caller.set('large', large, { inPlace: false }).status).toBe(STATUS_PENDING);
    arena.hold(SHARD, dead.id, caller.generationOf(dead.id));
    expect(caller.recover(SHARD, dead.id)).toBe(true);
    expectSound(arena);
    caller.serve();
    const entry = caller.get('large');
    expect(typeof entry === 'number' ? entry : Buffer.compare(entry.value, large)).toBe(0);
    expectSound(arena);
  });

  it('does not free a returned value a second time', () => {
    const arena = new CoreArena({ limitBytes: 256 * KIB, threadSlotCount: 3 });
    const [caller, dead] = [arena.attach(), arena.attach()];
    for (const valueBytes of [300, 9_000]) {
      caller.set('returned', new Uint8Array(valueBytes).fill(5));
      caller.begin(OP_DELETE, toBytes('returned'), {}, 0);
      caller.core.submit(0, 0, 0, FLAG_RETURN_OLD, Number.POSITIVE_INFINITY, 1);
      const record = caller.core.commandRecord() >>> 0;
      const reference = arena.view.getUint32(record + RECORD_OLD, true);
      expect(reference).not.toBe(0);
      arena.hold(SHARD, dead.id, caller.generationOf(dead.id));
      expect(caller.recover(SHARD, dead.id)).toBe(true);
      for (let i = 0; i < 200; i++) caller.set(`key-${i}`, new Uint8Array(i * 20));
      caller.release(SHARD, reference);
      expectSound(arena);
      for (let i = 0; i < 200; i++) caller.set(`key-${i}`, new Uint8Array(i * 20));
      expectSound(arena);
    }
  });
});

describe('a thread that dies while it comes or goes', () => {
  it('leaves nothing behind when it is cut off in attachThread', () => {
    const arena = new CoreArena({ limitBytes: 256 * KIB, threadSlotCount: 3 });
    const caller = arena.attach();
    caller.set('a', 'b');
    const instance = arena.attach('core-trap');
    const id = instance.id;
    const seen = new Set<number>();
    instance.detach();
    const stores = cutEverywhere(
      arena,
      instance,
      () => instance.core.attachThread(77, 5, 1),
      () => {
        const slot = arena.plan.threadsOffset + id * arena.plan.threadBytes;
        const isClaimed = stateOf(arena, id) !== THREAD_FREE;
        if (isClaimed) expect(arena.view.getUint32(slot + THREAD_CLAIMANT, true)).toBe(77);
        seen.add(stateOf(arena, id));
        recover(arena, caller, id);
        caller.detach(id);
        expectSound(arena);
        expect(arena.countPages(PAGE_RING)).toBe(1);
        expectSetAndGet(caller);
        // Also one that was cut off between its claim and its first field: the claim says whose.
        expect(stateOf(arena, id)).toBe(THREAD_FREE);
        const next = arena.attach();
        expect(next.id).toBe(id);
        expectSetAndGet(next);
      },
    );
    expect(stores).toBeGreaterThan(10);
    expect(seen).toContain(THREAD_ARRIVING);
  });

  it('is found by its claim when it was cut off before its first field', () => {
    const arena = new CoreArena({ limitBytes: 256 * KIB, threadSlotCount: 3 });
    const instance = arena.attach('core-trap');
    const { id } = instance;
    instance.detach();
    expect(cut(instance, 2, () => instance.core.attachThread(77, 5, 1))).toBe(true);
    expect(stateOf(arena, id)).toBe(THREAD_ARRIVING);
    // The same task comes again: nobody else can have been it.
    const other = arena.attach();
    expect(other.id).not.toBe(id);
    expect(instance.core.attachThread(77, 5, 1)).toBe(id);
    expectSetAndGet(other);
    expectSound(arena);
  });

  it('may be taken the place of by a task without a slot, which recovers what it held', () => {
    const arena = new CoreArena({ limitBytes: 256 * KIB, threadSlotCount: 3 });
    const caller = arena.attach();
    const dead = arena.attach();
    caller.set('before', 'kept');
    const generation = caller.generationOf(dead.id);
    arena.hold(SHARD, dead.id, generation);
    const guest = arena.instantiate();
    expect(guest.core.adoptSlot(dead.id, generation + 1, 88, 6)).toBe(0);
    expect(guest.core.adoptSlot(dead.id, generation, 88, 6)).toBe(1);
    // One of several does it.
    expect(guest.core.adoptSlot(dead.id, generation, 88, 6)).toBe(0);
    expect(guest.core.recoverShardOf(SHARD, dead.id, generation)).toBe(1);
    // Who still means the dead one takes nothing from the living.
    expect(caller.core.recoverShardOf(SHARD, dead.id, generation)).toBe(0);
    while (guest.core.recoverSlice(SHARD) > 0);
    expect(guest.core.detachThread(dead.id, generation, 10)).toBe(1);
    expect(stateOf(arena, dead.id)).not.toBe(THREAD_FREE);
    expect(guest.core.detachThread(dead.id, generation + 1, 10)).toBe(1);
    expect(stateOf(arena, dead.id)).toBe(THREAD_FREE);
    expect(caller.text('before')).toBe('kept');
    expectSound(arena);
  });

  it('leaves nothing behind when it is cut off in detachThread', () => {
    const arena = new CoreArena({ limitBytes: 256 * KIB, threadSlotCount: 3 });
    const caller = arena.attach();
    const leaving = arena.attach('core-trap');
    leaving.set('a', 'b');
    const stores = cutEverywhere(
      arena,
      leaving,
      () => leaving.detach(),
      () => {
        recover(arena, caller, leaving.id);
        caller.detach(leaving.id);
        expectSound(arena);
        expect(arena.countPages(PAGE_RING)).toBe(1);
        expect(stateOf(arena, leaving.id)).toBe(THREAD_FREE);
        expectSetAndGet(caller);
      },
    );
    expect(stores).toBeGreaterThan(5);
  });

  it('lets another finish when it is cut off while it recovers a shard', () => {
    const arena = new CoreArena({ limitBytes: 256 * KIB, threadSlotCount: 4 });
    const caller = arena.attach();
    const rescuer = arena.attach('core-trap');
    for (let i = 0; i < 30; i++) caller.set(`key-${i}`, new Uint8Array(i * 200));
    const dead = arena.attach();
    arena.hold(SHARD, dead.id, caller.generationOf(dead.id));
    const stores = cutEverywhere(
      arena,
      rescuer,
      () => rescuer.recover(SHARD, dead.id),
      () => {
        const owner = arena.shardU32(SHARD, SHARD_OWNER) & (OWNER_RECOVERS - 1);
        const holder = owner === 0 ? rescuer.id : owner - 1;
        recover(arena, caller, holder);
        caller.detach(rescuer.id);
        caller.detach(dead.id);
        expectSound(arena);
        expect(arena.countPages(PAGE_RING)).toBe(1);
        expectSetAndGet(caller);
      },
    );
    expect(stores).toBeGreaterThan(100);
  });

  it('leaves the registry of namespaces usable', () => {
    const arena = new CoreArena({ limitBytes: 256 * KIB, threadSlotCount: 3 });
    const caller = arena.attach();
    const victim = arena.attach('core-trap');
    const known = caller.registerNamespace('known');
    cutEverywhere(
      arena,
      victim,
      () => victim.registerNamespace('one more'),
      () => {
        expect(caller.registerNamespace('known')).toBe(known);
        const other = caller.registerNamespace('other');
        const more = caller.registerNamespace('one more');
        expect(new Set([known, other, more]).size).toBe(3);
        expect(caller.registerNamespace('other')).toBe(other);
      },
    );
  });
});
