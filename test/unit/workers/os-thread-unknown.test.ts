import { readFileSync, readlinkSync } from 'node:fs';
import { beforeEach, expect, test, vi } from 'vitest';
import { currentThread, isThreadAlive } from '../../../workers/os-thread.js';

/** What the system answers to every question about threads. */
const system = vi.hoisted(() => ({ errorCode: '', hasProc: true }));

vi.mock('node:fs', () => {
  const fail = (): never => {
    throw Object.assign(new Error(system.errorCode), { code: system.errorCode });
  };
  return {
    existsSync: () => system.hasProc,
    readFileSync: vi.fn(fail),
    readlinkSync: vi.fn(fail),
  };
});

beforeEach(() => vi.clearAllMocks());

test('without /proc no thread is known and none is taken for dead', () => {
  Object.assign(system, { errorCode: 'ENOENT', hasProc: false });
  expect(currentThread()).toBeUndefined();
  expect(isThreadAlive(1, 1)).toBe(true);
  expect(readlinkSync).toHaveBeenCalledOnce();
  expect(readFileSync).toHaveBeenCalledOnce();
});

test('with /proc a task that is not there has ended', () => {
  for (const errorCode of ['ENOENT', 'ESRCH']) {
    Object.assign(system, { errorCode, hasProc: true });
    expect(isThreadAlive(1, 1)).toBe(false);
  }
});

test('a system that cannot answer takes no thread for dead', () => {
  for (const errorCode of ['EMFILE', 'ENFILE', 'EACCES', 'ENOMEM']) {
    Object.assign(system, { errorCode, hasProc: true });
    expect(isThreadAlive(1, 1)).toBe(true);
    expect(() => currentThread()).toThrow(errorCode);
  }
});
