import type { StoredView } from './cache-store.js';

const HASH_DIGITS = 16;
const digits = Buffer.alloc(HASH_DIGITS);

/** The hash of a stored value as text: 16 hexadecimal digits, the base of its entity tags. */
export function entryHash(view: StoredView): string {
  view.writeHash(digits, 0);
  return digits.toString('latin1');
}
