import type { Operation } from './trace-format.js';

const OPERATION_OF_NAME: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['get', 'get'],
  ['gets', 'get'],
  ['get_lease', 'get'],
  ['set', 'set'],
  ['set_lease', 'set'],
  ['add', 'set'],
  ['replace', 'set'],
  ['cas', 'set'],
  ['append', 'set'],
  ['prepend', 'set'],
  ['incr', 'set'],
  ['decr', 'set'],
  ['delete', 'delete'],
]);

/**
 * What a command of memcached or CacheLib means for a replay: every command that writes is a set.
 * Undefined for other names.
 */
export function operationOfName(name: string): Operation | undefined {
  return OPERATION_OF_NAME.get(name.toLowerCase());
}
