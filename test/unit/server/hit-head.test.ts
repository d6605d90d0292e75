import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HIT_HEAD_NAME, HitHeads } from '../../../server/dialects/plain/hit-head.js';
import { formatSeconds } from '../../../server/wire.js';

function linesOf(heads: HitHeads, contentType: string | undefined, ttlMs: number): string[] {
  const text = `${Buffer.from(HIT_HEAD_NAME)}: ${Buffer.from(heads.encode(contentType, ttlMs))}`;
  return text.split('\r\n');
}

test('the head of a hit says type and remaining time for every entry', () => {
  const heads = new HitHeads();
  const types = fc.constantFrom(undefined, 'text/plain', 'application/json; charset="utf-8"');
  const times = fc.oneof(
    fc.constant(Number.POSITIVE_INFINITY),
    fc.double({ min: Number.MIN_VALUE, max: 2 ** 53 - 1, noNaN: true }),
    fc.integer({ min: 0, max: 12 }).map((power) => 10 ** power * 1_000),
  );
  fc.assert(
    fc.property(types, times, (contentType, ttlMs) => {
      const expected = [
        'X-Cache-Hit: true',
        `Content-Type: ${contentType ?? 'application/octet-stream'}`,
      ];
      if (Number.isFinite(ttlMs)) expected.push(`X-Cache-TTL-Remaining: ${formatSeconds(ttlMs)}`);
      expect(linesOf(heads, contentType, ttlMs)).toEqual(expected);
    }),
  );
});

test('more content types than are remembered are all right', () => {
  const heads = new HitHeads();
  for (const round of [1, 2]) {
    for (let index = 0; index < 200; index++) {
      const [, line] = linesOf(heads, `type/${index}`, round * 1_000);
      expect(line).toBe(`Content-Type: type/${index}`);
    }
  }
});
