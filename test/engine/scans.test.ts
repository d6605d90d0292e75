/** keys(), invalidatePrefix, invalidateGlob: in every set-up of an engine. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { CacheError, createEngine, type Engine, type ScanProgress } from '../../src/index.js';
import { AttachedThread } from '../support/attached-thread.js';
import { ENGINE_KINDS, useEngine } from '../support/engine-kinds.js';
import { holdShards, verifyEngine } from '../support/held-shards.js';
import { settles } from '../support/until.js';

type Filter = Parameters<Engine['keys']>[0];

async function list(keyspace: Pick<Engine, 'keys'>, filter?: Filter): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of keyspace.keys(filter)) keys.push(key);
  return keys.sort();
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`).sort();
}

async function setAll(engine: Pick<Engine, 'set'>, keys: readonly string[]): Promise<void> {
  await Promise.all(keys.map((key) => engine.set(key, `value of ${key}`)));
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return CacheError.is(error) ? error.code : `no CacheError: ${String(error)}`;
}

describe.each(ENGINE_KINDS)('with %s', (_, options) => {
  const shared = useEngine(options);
  beforeEach(() => shared.engine.clear());

  test('keys are listed, all of them, by prefix, or by glob', async () => {
    const { engine } = shared;
    expect(await list(engine)).toEqual([]);
    const all = [...names('user:', 300), ...names('order:', 200), 'é:1', 'é:2', 'x'.repeat(1_024)];
    await setAll(engine, all);
    expect(await list(engine)).toEqual([...all].sort());
    expect(await list(engine, { prefix: 'user:' })).toEqual(names('user:', 300));
    expect(await list(engine, { prefix: 'x'.repeat(1_024) })).toEqual(['x'.repeat(1_024)]);
    expect(await list(engine, { prefix: 'é' })).toEqual(['é:1', 'é:2']);
    expect(await list(engine, { glob: '?:[^2]' })).toEqual(['é:1']);
    expect(await list(engine, { glob: 'user:1?' })).toEqual(names('user:1', 10));
    expect(await list(engine, { glob: '*:1[!0-9]*' })).toEqual([]);
    expect(await list(engine, { prefix: 'none' })).toEqual([]);
  });

  test('exactly what matches is removed, and a second visit finds nothing', async () => {
    const { engine } = shared;
    await setAll(engine, [...names('a:', 500), ...names('b:', 300)]);
    expect(await engine.invalidatePrefix('a:')).toEqual({ deleted: 500, scanned: 800 });
    expect(await engine.invalidatePrefix('a:')).toEqual({ deleted: 0, scanned: 300 });
    expect(engine.get('a:1')).toBeUndefined();
    expect(engine.get('b:1')).toBe('value of b:1');
    expect(await engine.invalidateGlob('b:*[02468]')).toEqual({ deleted: 150, scanned: 300 });
    expect(await engine.invalidateGlob('b:*')).toEqual({ deleted: 150, scanned: 150 });
    expect(await list(engine)).toEqual([]);
    expect(verifyEngine(engine)).toEqual([]);
  });

  test('namespaces do not meet, and what was cleared does not count', async () => {
    const { engine } = shared;
    const one = engine.namespace('scan one');
    const two = engine.namespace('scan two');
    await setAll(one, names('k', 20));
    await setAll(two, names('k', 30));
    expect(await list(two)).toEqual(names('k', 30));
    expect(await one.invalidatePrefix('k')).toEqual({ deleted: 20, scanned: 20 });
    expect(await list(two)).toHaveLength(30);
    await two.clear();
    expect(await list(two)).toEqual([]);
    expect(await two.invalidateGlob('*')).toEqual({ deleted: 0, scanned: 0 });
  });

  test('writes of this thread before the call are heeded, those after it are spared', async () => {
    const { engine } = shared;
    const writes = names('mine:', 400).map((key) => engine.set(key, 'before'));
    const removals = names('mine:', 50).map((key) => engine.delete(key));
    const listing = list(engine, { prefix: 'mine:' });
    expect(await listing).toHaveLength(350);
    const again = names('mine:', 400).map((key) => engine.set(key, 'before'));
    const invalidation = engine.invalidatePrefix('mine:');
    const after = names('mine:', 10).map((key) => engine.set(key, 'after'));
    // Ten were replaced before their turn came: there was nothing of the old left to remove.
    expect(await invalidation).toMatchObject({ deleted: 390 });
    await Promise.all([...writes, ...removals, ...again, ...after]);
    expect(await list(engine)).toEqual(names('mine:', 10));
    expect(engine.get('mine:3')).toBe('after');
  });

  test('large values are removed too, and their memory with them', async () => {
    const { engine } = shared;
    const before = engine.stats().bytes;
    await engine.set('large:1', Buffer.alloc(200_000));
    await engine.set('large:2', Buffer.alloc(300_000));
    expect(await engine.invalidatePrefix('large')).toMatchObject({ deleted: 2 });
    expect(engine.stats().bytes).toBeLessThanOrEqual(before);
  });

  test('another thread scans as well, and sees what this one has written', async () => {
    const { engine } = shared;
    const thread = new AttachedThread(engine.handle());
    await thread.call('attach');
    await setAll(engine, names('both:', 100));
    expect(await thread.call('invalidateGlob', 'both:*[0-4]')).toMatchObject({ deleted: 50 });
    await thread.call('set', 'both:new', 1);
    expect(await list(engine, { prefix: 'both:' })).toHaveLength(51);
    await thread.call('close');
    await thread.terminate();
  });

  test('two scans at once share the entries between them', async () => {
    const { engine } = shared;
    await setAll(engine, names('k', 600));
    const results = await Promise.all([
      engine.invalidatePrefix('k'),
      engine.invalidateGlob('k*'),
      list(engine),
    ]);
    expect(results[0].deleted + results[1].deleted).toBe(600);
    expect(await list(engine)).toEqual([]);
  });

  test('progress is told from the start to the end, and can be looked up', async () => {
    const { engine } = shared;
    await setAll(engine, names('p', 300));
    const told: ScanProgress[] = [];
    const looked: (ScanProgress | undefined)[] = [];
    const onProgress = (progress: ScanProgress): void => {
      told.push(progress);
      looked.push(engine.scan(progress.id));
    };
    await engine.invalidatePrefix('p', { onProgress });
    expect(looked).toEqual(told);
    const [first] = told;
    const last = told.at(-1);
    const shardsTotal = engine.stats().shards.length;
    expect(first).toMatchObject({ state: 'running', deleted: 0, scanned: 0, fraction: 0 });
    expect(last).toMatchObject({
      operation: 'invalidatePrefix',
      pattern: 'p',
      state: 'done',
      deleted: 300,
      expired: 0,
      scanned: 300,
      shardsDone: shardsTotal,
      shardsTotal,
      fraction: 1,
    });
    expect(told.length).toBeGreaterThanOrEqual(shardsTotal + 1);
    const fractions = told.map(({ fraction }) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(engine.scan(first?.id ?? '')).toEqual(last);
    expect(engine.scans().at(-1)).toEqual(last);
    expect(engine.scan('none')).toBeUndefined();
  });

  test('what onProgress throws ends the scan, which rejects with it', async () => {
    const { engine } = shared;
    await setAll(engine, names('t', 50));
    const failure = new Error('of the user');
    let id = '';
    const onProgress = (progress: ScanProgress): void => {
      id = progress.id;
      if (progress.state === 'done') throw failure;
    };
    await expect(engine.invalidatePrefix('t', { onProgress })).rejects.toBe(failure);
    expect(engine.scan(id)).toMatchObject({ state: 'failed', deleted: 50 });
    expect(await engine.invalidatePrefix('t')).toMatchObject({ deleted: 0 });
  });
});

describe('a signal', () => {
  const shared = useEngine({ memory: '16mb', workers: 0, shards: 4 });
  beforeEach(() => shared.engine.clear());

  test('ends the scan where it is, and the message says how far it came', async () => {
    const { engine } = shared;
    await setAll(engine, names('k', 400));
    const controller = new AbortController();
    const reason = new Error('enough');
    let id = '';
    const onProgress = (progress: ScanProgress): void => {
      id = progress.id;
      if (progress.shardsDone === 2) controller.abort(reason);
    };
    const scan = engine.invalidatePrefix('k', { onProgress, signal: controller.signal });
    const error = await scan.catch((cause: unknown) => cause);
    const left = (await list(engine)).length;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(400);
    expect(error).toMatchObject({ code: 'ERR_CACHE_ABORTED', retryable: true, cause: reason });
    const deleted = 400 - left;
    expect((error as Error).message).toBe(
      `invalidatePrefix: aborted; ${deleted} of ${deleted} scanned entries were deleted, ` +
        '2 of 4 shards were through',
    );
    expect(engine.scan(id)).toMatchObject({ state: 'aborted', deleted, shardsDone: 2 });
    expect(await engine.invalidatePrefix('k')).toMatchObject({ deleted: left });
  });

  test('that was aborted before the call keeps it from starting', async () => {
    const { engine } = shared;
    await setAll(engine, names('k', 10));
    const signal = AbortSignal.abort();
    expect(await codeOf(engine.invalidateGlob('*', { signal }))).toBe('ERR_CACHE_ABORTED');
    expect(await list(engine)).toHaveLength(10);
    const keys = engine.keys(undefined, signal);
    expect(await codeOf(keys.next())).toBe('ERR_CACHE_ABORTED');
  });

  test('ends a listing between two keys', async () => {
    const { engine } = shared;
    await setAll(engine, names('k', 10));
    const controller = new AbortController();
    const keys = engine.keys({ prefix: 'k' }, controller.signal);
    expect((await keys.next()).value).toMatch(/^k\d$/);
    controller.abort();
    const error = await keys.next().catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'ERR_CACHE_ABORTED' });
    expect((error as Error).message).toBe('keys: aborted; 1 keys were listed');
    expect(await keys.next()).toEqual({ done: true, value: undefined });
  });

  test('nobody awaits it: an abort is no unhandled rejection and no failed write', async () => {
    const { engine } = shared;
    const before = engine.stats().failedWrites;
    engine.invalidatePrefix('k', { signal: AbortSignal.abort() });
    await new Promise((resolve) => setImmediate(resolve));
    expect(engine.stats().failedWrites).toBe(before);
  });
});

describe('arguments', () => {
  const shared = useEngine({ memory: '8mb', workers: 0 });

  test.each(['', '[', 'tail\\', '{a,b}'.repeat(20), 'a'.repeat(257)])(
    'H38: the glob %j is refused everywhere',
    async (glob) => {
      const { engine } = shared;
      const before = engine.stats().failedWrites;
      expect(await codeOf(engine.invalidateGlob(glob))).toBe('ERR_CACHE_INVALID_PATTERN');
      expect(await codeOf(engine.expireGlob(glob))).toBe('ERR_CACHE_INVALID_PATTERN');
      expect(engine.stats().failedWrites).toBe(before + 2);
      expect(() => engine.keys({ glob })).toThrow(
        expect.objectContaining({ code: 'ERR_CACHE_INVALID_PATTERN' }),
      );
    },
  );

  test('a prefix that is none, options that are none', async () => {
    const { engine } = shared;
    expect(await codeOf(engine.invalidatePrefix(''))).toBe('ERR_CACHE_INVALID_PATTERN');
    expect(await codeOf(engine.expirePrefix(5 as never))).toBe('ERR_CACHE_INVALID_PATTERN');
    for (const options of [
      { onprogress: () => undefined },
      { onProgress: 'x' },
      { signal: {} },
      null,
      [],
    ]) {
      const scan = engine.invalidatePrefix('a', options as never);
      expect(await codeOf(scan)).toBe('ERR_CACHE_INVALID_OPTIONS');
    }
    expect(() => engine.keys({} as never)).toThrow(/filter: must be \{ prefix \} or \{ glob \}/);
    expect(() => engine.keys(undefined, {} as never)).toThrow(/signal: must be an AbortSignal/);
  });
});

describe('beside other work', () => {
  let engine: Engine | undefined;
  afterAll(() => engine?.close());

  test('timers and I/O have their turn while a scan goes on', async () => {
    engine = await createEngine({ memory: '64mb', workers: 0, shards: 1 });
    for (let i = 0; i < 60_000; i++) await engine.set(`key:${i}`, i);
    let turnCount = 0;
    let isOver = false;
    const count = (): void => {
      turnCount += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const counts = await Promise.all([
      engine.expirePrefix('nothing'),
      engine.expireGlob('*nothing*'),
      engine.invalidateGlob('key:*[13579]'),
    ]);
    isOver = true;
    expect(counts[2].deleted).toBe(30_000);
    // Work of many milliseconds, in turns of two; slower machines take more turns.
    expect(turnCount).toBeGreaterThan(2);
  });

  test('the last 64 scans can be looked up', async () => {
    const own = await createEngine({ memory: '8mb', workers: 0 });
    const ids: string[] = [];
    const onProgress = ({ id, state }: ScanProgress): void => {
      if (state === 'done') ids.push(id);
    };
    for (let i = 0; i < 70; i++) await own.invalidatePrefix('x', { onProgress });
    expect(own.scans().map(({ id }) => id)).toEqual(ids.slice(6));
    expect(own.scan(ids[5] as string)).toBeUndefined();
    await own.close();
  });
});

test('shards that are held: scans wait in the ring, in order, and an abort ends them', async () => {
  const engine = await createEngine({ memory: '8mb', workers: 1, shards: 2 });
  await setAll(engine, names('k', 100));
  const letGo = holdShards(engine);
  const controller = new AbortController();
  const writes = names('late:', 20).map((key) => engine.set(key, 1));
  const invalidation = engine.invalidatePrefix('late:');
  const listing = list(engine);
  const aborted = engine.invalidatePrefix('k', { signal: controller.signal });
  controller.abort();
  letGo();
  expect(await settles('the invalidation', invalidation)).toMatchObject({ deleted: 20 });
  await Promise.all(writes);
  expect(await codeOf(settles('the aborted scan', aborted))).toBe('ERR_CACHE_ABORTED');
  expect((await settles('the listing', listing)).filter((key) => key.startsWith('k'))).toEqual(
    names('k', 100),
  );
  await engine.close();
});

test('a closed engine ends scans and starts none', async () => {
  const engine = await createEngine({ memory: '16mb', workers: 0, shards: 4 });
  await setAll(engine, names('k', 3_000));
  const scan = engine.invalidatePrefix('k');
  const keys = engine.keys();
  await keys.next();
  await engine.close();
  expect(await codeOf(scan)).toBe('ERR_CACHE_CLOSED');
  expect(await codeOf(keys.next())).toBe('ERR_CACHE_CLOSED');
  expect(await codeOf(engine.invalidatePrefix('k'))).toBe('ERR_CACHE_CLOSED');
  expect(() => engine.keys()).toThrow(expect.objectContaining({ code: 'ERR_CACHE_CLOSED' }));
});
