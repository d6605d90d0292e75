/** Programs that use an engine end by themselves, whatever they do or forget. */
import { describe, expect, test } from 'vitest';
import { type ChildResult, runChild } from '../support/child-run.js';

const KINDS = [
  ['0', 'inplace'],
  ['1', 'inplace'],
  ['1', 'ring'],
  ['2', 'ring'],
] as const;

async function run(...args: readonly string[]): Promise<unknown> {
  const child: ChildResult = await runChild('lifecycle.mjs', args);
  expect(child).toMatchObject({ code: 0, signal: null, stderr: '' });
  return JSON.parse(child.stdout);
}

interface Snapshot {
  readonly resources: readonly string[];
  readonly listeners: readonly (readonly [string, number])[];
}

describe.each(KINDS)('a program with %s workers, writes %s,', (workers, writes) => {
  test('leaves no timer, thread or listener when it has closed', async () => {
    const { value, before, after } = (await run('close', workers, writes)) as {
      readonly value: number;
      readonly before: Snapshot;
      readonly after: Snapshot;
    };
    expect(value).toBe(499);
    expect(after.listeners).toEqual(before.listeners);
    const left = [...after.resources];
    for (const resource of before.resources) {
      const at = left.indexOf(resource);
      if (at >= 0) left.splice(at, 1);
    }
    expect(left).toEqual([]);
  });

  test('may close while its writes are on their way', async () => {
    expect(await run('close at once', workers, writes)).toBe('closed');
  });

  test('ends although it forgets to close', async () => {
    expect(await run('forget to close', workers, writes)).toBe(499);
  });

  test('is kept alive by a write that somebody waits for', async () => {
    expect(await run('forget to await', workers, writes)).toBe(2_999);
  });

  test('may wait for writes at its top level', async () => {
    expect(await run('await at the top level', workers, writes)).toBe(2_998);
  });
});

describe.each(['inplace', 'ring'])('a program with an attached thread, writes %s,', (writes) => {
  test('ends when the thread closes its engine', async () => {
    expect(await run('thread that closes', '1', writes)).toEqual({ value: 299 });
  });

  test('ends when the thread ends without closing', async () => {
    expect(await run('thread that ends without close', '1', writes)).toEqual({ value: 299 });
  });

  test('ends when the thread outlives the engine; its writes are refused', async () => {
    expect(await run('thread that stays', '1', writes)).toEqual({
      value: 299,
      afterwards: 'ERR_CACHE_CLOSED',
    });
  });
});

test('engines opened and closed one after the other leave nothing behind', async () => {
  const resources = (await run('open many', '2', 'ring')) as readonly string[];
  expect(resources.filter((name) => /Timeout|Worker|MessagePort|Immediate/.test(name))).toEqual([]);
});
