import { describe, expect, it } from 'vitest';
import {
  FLAG_RETURN_OLD,
  ITEM_HEAD_BYTES,
  OP_DELETE,
  RECORD_OLD,
  SHARD_BYTES_USED,
  SHARD_EVICTIONS,
  SHARD_PAGES_MOVED,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_MISS, STATUS_OK } from '../../native-free-core/status.js';
import { CoreArena, type CoreBuild } from '../support/core-arena.js';
import { type CoreThread, READ_VALUE, toBytes } from '../support/core-thread.js';
import { createPrng, type Prng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';

const KIB = 1_024;
const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/fuzz/slab.test.ts');

/** Values of one phase lie within one of these; with tiny pages the last have their own pages. */
const SIZE_RANGES: readonly (readonly [number, number])[] = [
  [0, 8],
  [0, 100],
  [90, 130],
  [200, 900],
  [880, 960],
  [0, 940],
  [1_000, 4_000],
  [3_900, 20_000],
  [15_000, 40_000],
];

function drawSize(prng: Prng, range: readonly [number, number]): number {
  return range[0] + prng.nextBelow(range[1] - range[0] + 1);
}

/** Every byte depends on key and length, so that a mix of two values is noticed. */
function patternOf(key: string, length: number): Uint8Array {
  const salt = key.charCodeAt(key.length - 1) * 31 + length;
  const value = new Uint8Array(length);
  for (let index = 0; index < length; index++) value[index] = salt + index * 13;
  return value;
}

function expectSound(arena: CoreArena): void {
  const findings = arena.verify();
  if (findings.length > 0) throw new Error(`${findings.join('\n')}; ${replay}`);
}

class SlabRig {
  readonly arena: CoreArena;
  readonly thread: CoreThread;
  /** Length of each key's value, as it was set last. */
  readonly lengths = new Map<string, number>();

  constructor(build: CoreBuild, limitBytes: number, pageBytes = 4 * KIB) {
    this.arena = new CoreArena({ build, limitBytes, pageBytes });
    this.thread = this.arena.attach();
  }

  get evictions(): number {
    return this.arena.total(SHARD_EVICTIONS);
  }

  set(key: string, length: number, flags = 0): void {
    const { status } = this.thread.set(key, patternOf(key, length), { flags });
    if (status !== STATUS_OK) throw new Error(`set of ${length} bytes answered ${status}`);
    this.lengths.set(key, length);
    // What was just set is the most recently used: it is there.
    if (this.check(key) !== STATUS_OK) throw new Error(`${key} is gone at once`);
  }

  /** Reads without a touch; the value is whole, or the key is gone. */
  check(key: string): number {
    const entry = this.thread.get(key, 0, READ_VALUE);
    if (typeof entry === 'number') {
      if (entry !== STATUS_MISS) throw new Error(`${key} answered ${entry}`);
      this.lengths.delete(key);
      return entry;
    }
    const length = this.lengths.get(key);
    if (length === undefined) throw new Error(`${key} was never set`);
    if (Buffer.compare(entry.value, patternOf(key, length)) !== 0)
      throw new Error(`bytes of ${key}`);
    return STATUS_OK;
  }

  remove(key: string): void {
    this.thread.remove(key);
    this.lengths.delete(key);
  }

  checkSums(): void {
    expectSound(this.arena);
    for (const key of [...this.lengths.keys()]) this.check(key);
    if (this.lengths.size !== this.arena.items()) throw new Error('another number of items');
    const used = this.arena.shardU64(0, SHARD_BYTES_USED);
    if (used > this.arena.pageCount() * this.arena.plan.pageBytes) throw new Error('over limit');
  }
}

function fuzzPhase(rig: SlabRig, prng: Prng, operations: number): void {
  const range = prng.pick(SIZE_RANGES);
  const keys = prng.pick([10, 100, 1_000]);
  for (let i = 0; i < operations; i++) {
    const key = `key-${prng.nextBelow(keys)}`;
    const choice = prng.nextBelow(10);
    const other = prng.nextBelow(8) === 0 ? prng.pick(SIZE_RANGES) : range;
    if (choice < 7) rig.set(key, drawSize(prng, other), choice === 0 ? FLAG_RETURN_OLD : 0);
    else if (choice < 8) rig.remove(key);
    else rig.check(key);
    expectSound(rig.arena);
  }
  rig.checkSums();
}

/** Sets values of drawn sizes until something was evicted. */
function fillUp(rig: SlabRig, draw: () => number): void {
  for (let i = 0; rig.evictions === 0; i++) rig.set(`fill-${i}`, draw());
}

describe('the slab allocator', () => {
  it.each([
    ['core', 4 * KIB],
    ['core-weak', 4 * KIB],
    ['core', 16 * KIB],
    ['core', 128 * KIB],
  ] as const)('holds under shifting sizes (%s, pages of %i bytes)', (build, pageBytes) => {
    for (let round = 0; round < scaled(4); round++) {
      const prng = createPrng(seed + round);
      const rig = new SlabRig(build, prng.pick([64, 80, 128]) * pageBytes, pageBytes);
      try {
        for (let phase = 0; phase < 12; phase++) fuzzPhase(rig, prng, 150);
      } catch (cause) {
        throw new Error(`round ${round}: ${(cause as Error).message}; ${replay}`, { cause });
      }
    }
  });

  it.each([
    ['one class', [300, 301]],
    ['several classes', [150, 940]],
    ['the whole range of chunks', [0, 940]],
  ] as const)('overwrites a value by one of its size and evicts nobody: %s', (_name, range) => {
    const rig = new SlabRig('core', 320 * KIB);
    const prng = createPrng(seed);
    fillUp(rig, () => drawSize(prng, range));
    const before = rig.evictions;
    for (let round = 0; round < 3; round++) {
      for (const [key, length] of [...rig.lengths]) {
        if (rig.check(key) === STATUS_OK) rig.set(key, length);
        expectSound(rig.arena);
      }
    }
    expect(rig.evictions, replay).toBe(before);
    rig.checkSums();
  });

  it('moves pages to the class that needs them', () => {
    const rig = new SlabRig('core', 512 * KIB);
    fillUp(rig, () => 40);
    const small = rig.arena.items();
    expect(small).toBeGreaterThan(1_000);
    for (let i = 0; i < 400; i++) rig.set(`wide-${i}`, 900);
    rig.checkSums();
    expect(rig.arena.total(SHARD_PAGES_MOVED)).toBeGreaterThan(20);
    let wide = 0;
    for (let i = 0; i < 400; i++) if (rig.check(`wide-${i}`) === STATUS_OK) wide += 1;
    // Small values that are never used again must not keep the wide ones out.
    expect(wide * 4 * KIB).toBeGreaterThan(rig.arena.pageCount() * KIB);
    for (let i = 0; i < 20; i++) rig.set(`page-${i}`, 3_000);
    rig.checkSums();
  });

  it('takes pages elsewhere when a returned value keeps its page', () => {
    const rig = new SlabRig('core', 256 * KIB);
    const { thread, arena } = rig;
    thread.set('alone', patternOf('alone', 500));
    thread.begin(OP_DELETE, toBytes('alone'), {}, 0);
    const status = thread.core.submit(0, 0, 0, FLAG_RETURN_OLD, Number.POSITIVE_INFINITY, 1);
    expect(status).toBe(STATUS_OK);
    const reference = arena.view.getUint32((thread.core.commandRecord() >>> 0) + RECORD_OLD, true);
    // Its caller has not read the old value yet: no other value may take its place.
    const item = reference * 8;
    const first = item + ITEM_HEAD_BYTES + 'alone'.length;
    fillUp(rig, () => 200);
    rig.set('other', 700);
    rig.set('large', 7_000);
    expectSound(arena);
    const kept = arena.bytes.slice(first, first + 500);
    expect(Buffer.compare(kept, patternOf('alone', 500))).toBe(0);
    const free = arena.freePages();
    thread.release(0, reference);
    expectSound(arena);
    expect(arena.freePages()).toBeGreaterThanOrEqual(free);
    rig.checkSums();
  });
});
