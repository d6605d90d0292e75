import { describe, expect, it } from 'vitest';
import { FLAG_KEEP_TTL, FLAG_VERSION } from '../../native-free-core/assembly/layout.js';
import { STATUS_OK } from '../../native-free-core/status.js';
import { type CutRig, cutEverywhere } from './cut-rig.js';

/** A counter with a time to live among entries of other sizes. */
function putCounter(rig: CutRig): void {
  for (let i = 0; i < 4; i++) rig.put(`other-${i}`, i * 70);
  rig.keys.add('counter');
  rig.keys.add('new counter');
  const options = { ttlMs: 60_000, contentType: 'text/plain', encoding: 4 };
  expect(rig.survivor.set('counter', '999', options).status).toBe(STATUS_OK);
}

describe('a counting command that is cut off at any store', () => {
  it.each([
    ['a counter that is there', 'counter', 1],
    ['a counter that becomes longer', 'counter', -(10 ** 15)],
    ['a new counter', 'new counter', 41],
  ])('%s', (name, key, by) => {
    const run = (rig: CutRig): void => {
      const outcome = rig.victim.increment(key, by, '1', { flags: FLAG_KEEP_TTL });
      expect(outcome).toMatchObject({ status: STATUS_OK, sum: (key === 'counter' ? 999 : 1) + by });
    };
    expect(cutEverywhere({ name, prepare: putCounter, run })).toBeGreaterThan(20);
  });

  it('a set that asks for a version', () => {
    const run = (rig: CutRig): void => {
      const entry = rig.survivor.get('counter');
      if (typeof entry === 'number') throw new Error(`no counter: ${entry}`);
      const { version } = entry;
      const wrong = rig.victim.set('counter', 'no', { flags: FLAG_VERSION, version: version + 1 });
      expect(wrong.status).not.toBe(STATUS_OK);
      const right = rig.victim.set('counter', 'yes', { flags: FLAG_VERSION, version });
      expect(right.status).toBe(STATUS_OK);
    };
    expect(cutEverywhere({ name: 'compare and set', prepare: putCounter, run })).toBeGreaterThan(
      20,
    );
  });
});
