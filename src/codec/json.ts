import { types } from 'node:util';
import { describeValue } from '../describe-value.js';
import { CacheError, invalidValue } from '../errors.js';
import { type Codec, ENCODING_JSON } from './codec.js';
import { codecFailure, valueProblem } from './value-problem.js';

/**
 * JSON as `JSON.stringify` writes it: dates become text, members that are `undefined` or functions
 * vanish. What would vanish as a whole is refused instead.
 */
export const jsonCodec: Codec = { kind: 'json', encoding: ENCODING_JSON, encode: encodeJson };

function encodeJson(value: unknown): string {
  const problem = jsonProblem(value);
  if (problem !== undefined) throw invalidValue(problem);
  let text: string | undefined;
  try {
    text = JSON.stringify(value) as string | undefined;
  } catch (thrown) {
    throw isCycle(thrown)
      ? invalidValue('refers to itself, which JSON cannot carry', { cause: thrown })
      : CacheError.is(thrown)
        ? thrown
        : codecFailure('encode', thrown);
  }
  if (text === undefined) throw invalidValue('has a toJSON that returned nothing JSON can carry');
  return text;
}

function jsonProblem(value: unknown): string | undefined {
  if (typeof value === 'bigint') return 'must not be a BigInt, which JSON cannot carry';
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return `must not be ${describeValue(value)}, which JSON turns into null`;
  }
  if ((types.isMap(value) || types.isSet(value)) && !('toJSON' in value)) {
    return 'must not be a Map or Set, which JSON turns into {}';
  }
  return valueProblem(value);
}

function isCycle(thrown: unknown): boolean {
  return thrown instanceof TypeError && thrown.message.includes('circular structure');
}

/** @throws {CacheError} `ERR_CACHE_INVALID_VALUE` when the text is no JSON */
export function decodeJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    throw codecFailure('decode', thrown);
  }
}
