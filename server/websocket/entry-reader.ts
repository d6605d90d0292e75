import type { ByteBudget } from '../byte-budget.js';
import type { CacheStore, Space } from '../cache/cache-store.js';
import type { StoredValue } from '../codecs/stored-value.js';
import { RequestError } from '../error-table.js';

/** Smaller values are not counted: what the transport holds of them has a limit of its own. */
const UNCOUNTED_BYTES_MAX = 16_384;

/** An entry that was read, its bytes on the heap. */
export interface ReadEntry extends StoredValue {
  /** `null` for an entry without an end. */
  readonly ttlMs: number | null;
  readonly ageMs: number;
  readonly version: number;
}

/**
 * Reads the entries of one answer, which must not be larger together than the largest value, and
 * which take their part of what all answers may hold on the heap.
 */
export class EntryReader {
  private readonly budget: ByteBudget;
  private readonly bytesMax: number;
  private readBytes = 0;
  private takenBytes = 0;

  constructor(budget: ByteBudget, bytesMax: number) {
    this.budget = budget;
    this.bytesMax = bytesMax;
  }

  /** Bytes that were taken of the budget; to be given back once the answer is with the client. */
  get heldBytes(): number {
    return this.takenBytes;
  }

  /**
   * @param space `undefined` for a namespace that is empty for certain
   * @returns `undefined` for a miss
   * @throws {RequestError} when it is being written, or too much is being read
   */
  read(space: Space | undefined, store: CacheStore, key: string): ReadEntry | undefined {
    if (space === undefined) return undefined;
    const view = space.getView(key);
    if (view === undefined) {
      if (store.readState() !== 'busy') return undefined;
      throw new RequestError('ERR_CACHE_BUSY', 'an entry is being written; try again');
    }
    const { ttlMs, ageMs, version, contentType: storedType, sizeBytes } = view;
    this.take(sizeBytes);
    // A copy: the view is one of shared memory, and valid until the next read alone.
    const bytes = Buffer.concat(view.chunks, sizeBytes);
    const leftMs = ttlMs === Number.POSITIVE_INFINITY ? null : Math.ceil(ttlMs);
    return { bytes, storedType, ttlMs: leftMs, ageMs: Math.floor(ageMs), version };
  }

  /** Gives back what was taken, where no answer came of it. */
  release(): void {
    this.budget.give(this.takenBytes);
    this.takenBytes = 0;
  }

  private take(sizeBytes: number): void {
    this.readBytes += sizeBytes;
    if (this.readBytes > this.bytesMax) {
      const problem = `the values have more than ${this.bytesMax} bytes together; ask for fewer`;
      throw new RequestError('ERR_HTTP_BATCH_TOO_LARGE', problem);
    }
    if (sizeBytes <= UNCOUNTED_BYTES_MAX) return;
    if (!this.budget.tryTake(sizeBytes)) {
      throw new RequestError('ERR_CACHE_OVERLOADED', 'too many large values are being sent');
    }
    this.takenBytes += sizeBytes;
  }
}
