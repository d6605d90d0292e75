/**
 * Step model of the command ring (`native-free-core/assembly/ring.ts`, work word: `owner.ts`).
 *
 * Each caller has a ring of its own in each shard; the caller is its only producer, the holder of
 * the shard its only consumer. Positions count units of record memory, modulo a power of two.
 *
 *  word    written by  meaning
 *  tail    caller      units published
 *  taken   holder      position + 1 of the command being applied, 0 for none
 *  done    holder      units answered
 *  head    caller      units reaped; head <= done <= tail <= head + capacity
 *  record  both        the command, and after it, in the same place, its answer; never wraps: what
 *                      is left at the end of the ring becomes padding; at most half the ring
 *  work    both        per shard: one bit per caller, "this ring may have commands"
 *
 * - Caller: if the record (and padding before it) fits between tail and head + capacity, it writes
 *   them, then stores the tail, then sets its bit by an atomic or. It loads `done`; up to there
 *   records are answered: it reads the answer, then advances the head. Only what is behind the head
 *   may be written again.
 * - Holder: clears the bit of a ring by an atomic and, THEN loads the tail. For each command it
 *   stores `taken`, applies the command, writes the answer into the record, advances `done`, THEN
 *   clears `taken`.
 * - Death of a caller: a command is published by one store, so there is no half of one. If the
 *   caller died between tail and bit, whoever recovers its slot sets the bit.
 * - Death of a holder: a command was under way if `taken` is `done` + 1; the next holder answers
 *   that one with "outcome unknown" and does not run it. A `taken` that names another position is
 *   left over from a command whose answer is out. Then it looks at every ring, because bits may
 *   have been cleared for rings that were not yet drained.
 *
 * The model needs no more than release order for tail, taken and done; the engine's stores of them
 * are stronger. Its ring is tiny and its positions wrap at twice the capacity, the least that tells
 * a full ring from an empty one, so that their wrap is enumerated too.
 */
import type { Protocol, StateView } from './protocol.js';
import { step, WAIT } from './protocol.js';
import { RingCaller } from './ring-caller.js';
import { RingHolder } from './ring-holder.js';
import type { RingFault } from './ring-words.js';
import {
  COMPLETE,
  COMPLETE_WITHOUT_CALLER,
  LEFT_BEHIND,
  RingShard,
  UNKNOWN,
} from './ring-words.js';

export interface RingOptions {
  /** Per caller the sizes of its commands, 1 or 2 of the 4 units of a ring. */
  readonly commandSizes: readonly (readonly number[])[];
  /** Holders, each of which takes over from the one before it; all but the last may die. */
  readonly holderCount?: number;
  /** Whether the first caller may die. */
  readonly mortalCaller?: boolean;
  readonly fault?: RingFault;
}

/** Builds the model: callers, holders, and what recovers the slot of a dead caller. */
export function createRingModel(options: RingOptions): Protocol {
  const { commandSizes, holderCount = 1, mortalCaller = false, fault } = options;
  const shard = new RingShard(commandSizes, fault);
  const { protocol, rings } = shard;
  for (const [index, ring] of rings.entries()) {
    const steps = new RingCaller(shard, ring).steps();
    protocol.thread(ring.caller, steps, { mortal: mortalCaller && index === 0 });
  }
  const first = rings[0];
  if (mortalCaller && first !== undefined) {
    const setBit = step('set the bit of the dead caller', (t) =>
      t.hasDied(first.caller) ? shard.setBit(t, first.bit) : WAIT,
    );
    protocol.thread('recovery of the slot', [setBit], { daemon: true });
  }
  const holders: RingHolder[] = [];
  while (holders.length < holderCount) {
    const holder = new RingHolder(shard, [...holders]);
    holders.push(holder);
    const mortal = holders.length < holderCount;
    protocol.thread(holder.name, holder.steps(), { mortal, daemon: true });
  }
  protocol.outcome((view) => describe(shard, view));
  return protocol;
}

function describe({ rings }: RingShard, view: StateView): string {
  const dead = rings.filter(({ caller }) => view.hasDied(caller));
  const behind = dead.some(({ tail, done }) => view.inspect(tail) !== view.inspect(done));
  if (behind) return LEFT_BEHIND;
  const unknownCount = rings.reduce((sum, ring) => sum + view.get(ring.unknownCount), 0);
  if (unknownCount > 0) return `${UNKNOWN}${unknownCount}`;
  return dead.length > 0 ? COMPLETE_WITHOUT_CALLER : COMPLETE;
}
