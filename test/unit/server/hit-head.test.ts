import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type DescribedEntry,
  HIT_HEAD_NAME,
  type HitHead,
  HitHeads,
} from '../../../server/dialects/plain/hit-head.js';
import { formatSeconds } from '../../../server/wire.js';

const codec = { isPlain: (type: string | undefined): boolean => type !== 'application/json' };

interface Entry {
  readonly contentType: string | undefined;
  readonly ttlMs: number;
  readonly ageMs: number;
  readonly hash: string;
}

function viewOf({ ttlMs, ageMs, hash }: Entry): DescribedEntry {
  const writeHash = (target: Uint8Array, offset: number): void => {
    target.set(Buffer.from(hash), offset);
  };
  return { ttlMs, ageMs, writeHash };
}

function linesOf(head: HitHead, entry: Entry): string[] {
  const value = head.encode(viewOf(entry));
  return `${Buffer.from(HIT_HEAD_NAME)}: ${Buffer.from(value)}`.split('\r\n');
}

/** What a head says, put together the plain way. */
function expectedLines({ contentType, ttlMs, ageMs, hash }: Entry): string[] {
  const wholeSeconds = Math.floor(ttlMs / 1_000);
  const ofTtl = Number.isFinite(ttlMs)
    ? [
        `Cache-Control: max-age=${wholeSeconds}`,
        `Cache-Status: hotshard; hit; ttl=${wholeSeconds}`,
        `X-Cache-TTL-Remaining: ${formatSeconds(ttlMs)}`,
      ]
    : ['Cache-Control: no-cache', 'Cache-Status: hotshard; hit'];
  return [
    'X-Cache-Hit: true',
    `Content-Type: ${contentType ?? 'application/octet-stream'}`,
    'Accept-Ranges: none',
    ...(codec.isPlain(contentType) ? [] : ['Vary: Accept, Accept-Encoding']),
    `ETag: "${hash}"`,
    `Age: ${Math.floor(ageMs / 1_000)}`,
    ...ofTtl,
  ];
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

test('the head of a hit is right for every entry', () => {
  const heads = new HitHeads(codec);
  fc.assert(
    fc.property(entries, (entry) => {
      expect(linesOf(heads.findStored(entry.contentType), entry)).toEqual(expectedLines(entry));
    }),
    { numRuns: 1_000 },
  );
});

test('a form says how it is coded, and other bytes have another tag', () => {
  const heads = new HitHeads(codec);
  const entry = { contentType: undefined, ttlMs: 1_000, ageMs: 0, hash: 'e'.repeat(16) };
  const coded = { contentType: 'a/b', contentEncoding: 'lz4' };
  const decoded = { contentType: 'application/x.y+json; a=b', contentEncoding: undefined };
  expect(linesOf(heads.findForm(coded, true), entry).slice(1, 6)).toEqual([
    'Content-Type: a/b',
    'Accept-Ranges: none',
    'Content-Encoding: lz4',
    'Vary: Accept, Accept-Encoding',
    `ETag: "${entry.hash}"`,
  ]);
  expect(linesOf(heads.findForm(decoded, false), entry)).toContain(
    `ETag: "${entry.hash}-x-y-json"`,
  );
  expect(linesOf(heads.findForm(coded, false), entry)).toContain(`ETag: "${entry.hash}-lz4"`);
});

test('what is said of an entry is right', () => {
  const heads = new HitHeads(codec);
  const hash = '0123456789abcdef';
  const lines = linesOf(heads.findStored('a/b'), {
    contentType: 'a/b',
    ttlMs: 99_001,
    ageMs: 1_999,
    hash,
  });
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
  expect(linesOf(heads.findStored('a/b'), endless).slice(4)).toEqual([
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
      expect(linesOf(heads.findStored(entry.contentType), entry)[1]).toBe(
        `Content-Type: type/${index}`,
      );
    }
  }
});
