import { describeValue } from '../describe-value.js';
import { invalidKey } from '../errors.js';

/** @throws {CacheError} `ERR_CACHE_INVALID_KEY` when it is no array */
export function checkKeys(keys: unknown): void {
  if (!Array.isArray(keys)) throw invalidKey(`list must be an array, not ${describeValue(keys)}`);
}
