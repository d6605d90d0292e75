import { expect, test } from 'vitest';
import { CoreArena } from '../../support/core-arena.js';

const KIB = 1_024;
const COMMANDS = 100;

/** Commands of a caller that were answered since the last time. */
function answered(thread: { answers: unknown[]; collect(): void }): number {
  thread.collect();
  return thread.answers.splice(0).length;
}

test('rings of a shard take turns, whichever slots their callers have', () => {
  const arena = new CoreArena({ limitBytes: 1_024 * KIB, pageBytes: 32 * KIB, threadSlotCount: 5 });
  const worker = arena.attach('core', 0);
  arena.setHome(0, worker.id);
  const callers = [arena.attach(), arena.attach(), arena.attach()];
  for (const caller of callers) {
    for (let index = 0; index < COMMANDS; index++) {
      caller.set(`${caller.id} ${index}`, 'x', { inPlace: false });
    }
  }
  // Whoever helps drains at most 64 commands: not those of the lowest slot each time.
  const served = callers.map(() => 0);
  for (let round = 0; round < 3; round++) {
    worker.core.helpShard(0);
    for (const [index, caller] of callers.entries()) {
      served[index] = (served[index] ?? 0) + answered(caller);
      // The lowest slot is never empty.
      if (index > 0) continue;
      for (let more = 0; more < 64; more++) caller.set(`more ${more}`, 'x', { inPlace: false });
    }
  }
  expect(served.every((count) => count > 0)).toBe(true);
});
