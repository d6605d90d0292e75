import type { StoredValue } from '../codecs/stored-value.js';
import type { DialectParts } from './dialect-parts.js';

/** An entry of a batch, every field checked. */
export interface EntryWrite {
  readonly key: string;
  readonly value: StoredValue;
  readonly ttlMs: number | undefined;
  readonly tags: readonly string[];
}

/**
 * Stores entries in order, so that of a key that comes twice the last value stays; the number
 * stored. When some fail, the others are stored all the same, and it rejects with the first fault.
 */
export async function storeAll(
  { writes }: DialectParts,
  namespace: string,
  entries: readonly EntryWrite[],
): Promise<number> {
  const answers = entries.map(({ key, value, ttlMs, tags }) =>
    writes.set({ namespace, key }, value, { ttlMs, tags }),
  );
  return countDone(answers);
}

/** Removes keys; the number that were there. Fails as `storeAll` does. */
export async function deleteAll(
  { writes }: DialectParts,
  namespace: string,
  keys: readonly string[],
): Promise<number> {
  return countDone(keys.map((key) => writes.delete({ namespace, key })));
}

/** How many of the writes did something. All have ended when it rejects with the first failure. */
export async function countDone(answers: readonly Promise<boolean>[]): Promise<number> {
  let count = 0;
  for (const outcome of await Promise.allSettled(answers)) {
    if (outcome.status === 'rejected') throw outcome.reason;
    if (outcome.value) count += 1;
  }
  return count;
}
