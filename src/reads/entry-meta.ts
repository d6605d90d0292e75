/**
 * How the last read of this thread ended. `stale`: the entry was soft-expired, and only
 * `getWithMeta` answers with it; all other reads miss. `busy`: the shard was held too long to tell.
 */
export type ReadState = 'hit' | 'miss' | 'stale' | 'busy';

/** An entry with what the engine knows about it. */
export interface EntryMeta<T> {
  readonly state: ReadState;
  /** `undefined` unless the state is `hit` or `stale`. */
  readonly value: T | undefined;
  /** Milliseconds left; Infinity for an entry without a time to live. */
  readonly ttlMs: number;
  /** Milliseconds since it was written. */
  readonly ageMs: number;
  /** Bytes of the encoded value. */
  readonly sizeBytes: number;
  /** Grows with every write in the shard; 0 while the write is still on its way. */
  readonly version: number;
}

/** Answer for a key without an entry. */
export const NOTHING: EntryMeta<never> = Object.freeze({
  state: 'miss',
  value: undefined,
  ttlMs: 0,
  ageMs: 0,
  sizeBytes: 0,
  version: 0,
});
/** Answer when the shard was held too long to tell. */
export const NOTHING_BUSY: EntryMeta<never> = Object.freeze({ ...NOTHING, state: 'busy' });
