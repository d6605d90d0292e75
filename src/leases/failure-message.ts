import { LEASE_TEXT_BYTES_MAX } from '../../native-free-core/assembly/layout.js';

const CONTINUATION_MASK = 0xc0;
const CONTINUATION = 0x80;

/**
 * What threads that waited are told of a failed load: the message of what was thrown, cut to 200
 * bytes at a character; nothing else of it, no stack and no fields.
 */
export function failureMessage(thrown: unknown): Uint8Array {
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  // No more characters than bytes fit: a huge message is not encoded as a whole.
  const bytes = Buffer.from(text.slice(0, LEASE_TEXT_BYTES_MAX + 1));
  if (bytes.length <= LEASE_TEXT_BYTES_MAX) return bytes;
  let end = LEASE_TEXT_BYTES_MAX;
  while (end > 0 && ((bytes[end] ?? 0) & CONTINUATION_MASK) === CONTINUATION) end -= 1;
  return bytes.subarray(0, end);
}
