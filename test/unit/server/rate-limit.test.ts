import { describe, expect, test } from 'vitest';
import { RateLimit } from '../../../server/http/rate-limit.js';

function admitted(limit: RateLimit, client: string, count: number): number {
  let admittedCount = 0;
  for (let index = 0; index < count; index++) if (limit.admits(client)) admittedCount += 1;
  return admittedCount;
}

describe('the rate of a client', () => {
  test('H48: a second’s worth at once, then as much as the rate gives', () => {
    let nowMs = 5_000;
    const limit = new RateLimit(100, () => nowMs);
    expect(admitted(limit, 'a', 10_000)).toBe(100);
    nowMs += 250;
    expect(admitted(limit, 'a', 10_000)).toBe(25);
    nowMs += 10_000;
    expect(admitted(limit, 'a', 10_000)).toBe(100);
  });

  test('H48: others are not affected', () => {
    const limit = new RateLimit(10, () => 0);
    expect(admitted(limit, 'a', 10_000)).toBe(10);
    expect(admitted(limit, 'b', 10)).toBe(10);
  });

  test('no moment and no rate keeps a quiet client out', () => {
    for (const rate of [1, 3, 7, 1_000, 99_999]) {
      for (let nowMs = 0.1; nowMs < 1e12; nowMs = nowMs * 1.37 + 0.7) {
        expect(admitted(new RateLimit(rate, () => nowMs), 'a', 1), `${rate} ${nowMs}`).toBe(1);
      }
    }
  });

  test('a rate below one a second admits the first request', () => {
    let nowMs = 0;
    const limit = new RateLimit(0.5, () => nowMs);
    expect(admitted(limit, 'a', 5)).toBe(1);
    nowMs += 1_999;
    expect(admitted(limit, 'a', 5)).toBe(0);
    nowMs += 1;
    expect(admitted(limit, 'a', 5)).toBe(1);
  });

  test('over a long time nobody gets more than the rate and one second', () => {
    let nowMs = 0;
    const limit = new RateLimit(7, () => nowMs);
    let count = 0;
    for (; nowMs < 60_000; nowMs += 3) count += admitted(limit, 'a', 2);
    expect(count).toBeLessThanOrEqual(7 * 61);
    expect(count).toBeGreaterThanOrEqual(7 * 59);
  });

  test('made-up clients hold no memory, and share one allowance where they are too many', () => {
    let nowMs = 0;
    const limit = new RateLimit(10, () => nowMs, 100);
    let count = 0;
    for (let index = 0; index < 5_000; index++) if (limit.admits(`made up ${index}`)) count += 1;
    expect(limit.clientCount).toBeLessThanOrEqual(101);
    expect(count).toBeLessThanOrEqual(110);
    expect(admitted(limit, 'made up 0', 20), 'a client that is known keeps its own').toBe(9);
    nowMs += 2_000;
    expect(admitted(limit, 'late', 20)).toBe(10);
    expect(limit.clientCount).toBeLessThanOrEqual(2);
  });
});
