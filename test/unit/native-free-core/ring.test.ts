import { describe, expect, it } from 'vitest';
import {
  FLAG_RETURN_OLD,
  OP_SET,
  SHARD_SETS,
  SHARD_WORK,
  THREAD_COMPLETIONS,
  THREAD_INPLACE,
  THREAD_QUEUED,
  THREAD_RING_HIGH,
} from '../../../native-free-core/assembly/layout.js';
import { STATUS_FULL, STATUS_OK, STATUS_PENDING } from '../../../native-free-core/status.js';
import { CoreArena } from '../../support/core-arena.js';
import type { CoreThread } from '../../support/core-thread.js';
import { createPrng, replayCommand, seedFromEnvironment } from '../../support/prng.js';
import { scaled } from '../../support/scale.js';

const QUEUED = { inPlace: false };
const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/unit/native-free-core/ring.test.ts');

/** A caller and the home worker of the only shard: what the caller queues stays queued. */
function callerAndWorker(): { arena: CoreArena; caller: CoreThread; worker: CoreThread } {
  const arena = new CoreArena();
  const caller = arena.attach();
  const worker = arena.attach('core', 0);
  arena.setHome(0, worker.id);
  return { arena, caller, worker };
}

describe('a command ring', () => {
  it('holds commands until a holder comes, answers them in order, and frees their room', () => {
    const { arena, caller, worker } = callerAndWorker();
    for (let i = 0; i < 5; i++) {
      expect(caller.set(`key-${i}`, `value ${i}`, QUEUED).status).toBe(STATUS_PENDING);
      expect(caller.read(`key-${i}`)).toBeLessThan(0);
    }
    expect(caller.core.waiting(0)).toBeGreaterThan(0);
    expect(arena.shardU64(0, SHARD_WORK)).toBe(1 << caller.id);
    worker.serve();
    expect(caller.core.waiting(0)).toBe(0);
    expect(arena.shardU64(0, SHARD_WORK)).toBe(0);
    expect(arena.view.getUint32(caller.slot + THREAD_COMPLETIONS, true)).toBe(1);
    caller.collect();
    expect(caller.answers.length).toBe(5);
    expect(caller.answers.every(({ status }) => status === STATUS_OK)).toBe(true);
    for (let i = 0; i < 5; i++) expect(caller.text(`key-${i}`)).toBe(`value ${i}`);
    expect(caller.counter(THREAD_QUEUED)).toBe(5);
  });

  it('refuses a command when it is full, and takes it once answers were reaped', () => {
    const { arena, caller, worker } = callerAndWorker();
    let sent = 0;
    while (caller.set(`key-${sent}`, new Uint8Array(100), QUEUED).status === STATUS_PENDING) {
      sent += 1;
    }
    expect(sent).toBeGreaterThan(5);
    expect(caller.set('other', new Uint8Array(100), QUEUED).status).toBe(STATUS_FULL);
    worker.serve();
    // Answered, but not reaped: the room is still taken by the answers.
    const begun = caller.core.beginCommand(OP_SET, caller.putKey('other'), 0, 700);
    expect(begun).toBe(STATUS_FULL);
    caller.collect();
    expect(caller.answers.length).toBe(sent);
    expect(caller.set('other', 'x', QUEUED).status).toBe(STATUS_PENDING);
    expect(caller.counter(THREAD_RING_HIGH)).toBeLessThanOrEqual(arena.plan.pageBytes / 2);
    expect(caller.counter(THREAD_RING_HIGH)).toBeGreaterThan(1_000);
  });

  it('loses, doubles and reorders nothing over many turns of a tiny ring', () => {
    const { arena, caller, worker } = callerAndWorker();
    const prng = createPrng(seed);
    const expected: string[] = [];
    const seen: string[] = [];
    const values = new Map<string, string>();
    const takeAnswers = (): void => {
      caller.collect();
      for (const { status, old } of caller.answers.splice(0)) {
        expect(status).toBe(STATUS_OK);
        seen.push(old === undefined ? '' : Buffer.from(old).toString());
      }
    };
    for (let i = 0; i < scaled(3_000); i++) {
      const key = `key-${prng.nextBelow(20)}`;
      const value = `${i} `.padEnd(prng.nextBelow(400), 'x');
      const { status } = caller.set(key, value, { ...QUEUED, flags: FLAG_RETURN_OLD });
      if (status === STATUS_PENDING) {
        expected.push(values.get(key) ?? '');
        values.set(key, value);
      } else {
        expect(status).toBe(STATUS_FULL);
      }
      if (status === STATUS_FULL || prng.nextBelow(12) === 0) {
        worker.serve();
        takeAnswers();
      }
    }
    worker.serve();
    takeAnswers();
    expect(seen.length, replay).toBe(expected.length);
    expect(seen, replay).toEqual(expected);
    for (const [key, value] of values) expect(caller.text(key), replay).toBe(value);
    expect(arena.shardU64(0, SHARD_SETS)).toBe(expected.length);
    expect(arena.verify()).toEqual([]);
  });

  it('runs what waits before a command in place of the same caller', () => {
    const { caller, arena } = callerAndWorker();
    caller.set('key', 'first', QUEUED);
    caller.set('key', 'second', QUEUED);
    const outcome = caller.set('key', 'third', { flags: FLAG_RETURN_OLD });
    expect(Buffer.from(outcome.old ?? []).toString()).toBe('second');
    expect(caller.text('key')).toBe('third');
    expect(caller.counter(THREAD_INPLACE)).toBeGreaterThan(0);
    expect(arena.verify()).toEqual([]);
  });

  it('keeps what a held shard cannot take, and runs it when the shard is free', () => {
    const arena = new CoreArena();
    const [caller, other] = [arena.attach(), arena.attach()];
    arena.hold(0);
    expect(caller.set('key', 'waits').status).toBe(STATUS_PENDING);
    expect(other.core.helpShard(0)).toBe(0);
    expect(other.core.serveShard(0, 0)).toBe(-1);
    arena.letGo(0);
    expect(other.core.helpShard(0)).toBe(1);
    caller.collect();
    expect(caller.answers.map(({ status }) => status)).toEqual([STATUS_OK]);
    expect(caller.text('key')).toBe('waits');
  });

  it('keeps callers apart: one shard serves all of them, each in its own order', () => {
    const { arena, worker } = callerAndWorker();
    const callers = [arena.attach(), arena.attach()];
    for (let i = 0; i < 8; i++) {
      for (const caller of callers) caller.set(`of ${caller.id}`, `${i}`, QUEUED);
    }
    worker.serve();
    for (const caller of callers) {
      caller.collect();
      expect(caller.answers.length).toBe(8);
      expect(worker.text(`of ${caller.id}`)).toBe('7');
    }
  });

  it('carries large values through staged pages', () => {
    const { arena, caller, worker } = callerAndWorker();
    const value = Uint8Array.from({ length: 20_000 }, (_, index) => index * 7);
    const options = { ...QUEUED, flags: FLAG_RETURN_OLD, contentType: 'image/png' };
    expect(caller.set('large', value, options).status).toBe(STATUS_PENDING);
    expect(caller.set('large', value.subarray(1), options).status).toBe(STATUS_PENDING);
    worker.serve();
    caller.collect();
    const old = caller.answers.map((answer) => answer.old?.length);
    expect(old).toEqual([undefined, 20_000]);
    const entry = caller.get('large');
    if (typeof entry === 'number') throw new Error(`read answered ${entry}`);
    expect(Buffer.compare(entry.value, value.subarray(1))).toBe(0);
    expect(entry.contentType).toBe('image/png');
    expect(arena.verify()).toEqual([]);
  });
});
