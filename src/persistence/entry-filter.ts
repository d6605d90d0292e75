import {
  CONTENT_TYPE_BYTES_MAX,
  ITEM_CONTENT_TYPE_BYTES,
  ITEM_EPOCH,
  ITEM_EXPIRY_MS,
  ITEM_HEAD_BYTES,
  ITEM_KEY_BYTES,
  ITEM_LIVE,
  ITEM_NAMESPACE,
  ITEM_STATE,
  ITEM_VALUE_BYTES,
  KEY_BYTES_MAX,
} from '../../native-free-core/assembly/layout.js';

/** What became of the entries of a file. */
export interface LoadCounts {
  /** They are there again. */
  entries: number;
  /** Their time was over. */
  expired: number;
  /** No room, a name too many, or bytes that cannot be an entry. */
  dropped: number;
}

/** What a file says of its entries as a whole, and how they are to be taken. */
export interface FileSource {
  /** Epochs of the namespaces in the file, by their ids there. */
  readonly epochs: readonly number[];
  /** Ids here of the namespaces there; -1 = no room for the name. */
  readonly namespaceIds: readonly number[];
  /** Present time of the arena, to which the times in the file belong. */
  readonly nowMs: number;
  readonly isStale: boolean;
  /** False: bits that the eviction policy keeps in items mean something else here. */
  readonly isSamePolicy: boolean;
}

/** Decides which entries of a file are taken, and counts those that are not. */
export class EntryFilter {
  readonly #source: FileSource;
  readonly #counts: LoadCounts;

  constructor(source: FileSource, counts: LoadCounts) {
    this.#source = source;
    this.#counts = counts;
  }

  /**
   * Bytes of the entry whose head stands in a page of a file; 0 when it is none to be had: free,
   * over, of a cleared namespace, or no entry at all.
   */
  sizeOf(page: DataView, at: number, roomBytes: number): number {
    if (page.getUint32(at + ITEM_STATE, true) !== ITEM_LIVE) return 0;
    const keyBytes = page.getUint16(at + ITEM_KEY_BYTES, true);
    const typeBytes = page.getUint8(at + ITEM_CONTENT_TYPE_BYTES);
    const totalBytes =
      ITEM_HEAD_BYTES + keyBytes + typeBytes + page.getUint32(at + ITEM_VALUE_BYTES, true);
    const namespaceId = page.getUint16(at + ITEM_NAMESPACE, true);
    const epoch = this.#source.epochs[namespaceId];
    const isSound =
      keyBytes >= 1 &&
      keyBytes <= KEY_BYTES_MAX &&
      typeBytes <= CONTENT_TYPE_BYTES_MAX &&
      totalBytes <= roomBytes &&
      epoch !== undefined;
    if (!isSound) {
      this.#counts.dropped += 1;
      return 0;
    }
    // Of a namespace that was cleared before the file was written.
    if (page.getUint32(at + ITEM_EPOCH, true) !== epoch) return 0;
    if (!(page.getFloat64(at + ITEM_EXPIRY_MS, true) > this.#source.nowMs)) {
      this.#counts.expired += 1;
      return 0;
    }
    if ((this.#source.namespaceIds[namespaceId] as number) < 0) {
      this.#counts.dropped += 1;
      return 0;
    }
    return totalBytes;
  }
}
