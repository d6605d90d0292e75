import { describe, expect, it } from 'vitest';
import {
  BUCKET_NEXT,
  BUCKET_REFERENCES,
  ITEM_CONTENT_TYPE_BYTES,
  ITEM_EXPIRY_MS,
  ITEM_HASH,
  ITEM_HEAD_BYTES,
  ITEM_KEY,
  ITEM_KEY_BYTES,
  ITEM_NAMESPACE,
  ITEM_VALUE_BYTES,
  PAGE_RING,
  RESULT_ITEM,
  RESULT_VALUE_BYTES,
  RING_RECORDS,
  RING_TOUCH_HEAD,
  RING_TOUCH_TAIL,
  SHARD_BUCKET_COUNT,
  SHARD_FIXED_BYTES,
  SHARD_OWNER,
  SHARD_RECENT_STAMP,
  THREAD_READ_RETRIES,
  THREAD_RESULT,
  THREAD_RINGS,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_BUSY, STATUS_MISS, STATUS_OK } from '../../native-free-core/status.js';
import { CoreArena, type CoreBuild, type CoreSnapshot } from '../support/core-arena.js';
import {
  type CoreThread,
  READ_ALL,
  READ_META,
  READ_TOUCH,
  READ_VALUE,
} from '../support/core-thread.js';
import { createPrng, type Prng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';

const KIB = 1_024;
const TRIES_MAX = 128;
const KEYS: readonly string[] = Array.from({ length: 120 }, (_, index) =>
  `key-${index}`.padEnd(index % 10 === 0 ? 400 : 0, 'k'),
);
const VALUE_BYTES = [0, 5, 100, 700, 3_000, 9_000];
const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/fuzz/reader.test.ts');

/** Words that break bounds by one, by much, or by the sign. */
const HOSTILE_WORDS = [
  0, 1, 2, 7, 8, 63, 64, 65, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8, 0xffff_ffff,
];

interface Range {
  readonly start: number;
  readonly end: number;
}

/** An arena with entries that is damaged, and a reader over it. */
class ReaderRig {
  readonly arena: CoreArena;
  readonly reader: CoreThread;
  readonly prng: Prng;
  private readonly pristine: CoreSnapshot;
  private readonly rings: readonly number[];

  constructor(build: CoreBuild, pageBytes: number, prng: Prng) {
    this.prng = prng;
    this.arena = new CoreArena({ build, pageBytes, shardCount: 2, limitBytes: 1_280 * KIB });
    const writer = this.arena.attach();
    this.reader = this.arena.attach();
    KEYS.forEach((key, index) => {
      const value = new Uint8Array(VALUE_BYTES[index % VALUE_BYTES.length] as number).fill(index);
      const contentType = index % 3 === 0 ? 'text/plain' : '';
      const ttlMs = index % 4 === 0 ? 1_000 : Number.POSITIVE_INFINITY;
      expect(writer.set(key, value, { contentType, ttlMs }).status).toBe(STATUS_OK);
    });
    const pages = Array.from({ length: this.arena.plan.pageCount }, (_, page) => page);
    this.rings = pages.filter((page) => this.arena.pageKind(page) === PAGE_RING);
    this.pristine = this.arena.snapshot();
  }

  restore(): void {
    this.arena.restore(this.pristine);
  }

  get pagesEnd(): number {
    return this.arena.pageAddress(this.arena.plan.pageCount);
  }

  /** What a reader looks at, but for rings: these are the reader's own. */
  readable(shardHeaders: boolean): Range[] {
    const { plan } = this.arena;
    const ranges: Range[] = [{ start: plan.directoryOffset, end: plan.pagesOffset }];
    if (shardHeaders) ranges.push({ start: plan.shardsOffset, end: plan.directoryOffset });
    let start = plan.pagesOffset;
    for (const page of this.rings) {
      ranges.push({ start, end: this.arena.pageAddress(page) });
      start = this.arena.pageAddress(page + 1);
    }
    ranges.push({ start, end: plan.limitBytes });
    return ranges.filter((range) => range.end > range.start);
  }

  fillRandomly(range: Range): void {
    const words = new Uint32Array(
      this.arena.bytes.buffer,
      range.start,
      (range.end - range.start) / 4,
    );
    for (let i = 0; i < words.length; i++) words[i] = this.prng.nextUint32();
  }

  /** Bits of the stripes only, so that half of the reads find theirs odd. */
  mixStripes(): void {
    const { plan, view } = this.arena;
    for (let shard = 0; shard < plan.shardCount; shard++) {
      const first = this.arena.stripeAddress(shard, 0n);
      for (let i = 0; i < plan.stripeCount; i++) {
        view.setUint32(first + i * 4, this.prng.nextUint32(), true);
      }
    }
  }

  hostileWord(): number {
    const { plan } = this.arena;
    const inPages =
      (plan.pagesOffset + this.prng.nextBelow(this.pagesEnd - plan.pagesOffset)) >>> 3;
    const draw = this.prng.nextBelow(4);
    if (draw === 0) return inPages;
    if (draw === 1) return this.pagesEnd / 8 - this.prng.nextBelow(3);
    if (draw === 2) return this.prng.nextUint32();
    return this.prng.pick(HOSTILE_WORDS);
  }

  setOwners(held: boolean): void {
    for (let shard = 0; shard < this.arena.plan.shardCount; shard++) {
      if (held) this.arena.hold(shard);
      else this.arena.letGo(shard);
    }
  }
}

/** Every word of the memory outside of what this reader may write, as one buffer. */
function otherBytes(rig: ReaderRig): Buffer {
  const { arena, reader } = rig;
  const copy = Buffer.from(arena.bytes);
  copy.fill(0, reader.slot, reader.slot + arena.plan.threadBytes);
  for (let shard = 0; shard < arena.plan.shardCount; shard++) {
    // Its touches lie in its ring page; the holder's side of that page stays as it is.
    const ring = arena.view.getUint32(reader.slot + THREAD_RINGS + shard * 4, true);
    copy.fill(0, ring + RING_TOUCH_TAIL, ring + RING_TOUCH_TAIL + 4);
    const touches = ring + RING_RECORDS + arena.plan.pageBytes / 2;
    copy.fill(0, touches, ring + arena.plan.pageBytes);
    if (arena.view.getUint32(ring + RING_TOUCH_HEAD, true) !== 0) throw new Error('drained');
  }
  return copy;
}

/** One read over damaged memory: an answer, in bounded tries, and nothing written elsewhere. */
function readHostile(rig: ReaderRig, key: string, flags: number): number {
  const { arena, reader } = rig;
  const before = otherBytes(rig);
  const retries = reader.counter(THREAD_READ_RETRIES);
  const status = reader.read(key, 0, flags);
  if (status !== STATUS_OK && status !== STATUS_MISS && status !== STATUS_BUSY) {
    throw new Error(`a read answered ${status}`);
  }
  if (reader.counter(THREAD_READ_RETRIES) - retries > TRIES_MAX) throw new Error('too many tries');
  if (Buffer.compare(before, otherBytes(rig)) !== 0) throw new Error('a reader wrote elsewhere');
  if (status === STATUS_OK && (flags & READ_VALUE) !== 0) {
    const result = reader.slot + THREAD_RESULT;
    const copied = arena.view.getUint32(result + RESULT_ITEM, true) === 0;
    const bytes = arena.view.getUint32(result + RESULT_VALUE_BYTES, true);
    if (copied && bytes > arena.plan.scratchBytes) throw new Error(`${bytes} bytes were copied`);
  }
  return status;
}

/** Damages, reads some keys; a failure names the round that repeats it. */
function runRounds(rig: ReaderRig, rounds: number, damage: (round: number) => number): void {
  for (let round = 0; round < rounds; round++) {
    rig.restore();
    const reads = damage(round);
    try {
      for (let i = 0; i < reads; i++) {
        const flags = rig.prng.pick([READ_ALL, READ_VALUE, READ_TOUCH, READ_META, 0]);
        readHostile(rig, rig.prng.pick(KEYS), flags);
      }
    } catch (cause) {
      throw new Error(`round ${round}: ${(cause as Error).message}; ${replay}`, { cause });
    }
  }
}

/** Changes some words of the item of a key. */
function damageItem(rig: ReaderRig, item: number): void {
  const { view } = rig.arena;
  const { prng } = rig;
  for (let i = 0; i <= prng.nextBelow(3); i++) {
    const draw = prng.nextBelow(5);
    if (draw === 0) view.setUint32(item + ITEM_VALUE_BYTES, rig.hostileWord(), true);
    else if (draw === 1) view.setUint8(item + ITEM_CONTENT_TYPE_BYTES, prng.nextBelow(256));
    else if (draw === 2) view.setUint16(item + ITEM_KEY_BYTES, prng.nextBelow(65_536), true);
    else view.setUint32(item + prng.nextBelow(ITEM_HEAD_BYTES / 4) * 4, rig.hostileWord(), true);
  }
}

/** Walks the table as it stands: addresses of buckets that hold something, and of items. */
function listTable(rig: ReaderRig): { buckets: number[]; items: number[] } {
  const { arena } = rig;
  const buckets: number[] = [];
  const items: number[] = [];
  for (let shard = 0; shard < arena.plan.shardCount; shard++) {
    const segment = arena.shardU32(shard, SHARD_FIXED_BYTES);
    for (let at = segment; at < segment + arena.plan.pageBytes; at += 64) {
      for (let slot = 0; slot < 12; slot++) {
        const reference = arena.view.getUint32(at + BUCKET_REFERENCES + slot * 4, true);
        if (reference !== 0) items.push(reference * 8);
      }
      buckets.push(at);
    }
  }
  return { buckets, items };
}

describe.each([
  ['core', 4 * KIB],
  ['core', 16 * KIB],
  ['core-weak', 4 * KIB],
] as const)('the reader over hostile memory (%s, pages of %i bytes)', (build, pageBytes) => {
  it('ends over random bytes, traps nowhere, writes nothing elsewhere', () => {
    const rig = new ReaderRig(build, pageBytes, createPrng(seed));
    runRounds(rig, scaled(15), (round) => {
      const held = round % 5 === 0;
      // Whoever takes a shard trusts its header: headers are random where none can be taken.
      for (const range of rig.readable(held)) rig.fillRandomly(range);
      if (!held) rig.mixStripes();
      rig.setOwners(held);
      return held ? 4 : 12;
    });
  });

  it('ends over an index whose references, chains and roots are wrong', () => {
    const rig = new ReaderRig(build, pageBytes, createPrng(seed + 1));
    const { buckets } = listTable(rig);
    runRounds(rig, scaled(60), (round) => {
      const { view } = rig.arena;
      for (let i = 0; i < 60; i++) {
        const bucket = rig.prng.pick(buckets);
        const at = rig.prng.pick([BUCKET_NEXT, BUCKET_REFERENCES + rig.prng.nextBelow(12) * 4]);
        // Half of the chains lead into other buckets: circles among them.
        const word = rig.prng.nextBelow(2) === 0 ? rig.prng.pick(buckets) / 8 : rig.hostileWord();
        view.setUint32(bucket + at, word, true);
      }
      for (let shard = 0; shard < rig.arena.plan.shardCount; shard++) {
        const header = rig.arena.shardAddress(shard);
        if (round % 3 === 1) view.setUint32(header + SHARD_BUCKET_COUNT, rig.hostileWord(), true);
        if (round % 3 === 2) view.setUint32(header + SHARD_FIXED_BYTES, rig.hostileWord(), true);
        view.setUint32(header + SHARD_RECENT_STAMP, rig.prng.nextUint32(), true);
      }
      return 10;
    });
  });

  it('ends over items whose lengths and heads are wrong', () => {
    const rig = new ReaderRig(build, pageBytes, createPrng(seed + 2));
    const { items } = listTable(rig);
    const statuses = new Set<number>();
    runRounds(rig, scaled(60), (round) => {
      for (const item of items) if (rig.prng.nextBelow(2) === 0) damageItem(rig, item);
      if (round % 4 === 0) rig.mixStripes();
      statuses.add(readHostile(rig, rig.prng.pick(KEYS), READ_VALUE));
      return 10;
    });
    expect(statuses.size).toBeGreaterThan(1);
  });

  it('reads nothing beyond the memory when an item begins in its last bytes', () => {
    const rig = new ReaderRig(build, pageBytes, createPrng(seed + 3));
    const { arena, reader, prng } = rig;
    for (let round = 0; round < scaled(200); round++) {
      rig.restore();
      const key = prng.pick(KEYS);
      const hash = reader.hashOf(key);
      const shard = Number(hash >> 52n) % arena.plan.shardCount;
      const item = rig.pagesEnd - 8 * (1 + prng.nextBelow(20));
      arena.view.setBigUint64(item + ITEM_HASH, hash, true);
      arena.view.setUint16(item + ITEM_KEY_BYTES, key.length, true);
      arena.view.setUint16(item + ITEM_NAMESPACE, 0, true);
      arena.view.setFloat64(item + ITEM_EXPIRY_MS, Number.POSITIVE_INFINITY, true);
      // Such as would be copied, if the memory did not end before.
      const valueBytes = arena.plan.scratchBytes - prng.nextBelow(prng.pick([50, 5_000]));
      arena.view.setUint32(item + ITEM_VALUE_BYTES, valueBytes, true);
      arena.view.setUint8(item + ITEM_CONTENT_TYPE_BYTES, prng.nextBelow(256));
      arena.bytes.set(Buffer.from(key), item + ITEM_KEY);
      const bucket =
        arena.shardU32(shard, SHARD_FIXED_BYTES) +
        (Number(hash & BigInt(arena.plan.stripeCount - 1)) << 6);
      const tag = Number((hash >> 32n) & 0xffn);
      for (let slot = 0; slot < 12; slot++) {
        arena.view.setUint8(bucket + slot, tag);
        arena.view.setUint32(bucket + BUCKET_REFERENCES + slot * 4, item / 8, true);
      }
      readHostile(rig, key, READ_ALL);
      expect(arena.view.getUint32(arena.shardAddress(shard) + SHARD_OWNER, true)).toBe(0);
    }
  });
});
