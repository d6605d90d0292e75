const TEXT_UNITS_MAX = 40;

/**
 * A short form of any value for an error message: long text is cut, objects are named by kind,
 * nothing of the value's own code (`toString`, getters) runs.
 */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length <= TEXT_UNITS_MAX
        ? JSON.stringify(value)
        : `${JSON.stringify(value.slice(0, TEXT_UNITS_MAX))}… (${value.length} characters)`;
    case 'bigint':
      return 'a BigInt';
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? 'an array' : 'an object';
    default:
      return String(value);
  }
}
