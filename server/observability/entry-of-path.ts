import type { OperationName } from '../operation-names.js';
import { decodeKey } from '../wire.js';

/** The entry that an operation was about. */
export interface EntryAddress {
  /** Empty for the default namespace. */
  readonly namespace: string;
  readonly key: string;
}

/** Operations whose path ends in the key of one entry. */
const ENTRY_OPERATIONS: ReadonlySet<OperationName | undefined> = new Set<OperationName>([
  'get',
  'head',
  'set',
  'delete',
  'set_ttl',
]);
/** Paths of one entry that name a namespace before the key. */
const NAMESPACED = '/api/v1/cache/';

/** The entry that a path names; `undefined` where it names none, or none that can be. */
export function findEntryOfPath(
  operation: OperationName | undefined,
  path: string,
): EntryAddress | undefined {
  if (!ENTRY_OPERATIONS.has(operation)) return undefined;
  const keyStart = path.lastIndexOf('/') + 1;
  const key = decodeKey(path.slice(keyStart));
  if (key === undefined) return undefined;
  if (!path.startsWith(NAMESPACED)) return { namespace: '', key };
  const namespace = decodeKey(path.slice(NAMESPACED.length, keyStart - 1));
  return namespace === undefined ? undefined : { namespace, key };
}
