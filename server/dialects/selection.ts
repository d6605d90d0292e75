/** What removes many entries at once: one prefix, one pattern or one tag. */
import type { CacheStore } from '../cache/cache-store.js';
import type { Selection } from '../cache/cache-writes.js';
import { RequestError } from '../error-table.js';
import { invalidField } from '../json/json-fields.js';
import { checkTag } from './body-fields.js';

/** Selectors as requests name them. */
export const SELECTOR_NAMES: readonly string[] = ['pattern', 'prefix', 'tag'];

/** What a request says about the entries that it removes. */
export interface SelectionWish {
  readonly namespace: string;
  /** Of `SELECTOR_NAMES`. */
  readonly selector: string;
  readonly text: string;
  /** Whether it says that removing everything is meant. */
  readonly isConfirmed: boolean;
}

/**
 * The one name among those given.
 *
 * @throws {RequestError} `ERR_HTTP_INVALID_FIELD` for none or several
 */
export function singleSelector(given: readonly string[], known: readonly string[]): string {
  const [selector] = given;
  if (selector === undefined || given.length > 1) {
    const problem = `exactly one must be given, not ${given.join(' and ') || 'none'}`;
    throw invalidField(known.join(', '), problem);
  }
  return selector;
}

/**
 * Checks a selection. What would remove every entry of the namespace must be confirmed.
 *
 * @throws {RequestError} `ERR_HTTP_PRECONDITION_REQUIRED`
 * @throws {CacheError} `ERR_CACHE_INVALID_PATTERN`, `ERR_CACHE_INVALID_TAG`
 */
export function readSelection(store: CacheStore, wish: SelectionWish): Selection {
  const { namespace, selector, text } = wish;
  if (selector === 'tag') return { kind: 'tag', namespace, text: checkTag(text, 'tag') };
  const isPrefix = selector === 'prefix';
  const isEverything = isPrefix ? text === '' : matchesEveryKey(text);
  if (isEverything && !wish.isConfirmed) {
    throw new RequestError(
      'ERR_HTTP_PRECONDITION_REQUIRED',
      `${selector}: is that of every entry; if that is meant, add confirm=true`,
    );
  }
  // The engine takes no empty prefix.
  if (isPrefix && isEverything) return { kind: 'glob', namespace, text: '*' };
  // Checked here too: a namespace that nobody has used yet is not asked.
  store.keys(isPrefix ? { prefix: text } : { glob: text });
  return { kind: isPrefix ? 'prefix' : 'glob', namespace, text };
}

/** Whether the glob is nothing but stars and at most one `?`: no key is empty. */
export function matchesEveryKey(glob: string): boolean {
  let stars = 0;
  let marks = 0;
  for (const character of glob) {
    if (character === '*') stars += 1;
    else if (character === '?') marks += 1;
    else return false;
  }
  return stars > 0 && marks <= 1;
}
