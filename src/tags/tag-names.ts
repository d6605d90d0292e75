import {
  MEMBER_BYTES,
  MEMBERS_FIRST,
  NAME_BYTES,
  NAME_TAG,
  NAME_TEXT,
  NAMES_COUNT,
  NAMES_FIRST,
  NAMES_INLINE,
  NAMES_PLACE,
  TAG_NAME_BYTES_MAX,
  TAGS_MAX,
} from '../../native-free-core/assembly/layout.js';
import { describeValue } from '../describe-value.js';
import { invalidTag } from '../errors.js';
import { isWellFormed } from '../well-formed.js';

const BLOCK_ALIGN_BYTES_MAX = 7;

/** Checked names of tags, without repetition, as a record carries them. */
export class TagNames {
  readonly names: ReadonlySet<string>;
  /** Count and names: the NAMES_* and NAME_* fields. */
  readonly section: Buffer;

  constructor(names: ReadonlySet<string>) {
    this.names = names;
    let bytes = NAMES_FIRST;
    for (const name of names) bytes += NAME_TEXT + Buffer.byteLength(name);
    this.section = Buffer.allocUnsafe(bytes);
    this.section[NAMES_COUNT] = names.size;
    this.section[NAMES_PLACE] = NAMES_INLINE;
    let at = NAMES_FIRST;
    for (const name of names) {
      const nameBytes = this.section.write(name, at + NAME_TEXT);
      this.section.writeUInt32LE(0, at + NAME_TAG);
      this.section.writeUInt16LE(nameBytes, at + NAME_BYTES);
      at += NAME_TEXT + nameBytes;
    }
  }

  /** Bytes that the tags take at most in a record, and in a chunk. */
  get inlineBytes(): number {
    const blockBytes = BLOCK_ALIGN_BYTES_MAX + MEMBERS_FIRST + this.names.size * MEMBER_BYTES;
    return Math.max(blockBytes, this.section.byteLength);
  }

  includesAll(other: TagNames): boolean {
    for (const name of other.names) if (!this.names.has(name)) return false;
    return true;
  }
}

function checkTag(tag: unknown, field: string): asserts tag is string {
  if (typeof tag !== 'string') {
    throw invalidTag(field, `must be a string, not ${describeValue(tag)}`);
  }
  if (tag === '') throw invalidTag(field, 'must not be empty');
  // No character takes less than a byte: text this long need not be measured to be refused.
  const isLong = tag.length > TAG_NAME_BYTES_MAX;
  const bytes = isLong ? tag.length : Buffer.byteLength(tag);
  if (bytes > TAG_NAME_BYTES_MAX) {
    const shown = isLong ? `at least ${bytes}` : String(bytes);
    const limit = `at most ${TAG_NAME_BYTES_MAX}`;
    throw invalidTag(field, `is too long: ${shown} bytes of UTF-8, ${limit}`);
  }
  if (!isWellFormed(tag)) {
    throw invalidTag(field, 'is not well-formed UTF-16: a surrogate stands alone');
  }
}

/**
 * The names of a list of tags; undefined when it is empty.
 *
 * @throws {CacheError} `ERR_CACHE_INVALID_TAG`, naming the place of the tag and the limit
 */
export function checkTags(tags: unknown): TagNames | undefined {
  if (!Array.isArray(tags)) {
    throw invalidTag('tags', `must be an array of strings, not ${describeValue(tags)}`);
  }
  const names = new Set<string>();
  // By index: a hole in the list is no string either.
  for (let index = 0; index < tags.length; index++) {
    const tag: unknown = tags[index];
    checkTag(tag, `tags[${index}]`);
    names.add(tag);
    if (names.size > TAGS_MAX) {
      throw invalidTag(`tags[${index}]`, `is one too many: at most ${TAGS_MAX} different tags`);
    }
  }
  return names.size === 0 ? undefined : new TagNames(names);
}

/**
 * The name of one tag.
 *
 * @throws {CacheError} `ERR_CACHE_INVALID_TAG`
 */
export function checkOneTag(tag: unknown): TagNames {
  checkTag(tag, 'tag');
  return new TagNames(new Set([tag]));
}
