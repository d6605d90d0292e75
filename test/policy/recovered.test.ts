import { describe, expect, it } from 'vitest';
import { PAGE_SKETCH, SHARD_QUEUE_ITEMS } from '../../native-free-core/assembly/layout.js';
import { POLICIES, PolicyRig } from './policy-rig.js';

const KIB = 1_024;

describe.each(POLICIES)('after the recovery of its shard, the policy %s', (eviction) => {
  it('has every entry on the queue where it was, and works on', () => {
    const rig = new PolicyRig({ limitBytes: 768 * KIB, entryCountMax: 500, eviction });
    const run = (rounds: number): void => {
      for (let round = 0; round < rounds; round++) {
        rig.access(`key-${round % 3 === 0 ? round % 90 : round % 900}`, (round % 5) * 70);
      }
    };
    run(4_000);
    const queues = [0, 4, 8].map((offset) => rig.shardField(SHARD_QUEUE_ITEMS + offset));
    const held = Array.from({ length: 900 }, (_, index) => rig.holds(`key-${index}`));
    const pages = rig.arena.countPages(PAGE_SKETCH);
    const dead = rig.arena.attach();
    rig.arena.hold(0, dead.id, dead.generationOf(dead.id));
    expect(rig.thread.recover(0, dead.id)).toBe(true);
    rig.verify();
    expect(rig.arena.countPages(PAGE_SKETCH)).toBe(pages);
    const after = [0, 4, 8].map((offset) => rig.shardField(SHARD_QUEUE_ITEMS + offset));
    expect(after).toEqual(queues);
    expect(held.map((_, index) => rig.holds(`key-${index}`))).toEqual(held);
    run(4_000);
    rig.verify();
  });
});
