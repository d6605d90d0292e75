import fc from 'fast-check';
import { describe, it } from 'vitest';
import { seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { type TaggedSet, TagRig, type TagRigOptions } from './tag-rig.js';

const KIB = 1_024;
const OPERATIONS_MAX = 60;
const KEYS: readonly string[] = Array.from({ length: 14 }, (_, index) =>
  index < 12 ? `key-${index}` : `${index}`.padEnd(250 * (index - 10), 'k'),
);
const SHORT_TAGS: readonly string[] = ['a', 'b', 'user:1', 'ü'.repeat(30), 't'.repeat(100)];
/** More than one record takes, and more than one page of names. */
const MANY_TAGS: readonly string[] = Array.from({ length: 64 }, (_, index) =>
  `tag-${index}`.padEnd(256, '.'),
);

/** One operation: its text, and what it does. */
interface Operation {
  readonly text: string;
  run(rig: TagRig): Promise<void> | void;
}

const space = fc.integer({ min: 0, max: 1 });
const key = fc.oneof(fc.constantFrom(...KEYS), fc.constantFrom(...KEYS.slice(0, 2)));
const tag = fc.oneof(
  { arbitrary: fc.constantFrom(...SHORT_TAGS), weight: 6 },
  fc.constantFrom(...MANY_TAGS.slice(0, 3)),
);
const tags = fc.oneof(
  { arbitrary: fc.constant([]), weight: 2 },
  { arbitrary: fc.array(tag, { minLength: 1, maxLength: 6 }), weight: 6 },
  fc.integer({ min: 1, max: 64 }).map((count) => MANY_TAGS.slice(0, count)),
);
const extraBytes = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 300 }), weight: 5 },
  { arbitrary: fc.integer({ min: 300, max: 1_100 }), weight: 3 },
  fc.integer({ min: 2_500, max: 9_000 }),
);
const ttlMs = fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 1, max: 2_000 }));

const set = fc
  .record({
    ...{ space, key, extraBytes, tags, ttlMs },
    only: fc.constantFrom(undefined, undefined, undefined, 'absent' as const, 'present' as const),
    returnsOld: fc.oneof({ arbitrary: fc.constant(false), weight: 3 }, fc.constant(true)),
  })
  .map((command: TaggedSet) => ({
    text: `set ${command.space}/${command.key.slice(0, 8)} ${command.extraBytes} bytes, ${command.tags.length} tags, ttl ${command.ttlMs}, only ${command.only}, old ${command.returnsOld}`,
    run: (rig: TagRig) => rig.set(command),
  }));
const counter = fc.constantFrom('n-0', 'n-1');
/** With more an increment would not fit a chunk of the tiny pages here. */
const NUMBER_TAGS_MAX = 40;
const setNumber = fc.tuple(space, counter, tags).map(([id, name, all]) => {
  const list = all.slice(0, NUMBER_TAGS_MAX);
  return {
    text: `set ${id}/${name} to a number, ${list.length} tags`,
    run: (rig: TagRig) => rig.setNumber(id, name, list),
  };
});
const increment = fc.tuple(space, counter).map(([id, name]) => ({
  text: `increment ${id}/${name}`,
  run: (rig: TagRig) => rig.increment(id, name),
}));
const invalidate = fc
  .tuple(space, tags, fc.constantFrom('any' as const, 'all' as const))
  .map(([id, list, match]) => ({
    text: `invalidate ${match} of ${id}: ${list.map((name) => name.slice(0, 8)).slice(0, 6)}`,
    run: (rig: TagRig) => rig.invalidate(id, [...new Set(list)], match),
  }));
const expire = fc.tuple(space, tag).map(([id, name]) => ({
  text: `expire ${id}/${name.slice(0, 8)}`,
  run: (rig: TagRig) => rig.expire(id, name),
}));
const remove = fc.tuple(space, key).map(([id, name]) => ({
  text: `delete ${id}/${name.slice(0, 8)}`,
  run: (rig: TagRig) => rig.remove(id, name),
}));
const read = fc.tuple(space, key).map(([id, name]) => ({
  text: `read ${id}/${name.slice(0, 8)}`,
  run: (rig: TagRig) => rig.read(id, name),
}));
const clear = space.map((id) => ({ text: `clear ${id}`, run: (rig: TagRig) => rig.clear(id) }));
const advance = fc.integer({ min: 1, max: 1_500 }).map((stepMs) => ({
  text: `advance ${stepMs}`,
  run: (rig: TagRig) => rig.arena.clock.advance(stepMs),
}));
const serve = fc.constant({ text: 'serve', run: (rig: TagRig) => rig.serve() });

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { arbitrary: set, weight: 8 },
  { arbitrary: setNumber, weight: 1 },
  { arbitrary: increment, weight: 2 },
  { arbitrary: invalidate, weight: 2 },
  { arbitrary: expire, weight: 1 },
  { arbitrary: remove, weight: 1 },
  { arbitrary: read, weight: 2 },
  { arbitrary: clear, weight: 1 },
  { arbitrary: advance, weight: 1 },
  { arbitrary: serve, weight: 1 },
);

async function runModel(options: TagRigOptions, numRuns: number): Promise<void> {
  const operations = fc.array(operation, { maxLength: OPERATIONS_MAX, size: 'max' });
  await fc.assert(
    fc.asyncProperty(operations, async (sequence) => {
      const rig = new TagRig(options);
      const keys = options.mayEvict
        ? [...KEYS, ...(await rig.fill()), 'n-0', 'n-1']
        : [...KEYS, 'n-0', 'n-1'];
      for (const [index, each] of sequence.entries()) {
        try {
          await each.run(rig);
          rig.check();
        } catch (cause) {
          const history = sequence.slice(0, index + 1).map(({ text }) => text);
          throw new Error(`${(cause as Error).message}\n${history.join('\n')}`, { cause });
        }
      }
      await rig.finish(keys);
    }),
    { seed: seedFromEnvironment(), numRuns: scaled(numRuns) },
  );
}

const roomy = { mayEvict: false, limitBytes: 4 * KIB * KIB };
const tight = { mayEvict: true, limitBytes: 256 * KIB };

describe('tags agree with a naive model', () => {
  it('where memory is plenty', async () => {
    await runModel(roomy, 60);
  });

  it('over several shards', async () => {
    await runModel({ ...roomy, shardCount: 3 }, 40);
  });

  it('where memory is short', async () => {
    await runModel(tight, 150);
  });

  it('where memory is short and pages are larger', async () => {
    await runModel({ ...tight, limitBytes: 512 * KIB, pageBytes: 16 * KIB }, 80);
  });

  it('where entries are counted', async () => {
    await runModel({ ...tight, entryCountMax: 5 }, 60);
  });

  it('in the build for weakly ordered processors', async () => {
    await runModel({ ...tight, build: 'core-weak' }, 20);
  });
});
