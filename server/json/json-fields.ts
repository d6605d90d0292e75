import { nearestName } from '../config/nearest-name.js';
import { RequestError } from '../error-table.js';
import type { JsonValue } from './json-value.js';

/** The members of an object of a request, by name. */
export type JsonFields = ReadonlyMap<string, JsonValue>;

/** Names longer than these are repeated to nobody, nor compared with known ones. */
const NAME_SHOWN_MAX = 40;

/**
 * The members of an object whose names are all known.
 *
 * @param where what the object is called in messages: `the body`, `entries[3]`
 * @throws {RequestError} `ERR_HTTP_INVALID_FIELD`
 */
export function readFields(
  object: JsonValue,
  where: string,
  knownNames: readonly string[],
): JsonFields {
  if (object.kind !== 'object') throw invalidField(where, `must be an object, not ${object.kind}`);
  const fields = new Map<string, JsonValue>();
  for (const [name, value] of object.members()) {
    if (!knownNames.includes(name)) throw unknownName(name, where, knownNames);
    fields.set(name, value);
  }
  return fields;
}

/** @throws {RequestError} `ERR_HTTP_INVALID_FIELD` when it is not there */
export function requireField(fields: JsonFields, name: string, field: string): JsonValue {
  const value = fields.get(name);
  if (value === undefined) throw invalidField(field, 'is missing');
  return value;
}

/** @throws {RequestError} `ERR_HTTP_INVALID_FIELD` when it is no string */
export function readText(value: JsonValue, field: string): string {
  const text = value.asString();
  if (text === undefined) throw invalidField(field, `must be a string, not ${value.kind}`);
  return text;
}

/** `false` where it is not there. */
export function readFlag(fields: JsonFields, name: string): boolean {
  const value = fields.get(name);
  if (value === undefined) return false;
  const flag = value.asBoolean();
  if (flag === undefined) throw invalidField(name, `must be true or false, not ${value.kind}`);
  return flag;
}

/** A refusal that names the field and what is wrong with it. */
export function invalidField(field: string, problem: string): RequestError {
  return new RequestError('ERR_HTTP_INVALID_FIELD', `${field}: ${problem}`);
}

function unknownName(name: string, where: string, knownNames: readonly string[]): RequestError {
  const isShown = /^[a-zA-Z0-9_-]+$/.test(name) && name.length <= NAME_SHOWN_MAX;
  const nearest = isShown ? nearestName(name, knownNames) : undefined;
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  const problem = `has ${isShown ? `${name}, ` : ''}a name that is not known here${hint}`;
  return invalidField(where, `${problem} (known: ${knownNames.join(', ')})`);
}
