/**
 * Step model of the version stripes (`native-free-core/assembly/stripe.ts` and `table.ts`; the
 * reader's side: `reader.ts`).
 *
 *  word     written by  meaning
 *  stripe   holder      even: at rest; odd: references of its buckets change right now
 *  root     holder      how many buckets the table has
 *  tags     holder      per bucket, one tag per entry
 *  entry    holder      reference of an item, 0 for none
 *  item     holder      key and value; never written again while an entry names it
 *
 * - Change of references: odd store, the stores of tags, references or root, even store.
 * - Set: the new item is written completely into memory that nothing refers to; then one reference
 *   is swapped in the odd window; then the old item's memory may be used again.
 * - Eviction: the victim is unlinked in an odd window of ITS stripe before its memory is used.
 * - Split: the new bucket is written before it can be found; the odd window moves only the root;
 *   the references that moved are cleared from the old bucket afterwards. Old and new bucket share
 *   a stripe.
 * - Fold: a reference moves to another entry of its chain; both entries change in one odd window.
 * - Reader: stripe (odd: try again), root, tags, entry, key, value word by word, stripe. If the
 *   stripe changed, everything that was read is dropped and the reader starts again at the stripe.
 *
 * Why a value that validates is whole: what was copied can have been overwritten only after its
 * memory was unlinked, which made the stripe odd before; so if the stripe still has the even value
 * that the reader saw first, nothing it copied had been written over.
 *
 * The bound of 128 tries and the answer "busy" are left out: a reader here tries as often as it
 * must, which no schedule makes endless, because the holder has finitely many steps.
 */
import type { Protocol } from './protocol.js';
import { StripeReader } from './stripe-reader.js';
import type { ScenarioName } from './stripe-scenarios.js';
import { writeScenario } from './stripe-scenarios.js';
import type { StripeFault, StripeFences } from './stripe-table.js';
import { StripeTable } from './stripe-table.js';

export interface StripeOptions {
  readonly scenario: ScenarioName;
  /** The keys that the reader looks up, one after the other. */
  readonly reads: readonly number[];
  readonly fault?: StripeFault;
  /** Default `after odd`. */
  readonly fences?: StripeFences;
}

/** Builds the model: a holder that works through a scenario, and one reader. */
export function createStripeModel(options: StripeOptions): Protocol {
  const { scenario, reads, fault, fences = 'after odd' } = options;
  const table = new StripeTable(scenario === 'evict' ? 2 : 1, fault, fences);
  const { protocol } = table;
  protocol.thread('holder', writeScenario(scenario, table));
  const reader = new StripeReader(table, reads);
  protocol.thread('reader', reader.steps());
  protocol.outcome((view) => reader.describe(view));
  return protocol;
}
