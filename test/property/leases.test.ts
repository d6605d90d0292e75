import fc from 'fast-check';
import { describe, it } from 'vitest';
import { seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { LeaseRig } from './lease-rig.js';

const OPERATIONS_MAX = 80;

/** One operation: its text, and what it does. */
interface Operation {
  readonly text: string;
  run(rig: LeaseRig): void;
}

const by = fc.integer({ min: 0, max: 2 });
const space = fc.integer({ min: 0, max: 1 });
const key = fc.constantFrom('a', 'b', 'c', 'd'.repeat(300), 'e');
const index = fc.nat({ max: 11 });
const leaseMs = fc.constantFrom(10, 100, 1_000);

const ask = fc.tuple(by, space, key, leaseMs).map(([thread, id, name, ms]) => ({
  text: `${thread} asks for ${id}/${name.slice(0, 2)}, ${ms} ms`,
  run: (rig: LeaseRig) => rig.ask(thread, id, name, ms),
}));
const fill = fc.tuple(by, index).map(([thread, at]) => ({
  text: `${thread} fills ${at}`,
  run: (rig: LeaseRig) => rig.fill(thread, at),
}));
const release = fc.tuple(by, index, fc.constantFrom('', 'it failed')).map(([thread, at, text]) => ({
  text: `${thread} releases ${at} "${text}"`,
  run: (rig: LeaseRig) => rig.release(thread, at, text),
}));
const set = fc.tuple(by, space, key, fc.boolean()).map(([thread, id, name, absent]) => ({
  text: `${thread} sets ${id}/${name.slice(0, 2)}${absent ? ' if absent' : ''}`,
  run: (rig: LeaseRig) => rig.set(thread, id, name, absent),
}));
const remove = fc.tuple(by, space, key).map(([thread, id, name]) => ({
  text: `${thread} deletes ${id}/${name.slice(0, 2)}`,
  run: (rig: LeaseRig) => rig.remove(thread, id, name),
}));
const clear = fc.tuple(by, space).map(([thread, id]) => ({
  text: `${thread} clears ${id}`,
  run: (rig: LeaseRig) => rig.clear(thread, id),
}));
const advance = fc.constantFrom(1, 10, 100, 1_000).map((stepMs) => ({
  text: `advance ${stepMs}`,
  run: (rig: LeaseRig) => rig.arena.clock.advance(stepMs),
}));
const replace = fc.tuple(by, by).map(([thread, releaser]) => ({
  text: `${releaser} detaches ${thread}`,
  run: (rig: LeaseRig) => rig.replace(thread, releaser),
}));
const reset = fc.tuple(by, by).map(([dead, thread]) => ({
  text: `${thread} resets the shard of ${dead}`,
  run: (rig: LeaseRig) => rig.reset(dead, thread),
}));

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { arbitrary: ask, weight: 12 },
  { arbitrary: fill, weight: 6 },
  { arbitrary: release, weight: 3 },
  { arbitrary: set, weight: 2 },
  { arbitrary: remove, weight: 4 },
  { arbitrary: clear, weight: 1 },
  { arbitrary: advance, weight: 4 },
  { arbitrary: replace, weight: 1 },
  { arbitrary: reset, weight: 1 },
);

describe('leases against a model that has none of their means', () => {
  it.each(['many', 'few'] as const)('agree at every step, room for %s', (room) => {
    const seed = seedFromEnvironment();
    const run = (operations: readonly Operation[]): void => {
      const rig = new LeaseRig(room);
      for (const { text, run } of operations) {
        try {
          run(rig);
          rig.check();
        } catch (cause) {
          throw new Error(`after "${text}": ${(cause as Error).message}`, { cause });
        }
      }
    };
    const list = fc.array(operation, { maxLength: OPERATIONS_MAX, size: 'max' });
    fc.assert(fc.property(list, run), { seed, numRuns: scaled(30) });
  });
});
