/** Namespaces in paths and queries. */
import { RequestError } from '../error-table.js';
import { decodeKey, describeKeyProblem } from '../wire.js';

const NAMESPACE_BYTES_MAX = 128;

/**
 * A namespace in a path, decoded as a key is. `.` and `..` are none: clients take them out of paths
 * before they send them, so they would now and then reach another entry.
 *
 * @throws {RequestError} `ERR_CACHE_INVALID_NAMESPACE`
 */
export function readNamespaceSegment(segment: string): string {
  const name = decodeKey(segment);
  if (name === undefined) {
    const problem = describeKeyProblem(segment).replace('the key', 'the namespace');
    throw invalidNamespace(problem);
  }
  return checkNamespace(name);
}

/** @throws {RequestError} `ERR_CACHE_INVALID_NAMESPACE` */
export function checkNamespace(name: string): string {
  if (name === '') throw invalidNamespace('the namespace is empty');
  if (name === '.' || name === '..') throw invalidNamespace('the namespace is a step of a path');
  if (name.length > NAMESPACE_BYTES_MAX || Buffer.byteLength(name) > NAMESPACE_BYTES_MAX) {
    throw invalidNamespace(`the namespace has more than ${NAMESPACE_BYTES_MAX} bytes`);
  }
  return name;
}

function invalidNamespace(message: string): RequestError {
  return new RequestError('ERR_CACHE_INVALID_NAMESPACE', message);
}
