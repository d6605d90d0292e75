/**
 * Freezes a decoded value and all that it holds. Bytes stay as they are: JavaScript cannot freeze
 * them. Decoded values have no cycles.
 */
export function deepFreeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
