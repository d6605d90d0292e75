import { describe, expect, it } from 'vitest';
import {
  FLAG_RETURN_OLD,
  OP_EXPIRE_TAGGED,
  SHARD_EVICTIONS,
  SHARD_PAGES_MOVED,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_OK } from '../../native-free-core/status.js';
import { invalidateTagged, setTagged } from '../support/core-tags.js';
import { type CutRig, cutEverywhere, type Scenario } from './cut-rig.js';

/** More than a record of a tiny arena takes. */
const MANY: readonly string[] = Array.from({ length: 20 }, (_, i) => `many ${i}`.padEnd(200, '.'));

function put(rig: CutRig, key: string, valueBytes: number, tags: readonly string[]): void {
  rig.keys.add(key);
  const { status } = setTagged(rig.arena, rig.survivor, key, rig.value(valueBytes), tags);
  if (status !== STATUS_OK) throw new Error(`preparing ${key} answered ${status}`);
}

function putSome(rig: CutRig): void {
  rig.put('without', 100);
  put(rig, 'target', 100, ['a', 'b', 'only target']);
  put(rig, 'other', 40, ['b', 'a', 't'.repeat(150)]);
  put(rig, 'third', 700, ['c']);
  put(rig, 'large', 9_000, ['a', 'c', 'only large']);
}

function setting(
  name: string,
  key: string,
  valueBytes: number,
  tags: readonly string[],
  flags = 0,
): Scenario {
  return {
    name,
    prepare: (rig) => {
      putSome(rig);
      rig.keys.add(key);
    },
    run: (rig) => {
      const value = new Uint8Array(valueBytes).fill(201);
      const { status } = setTagged(rig.arena, rig.victim, key, value, tags, { flags });
      expect(status).toBe(STATUS_OK);
    },
  };
}

const scenarios: readonly Scenario[] = [
  {
    ...setting('the first tags of a shard', 'new', 50, ['x', 'y'.repeat(200)]),
    prepare: (rig) => {
      rig.put('without', 100);
      rig.keys.add('new');
    },
  },
  setting('a new key with tags', 'new', 50, ['a', 'new']),
  setting('other tags', 'target', 90, ['b', 'other']),
  setting('other tags, the old value returned', 'target', 90, ['c'], FLAG_RETURN_OLD),
  setting('a large value with tags', 'new', 10_000, ['a', 'new']),
  setting('other tags of a large value', 'large', 5_000, ['c', 'new'], FLAG_RETURN_OLD),
  setting('names in pages of their own', 'target', 90, ['a', ...MANY]),
  {
    name: 'a value without tags instead',
    prepare: putSome,
    run: (rig) => rig.victim.set('target', new Uint8Array(90)),
  },
  { name: 'a delete', prepare: putSome, run: (rig) => rig.victim.remove('target') },
  { name: 'a delete of a large value', prepare: putSome, run: (rig) => rig.victim.remove('large') },
  {
    name: 'an increment',
    prepare: (rig) => {
      putSome(rig);
      rig.keys.add('counter');
      setTagged(rig.arena, rig.survivor, 'counter', Buffer.from('99'), ['a', 'count'], {
        encoding: 4,
      });
    },
    run: (rig) => {
      expect(rig.victim.increment('counter', 1).status).toBe(STATUS_OK);
    },
  },
  {
    name: 'an invalidation',
    prepare: putSome,
    run: (rig) => expect(invalidateTagged(rig.arena, rig.victim, ['a'])).toBe(3),
  },
  {
    name: 'an invalidation by all of two tags',
    prepare: putSome,
    run: (rig) => expect(invalidateTagged(rig.arena, rig.victim, ['a', 'c'])).toBe(1),
  },
  {
    name: 'a soft invalidation',
    prepare: putSome,
    run: (rig) => {
      expect(invalidateTagged(rig.arena, rig.victim, ['b'], OP_EXPIRE_TAGGED)).toBe(2);
    },
  },
];

/** Full of tagged entries, and every second was used once more: a page holds young entries too. */
function fillAndUse(rig: CutRig): void {
  const tags = (i: number): string[] => [`group ${i % 3}`, `own ${i % 20}`];
  for (let i = 0; rig.arena.freePages() > 0; i++) put(rig, `fill-${i}`, 200, tags(i));
  const keys = [...rig.keys];
  for (let i = 0; i < keys.length; i += 2) put(rig, keys[i] as string, 200, tags(i));
}

const pressure: readonly Scenario[] = [
  {
    name: 'evicts for a tagged value',
    prepare: (rig) => {
      fillAndUse(rig);
      rig.keys.add('new');
    },
    run: (rig) => {
      setTagged(rig.arena, rig.victim, 'new', new Uint8Array(200), ['group 1', 'n'.repeat(99)]);
    },
    proves: (rig) => rig.arena.total(SHARD_EVICTIONS) > 0,
  },
  {
    name: 'moves tagged entries to another page',
    prepare: (rig) => {
      fillAndUse(rig);
      rig.keys.add('new');
    },
    run: (rig) => rig.victim.set('new', new Uint8Array(900)),
    proves: (rig) => rig.arena.total(SHARD_PAGES_MOVED) > 0,
  },
];

describe('a command about tags that is cut off at any store', () => {
  it.each(scenarios)('$name', (scenario) => {
    expect(cutEverywhere(scenario)).toBeGreaterThan(10);
  });

  it.each(pressure)('under pressure: $name', (scenario) => {
    expect(cutEverywhere(scenario)).toBeGreaterThan(50);
  });
});
