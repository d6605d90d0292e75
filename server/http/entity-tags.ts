/** An entity tag of RFC 9110, such as `"5d41402abc4b2a76"`. */
export interface EntityTag {
  /** What stands between the quotes. */
  readonly text: string;
  /** Whether it is marked `W/`: such tags are no proof that all bytes are the same. */
  readonly isWeak: boolean;
}

/** What If-Match or If-None-Match say: any entry, or those with one of some tags. */
export type TagCondition = 'any' | readonly EntityTag[];

const QUOTE = 0x22;
const COMMA = 0x2c;
const SPACE = 0x20;
const TAB = 0x09;
const FIRST_TAG_UNIT = 0x21;
const DELETE = 0x7f;
const LAST_TAG_UNIT = 0xff;

/**
 * Reads `*` or a list of entity tags; empty elements of a list are skipped, as RFC 9110 asks.
 *
 * @returns `undefined` for anything else, also for a list without a tag
 */
export function parseTagCondition(text: string): TagCondition | undefined {
  if (text.trim() === '*') return 'any';
  const tags: EntityTag[] = [];
  let at = 0;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    if (unit === SPACE || unit === TAB || unit === COMMA) {
      at += 1;
      continue;
    }
    const isWeak = text.startsWith('W/', at);
    const start = isWeak ? at + 2 : at;
    const end = findTagEnd(text, start);
    if (end === -1 || !endsElement(text, end + 1)) return undefined;
    tags.push({ text: text.slice(start + 1, end), isWeak });
    at = end + 1;
  }
  return tags.length > 0 ? tags : undefined;
}

/** Where the closing quote of the tag stands that begins here; -1 for no tag. */
function findTagEnd(text: string, start: number): number {
  if (text.charCodeAt(start) !== QUOTE) return -1;
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at;
    if (unit < FIRST_TAG_UNIT || unit === DELETE || unit > LAST_TAG_UNIT) return -1;
  }
  return -1;
}

/** Whether nothing but white space stands before the next comma or the end. */
function endsElement(text: string, from: number): boolean {
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === COMMA) return true;
    if (unit !== SPACE && unit !== TAB) return false;
  }
  return true;
}

/** The weak comparison of RFC 9110, for If-None-Match. */
export function namesWeakly(condition: TagCondition, tag: string): boolean {
  return condition === 'any' || condition.some(({ text }) => text === tag);
}
