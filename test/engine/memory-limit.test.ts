/** The memory limit is a limit: of what the engine counts, and of what the process takes. */
import { expect, test } from 'vitest';
import { runChild } from '../support/child-run.js';

const MIB = 1_024 ** 2;
/** For a home worker's thread, the compiled core, and what the program itself allocates. */
const BESIDES_MIB = 48;

interface Figures {
  readonly beforeMib: number;
  readonly rssMibMax: number;
  readonly bytesMax: number;
  readonly memoryBytes: number;
  readonly items: number;
  readonly evictions: number;
}

test.each([
  [64, 0],
  [64, 1],
  [160, 2],
])('%i MiB with %i workers hold at ten times the load', async (memoryMib, workers) => {
  const args = [String(memoryMib), String(workers)];
  const child = await runChild('overload-program.mjs', args, ['--expose-gc']);
  expect(child).toMatchObject({ code: 0, signal: null, stderr: '' });
  const figures = JSON.parse(child.stdout) as Figures;
  expect(figures.memoryBytes).toBe(memoryMib * MIB);
  expect(figures.bytesMax).toBeLessThanOrEqual(figures.memoryBytes);
  // It is used too: entries that would fit are not pushed out.
  expect(figures.bytesMax).toBeGreaterThan(0.7 * figures.memoryBytes);
  expect(figures.evictions).toBeGreaterThan(0);
  expect(figures.items).toBeGreaterThan(0);
  const grownMib = figures.rssMibMax - figures.beforeMib;
  expect(grownMib).toBeLessThan(memoryMib + BESIDES_MIB);
});
