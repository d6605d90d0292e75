import { RequestError } from '../../error-table.js';
import type { RequestHead } from '../../http/request-head.js';

const PRINTABLE = /^[\t\x20-\x7e]*$/;
const SPACES = /[ \t]+/;

/**
 * The tags that a request gives its entry: `X-Cache-Tags` and `Cache-Tag` with commas between them,
 * `Surrogate-Key` with spaces. Empty elements are skipped and repeated ones count once.
 *
 * @throws {RequestError} for bytes whose characters the transport cannot tell
 */
export function readTags({ tagLists, surrogateKeys }: RequestHead): readonly string[] {
  if (tagLists.length === 0 && surrogateKeys.length === 0) return [];
  for (const line of [...tagLists, ...surrogateKeys]) {
    if (PRINTABLE.test(line)) continue;
    throw new RequestError(
      'ERR_CACHE_INVALID_TAG',
      'a tag in a header must be of printable ASCII characters; in JSON any will do',
    );
  }
  const tags = [
    ...tagLists.flatMap((line) => line.split(',')).map((tag) => tag.trim()),
    ...surrogateKeys.flatMap((line) => line.split(SPACES)),
  ];
  return [...new Set(tags.filter((tag) => tag !== ''))];
}
