import { RequestError } from '../error-table.js';
import { RecentMap } from '../recent-map.js';
import { decodeKey, describeKeyProblem } from '../wire.js';

const RECENT_KEYS_MAX = 4_096;
const RECENT_SEGMENT_LENGTH_MAX = 256;
/** What segments of hot entries decode to; in each thread. */
const recentKeys = new RecentMap<string>(RECENT_KEYS_MAX, RECENT_SEGMENT_LENGTH_MAX);

/**
 * The key that a segment of a path names.
 *
 * @throws {RequestError} `ERR_CACHE_INVALID_KEY`
 */
export function readKey(segment: string): string {
  const known = recentKeys.get(segment);
  if (known !== undefined) return known;
  const key = decodeKey(segment);
  if (key === undefined) {
    throw new RequestError('ERR_CACHE_INVALID_KEY', describeKeyProblem(segment));
  }
  recentKeys.note(segment, key);
  return key;
}
