import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  CACHE_ERROR_STATUS,
  ClientGoneError,
  errorReply,
  HTTP_ERRORS,
  isInternal,
  MISS_REPLY,
  RequestError,
} from '../../../server/error-table.js';
import { ERROR_CODES } from '../../../src/errors.js';
import { CacheError } from '../../../src/index.js';
import { renewPage } from '../../server/support/errors-page.js';

const PAGE = fileURLToPath(new URL('../../../docs/ERRORS.md', import.meta.url));
const codes = Object.keys(ERROR_CODES) as (keyof typeof ERROR_CODES)[];

describe('the error table', () => {
  test('has a status for every code of the library, and no other', () => {
    expect(Object.keys(CACHE_ERROR_STATUS).sort()).toEqual([...codes].sort());
  });

  test('uses statuses of failures alone, and asks to try again exactly with 429 and 503', () => {
    for (const { status, retryAfterSeconds } of [
      ...Object.values(CACHE_ERROR_STATUS),
      ...Object.values(HTTP_ERRORS),
    ]) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(600);
      expect(retryAfterSeconds !== undefined).toBe(status === 429 || status === 503);
    }
  });

  test.each(codes)('answers %s with its code and message, unless it is internal', (code) => {
    const error = new CacheError(code, `message of ${code}`);
    const reply = errorReply(error);
    expect(reply.status).toBe(CACHE_ERROR_STATUS[code].status);
    const body: unknown = JSON.parse(Buffer.from(reply.body).toString());
    if (isInternal(error)) expect(body).toMatchObject({ error: { code: 'ERR_HTTP_INTERNAL' } });
    else expect(body).toEqual({ error: { code, message: `message of ${code}` } });
  });

  test('adds the headers of a refusal to its own', () => {
    const error = new RequestError('ERR_HTTP_METHOD_NOT_ALLOWED', 'no', {
      headers: [['Allow', 'GET']],
    });
    expect(errorReply(error).headers).toEqual([
      ['Content-Type', 'application/json'],
      ['Allow', 'GET'],
    ]);
  });

  test('marks a miss as one', () => {
    expect(MISS_REPLY.status).toBe(404);
    expect(MISS_REPLY.headers).toContainEqual(['X-Cache-Hit', 'false']);
  });

  test.each([
    ['an error without a code', new Error('secret')],
    ['an error of Node.js', Object.assign(new Error('secret'), { code: 'ENOENT' })],
    ['a code that every object has', Object.assign(new Error('secret'), { code: '__proto__' })],
    ['an aborted client', new ClientGoneError('secret')],
    ['text', 'secret'],
    ['nothing', undefined],
  ])('tells nothing of %s', (_name, error) => {
    const reply = errorReply(error);
    expect(reply.status).toBe(500);
    expect(Buffer.from(reply.body).toString()).not.toContain('secret');
    expect(isInternal(error)).toBe(true);
  });
});

test('docs/ERRORS.md lists what the tables say', () => {
  const page = readFileSync(PAGE, 'utf8');
  const renewed = renewPage(page);
  // HOTSHARD_TEST_RENEW=1 writes the page instead of comparing it.
  if (process.env['HOTSHARD_TEST_RENEW'] === '1') writeFileSync(PAGE, renewed);
  else expect(page).toBe(renewed);
});
