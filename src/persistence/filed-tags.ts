import {
  CLASS_LARGE,
  ITEM_CLASS,
  ITEM_FLAGS,
  ITEM_TAGGED,
  MEMBER_BYTES,
  MEMBER_TAG,
  MEMBERS_COUNT,
  MEMBERS_FIRST,
  NAME_BYTES,
  NAME_TEXT,
  NAMES_COUNT,
  NAMES_FIRST,
  TAG_BLOCK_BYTES_MAX,
  TAG_LIVE,
  TAG_NAME,
  TAG_NAME_BYTES,
  TAG_NAME_BYTES_MAX,
  TAG_STATE,
  TAGS_MAX,
} from '../../native-free-core/assembly/layout.js';

const REFERENCE_BYTES = 8;
const BLOCK_ALIGN_BYTES = 8;

/** Most bytes of the names of one entry, as a record carries them. */
export const NAMES_BYTES_MAX: number = NAMES_FIRST + TAGS_MAX * (NAME_TEXT + TAG_NAME_BYTES_MAX);

/** Bytes of an item with its block of tags, in one chunk. */
export function bytesWithTags(contentBytes: number, tagCount: number): number {
  const start = Math.ceil(contentBytes / BLOCK_ALIGN_BYTES) * BLOCK_ALIGN_BYTES;
  return start + MEMBERS_FIRST + tagCount * MEMBER_BYTES;
}

/** Of an entry whose tags are missing: nothing could invalidate it, so it must not be served. */
export const TAGS_LOST = 'lost';

/** The tags of a file: pages by number, as they were when it was written. */
export class FiledTags {
  readonly #pageBytes: number;
  readonly #pagesAddress: number;
  readonly #pages = new Map<number, Buffer>();

  constructor(pageBytes: number, pagesAddress: number) {
    this.#pageBytes = pageBytes;
    this.#pagesAddress = pagesAddress;
  }

  /** Whether entries of the file may have tags. */
  get areAny(): boolean {
    return this.#pages.size > 0;
  }

  add(page: number, bytes: Uint8Array): void {
    this.#pages.set(page, Buffer.from(bytes));
  }

  /** Where the block of a large item ends, at most; its content alone when it has no tags. */
  endOfLarge(page: DataView, contentBytes: number): number {
    if ((page.getUint8(ITEM_FLAGS) & ITEM_TAGGED) === 0) return contentBytes;
    return this.#largeBlock(contentBytes) + TAG_BLOCK_BYTES_MAX;
  }

  /** The block begins in a further page where the last one lacks room for the largest. */
  #largeBlock(contentBytes: number): number {
    const start = Math.ceil(contentBytes / BLOCK_ALIGN_BYTES) * BLOCK_ALIGN_BYTES;
    const roomBytes = this.#pageBytes - (start % this.#pageBytes);
    return roomBytes < TAG_BLOCK_BYTES_MAX ? start + roomBytes : start;
  }

  /**
   * Names of the tags of an item, as a record carries them; undefined where it has none,
   * `TAGS_LOST` where they cannot be read.
   *
   * @param endByte end of what belongs to the item
   */
  namesOf(
    item: DataView,
    at: number,
    contentBytes: number,
    endByte: number,
  ): Buffer | typeof TAGS_LOST | undefined {
    if ((item.getUint8(at + ITEM_FLAGS) & ITEM_TAGGED) === 0) return undefined;
    const isLarge = item.getUint8(at + ITEM_CLASS) === CLASS_LARGE;
    const block = at + (isLarge ? this.#largeBlock(contentBytes) : bytesWithTags(contentBytes, 0));
    const first = isLarge ? block + MEMBERS_FIRST : block;
    if (first > endByte) return TAGS_LOST;
    const count = item.getUint32(first - MEMBERS_FIRST + MEMBERS_COUNT, true);
    if (count > TAGS_MAX || first + count * MEMBER_BYTES > endByte) return TAGS_LOST;
    const names: Buffer[] = [];
    for (let index = 0; index < count; index++) {
      const reference = item.getUint32(first + index * MEMBER_BYTES + MEMBER_TAG, true);
      const name = this.#nameOf(reference * REFERENCE_BYTES);
      if (name === undefined) return TAGS_LOST;
      names.push(name);
    }
    if (names.length === 0) return undefined;
    const head = Buffer.alloc(NAMES_FIRST);
    head.writeUInt8(names.length, NAMES_COUNT);
    return Buffer.concat([head, ...names]);
  }

  /** A name with its head in a record; undefined when no tag stands at the address. */
  #nameOf(address: number): Buffer | undefined {
    const offset = address - this.#pagesAddress;
    const page = this.#pages.get(Math.floor(offset / this.#pageBytes));
    if (page === undefined) return undefined;
    const at = offset % this.#pageBytes;
    if (at + TAG_NAME > page.length || page.readUInt32LE(at + TAG_STATE) !== TAG_LIVE) {
      return undefined;
    }
    const nameBytes = page.readUInt16LE(at + TAG_NAME_BYTES);
    const end = at + TAG_NAME + nameBytes;
    if (nameBytes === 0 || nameBytes > TAG_NAME_BYTES_MAX || end > page.length) return undefined;
    const name = Buffer.alloc(NAME_TEXT + nameBytes);
    name.writeUInt16LE(nameBytes, NAME_BYTES);
    page.copy(name, NAME_TEXT, at + TAG_NAME, end);
    return name;
  }
}
