import { describeValue } from './describe-value.js';
import { invalidValue } from './errors.js';

/** The longest content type, in bytes. */
export const CONTENT_TYPE_BYTES_MAX = 127;

// A program sends one content type after another of a few: comparing with the last one is enough.
let lastAccepted = 'application/json';

/**
 * Accepts 1 to 127 bytes of printable ASCII: such text can stand in a header as it is.
 *
 * @throws {CacheError} `ERR_CACHE_INVALID_VALUE`
 */
export function checkContentType(value: string): void {
  if (value === lastAccepted) return;
  if (typeof value !== 'string' || value.length === 0 || value.length > CONTENT_TYPE_BYTES_MAX) {
    throw invalidValue(
      `has the content type ${describeValue(value)}; ` +
        `it must be text of 1 to ${CONTENT_TYPE_BYTES_MAX} bytes`,
    );
  }
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    if (unit < 0x20 || unit > 0x7e) {
      throw invalidValue(
        `has the content type ${describeValue(value)}; ` +
          `character ${index} is not printable ASCII`,
      );
    }
  }
  lastAccepted = value;
}
