import { RequestError } from '../error-table.js';
import { decodeKey, describeKeyProblem } from '../wire.js';

/**
 * The key that a segment of a path names.
 *
 * @throws {RequestError} `ERR_CACHE_INVALID_KEY`
 */
export function readKey(segment: string): string {
  const key = decodeKey(segment);
  if (key === undefined) {
    throw new RequestError('ERR_CACHE_INVALID_KEY', describeKeyProblem(segment));
  }
  return key;
}
