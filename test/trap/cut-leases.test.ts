import { describe, expect, it } from 'vitest';
import { SHARD_EVICTIONS } from '../../native-free-core/assembly/layout.js';
import { STATUS_NO_LEASE, STATUS_OK, STATUS_WAIT } from '../../native-free-core/status.js';
import { CoreLeases } from '../support/core-leases.js';
import { type CutRig, cutEverywhere, type Scenario } from './cut-rig.js';

const LEASE_MS = 30_000;

const byVictim = (rig: CutRig): CoreLeases => new CoreLeases(rig.arena, rig.victim);
const bySurvivor = (rig: CutRig): CoreLeases => new CoreLeases(rig.arena, rig.survivor);

/** Entries, and leases of both threads; the tokens of the victim's lie in the order of grants. */
function prepare(rig: CutRig): void {
  for (let i = 0; i < 4; i++) rig.put(`some-${i}`, i * 60);
  rig.keys.add('k');
  bySurvivor(rig).ask('other');
  byVictim(rig).ask('mine');
}

/** All records of the first page in use or used before: further leases take freed ones. */
function prepareWorn(rig: CutRig): void {
  prepare(rig);
  const leases = bySurvivor(rig);
  for (let i = 0; i < 30; i++) {
    const { token } = leases.ask(`worn-${i}`);
    if (i % 3 !== 0) leases.release(`worn-${i}`, token);
  }
}

function fillUp(rig: CutRig): void {
  for (let i = 0; rig.arena.total(SHARD_EVICTIONS) === 0; i++) rig.put(`fill-${i}`, 300);
}

function fillTable(rig: CutRig): void {
  const leases = bySurvivor(rig);
  for (let i = 0; ; i++) {
    if (leases.ask(`full-${i}`, { ttlMs: 10 }).status === STATUS_NO_LEASE) break;
  }
  rig.arena.clock.advance(10);
}

const asks = (key: string, status: number) => (rig: CutRig) => {
  expect(byVictim(rig).ask(key).status).toBe(status);
};

/** The token of the victim's lease of `mine`, the second of the arena. */
const MINE = 2;

const commands: readonly Scenario[] = [
  { name: 'the first lease of a shard', prepare: () => undefined, run: asks('k', STATUS_OK) },
  { name: 'a lease', prepare, run: asks('k', STATUS_OK) },
  { name: 'a lease in a record that was used before', prepare: prepareWorn, run: asks('k', 0) },
  { name: 'a lease that another has', prepare, run: asks('other', STATUS_WAIT) },
  { name: 'a first lease where memory is short', prepare: fillUp, run: asks('k', STATUS_OK) },
  { name: 'a lease where all others are over', prepare: fillTable, run: asks('k', STATUS_OK) },
  {
    name: 'a lease whose time is over',
    prepare: (rig) => {
      prepare(rig);
      rig.arena.clock.advance(LEASE_MS);
    },
    run: asks('other', STATUS_OK),
  },
  {
    name: 'a fill',
    prepare: (rig) => {
      prepare(rig);
      rig.keys.add('mine');
    },
    run: (rig) => expect(byVictim(rig).fill('mine', MINE, 'loaded')).toBe(STATUS_OK),
  },
  {
    name: 'a fill that comes too late',
    prepare: (rig) => {
      prepare(rig);
      rig.put('mine', 30);
    },
    run: (rig) => expect(byVictim(rig).fill('mine', MINE, 'loaded')).not.toBe(STATUS_OK),
  },
  {
    name: 'a fill of a namespace that was cleared',
    prepare: (rig) => {
      prepare(rig);
      rig.arena.hold(0);
      rig.survivor.core.clearNamespace(0);
      rig.arena.letGo(0);
    },
    run: (rig) => expect(byVictim(rig).fill('mine', MINE, 'loaded')).not.toBe(STATUS_OK),
  },
  {
    name: 'a lease that is given up with a message',
    prepare: prepareWorn,
    run: (rig) => expect(byVictim(rig).release('mine', MINE, 'no answer')).toBe(STATUS_OK),
  },
  {
    name: 'a set that voids a lease',
    prepare: (rig) => {
      prepareWorn(rig);
      rig.keys.add('other');
    },
    run: (rig) => expect(rig.victim.set('other', 'new').status).toBe(STATUS_OK),
  },
  {
    name: 'a delete that voids a lease',
    prepare: prepareWorn,
    run: (rig) => void rig.victim.remove('worn-0'),
  },
  {
    name: 'a clear that voids all',
    prepare: prepareWorn,
    run: (rig) => rig.victim.core.clearNamespace(0),
  },
];

describe('a command about leases that is cut off at any store', () => {
  it.each(commands)('$name', (scenario) => {
    expect(cutEverywhere(scenario)).toBeGreaterThan(5);
  });
});
