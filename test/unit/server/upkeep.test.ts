import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startUpkeep } from '../../../server/upkeep.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('upkeep works at its interval until nothing is left, in slices', async () => {
  let left = 3;
  let slices = 0;
  const end = startUpkeep(
    {
      reclaim: () => {
        slices += 1;
        left -= 1;
        return left > 0;
      },
    },
    1_000,
  );
  await vi.advanceTimersByTimeAsync(999);
  expect(slices).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  await vi.advanceTimersByTimeAsync(10);
  expect(slices).toBe(3);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(slices).toBe(4);
  end();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(slices).toBe(4);
});

test('upkeep that is ended in the middle of its work stops there', async () => {
  let slices = 0;
  const end = startUpkeep(
    {
      reclaim: () => {
        slices += 1;
        return true;
      },
    },
    10,
  );
  await vi.advanceTimersByTimeAsync(10);
  end();
  const done = slices;
  await vi.advanceTimersByTimeAsync(100);
  expect(slices).toBe(done);
});
