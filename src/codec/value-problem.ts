import { types } from 'node:util';
import { type CacheError, invalidValue, valueTooLarge } from '../errors.js';

/**
 * Why no codec carries the value, or `undefined`: the kinds that would silently become something
 * else, such as `{}`. Looks at the value itself, not into it.
 */
export function valueProblem(value: unknown): string | undefined {
  switch (typeof value) {
    case 'undefined':
      return 'must not be undefined, which means a miss; null can be stored';
    case 'function':
      return 'must not be a function';
    case 'symbol':
      return 'must not be a symbol';
    case 'object':
      return value === null || isPlain(value) ? undefined : objectProblem(value);
    default:
      return undefined;
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}

function objectProblem(value: object): string | undefined {
  if (types.isPromise(value)) return 'must not be a promise: await it first';
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) {
    return 'must not be a buffer or a view other than a Uint8Array: pass a Uint8Array of its bytes';
  }
  if (types.isWeakMap(value) || types.isWeakSet(value)) return 'must not be a weak collection';
  return undefined;
}

/** The error for what a codec threw while it encoded or decoded. */
export function codecFailure(action: 'encode' | 'decode', thrown: unknown): CacheError {
  if (thrown instanceof RangeError) {
    if (/call stack/i.test(thrown.message)) {
      return invalidValue('is nested too deeply, or refers to itself', { cause: thrown });
    }
    // "Invalid string length", "Array buffer allocation failed", a buffer over the maximum.
    if (action === 'encode' && /string length|buffer|allocation/i.test(thrown.message)) {
      return valueTooLarge('encode');
    }
  }
  const reason = thrown instanceof Error ? firstLine(thrown.message) : 'something was thrown';
  const doing = action === 'encode' ? 'cannot be encoded' : 'that is stored cannot be decoded';
  return invalidValue(`${doing}: ${reason}`, { cause: thrown });
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? '';
}
