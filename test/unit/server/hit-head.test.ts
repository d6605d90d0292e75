import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StoredView } from '../../../server/cache/cache-store.js';
import { HIT_HEAD_NAME, HitHeads } from '../../../server/dialects/plain/hit-head.js';
import { describeHit } from '../../../server/dialects/plain/hit-headers.js';

const codec = { isPlain: (type: string | undefined): boolean => type !== 'application/json' };

interface Entry {
  readonly contentType: string | undefined;
  readonly ttlMs: number;
  readonly ageMs: number;
  readonly hash: string;
}

function viewOf({ contentType, ttlMs, ageMs, hash }: Entry): StoredView {
  return {
    bytes: new Uint8Array(0),
    chunks: [],
    sizeBytes: 0,
    version: 1,
    contentType,
    ttlMs,
    ageMs,
    writeHash: (target, offset) => target.set(Buffer.from(hash), offset),
  };
}

function linesOf(heads: HitHeads, entry: Entry): string[] {
  const value = heads.find(entry.contentType).encode(viewOf(entry));
  return `${Buffer.from(HIT_HEAD_NAME)}: ${Buffer.from(value)}`.split('\r\n');
}

/** Around powers of ten the numbers of digits change, and rounding decides. */
const edges = fc
  .tuple(fc.integer({ min: 0, max: 12 }), fc.constantFrom(-1, -0.5, 0, 0.5, 1))
  .map(([power, change]) => Math.max(0, 10 ** power * 1_000 + change));
const times = fc.oneof(fc.double({ min: 0, max: 2 ** 53 - 1, noNaN: true }), edges);
const entries: fc.Arbitrary<Entry> = fc.record({
  contentType: fc.constantFrom(undefined, 'text/plain', 'application/json', 'a/b; charset="utf-8"'),
  ttlMs: fc.oneof(
    fc.constant(Number.POSITIVE_INFINITY),
    times.map((ms) => ms || 1),
  ),
  ageMs: times,
  hash: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((n) => n.toString(16).padStart(16, '0')),
});

test('the head of a hit says the same as its headers one by one, for every entry', () => {
  const heads = new HitHeads(codec);
  fc.assert(
    fc.property(entries, (entry) => {
      const { contentType, ttlMs, ageMs, hash } = entry;
      const isNegotiated = !codec.isPlain(contentType);
      const expected = [
        ...describeHit({ ttlMs, ageMs, tag: `"${hash}"`, isNegotiated }),
        ['Content-Type', contentType ?? 'application/octet-stream'],
        ['Accept-Ranges', 'none'],
      ].map(([name, value]) => `${name}: ${value}`);
      expect(linesOf(heads, entry).sort()).toEqual(expected.sort());
    }),
    { numRuns: 1_000 },
  );
});

test('what is said of an entry is right', () => {
  const heads = new HitHeads(codec);
  const hash = '0123456789abcdef';
  const lines = linesOf(heads, { contentType: 'a/b', ttlMs: 99_001, ageMs: 1_999, hash });
  expect(lines).toEqual([
    'X-Cache-Hit: true',
    'Content-Type: a/b',
    'Accept-Ranges: none',
    'ETag: "0123456789abcdef"',
    'Age: 1',
    'Cache-Control: max-age=99',
    'Cache-Status: hotshard; hit; ttl=99',
    'X-Cache-TTL-Remaining: 100',
  ]);
  const endless = { contentType: 'a/b', ttlMs: Number.POSITIVE_INFINITY, ageMs: 0, hash };
  expect(linesOf(heads, endless).slice(4)).toEqual([
    'Age: 0',
    'Cache-Control: no-cache',
    'Cache-Status: hotshard; hit',
  ]);
});

test('more content types than are remembered are all right', () => {
  const heads = new HitHeads(codec);
  const hash = 'f'.repeat(16);
  for (const round of [1, 2]) {
    for (let index = 0; index < 200; index++) {
      const entry = { contentType: `type/${index}`, ttlMs: round * 1_000, ageMs: 0, hash };
      expect(linesOf(heads, entry)[1]).toBe(`Content-Type: type/${index}`);
    }
  }
});
