import { ClientError } from './client-error.js';

const KEY_BYTES_MAX = 1_024;
/** A UTF-16 unit takes at most three bytes of UTF-8. */
const BYTES_PER_UNIT_MAX = 3;
const LONE_SURROGATE = /\p{Surrogate}/u;
const utf8 = new TextEncoder();

/**
 * A key, or the text of an invalidation or a subscription, is checked here too, so that one bad key
 * does not fail the batch that others are in.
 *
 * @param field what the caller calls it
 * @throws {ClientError} `ERR_CLIENT_INVALID_KEY`
 */
export function checkKey(key: unknown, field = 'key'): asserts key is string {
  const problem = problemOf(key);
  if (problem !== undefined) throw new ClientError('ERR_CLIENT_INVALID_KEY', `${field} ${problem}`);
}

function problemOf(key: unknown): string | undefined {
  if (typeof key !== 'string') return `must be a string, not ${key === null ? 'null' : typeof key}`;
  if (key.length === 0) return 'must not be empty';
  const mayBeTooLong = key.length * BYTES_PER_UNIT_MAX > KEY_BYTES_MAX;
  if (mayBeTooLong && (key.length > KEY_BYTES_MAX || utf8.encode(key).length > KEY_BYTES_MAX)) {
    return `must have at most ${KEY_BYTES_MAX} bytes of UTF-8`;
  }
  return LONE_SURROGATE.test(key) ? 'must be well-formed UTF-16' : undefined;
}
