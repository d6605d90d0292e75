/**
 * Step model of the hazard words (`native-free-core/assembly/hazard.ts` and `items.ts`; the
 * reader's side: `reader.ts`). Values too large to copy are not copied but pinned.
 *
 *  word       written by  meaning
 *  stripe     holder      even: at rest; odd: the reference changes right now
 *  reference  holder      the item of the key, 0 for none
 *  hazard     reader      one per thread slot: the item that this thread may still read, 0 for none
 *
 * - Reader: stripe, reference, then it stores the reference in its hazard word, THEN loads the
 *   stripe again. If that has not changed, the value is pinned: it is used in place, for any time,
 *   until the pin is dropped by this thread's next call. If it has, the pin is dropped at once and
 *   the reader starts again.
 * - Holder: odd, unlink, even, THEN it looks at the hazard words of all slots. An item that none of
 *   them names is free; one that is named goes into limbo and is looked at again by later commands
 *   and by maintenance, until it is named no more.
 * - Death of a reader: recovery of its slot clears the hazard word.
 *
 * Each THEN is a store followed by a load of what the other side stores: both need sequential
 * consistency. Then either the reader sees the stripe changed, or the holder sees the pin. A pin
 * that is stored after the holder looked is of a reader that will see the stripe changed, because
 * the stripe changed before the holder looked.
 */
import { HazardFreer } from './hazard-freer.js';
import { HazardReader } from './hazard-reader.js';
import type { HazardFault } from './hazard-words.js';
import { FREED_AT_ONCE, FREED_LATER, HazardWords, LEAK } from './hazard-words.js';
import type { Protocol } from './protocol.js';
import { step, WAIT } from './protocol.js';

export interface HazardOptions {
  /** Per reader, how often it reads the key. */
  readonly readCounts: readonly number[];
  /** What the holder sets the key to, one after the other; 0 deletes it. Default 12, 13, 0. */
  readonly values?: readonly number[];
  /** Whether the first reader may die. */
  readonly mortalReader?: boolean;
  readonly fault?: HazardFault;
}

/** Builds the model: a holder that replaces the value of a key, and readers of that key. */
export function createHazardModel(options: HazardOptions): Protocol {
  const { readCounts, values = [12, 13, 0], mortalReader = false, fault } = options;
  const words = new HazardWords(readCounts.length, values, fault);
  const { protocol } = words;
  protocol.thread('holder', new HazardFreer(words).steps());
  for (const [slot, readCount] of readCounts.entries()) {
    const steps = new HazardReader(words, slot, readCount).steps();
    protocol.thread(`reader ${slot}`, steps, { mortal: mortalReader && slot === 0 });
  }
  if (mortalReader && !words.has('pin of a dead reader kept')) {
    const recover = step('clear the hazard word', (t) => {
      if (!t.hasDied('reader 0')) return WAIT;
      words.setPinned(t, 0, 0);
      return t.store(words.hazardOf(0), 0);
    });
    protocol.thread('recovery of the slot', [recover], { daemon: true });
  }
  protocol.outcome((view) => {
    if (view.get(words.free) !== words.allItems) return LEAK;
    return view.get(words.hadLimbo) === 1 ? FREED_LATER : FREED_AT_ONCE;
  });
  return protocol;
}
