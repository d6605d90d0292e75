/**
 * Step model of the hand-over of a shard (`native-free-core/assembly/owner.ts` and `commands.ts`;
 * the worker's side: `parking.ts`).
 *
 *  word      written by  meaning
 *  owner     all         0, or who may write to the shard
 *  work      all         one bit per caller: its ring may have commands
 *  tail      caller      the number of the newest command in its ring
 *  wanted    worker      1: the home worker does not get the shard, callers shall use their rings
 *  parked    worker      1: the home worker sleeps or is about to
 *  doorbell  callers     moved before the sleeping worker is notified
 *  completions  callers  one word per caller, moved to wake it
 *
 * - Caller: unless `wanted` is set it tries the owner word. If it gets it, it first drains its own
 *   ring, applies its command in place, then drains a bounded number of commands of others. If not,
 *   it stores the tail, sets its work bit, THEN tries the owner word once more (unless it saw
 *   `wanted`). If that fails and work is left, it looks at `parked`, and if that is set it moves
 *   the doorbell and notifies.
 * - Holder: frees the owner word, THEN looks at the work word once more and tries again if it is
 *   not 0. It does so in a bounded number of rounds. If work is left even then, it rings for the
 *   home worker; where there is none, it moves the completions of every caller whose bit is set.
 * - Caller that waits for answers, without a home worker: when its completions have moved it reads
 *   them, THEN tries the owner word, and drains the shard if it gets it. It sleeps only while they
 *   have the value that was read. The model leaves out that answers move them too, and that a
 *   caller looks before its first sleep: with fewer wakings it is harder to be right.
 * - Worker: reads the doorbell, looks at the work word; if it is 0 it stores `parked`, THEN looks
 *   at the work word once more, and sleeps only if it is still 0 and while the doorbell has the
 *   value that was read first. When it fails to get the shard it may set `wanted`, which it clears
 *   once it holds the shard. It may park with `wanted` set: a command that then goes through a
 *   ring wakes it, because its caller leaves the shard alone.
 *
 * Each THEN is a store followed by a load of another word on one side, and the same crosswise on
 * the other: both sides need sequential consistency, so that at least one sees the other.
 * Sleeping is as in WebAssembly: comparing the doorbell and joining the queue is one action.
 */

import { HandOverCaller } from './hand-over-caller.js';
import type { HandOverFault } from './hand-over-words.js';
import { HandOverShard } from './hand-over-words.js';
import { HandOverWorker } from './hand-over-worker.js';
import type { Protocol } from './protocol.js';

export interface HandOverOptions {
  /** Commands of each caller. */
  readonly commandCounts: readonly number[];
  /** Whether the shard has a home worker. */
  readonly home: boolean;
  readonly fault?: HandOverFault;
}

export function createHandOverModel(options: HandOverOptions): Protocol {
  const { commandCounts, home, fault } = options;
  const shard = new HandOverShard(commandCounts, home, fault);
  const { protocol } = shard;
  for (const caller of shard.callers) {
    // Where callers wait for answers, a command left behind is to be called so.
    protocol.thread(caller.name, new HandOverCaller(shard, caller).steps(), { daemon: !home });
  }
  if (home) protocol.thread('worker', new HandOverWorker(shard).steps(), { daemon: true });
  protocol.outcome((view) => shard.describe(view));
  return protocol;
}
