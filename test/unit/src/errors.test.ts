import { inspect } from 'node:util';
import { expect, test, vi } from 'vitest';
import {
  type RefusalStatus,
  STATUS_BUSY,
  STATUS_FULL,
  STATUS_MISS,
  STATUS_NO_SLOT,
  STATUS_OK,
  STATUS_OUT_OF_MEMORY,
  STATUS_OUTCOME_UNKNOWN,
  STATUS_PENDING,
  STATUS_REFUSED,
  STATUS_TOO_LARGE,
  STATUS_TOO_MANY_NAMESPACES,
  type Status,
} from '../../../native-free-core/status.js';
import {
  bufferTooSmall,
  CacheError,
  type CacheErrorCode,
  ERROR_CODES,
  engineClosed,
  invalidOptions,
  invalidValue,
  statusError,
  valueTooLarge,
} from '../../../src/errors.js';

test('every code has a cause and a remedy of one sentence', () => {
  const codes = Object.entries(ERROR_CODES);
  expect(codes.length).toBeGreaterThanOrEqual(15);

  for (const [code, entry] of codes) {
    expect(code).toMatch(/^ERR_CACHE_[A-Z_]+$/);
    expect(entry.cause).toMatch(/^[A-Z].+\.$/);
    expect(entry.remedy).toMatch(/^[A-Z].+\.$/);
  }
});

test('an error carries its code, the flag of its code, and its cause', () => {
  const cause = new RangeError('inner');
  const error = new CacheError('ERR_CACHE_OVERLOADED', 'too much', { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ code: 'ERR_CACHE_OVERLOADED', retryable: true, cause });
  expect(error.name).toBe('CacheError');
  expect(error.stack).toMatch(/^CacheError: too much\n/);
  expect(inspect(error)).toContain('ERR_CACHE_OVERLOADED');
  expect('cause' in new CacheError('ERR_CACHE_CLOSED', 'no cause')).toBe(false);
});

test('one error can differ from its code in being retryable', () => {
  const given = new CacheError('ERR_CACHE_OUTCOME_UNKNOWN', 'x', { retryable: true });
  expect(given.retryable).toBe(true);
  expect(new CacheError('ERR_CACHE_OUTCOME_UNKNOWN', 'x').retryable).toBe(false);
});

test('is and instanceof recognise errors of another copy of the library', async () => {
  vi.resetModules();
  const copy = await import('../../../src/errors.js');
  expect(copy.CacheError).not.toBe(CacheError);
  const foreign = new copy.CacheError('ERR_CACHE_BUSY', 'busy');
  expect(foreign instanceof CacheError).toBe(true);
  expect(CacheError.is(foreign)).toBe(true);
  expect(new CacheError('ERR_CACHE_BUSY', 'busy') instanceof copy.CacheError).toBe(true);
});

test('is and instanceof refuse everything else', () => {
  const lookalike = Object.assign(new Error('x'), { code: 'ERR_CACHE_BUSY', retryable: true });
  for (const value of [lookalike, null, undefined, 1, 'CacheError', {}, () => 0]) {
    expect(CacheError.is(value)).toBe(false);
    expect(value instanceof CacheError).toBe(false);
  }
});

test('instanceof of a subclass does not take every CacheError', () => {
  class Narrow extends CacheError {}
  const error = new CacheError('ERR_CACHE_BUSY', 'busy');
  const narrow = new Narrow('ERR_CACHE_BUSY', 'busy');
  expect(error instanceof Narrow).toBe(false);
  expect(narrow instanceof Narrow).toBe(true);
  expect(narrow instanceof CacheError).toBe(true);
});

const refusals: readonly (readonly [RefusalStatus, CacheErrorCode, RegExp])[] = [
  [STATUS_BUSY, 'ERR_CACHE_BUSY', /^set: /],
  [STATUS_FULL, 'ERR_CACHE_OVERLOADED', /^set: /],
  [STATUS_TOO_LARGE, 'ERR_CACHE_VALUE_TOO_LARGE', /900 bytes .*limit of 800 bytes/],
  [STATUS_OUT_OF_MEMORY, 'ERR_CACHE_OUT_OF_MEMORY', /900 bytes/],
  [STATUS_OUTCOME_UNKNOWN, 'ERR_CACHE_OUTCOME_UNKNOWN', /^set: /],
  [STATUS_TOO_MANY_NAMESPACES, 'ERR_CACHE_TOO_MANY_NAMESPACES', /all 4096 namespaces/],
  [STATUS_NO_SLOT, 'ERR_CACHE_TOO_MANY_THREADS', /all 8 thread slots/],
];
const context = {
  operation: 'set',
  valueBytes: 900,
  valueBytesMax: 800,
  namespacesMax: 4096,
  threadsMax: 8,
};

test.each(refusals)('the refusal %i becomes %s', (status, code, message) => {
  const error = statusError(status, context);
  expect(error).toMatchObject({ code, retryable: ERROR_CODES[code].retryable });
  expect(error.message).toMatch(message);
  const bare = statusError(status, { operation: 'set' });
  expect(bare.code).toBe(code);
  expect(bare.message).not.toMatch(/undefined|\d/);
});

test('an unknown outcome is retryable for idempotent commands alone', () => {
  const retryable = (isIdempotent: boolean) =>
    statusError(STATUS_OUTCOME_UNKNOWN, { operation: 'set', isIdempotent }).retryable;
  expect(retryable(true)).toBe(true);
  expect(retryable(false)).toBe(false);
});

test('answers and unknown numbers are faults of the caller', () => {
  for (const status of [STATUS_OK, STATUS_REFUSED, STATUS_PENDING, STATUS_MISS, -99]) {
    expect(() => statusError(status as Status, context)).toThrow(TypeError);
  }
});

test('messages name the numbers and list every problem on its line', () => {
  expect(bufferTooSmall(100, 10).message).toContain('100 bytes, the buffer only 10');
  expect(valueTooLarge('PUT', 9, 8).message).toBe(
    'PUT: the value of 9 bytes is over the limit of 8 bytes',
  );
  expect(engineClosed('get')).toMatchObject({ code: 'ERR_CACHE_CLOSED', retryable: false });
  expect(invalidOptions('options', ['a: x']).message).toBe('invalid options: a: x');
  expect(invalidOptions('options', ['a: x', 'b: y']).message).toBe(
    'invalid options:\n  a: x\n  b: y',
  );
  expect(invalidValue('is bad', { cause: 7 })).toMatchObject({ message: 'value is bad', cause: 7 });
});
