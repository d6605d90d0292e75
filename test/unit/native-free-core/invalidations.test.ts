import { describe, expect, it } from 'vitest';
import { STAMP_COUNT } from '../../../native-free-core/assembly/layout.js';
import { CoreArena } from '../../support/core-arena.js';

const STAMPS = BigInt(STAMP_COUNT);

describe('stamps of invalidated tags', () => {
  it('says that a tag was invalidated after a number was noted, not before', () => {
    const { core } = new CoreArena().attach();
    const before = core.invalidationNumber();
    expect(core.isTagNewer(7n, before)).toBe(0);
    core.stampTag(7n);
    expect(core.isTagNewer(7n, before)).toBe(1);
    expect(core.isTagNewer(8n, before)).toBe(0);
    const after = core.invalidationNumber();
    expect(after).toBe(before + 1n);
    expect(core.isTagNewer(7n, after)).toBe(0);
  });

  it('gives tags of one stamp one answer', () => {
    const { core } = new CoreArena().attach();
    core.stampTag(3n);
    expect(core.isTagNewer(3n + STAMPS * 5n, 0n)).toBe(1);
    expect(core.isTagNewer((1n << 63n) + STAMPS - 1n, 0n)).toBe(0);
    core.stampTag((1n << 63n) + STAMPS - 1n);
    expect(core.isTagNewer(STAMPS - 1n, 1n)).toBe(1);
  });

  it('never lowers a stamp: of two threads the later number stays', () => {
    const arena = new CoreArena();
    const first = arena.attach().core;
    const second = arena.attach().core;
    for (let round = 0; round < 10; round++) {
      first.stampTag(1n);
      second.stampTag(1n);
    }
    expect(first.isTagNewer(1n, 19n)).toBe(1);
    expect(first.isTagNewer(1n, 20n)).toBe(0);
  });
});
