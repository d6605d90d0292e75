import type { StoredValue } from '../codecs/stored-value.js';
import { RequestError } from '../error-table.js';
import type { Space } from './cache-store.js';

/** An entry that was read, in memory of its own. */
export interface FoundEntry {
  readonly value: StoredValue;
  /** Milliseconds left; `Infinity` for an entry without an end. */
  readonly ttlMs: number;
  /** Milliseconds since it was written. */
  readonly ageMs: number;
}

/**
 * Reads an entry for an answer that is put together over time: its bytes are a copy.
 *
 * @param space `undefined` for a namespace where nothing was stored yet
 * @returns `undefined` when there is none
 * @throws {RequestError} `ERR_CACHE_BUSY` when it cannot be told
 */
export function readEntry(space: Space | undefined, key: string): FoundEntry | undefined {
  const view = space?.getView(key);
  if (view !== undefined) {
    const { ttlMs, ageMs, contentType } = view;
    const value = { bytes: copyBytes(view.bytes), storedType: contentType };
    return { value, ttlMs, ageMs };
  }
  if (space?.readState() === 'busy') {
    throw new RequestError('ERR_CACHE_BUSY', 'the entry is being written; try again');
  }
  return undefined;
}

/** On the heap, wherever the bytes are: `slice` would do it too, at several times the price. */
function copyBytes(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(bytes.length);
  copy.set(bytes);
  return copy;
}
