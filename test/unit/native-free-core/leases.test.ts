import { describe, expect, it } from 'vitest';
import {
  FLAG_ONLY_ABSENT,
  LEASE_FAILED,
  LEASE_FILLED,
  LEASE_RELEASED,
  LEASE_TEXT_BYTES_MAX,
  LEASE_VOIDED,
  PAGE_LEASE,
  SHARD_LEASES_ACTIVE,
  SHARD_LEASES_GRANTED,
  SHARD_LEASES_REFUSED,
  SHARD_LEASES_VOIDED,
  SHARD_LEASES_WAITS,
} from '../../../native-free-core/assembly/layout.js';
import {
  STATUS_MISS,
  STATUS_NO_LEASE,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_PRESENT,
  STATUS_REFUSED,
  STATUS_WAIT,
} from '../../../native-free-core/status.js';
import { CoreArena, type CoreArenaOptions } from '../../support/core-arena.js';
import { CoreLeases } from '../../support/core-leases.js';

interface Rig {
  readonly arena: CoreArena;
  readonly first: CoreLeases;
  readonly second: CoreLeases;
}

function makeRig(options: CoreArenaOptions = {}): Rig {
  const arena = new CoreArena(options);
  const first = new CoreLeases(arena, arena.attach());
  const second = new CoreLeases(arena, arena.attach());
  return { arena, first, second };
}

function expectSound(arena: CoreArena, active: number): void {
  expect(arena.verify()).toEqual([]);
  expect(arena.shardU32(0, SHARD_LEASES_ACTIVE)).toBe(active);
}

describe('the lease of a key', () => {
  it('goes to one of those who ask, and the others learn on what to wait', () => {
    const { arena, first, second } = makeRig();
    const granted = first.ask('k');
    expect(granted.status).toBe(STATUS_OK);
    expect(granted.token).toBeGreaterThan(0);
    const waiting = second.ask('k');
    expect(waiting).toEqual({ ...granted, status: STATUS_WAIT, token: 0 });
    expect(first.ask('k').status).toBe(STATUS_WAIT);
    expect(second.ask('other').status).toBe(STATUS_OK);
    expect(second.ask('k', { namespaceId: 1 }).status).toBe(STATUS_OK);
    expect(arena.shardU64(0, SHARD_LEASES_WAITS)).toBe(2);
    expect(arena.shardU64(0, SHARD_LEASES_GRANTED)).toBe(3);
    expectSound(arena, 3);
  });

  it('is over with its fill, and its waiters find the value', () => {
    const { arena, first, second } = makeRig();
    const { token } = first.ask('k');
    const waiting = second.ask('k');
    expect(second.outcomeOf(waiting)).toBe(0);
    expect(first.fill('k', token, 'v')).toBe(STATUS_OK);
    expect(second.outcomeOf(waiting)).toBe(LEASE_FILLED);
    expect(second.thread.text('k')).toBe('v');
    expect(second.ask('k').status).toBe(STATUS_PRESENT);
    expect(first.fill('k', token, 'again')).toBe(STATUS_REFUSED);
    expect(second.thread.text('k')).toBe('v');
    expect(arena.shardU64(0, SHARD_LEASES_REFUSED)).toBe(1);
    expectSound(arena, 0);
  });

  it('is given up, with a message or without', () => {
    const { arena, first, second } = makeRig();
    const quiet = first.ask('a');
    expect(first.release('a', quiet.token)).toBe(STATUS_OK);
    expect(second.outcomeOf(quiet)).toBe(LEASE_RELEASED);
    expect(first.release('a', quiet.token)).toBe(STATUS_REFUSED);
    const failed = first.ask('b');
    expect(first.release('b', failed.token, 'the source is down')).toBe(STATUS_OK);
    expect(second.outcomeOf(failed)).toBe(LEASE_FAILED);
    expect(second.messageOf(failed)).toBe('the source is down');
    const cut = first.ask('c');
    first.release('c', cut.token, 'x'.repeat(LEASE_TEXT_BYTES_MAX + 50));
    expect(second.messageOf(cut)).toBe('x'.repeat(LEASE_TEXT_BYTES_MAX));
    expect(second.ask('b').status).toBe(STATUS_OK);
    expectSound(arena, 1);
  });

  it('goes to another when its time is over, unless its holder was quicker', () => {
    const { arena, first, second } = makeRig();
    const old = first.ask('k', { ttlMs: 50 });
    arena.clock.advance(49);
    expect(second.ask('k').status).toBe(STATUS_WAIT);
    arena.clock.advance(1);
    const next = second.ask('k');
    expect(next.status).toBe(STATUS_OK);
    expect(second.outcomeOf(old)).not.toBe(0);
    expect(first.fill('k', old.token, 'old')).toBe(STATUS_REFUSED);
    expect(second.fill('k', next.token, 'new')).toBe(STATUS_OK);
    expect(first.thread.text('k')).toBe('new');
    const late = first.ask('late', { ttlMs: 50 });
    arena.clock.advance(100);
    expect(first.fill('late', late.token, 'v')).toBe(STATUS_OK);
    expectSound(arena, 0);
  });

  it('is asked for and filled through the ring too', () => {
    const { arena, first, second } = makeRig();
    arena.setHome(0, 0);
    expect(first.ask('k', { inPlace: false }).status).toBe(STATUS_PENDING);
    first.thread.serve();
    first.thread.collect();
    expect(first.thread.answers.at(-1)?.status).toBe(STATUS_OK);
    expect(second.ask('k').status).toBe(STATUS_WAIT);
    expectSound(arena, 1);
  });
});

describe('a lease is voided', () => {
  const invalidations: readonly (readonly [string, (rig: Rig) => void])[] = [
    ['by a set', ({ second }) => second.thread.set('k', 'newer')],
    [
      'by a set that is for absent keys',
      ({ second }) => second.thread.set('k', 'newer', { flags: FLAG_ONLY_ABSENT }),
    ],
    ['by a delete, though the key is missing', ({ second }) => second.thread.remove('k')],
    ['by the clear of its namespace', ({ second }) => second.thread.core.clearNamespace(0)],
  ];

  it.each(invalidations)('%s', (_name, invalidate) => {
    const rig = makeRig();
    const { arena, first, second } = rig;
    const granted = first.ask('k');
    const bystander = first.ask('bystander', { namespaceId: 1 });
    invalidate(rig);
    expect(second.outcomeOf(granted)).toBe(LEASE_VOIDED);
    expect(first.fill('k', granted.token, 'older')).toBe(STATUS_REFUSED);
    expect(arena.shardU64(0, SHARD_LEASES_VOIDED)).toBe(1);
    expect(arena.shardU64(0, SHARD_LEASES_REFUSED)).toBe(1);
    expect([STATUS_MISS, 'newer']).toContain(second.thread.text('k'));
    expect(first.outcomeOf(bystander)).toBe(0);
    expectSound(arena, 1);
  });

  it('by a clear that found its shard held: at the fill, and for who asks', () => {
    const { arena, first, second } = makeRig();
    const one = first.ask('one');
    const two = first.ask('two');
    arena.hold(0);
    second.thread.core.clearNamespace(0);
    arena.letGo(0);
    expect(first.outcomeOf(one)).toBe(0);
    expect(first.fill('one', one.token, 'older')).toBe(STATUS_REFUSED);
    expect(first.outcomeOf(one)).toBe(LEASE_VOIDED);
    const again = second.ask('two');
    expect(again.status).toBe(STATUS_OK);
    expect(first.fill('two', two.token, 'older')).toBe(STATUS_REFUSED);
    expect(second.fill('two', again.token, 'newer')).toBe(STATUS_OK);
    expectSound(arena, 0);
  });

  it('by the sweep, which wakes who waits for a fill of a cleared namespace', () => {
    const { arena, first } = makeRig();
    const granted = first.ask('k');
    arena.hold(0);
    first.thread.core.clearNamespace(0);
    arena.letGo(0);
    first.thread.serve();
    expect(first.outcomeOf(granted)).toBe(LEASE_VOIDED);
    expectSound(arena, 0);
  });

  it('not by reads, other keys, other namespaces, or a set that was refused', () => {
    const { arena, first, second } = makeRig();
    const { token } = first.ask('k');
    second.thread.get('k');
    second.thread.set('other', 'x');
    second.thread.set('k', 'x', { namespaceId: 1 });
    second.thread.remove('k', { namespaceId: 1 });
    second.thread.core.clearNamespace(1);
    expect(first.fill('k', token, 'v')).toBe(STATUS_OK);
    expectSound(arena, 0);
  });
});

describe('leases of a thread that ends', () => {
  it('are released with its slot', () => {
    const { arena, first, second } = makeRig();
    const mine = first.ask('mine');
    const other = second.ask('other');
    expect(second.ask('mine').status).toBe(STATUS_WAIT);
    expect(second.thread.detach(first.thread.id)).toBe(true);
    expect(second.outcomeOf(mine)).toBe(LEASE_RELEASED);
    expect(second.outcomeOf(other)).toBe(0);
    expect(second.ask('mine').status).toBe(STATUS_OK);
    expectSound(arena, 2);
  });

  it('are voided with the shard that it held, and its tables stay in use', () => {
    const { arena, first, second } = makeRig();
    const answers = Array.from({ length: 20 }, (_, i) => second.ask(`k${i}`));
    const pages = arena.countPages(PAGE_LEASE);
    expect(pages).toBe(2);
    arena.hold(0, first.thread.id, first.thread.generationOf(first.thread.id));
    expect(second.thread.reset(0, first.thread.id)).toBe(true);
    for (const answer of answers) expect(second.outcomeOf(answer)).toBe(LEASE_VOIDED);
    expectSound(arena, 0);
    const [old] = answers;
    expect(second.fill('k0', old?.token ?? 0, 'older')).toBe(STATUS_REFUSED);
    for (let i = 0; i < 30; i++) expect(second.ask(`n${i}`).status).toBe(STATUS_OK);
    expect(arena.countPages(PAGE_LEASE)).toBe(pages);
    expectSound(arena, 30);
  });
});

describe('the table of leases', () => {
  it('takes pages as it needs them, up to its bound, and grants none when it is full', () => {
    const { arena, first, second } = makeRig();
    expect(arena.countPages(PAGE_LEASE)).toBe(0);
    const granted = [];
    for (;;) {
      const answer = first.ask(`k${granted.length}`);
      if (answer.status === STATUS_NO_LEASE) break;
      expect(answer.status).toBe(STATUS_OK);
      granted.push(answer);
    }
    expect(granted.length).toBe(60);
    expect(arena.countPages(PAGE_LEASE)).toBe(4);
    expect(new Set(granted.map(({ address }) => address)).size).toBe(60);
    expect(second.ask('k7').status).toBe(STATUS_WAIT);
    expect(second.ask('none is left').status).toBe(STATUS_NO_LEASE);
    expectSound(arena, 60);
    expect(first.fill('k7', granted[7]?.token ?? 0, 'v')).toBe(STATUS_OK);
    expect(second.ask('one is left').status).toBe(STATUS_OK);
    expectSound(arena, 60);
  });

  it('gives the room of leases whose time is over to who asks', () => {
    const { arena, first, second } = makeRig();
    let count = 0;
    while (first.ask(`k${count}`, { ttlMs: 10 }).status === STATUS_OK) count += 1;
    arena.clock.advance(10);
    for (let i = 0; i < count; i++) expect(second.ask(`n${i}`).status).toBe(STATUS_OK);
    expect(second.ask('one more').status).toBe(STATUS_NO_LEASE);
    expectSound(arena, count);
  });

  it('uses a record again as late as possible: outcomes stay readable', () => {
    const { arena, first } = makeRig();
    const answers = [];
    for (let i = 0; i < 100; i++) {
      const answer = first.ask('k');
      first.release('k', answer.token, `failure ${i}`);
      answers.push(answer);
      const kept = answers.slice(-15);
      expect(kept.map((one) => first.outcomeOf(one))).toEqual(kept.map(() => LEASE_FAILED));
      expect(first.messageOf(kept[0] ?? answer)).toBe(`failure ${i + 1 - kept.length}`);
    }
    expect(first.outcomeOf(answers[0] as (typeof answers)[0])).toBe(-1);
    expectSound(arena, 0);
  });

  it('has no more than 1,024 leases in a shard, however large its pages', () => {
    for (const pageBytes of [16_384, 65_536, 262_144]) {
      const { arena, first } = makeRig({ limitBytes: 32 * 1_048_576, pageBytes });
      let count = 0;
      while (first.ask(`k${count}`).status === STATUS_OK) count += 1;
      expect(count).toBeLessThan(1_024);
      expect(count).toBeGreaterThan(240);
      expectSound(arena, count);
    }
  });
});
